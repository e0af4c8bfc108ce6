// The PROXY protocol: devices whose TLS a balancer passes through unopened are where the balancer says. Debian's HAProxy, the SDKs, and bytes.
'use strict';
const { test, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { execFileSync, spawn } = require('node:child_process');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Amqp, AmqpWs } = require('azure-iot-provisioning-device-amqp');
const { Http } = require('azure-iot-provisioning-device-http');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const berth = require('./berth.js');

const HOST = 'global.berth.test';
const DIRECT = '127.0.0.1'; // the server
const BALANCED = '127.0.0.2'; // HAProxy; what HOST is in this test
const BALANCER = '192.0.2.9'; // where HAProxy comes from; listed
const REVERSE = '198.51.100.7'; // a reverse proxy behind HAProxy, whose X-Forwarded-For counts
const places = { zurich: '203.0.113.7', boston: '203.0.113.70', osaka: '203.0.113.130', santos: '203.0.113.200' };
const nairobi = '2001:db8:5::7';
const rows = [
  '203.0.113.0/26 47.38 8.54 CH Zurich', '203.0.113.64/26 42.36 -71.06 US Boston', '203.0.113.128/26 34.69 135.50 JP Osaka',
  '203.0.113.192/26 -23.96 -46.33 BR Santos', '2001:db8:5::/48 -1.29 36.82 KE Nairobi',
];
const locations = ['West Europe', 'eastus2', 'Japan East', '-23.5,-46.6']; // of hub1 to hub4
const key = crypto.randomBytes(32).toString('base64');
const hub = (name) => `${name}.berth.test`;
let folder, scope, api, balancer;

const enroll = (id) =>
  berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } } } }));
const explained = (id) => berth.good(api('GET', `/berth/registrations/${id}/attempts`));
const events = (name) => berth.logLines().filter((line) => line.event === name);
const counted = async (what, protocol) => Number(new RegExp(`^${what}_total\\{protocol="${protocol}"\\} (\\d+)`, 'm').exec(await berth.metrics())[1]);
const refusals = (protocol) => counted('berth_proxy_headers_refused', protocol);

// From now on who connects to HAProxy comes from there: the client need not know.
const move = (place) => execFileSync('ip', ['route', 'replace', 'local', `${BALANCED}/32`, 'dev', 'lo', 'src', place, 'table', 'local']);

// HAProxy passes all ports through, from its own address, with these words for each server.
async function balance(words) {
  const ports = [443, 8883, 5671];
  const file = path.join(folder, 'haproxy.cfg');
  fs.writeFileSync(file, `global\n  maxconn 1000\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n${ports.map((port) =>
    `listen at-${port}\n  bind ${BALANCED}:${port}\n  source ${BALANCER}\n  server berth ${DIRECT}:${port} ${words}\n`).join('')}`);
  const process_ = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  balancer = process_;
  const listens = () => new Promise((resolve) => {
    const socket = net.connect({ host: BALANCED, port: 5671, localAddress: BALANCER }, () => resolve(socket.destroy()));
    socket.on('error', () => resolve(undefined));
  });
  await berth.eventually(() => {
    assert.strictEqual(process_.exitCode, null, 'haproxy has ended');
    return listens();
  });
}

async function unbalance() {
  if (!balancer) return;
  const ended = new Promise((resolve) => balancer.once('exit', resolve));
  balancer.kill('SIGKILL');
  await ended;
  balancer = undefined;
}

// One registration over HTTPS by hand: to an address, or over a connection that there is already.
const put = (id, { to = BALANCED, from, over, headers = {}, sign = key } = {}) =>
  new Promise((resolve, reject) => {
    const authorization = berth.sas(`${scope}%2Fregistrations%2F${id}`, sign, { name: 'registration' });
    const request = https.request({
      method: 'PUT', host: to, port: 443, path: `/${scope}/registrations/${id}/register?api-version=2019-03-31`, servername: HOST, localAddress: from,
      ...(over ? { createConnection: () => over } : { agent: false }), headers: { Host: HOST, Authorization: authorization, 'Content-Type': 'application/json', ...headers },
    }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(parts).toString()) }));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ registrationId: id }));
  });
