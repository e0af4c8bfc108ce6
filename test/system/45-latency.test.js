// Lowest latency (service-api.md 7.2): the hub nearest to where the device's address is, by a database of places made here; proxies that are
// believed and others that are not; round trips where no place is known; and the explanation of all that.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { execFileSync } = require('node:child_process');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { AmqpWs } = require('azure-iot-provisioning-device-amqp');
const { MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const berth = require('./berth.js');
const { FarHub, certificate, moods } = require('./far_hub.js');

const HOST = 'global.berth.test';
const PROXY = '192.0.2.9'; // trusted
const STRANGER = '192.0.2.10'; // not
// Where devices are: documentation networks (RFC 5737, RFC 3849) placed on four continents.
const places = { zurich: '203.0.113.7', boston: '203.0.113.70', osaka: '203.0.113.130', santos: '203.0.113.200' };
const sixes = { nairobi: '2001:db8:5::7', osaka: '2001:db8:8::7' };
const rows = [
  '203.0.113.0/26 47.38 8.54 CH Zurich', '203.0.113.64/26 42.36 -71.06 US Boston', '203.0.113.128/26 34.69 135.50 JP Osaka',
  '203.0.113.192/26 -23.96 -46.33 BR Santos', '2001:db8:5::/48 -1.29 36.82 KE Nairobi', '2001:db8:8::/48 34.69 135.50 JP Osaka',
  '198.51.100.0/24 1000 0 FR Somewhere',
];
const locations = ['West Europe', 'eastus2', 'Japan East', '-23.5,-46.6']; // of hub1 to hub4
const nearest = { zurich: 'hub1', boston: 'hub2', osaka: 'hub3', santos: 'hub4' };
const key = crypto.randomBytes(32).toString('base64');
const far = [];
let folder, database, scope, api, more;

function makeDatabase(file, lines) {
  // In its place at once: a server may have the former one mapped.
  execFileSync(path.join(path.dirname(berth.bin), '../test/system/make_mmdb'), [`${file}.new`], { input: `${lines.join('\n')}\n` });
  fs.renameSync(`${file}.new`, file);
}

const enroll = (id, fields = {}) =>
  berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } }, ...fields } }));
const authorization = (id) => berth.sas(`${scope}%2Fregistrations%2F${id}`, key, { name: 'registration' });
// From an address, perhaps through a proxy that says so.
const register = async (id, { from, headers = {} } = {}) => {
  const answer = await berth.ask('PUT', HOST, `/${scope}/registrations/${id}/register?api-version=2019-03-31`,
    { headers: { Authorization: authorization(id), ...headers }, body: { registrationId: id }, from });
  assert.strictEqual(answer.body && answer.body.status, 'assigned', answer.text);
  return answer.body.registrationState.assignedHub;
};
const hub = (name) => `${name}.berth.test`;
const explain = (body) => berth.good(api('POST', '/berth/allocation/explain', { body }));
const of = (answer, name) => answer.hubs.find((one) => one.name === hub(name));
const reload = async () => {
  const count = () => berth.logLines().filter((l) => l.event === 'reloaded' || l.event === 'reload-failed').length;
  const before = count();
  process.kill(Number(fs.readFileSync(path.join(berth.data, 'server.pid'), 'utf8')), 'SIGHUP');
  await berth.eventually(() => count() > before);
  return berth.logLines().filter((l) => l.event === 'reloaded' || l.event === 'reload-failed').pop();
};

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'places-'));
  database = path.join(folder, 'places.mmdb');
  makeDatabase(database, rows);
  const well = certificate(folder, 'well', [1, 2].map((i) => `hub${i}.elsewhere.test`));
  fs.writeFileSync(path.join(folder, 'trust.pem'), well.cert);
  for (const address of [...Object.values(places), PROXY, STRANGER, '198.51.100.1']) execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  more = ['--geo-database', database, '--trusted-proxies', `${PROXY}, 2001:db8:ff::/48`, '--ca', path.join(folder, 'trust.pem')];
  await berth.killServer('SIGTERM');
  await berth.startServer(...more);
  for (const [i] of locations.entries()) await berth.makeHub(`hub${i + 1}`);
  const properties = { allocationPolicy: 'GeoLatency', iotHubs: locations.map((location, i) => ({ name: `hub${i + 1}`, location })) };
  scope = (await berth.makeService('dps1', properties)).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(async () => {
  for (const one of far) await one.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

for (const [place, name] of Object.entries(nearest))
  test(`a device in ${place} gets ${name}, and stays there`, async () => {
    const id = `dev-${place}`;
    await enroll(id);
    assert.strictEqual(await register(id, { from: places[place] }), hub(name));
    assert.strictEqual(await register(id, { from: places[place] }), hub(name));
    const assigned = berth.logLines().filter((l) => l.event === 'assigned' && l.device === id).shift();
    assert.match(assigned.because, /^geoLatency over 4 hubs: .* km\)/);
  });

test('a device that has travelled moves to the hub that is near now', async () => {
  await enroll('traveller', { reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true } });
  assert.strictEqual(await register('traveller', { from: places.zurich }), hub('hub1'));
  assert.strictEqual(await register('traveller', { from: places.osaka }), hub('hub3'));
});

