// Listening: TLS, virtual hosts, slow and greedy peers, requests that two readers would read differently, drain and reload.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const berth = require('./berth.js');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-listen-'));
const key = Buffer.alloc(32, 5).toString('base64');
let scope;
let api;

// One TLS connection; what came so far is in .text.
function connect(options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: 443, servername: 'global.berth.test', ca: fs.readFileSync(path.join(berth.data, 'ca.pem')), ...options });
    socket.text = '';
    socket.on('data', (part) => { socket.text += part.toString('latin1'); });
    socket.on('error', reject);
    socket.ended = new Promise((done) => socket.on('close', done));
    socket.once('secureConnect', () => resolve(socket));
  });
}

const until = async (condition, ms = 5000) => {
  for (const end = Date.now() + ms; !condition(); await berth.sleep(20)) if (Date.now() > end) throw new Error('it did not happen');
};
const get = (target, extra = '') => `GET ${target} HTTP/1.1\r\nHost: portal.berth.test\r\nAuthorization: Bearer ${berth.token()}\r\n${extra}\r\n`;
const list = `${berth.arm}/IotHubs?api-version=2022-12-12`;
const said = async (text, options) => {
  const socket = await connect(options);
  socket.write(text);
  await Promise.race([socket.ended, until(() => /\r\n\r\n/.test(socket.text))]);
  socket.destroy();
  return Number((/^HTTP\/1\.1 (\d+)/.exec(socket.text) || [0, 0])[1]);
};
const admin = (target) => new Promise((resolve, reject) => {
  http.get({ host: '127.0.0.1', port: 9464, path: target, agent: false }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; });
    response.on('end', () => resolve({ status: response.statusCode, text, type: response.headers['content-type'] }));
  }).on('error', reject);
});

before(async () => {
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  await berth.good(api('PUT', '/enrollments/dev-1', { body: { registrationId: 'dev-1', attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } } } }));
});

test('TLS 1.2 and 1.3, with no name, a strange name, and a client certificate of anybody\'s making', async () => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=anybody', '-days', '1', '-keyout', path.join(folder, 'k.pem'), '-out', path.join(folder, 'c.pem')], { stdio: 'ignore' });
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const socket = await connect({ minVersion: version, maxVersion: version });
    assert.strictEqual(socket.getProtocol(), version);
    socket.destroy();
  }
  await assert.rejects(connect({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }));
  assert.strictEqual(await said(get(list), { servername: '' , checkServerIdentity: () => undefined }), 200);
  assert.strictEqual(await said(get(list), { servername: 'nobody.example', checkServerIdentity: () => undefined }), 200);
  assert.strictEqual(await said(get(list), { cert: fs.readFileSync(path.join(folder, 'c.pem')), key: fs.readFileSync(path.join(folder, 'k.pem')) }), 200);
});