const landed = (answer) => {
  assert.strictEqual(answer.body.status, 'assigned', JSON.stringify(answer));
  return answer.body.registrationState.assignedHub;
};

// TLS behind a header, from the balancer's address. `slowly`: the header's bytes one by one.
async function openBehind(header, slowly = false) {
  const socket = net.connect({ host: DIRECT, port: 443, localAddress: BALANCER, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  for (const byte of slowly ? header : []) {
    socket.write(Buffer.of(byte));
    await berth.sleep(1);
  }
  if (!slowly) socket.write(header);
  const over = tls.connect({ socket, servername: HOST });
  await new Promise((resolve, reject) => over.once('secureConnect', resolve).once('error', reject));
  return over;
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const binary = (command, family, body) => Buffer.concat([signature, Buffer.of(command, family, body.length >> 8, body.length & 255), body]);
const port = (n) => Buffer.of(n >> 8, n & 255);
const six = Buffer.from('20010db8000500000000000000000007', 'hex');

// What a file of settings says now counts after a reload.
const config = (list) => fs.writeFileSync(path.join(folder, 'berth.ini'), `proxy-protocol = ${list}\n`);
async function reload() {
  const count = () => events('reloaded').length + events('reload-failed').length;
  const before = count();
  process.kill(berth.pid(), 'SIGHUP');
  await berth.eventually(() => count() > before);
  await berth.metrics(); // have been to every loop behind what the reload has for it
}

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'balanced-'));
  execFileSync(path.join(path.dirname(berth.bin), '../test/system/make_mmdb'), [path.join(folder, 'places.mmdb')], { input: `${rows.join('\n')}\n` });
  for (const address of [...Object.values(places), BALANCER, REVERSE]) execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  const hosts = fs.readFileSync('/etc/hosts', 'utf8').replaceAll(` ${HOST}`, '');
  fs.writeFileSync(path.join(folder, 'hosts'), `${hosts}${BALANCED} ${HOST}\n`);
  execFileSync('mount', ['--bind', path.join(folder, 'hosts'), '/etc/hosts']);
  config(`${BALANCER}, 2001:db8:ff::/48`);
  await berth.killServer('SIGTERM');
  await berth.startServer('--geo-database', path.join(folder, 'places.mmdb'), '--trusted-proxies', REVERSE, '--config', path.join(folder, 'berth.ini'));
  for (const [i] of locations.entries()) await berth.makeHub(`hub${i + 1}`);
  const properties = { allocationPolicy: 'GeoLatency', iotHubs: locations.map((location, i) => ({ name: `hub${i + 1}`, location })) };
  scope = (await berth.makeService('dps1', properties)).properties.idScope;
  api = await berth.serviceApi('dps1');
});

afterEach(unbalance);
after(() => fs.rmSync(folder, { recursive: true, force: true }));

// --- the SDKs through HAProxy ---

const nearest = [['osaka', 'hub3'], ['santos', 'hub4'], ['zurich', 'hub1'], ['boston', 'hub2']];
const versions = { 'version 1': 'send-proxy', 'version 2': 'send-proxy-v2', 'version 2 with all that it adds': 'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority' };
const transports = { https: Http, mqtt: Mqtt, amqp: Amqp, 'mqtt-ws': MqttWs, 'amqp-ws': AmqpWs };