test('a proxy that is trusted is believed: in both headers, for IPv4 and IPv6, and only what it has added itself', async () => {
  await enroll('behind');
  for (const [headers, name] of [
    [{ 'X-Forwarded-For': places.osaka }, 'hub3'],
    [{ 'X-Forwarded-For': `${places.osaka}, ${places.santos}` }, 'hub4'],
    [{ 'X-Forwarded-For': `${places.zurich}, ${places.boston}, ${PROXY}` }, 'hub2'],
    [{ Forwarded: `for="[${sixes.osaka}]:4711";proto=https` }, 'hub3'],
    [{ Forwarded: `for=${places.zurich}, for=${places.boston}` }, 'hub2'],
  ]) assert.strictEqual(await register('behind', { from: PROXY, headers }), hub(name), JSON.stringify(headers));
  const explained = await berth.good(api('GET', '/berth/registrations/behind/attempts'));
  assert.strictEqual(explained.sourceAddress, places.boston);
});

test('others are not: their own address counts', async () => {
  await enroll('liar');
  assert.strictEqual(await register('liar', { from: places.zurich, headers: { 'X-Forwarded-For': places.osaka, Forwarded: `for=${places.osaka}` } }), hub('hub1'));
  const refused = await berth.ask('PUT', HOST, `/${scope}/registrations/liar/register?api-version=2019-03-31`,
    { headers: { Authorization: berth.sas(`${scope}%2Fregistrations%2Fliar`, 'AAAA', { name: 'registration' }), 'X-Forwarded-For': places.osaka }, body: {}, from: STRANGER });
  assert.strictEqual(refused.status, 401);
  const seen = await berth.eventually(async () => (await berth.good(api('GET', '/berth/registrations/liar/attempts'))).attempts[0]);
  assert.match(seen.callerIpAddress, new RegExp(`^${STRANGER.replaceAll('.', '\\.')}:`));
});

// A reverse proxy as plants have one: it takes the devices' TLS, and opens its own to the server, from an address that is trusted.
async function openProxy(name, client) {
  const at = (file) => path.join(folder, file);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('proxy.key'), '-out', at('proxy.csr'));
  fs.writeFileSync(at('proxy.ext'), `subjectAltName=DNS:${name}`);
  openssl('x509', '-req', '-in', at('proxy.csr'), '-CA', path.join(berth.data, 'ca.pem'), '-CAkey', path.join(berth.data, 'ca.key'), '-set_serial', '7', '-days', '2',
    '-extfile', at('proxy.ext'), '-out', at('proxy.pem'));
  const server = https.createServer({ key: fs.readFileSync(at('proxy.key')), cert: fs.readFileSync(at('proxy.pem')) });
  server.on('upgrade', (request, below, first) => {
    const up = tls.connect({ host: '127.0.0.1', port: 443, servername: HOST, localAddress: PROXY }, () => {
      const headers = { ...request.headers, host: HOST, 'x-forwarded-for': client };
      up.write(`GET ${request.url} HTTP/1.1\r\n${Object.entries(headers).map(([header, value]) => `${header}: ${value}\r\n`).join('')}\r\n`);
      up.write(first);
      up.pipe(below).pipe(up);
    });
    up.on('error', () => below.destroy());
    below.on('error', () => up.destroy());
  });
  await new Promise((resolve) => server.listen(443, '127.0.0.2', resolve));
  return server;
}