test('requests that come together are answered in their order, on one connection', async () => {
  const socket = await connect();
  socket.write(get(list) + get('/nothing/here') + get(list) + get(`${berth.arm}/provisioningServices/dps1?api-version=1`));
  await until(() => (socket.text.match(/HTTP\/1\.1 /g) || []).length === 4 && socket.text.trim().endsWith('}'));
  assert.deepStrictEqual([...socket.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ['200', '404', '200', '200']);
  socket.destroy();
});

test('a body in chunks, also byte by byte; a long answer comes in chunks', async () => {
  const body = JSON.stringify({ name: 'quite-free' });
  const head = `POST /subscriptions/s/providers/Microsoft.Devices/checkNameAvailability?api-version=1 HTTP/1.1\r\nHost: portal.berth.test\r\nAuthorization: Bearer ${berth.token()}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const text = `${head}${body.length.toString(16)};x=y\r\n${body}\r\n0\r\nTrailer: x\r\n\r\n`;
  assert.strictEqual(await said(text), 200);
  const socket = await connect();
  for (const c of text) socket.write(c);
  await until(() => /nameAvailable/.test(socket.text));
  socket.destroy();
  const twin = { tags: { text: 'x'.repeat(6000) } };
  for (let i = 0; i < 3; i++) await berth.good(api('POST', '/enrollments', { body: { mode: 'create', enrollments: Array.from({ length: 10 }, (_, k) => ({ registrationId: `long-${i}-${k}`, attestation: { type: 'symmetricKey' }, initialTwin: twin })) } }));
  const long = await api('POST', '/enrollments/query', { body: { query: 'SELECT *' } });
  assert.strictEqual(long.headers['transfer-encoding'], 'chunked');
  assert.strictEqual(long.body.length, 31);
});

test('what two readers would read differently is refused, and the connection closed', async () => {
  const forms = {
    'two lengths': 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 'length beside chunked': 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a sign before the length': 'Content-Length: +2\r\n\r\n{}', 'a blank before the colon': 'Content-Length : 2\r\n\r\n{}', 'a folded line': 'X: a\r\n b\r\n\r\n',
    'another coding': 'Transfer-Encoding: gzip, chunked\r\n\r\n', 'a NUL': 'X: a\0b\r\n\r\n', 'two hosts': 'Host: other\r\n\r\n',
  };
  for (const [name, rest] of Object.entries(forms)) {
    const socket = await connect();
    socket.write(`PUT /x HTTP/1.1\r\nHost: portal.berth.test\r\n${rest}`);
    await until(() => /\r\n\r\n/.test(socket.text));
    assert.match(socket.text, /^HTTP\/1\.1 (400|501) /, name);
    assert.match(socket.text, /\r\nConnection: close\r\n/i, name);
    await socket.ended;
  }
  assert.strictEqual(await said('GET /x HTTP/1.1\nHost: portal.berth.test\n\n'), 400, 'bare line feeds');
  assert.strictEqual(await said('GET /x HTTP/1.1\r\n\r\n'), 400, 'no host');
  assert.strictEqual(await said(`GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: h\r\n\r\n`), 431, 'a target beyond its limit');
  assert.strictEqual(await said(`GET /x HTTP/1.1\r\nHost: h\r\n${'A: b\r\n'.repeat(100)}\r\n`), 431, 'too many headers');
  assert.strictEqual(await said(`GET /x HTTP/1.1\r\nHost: h\r\nA: ${'x'.repeat(17000)}\r\n\r\n`), 431, 'a head beyond its limit');
  assert.strictEqual(await said(`PUT /${scope}/registrations/dev-1/register?api-version=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 98305\r\n\r\n`), 413);
});

test('slow peers meet an absolute deadline, whatever they drip', { timeout: 60000 }, async (t) => {
  await Promise.all([
    t.test('no handshake', async () => {
      const socket = net.connect(443, '127.0.0.1');
      const started = Date.now();
      await new Promise((done) => socket.on('close', done).on('error', () => {}));
      assert.ok(Date.now() - started > 5000);
    }),
    t.test('a head, byte by byte', async () => {
      const socket = await connect();
      const drip = setInterval(() => socket.write('G'), 500);
      await socket.ended;
      clearInterval(drip);
      assert.match(socket.text, /^HTTP\/1\.1 (408|400)/);
    }),
    t.test('a body, byte by byte', async () => {
      const socket = await connect();
      socket.write(`PUT /${scope}/registrations/dev-1/register?api-version=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n`);
      const drip = setInterval(() => socket.write(' '), 500);
      await socket.ended;
      clearInterval(drip);
      assert.match(socket.text, /^HTTP\/1\.1 408/);
    }),
  ]);
});

// A strict reader of OpenMetrics text.
function readMetrics(text) {
  assert.ok(text.endsWith('# EOF\n'));
  const families = new Map();
  const samples = [];
  for (const line of text.slice(0, -6).split('\n').filter(Boolean)) {
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|info)$/.exec(line);
    if (type) {
      assert.ok(!families.has(type[1]), `${type[1]} twice`);
      families.set(type[1], type[2]);
    } else if (!/^# HELP [a-zA-Z_:][\w:]* \S/.test(line)) {
      const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+(?:e[-+]?\d+)?|\+Inf)$/.exec(line);
      assert.ok(sample, line);
      const family = [...families.keys()].find((f) => [f, `${f}_total`, `${f}_bucket`, `${f}_sum`, `${f}_count`, `${f}_info`].includes(sample[1]));
      assert.ok(family, `no TYPE for ${sample[1]}`);
      if (families.get(family) === 'counter') assert.ok(sample[1].endsWith('_total'), line);
      samples.push({ name: sample[1], labels: sample[2] || '', value: Number(sample[3]) });
    }
  }
  return samples;
}

test('12.2: health, readiness, and metrics under the names that operators know', async () => {
  const device = berth.device(scope, 'dev-1', key);
  await device.register();
  await berth.device(scope, 'dev-1', Buffer.alloc(32).toString('base64')).register();
  assert.strictEqual((await admin('/healthz')).status, 200);
  assert.strictEqual((await admin('/readyz')).status, 200);
  assert.strictEqual((await admin('/secrets')).status, 404);
  const metrics = await admin('/metrics');
  assert.match(metrics.type, /^application\/openmetrics-text; version=1\.0\.0/);
  const samples = readMetrics(metrics.text);
  const value = (name, ...labels) => samples.filter((s) => s.name === name && labels.every((l) => s.labels.includes(l))).reduce((sum, s) => sum + s.value, 0);
  const service = 'ProvisioningServiceName="dps1"';
  assert.strictEqual(value('RegistrationAttempts_total', service, 'IotHubName="hub1.berth.test"', 'Status="assigned"', 'Protocol="https"'), 1);
  assert.strictEqual(value('RegistrationAttempts_total', service, 'Status="401002"'), 1);
  assert.strictEqual(value('AttestationAttempts_total', service, 'Status="attested"', 'Protocol="https"'), 1);
  assert.strictEqual(value('DeviceAssignments_total', service, 'IotHubName="hub1.berth.test"'), 1);
  assert.ok(value('berth_registration_seconds_count') >= 2);
});

test('a second server on the same data is refused in words', () => {
  let text = '';
  try {
    execFileSync(berth.bin, ['serve', '--data', berth.data, '--https-port', '0', '--admin-listen', '', '--log-format', 'text'], { stdio: ['ignore', 'pipe', 'pipe'] });
    assert.fail('it started');
  } catch (error) {
    text = String(error.stderr);
  }
  assert.match(text, /Another Berth is running on the data folder/);
});

test('SIGHUP: new connections get the new certificate, old ones go on; a broken one changes nothing', async () => {
  const pair = [path.join(folder, 'server.pem'), path.join(folder, 'server.key')];
  const make = (name) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:*.berth.test', '-days', '1', '-keyout', pair[1], '-out', pair[0]], { stdio: 'ignore' });
  const options = { rejectUnauthorized: false };
  const name = async () => {
    const socket = await connect(options);
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };
  const event = async (what, count) => until(() => berth.logLines().filter((l) => l.event === what).length >= count);
  make('first');
  await berth.killServer('SIGTERM');
  await berth.startServer('--tls-certificate', pair[0], '--tls-key', pair[1]);
  const old = await connect(options);
  assert.strictEqual(await name(), 'first');
  make('second');
  process.kill(berth.pid(), 'SIGHUP');
  await event('reloaded', 1);
  assert.strictEqual(await name(), 'second');
  old.write(get(list));
  await until(() => /HTTP\/1\.1 200/.test(old.text));
  old.destroy();
  fs.writeFileSync(pair[0], 'rubbish');
  process.kill(berth.pid(), 'SIGHUP');
  await event('reload-failed', 1);
  assert.match(berth.logLines().filter((l) => l.event === 'reload-failed').pop().reason, /certificate/);
  assert.strictEqual(await name(), 'second');
});

test('limits of connections: all together, and of one peer', async () => {
  await berth.killServer('SIGTERM');
  await berth.startServer('--connections-per-peer', '6', '--threads', '1');
  const open = [];
  let refused = 0;
  for (let i = 0; i < 12; i++)
    await connect().then((socket) => { socket.on('error', () => {}); open.push(socket); }, () => { refused++; });
  assert.ok(open.length >= 6 && open.length <= 7, `${open.length} were let in`);
  assert.ok(refused >= 5);
  for (const socket of open) socket.destroy();
  await berth.sleep(200);
  (await connect()).destroy();
});

test('several addresses, IPv6 among them', async () => {
  await berth.killServer('SIGTERM');
  await berth.startServer('--listen', '127.0.0.1, ::1,127.0.0.3');
  for (const host of ['127.0.0.1', '::1', '127.0.0.3']) (await connect({ host })).destroy();
  await assert.rejects(connect({ host: '127.0.0.4' }));
});

test('SIGTERM: what was asked is answered, the doors close, readiness ends, and the status is 0', async () => {
  await berth.killServer('SIGTERM');
  const server = await berth.startServer();
  server.ref();
  const ended = new Promise((resolve) => server.on('exit', resolve));
  const busy = await connect();
  const text = JSON.stringify({ registrationId: 'dev-1' });
  const token = berth.sas(`${scope}%2Fregistrations%2Fdev-1`, key, { name: 'registration' });
  busy.write(`PUT /${scope}/registrations/dev-1/register?api-version=1 HTTP/1.1\r\nHost: global.berth.test\r\nAuthorization: ${token}\r\nContent-Length: ${text.length}\r\n\r\n${text.slice(0, 5)}`);
  await berth.sleep(100);
  process.kill(berth.pid(), 'SIGTERM');
  await until(() => berth.logLines().some((l) => l.event === 'draining'));
  const ready = await admin('/readyz').catch(() => ({ status: 503 }));
  assert.strictEqual(ready.status, 503);
  await berth.sleep(1200);
  await assert.rejects(connect());
  busy.write(text.slice(5));
  await busy.ended;
  assert.match(busy.text, /^HTTP\/1\.1 202 Accepted/);
  assert.match(busy.text, /"status":"assigned"/);
  assert.strictEqual(await ended, 0);
  await berth.startServer();
});