for (const [version, words] of Object.entries(versions))
  test(`${version}: devices behind a balancer land on the hub that is near to them, over every transport`, async () => {
    await balance(words);
    for (const [i, [name, Transport]] of Object.entries(transports).entries()) {
      const [place, near] = nearest[i % nearest.length];
      const id = `${name}-${words.replace(/[^a-z0-9]+/g, '-')}`;
      move(places[place]);
      await enroll(id);
      const result = await ProvisioningDeviceClient.create(HOST, scope, new Transport(), new SymmetricKeySecurityClient(id, key)).register();
      assert.strictEqual(result.assignedHub, hub(near), `${name} from ${place}`);
      assert.strictEqual((await explained(id)).sourceAddress, places[place]);
    }
  });

test('who was refused is known by its own address, in the log and in the attempts', async () => {
  await balance('send-proxy-v2');
  await enroll('liar');
  move(places.boston);
  const wrong = crypto.randomBytes(32).toString('base64');
  assert.strictEqual((await put('liar', { sign: wrong })).status, 401);
  await assert.rejects(ProvisioningDeviceClient.create(HOST, scope, new Mqtt(), new SymmetricKeySecurityClient('liar', wrong)).register());
  const { attempts } = await berth.eventually(async () => ((answer) => answer.attempts.length >= 2 && answer)(await explained('liar')));
  for (const one of attempts) assert.match(one.callerIpAddress, /^203\.0\.113\.70:\d+$/);
  const refused = events('refused').filter((line) => line.device === 'liar');
  assert.deepStrictEqual(refused.map((line) => line.protocol), ['https', 'mqtt']);
  for (const line of refused) assert.match(line.peer, /^203\.0\.113\.70:\d+$/);
});

test('a reverse proxy behind the balancer is believed if it is trusted, and others are not', async () => {
  await balance('send-proxy-v2');
  await enroll('behind-both');
  move(REVERSE);
  assert.strictEqual(landed(await put('behind-both', { headers: { 'X-Forwarded-For': places.osaka } })), hub('hub3'));
  assert.strictEqual((await explained('behind-both')).sourceAddress, places.osaka);
  move(places.santos);
  assert.strictEqual(landed(await put('behind-both', { headers: { 'X-Forwarded-For': places.osaka } })), hub('hub4'));
  // the balancer itself is none of those whose X-Forwarded-For counts
  const local = await openBehind(binary(0x20, 0, Buffer.alloc(0)));
  await put('behind-both', { over: local, headers: { 'X-Forwarded-For': places.osaka } });
  local.destroy();
  assert.strictEqual((await explained('behind-both')).sourceAddress, BALANCER);
});

test('a balancer that says nothing is refused, and the log says why', async () => {
  await balance('');
  move(places.osaka);
  await enroll('unheard');
  await assert.rejects(put('unheard'));
  await assert.rejects(ProvisioningDeviceClient.create(HOST, scope, new Mqtt(), new SymmetricKeySecurityClient('unheard', key)).register());
  for (const protocol of ['https', 'mqtts']) {
    const [line] = events('connection-refused').filter((one) => one.protocol === protocol && /--proxy-protocol/.test(one.reason));
    assert.match(line.peer, /^192\.0\.2\.9:\d+$/);
    assert.strictEqual(line.level, 'warn');
    assert.strictEqual(line.reason, 'PROXY header (--proxy-protocol): there is none, TLS begins at once');
    assert.ok((await refusals(protocol)) >= 1);
  }
});

test('looking whether somebody is there is no fault: connecting alone, and with a header', async () => {
  const faults = () => events('connection-refused').filter((line) => /--proxy-protocol/.test(line.reason)).length;
  const before = faults();
  const grows = async (by, from) => berth.eventually(async () => (await counted('berth_handshakes_failed', 'amqps')) >= from + by);
  const accepted = await counted('berth_handshakes_failed', 'amqps');
  await balance('check inter 50ms send-proxy-v2');
  await grows(5, accepted);
  await unbalance();
  const then = await counted('berth_handshakes_failed', 'amqps');
  await new Promise((resolve, reject) => {
    const socket = net.connect({ host: DIRECT, port: 5671, localAddress: BALANCER }, () => resolve(socket.end()));
    socket.on('error', reject);
  });
  await grows(1, then);
  assert.strictEqual(faults(), before);
});