for (const [name, Transport] of [['mqtt-ws', MqttWs], ['amqp-ws', AmqpWs]])
  test(`${name}: the SDK behind a trusted proxy is where the proxy says`, async () => {
    const id = `sdk-${name}`;
    await enroll(id);
    const proxy = await openProxy('place.elsewhere.test', places.osaka);
    const result = await ProvisioningDeviceClient.create('place.elsewhere.test', scope, new Transport(), new SymmetricKeySecurityClient(id, key)).register();
    proxy.closeAllConnections();
    proxy.close();
    assert.strictEqual(result.assignedHub, hub('hub3'));
  });

test('explain tells the place, the distances, and why each hub is or is not the one', async () => {
  const answer = await explain({ address: places.zurich });
  assert.strictEqual(answer.policy, 'geoLatency');
  assert.strictEqual(answer.hub, hub('hub1'));
  assert.deepStrictEqual(answer.place, { latitude: 47.38, longitude: 8.54, source: 'database', name: 'Zurich, CH' });
  assert.deepStrictEqual([of(answer, 'hub1').distanceKm, of(answer, 'hub1').reason, of(answer, 'hub1').eligible], [613, 'It is the nearest.', true]);
  assert.match(of(answer, 'hub3').reason, /^It is \d+ km farther than the nearest\.$/);
  assert.deepStrictEqual([of(answer, 'hub4').latitude, of(answer, 'hub4').longitude], [-23.5, -46.6]);
  assert.strictEqual((await explain({ address: `[${sixes.nairobi}]:1` })).hub, hub('hub1'));
  assert.strictEqual((await explain({ address: sixes.osaka })).hub, hub('hub3'));
  assert.strictEqual((await explain({ address: `::ffff:${places.santos}` })).hub, hub('hub4'));
});

test('explain without a place says why there is none, and what decides then', async () => {
  for (const [address, why] of [['192.168.1.7', /private address/], ['::1', /this machine's own/], ['8.8.8.8', /does not know the address/], ['198.51.100.1', /no coordinates/]]) {
    const answer = await explain({ address });
    assert.strictEqual(answer.place, null);
    assert.match(answer.placeReason, why);
    assert.doesNotMatch(answer.sentence, /km/);
    assert.ok(answer.hub);
  }
});

test('explain of a device that has registered knows where it was, its enrollment and its hub', async () => {
  const answer = await explain({ registrationId: 'dev-osaka' });
  assert.deepStrictEqual([answer.address, answer.hub], [places.osaka, hub('hub3')]);
  await enroll('only-two', { allocationPolicy: 'geoLatency', iotHubs: [hub('hub1'), hub('hub2')] });
  const two = await explain({ address: places.osaka, registrationId: 'only-two' });
  assert.ok([hub('hub1'), hub('hub2')].includes(two.hub));
  assert.deepStrictEqual([of(two, 'hub3').eligible, of(two, 'hub3').reason], [false, 'The enrollment does not name it.']);
  const hashed = await explain({ address: places.osaka, allocationPolicy: 'hashed' });
  assert.match(hashed.sentence, /^hashed over 4 hubs/);
});

test('what cannot be explained is refused in words', async () => {
  for (const [body, status, why] of [
    [{ address: 'here' }, 400, /"here" is no IPv4 or IPv6 address/], [{ address: 7 }, 400, /takes an object/], [{ allocationPolicy: 'best' }, 400, /hashed, geoLatency/],
    [{ registrationId: 'a b' }, 400, /not a valid one/], [{ enrollment: 'nobody' }, 404, /not found/],
  ]) {
    const answer = await api('POST', '/berth/allocation/explain', { body });
    assert.strictEqual(answer.status, status, answer.text);
    assert.match(answer.body.message, why);
  }
});

test('the CLI explains', () => {
  const cli = (...args) => execFileSync(berth.bin, ['allocation', 'explain', ...args], { env: { ...process.env, BERTH_DATA: berth.data, HOME: folder } }).toString();
  const text = cli('--data', berth.data, '--address', places.santos, '--output', 'table');
  assert.match(text, /^hub4\.berth\.test\ngeoLatency over 4 hubs/);
  assert.match(text, /203\.0\.113\.200 is in Santos, BR \(-24\.0, -46\.3\)\./);
  assert.match(text, /hub1\.berth\.test +West Europe +9\d\d\d/);
  assert.strictEqual(JSON.parse(cli('--data', berth.data, '--address', sixes.osaka, '--output', 'json')).hub, hub('hub3'));
});

test('a reload takes another database; a bad one leaves the former', async () => {
  makeDatabase(database, [...rows, '198.51.100.0/24 35.68 139.77 JP Tokyo']);
  assert.strictEqual((await reload()).event, 'reloaded');
  assert.strictEqual((await explain({ address: '198.51.100.1' })).place.name, 'Tokyo, JP');
  fs.writeFileSync(`${database}.new`, 'this is no database');
  fs.renameSync(`${database}.new`, database);
  const failed = await reload();
  assert.strictEqual(failed.event, 'reload-failed');
  assert.match(failed.reason, /database of places .*places\.mmdb/);
  assert.strictEqual((await explain({ address: '198.51.100.1' })).place.name, 'Tokyo, JP');
  makeDatabase(database, rows);
  assert.strictEqual((await reload()).event, 'reloaded');
});

test('a server does not start with a bad database or a bad network, and says why', () => {
  const start = (...flags) => {
    try {
      execFileSync(berth.bin, ['serve', '--data', path.join(folder, 'other'), '--https-port', '0', '--mqtts-port', '0', '--amqps-port', '0', '--admin-listen', '', ...flags], { stdio: 'pipe', timeout: 20000 });
    } catch (error) {
      return String(error.stderr);
    }
    return 'it has started';
  };
  assert.match(start('--geo-database', path.join(folder, 'nothing.mmdb')), /nothing\.mmdb cannot be used/);
  assert.match(start('--trusted-proxies', 'everybody'), /--trusted-proxies wants addresses or networks .*everybody/);
});

// --- by round trips ---

test('where no place is known the hub with the shorter round trip is chosen, once both are measured', async () => {
  const well = { key: fs.readFileSync(path.join(folder, 'well.key')), cert: fs.readFileSync(path.join(folder, 'well.pem')) };
  for (const [i, delay] of [[0, 300], [1, 0]]) {
    const one = await new FarHub(`hub${i + 1}.elsewhere.test`, 9001 + i, well).open();
    one.mood = moods.late(delay);
    far.push(one);
  }
  const properties = { allocationPolicy: 'GeoLatency', iotHubs: far.map((one) => ({ connectionString: one.connectionString(), location: 'the cellar' })) };
  scope = (await berth.makeService('dps2', properties)).properties.idScope;
  api = await berth.serviceApi('dps2');
  // Each loop measures for itself, and a hub that was not measured may be near: so some devices go to each.
  for (let i = 0; i < 40; i++) {
    await enroll(`probe-${i}`);
    await berth.device(scope, `probe-${i}`, key).settle();
  }
  const answer = await explain({ address: places.zurich });
  assert.match(answer.sentence, /geoLatency over 2 hubs: .* ms\)/);
  for (let i = 0; i < 10; i++) {
    await enroll(`last-${i}`);
    assert.strictEqual(await register(`last-${i}`, { from: places.zurich }), 'hub2.elsewhere.test');
  }
  const slow = answer.hubs.find((one) => one.name === 'hub1.elsewhere.test');
  assert.ok(slow.roundTripMs === undefined || slow.roundTripMs >= 250, JSON.stringify(slow));
});