// --- without HAProxy ---

test('who is not listed connects directly, without a header; one that it sends is no header', async () => {
  await enroll('direct');
  assert.strictEqual(landed(await put('direct', { to: DIRECT, from: places.zurich })), hub('hub1'));
  const before = await refusals('https');
  const socket = net.connect({ host: DIRECT, port: 443, localAddress: places.zurich });
  socket.on('error', () => {});
  socket.write(`PROXY TCP4 ${places.osaka} 192.0.2.1 1 443\r\n`);
  const over = tls.connect({ socket, servername: HOST });
  await assert.rejects(new Promise((resolve, reject) => over.once('secureConnect', resolve).once('error', reject).once('close', () => reject(new Error('closed')))));
  assert.strictEqual(await refusals('https'), before);
});

for (const slowly of [false, true])
  test(`headers by hand${slowly ? ', byte by byte' : ''}: IPv6, IPv4, and those that name nobody`, async () => {
    const id = `by-hand-${slowly}`;
    await enroll(id);
    for (const [header, source, near] of [
      [binary(0x21, 0x21, Buffer.concat([six, six, port(4711), port(443)])), nairobi, 'hub1'],
      [Buffer.from(`PROXY TCP6 ${nairobi} 2001:db8::1 4711 443\r\n`), nairobi, 'hub1'],
      [Buffer.from(`PROXY TCP4 ${places.santos} 192.0.2.1 4711 443\r\n`), places.santos, 'hub4'],
      [binary(0x21, 0x11, Buffer.from([203, 0, 113, 130, 192, 0, 2, 1, 0, 1, 1, 187, 4, 0, 3, 1, 2, 3])), places.osaka, 'hub3'],
      [binary(0x20, 0, Buffer.alloc(0)), BALANCER],
      [Buffer.from('PROXY UNKNOWN\r\n'), BALANCER],
    ]) {
      const over = await openBehind(header, slowly);
      const at = landed(await put(id, { over }));
      over.destroy();
      if (near) assert.strictEqual(at, hub(near), source);
      assert.strictEqual((await explained(id)).sourceAddress, source);
    }
  });

test('a bad header is refused in words', async () => {
  for (const [header, why] of [
    [Buffer.from('PROXY TCP4 here there 1 2\r\n'), 'an address in its line does not read'],
    [binary(0x21, 0x11, Buffer.from([203, 0, 113, 130])), 'it is too short for its addresses'],
    [binary(0x21, 0x11, Buffer.from([203, 0, 113, 130, 192, 0, 2, 1, 0, 1, 1, 187, 3, 0, 4, 1, 2, 3, 4])), 'its checksum is another'],
    [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'there is none'],
  ]) {
    await assert.rejects(openBehind(header), undefined, why);
    await berth.eventually(() => events('connection-refused').some((line) => line.reason === `PROXY header (--proxy-protocol): ${why}`));
  }
});

test('health and metrics are not asked for a header', async () => {
  config(`${BALANCER}, 127.0.0.1`);
  await reload();
  assert.match(await berth.metrics(), /berth_proxy_headers_refused_total/);
  config(BALANCER);
  await reload();
});

test('a reload takes another list; a bad one leaves the former', async () => {
  await enroll('reloaded');
  config('everybody');
  await reload();
  assert.match(events('reload-failed').pop().reason, /--proxy-protocol wants addresses or networks .*everybody/);
  await balance('send-proxy-v2');
  move(places.santos);
  assert.strictEqual(landed(await put('reloaded')), hub('hub4'));
  await unbalance();
  config('');
  await reload();
  await balance('');
  landed(await put('reloaded'));
  assert.strictEqual((await explained('reloaded')).sourceAddress, BALANCER);
});
