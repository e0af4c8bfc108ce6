// Looking through many and watching what happens: lists by beginning and order, the curve, the event stream.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const https = require('node:https');
const berth = require('./berth.js');

let scope;
let api;
let key;
const ids = Array.from({ length: 25 }, (_, i) => `dev-${String(i).padStart(2, '0')}`);
const get = (target) => berth.good(api('GET', target));
const registerId = (id) => berth.device(scope, id, berth.deriveKey(key, id)).register();

before(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  key = (await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }))).attestation.symmetricKey.primaryKey;
  for (const [i, id] of ids.entries())
    await berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey' }, ...(i % 5 === 0 && { provisioningStatus: 'disabled' }) } }));
});

test('enrollments: page by page in both orders, by their beginning, by what they are', async () => {
  const names = (page) => page.items.map((e) => e.registrationId);
  const first = await get('/berth/enrollments?limit=10');
  assert.deepStrictEqual(names(first), ids.slice(0, 10));
  assert.strictEqual(first.more, true);
  assert.strictEqual(first.total, 25);
  const second = await get(`/berth/enrollments?limit=10&after=${names(first).at(-1)}`);
  assert.deepStrictEqual(names(second), ids.slice(10, 20));
  const last = await get('/berth/enrollments?limit=10&order=desc');
  assert.deepStrictEqual(names(last), ids.slice(15).reverse());
  const back = await get(`/berth/enrollments?limit=10&order=desc&after=${names(second)[0]}`);
  assert.deepStrictEqual(names(back), ids.slice(0, 10).reverse());
  assert.strictEqual(back.more, false);
  assert.deepStrictEqual(names(await get('/berth/enrollments?prefix=DEV-1')), ids.slice(10, 20));
  assert.deepStrictEqual(names(await get('/berth/enrollments?prefix=dev-1&order=desc&limit=3')), ['dev-19', 'dev-18', 'dev-17']);
  assert.deepStrictEqual(names(await get('/berth/enrollments?prefix=dev-1&after=dev-17')), ['dev-18', 'dev-19']);
  assert.deepStrictEqual(names(await get('/berth/enrollments?prefix=dev-1&order=desc&after=dev-11')), ['dev-10']);
  assert.deepStrictEqual((await get('/berth/enrollments?prefix=dev-1')).total, 10);
  assert.deepStrictEqual(names(await get('/berth/enrollments?prefix=x')), []);
  assert.deepStrictEqual(names(await get('/berth/enrollments?status=disabled')), ['dev-00', 'dev-05', 'dev-10', 'dev-15', 'dev-20']);
  assert.strictEqual((await get('/berth/enrollments?status=enabled&limit=1000')).items.length, 20);
  assert.strictEqual((await get('/berth/enrollments?status=enabled&attestation=x509')).items.length, 0);
  assert.strictEqual((await get('/berth/enrollmentGroups')).items[0].enrollmentGroupId, 'presses');
  for (const bad of ['limit=0', 'limit=1001', 'order=up', 'prefix=%20', `after=${'x'.repeat(200)}`]) assert.strictEqual((await api('GET', `/berth/enrollments?${bad}`)).status, 400, bad);
  assert.ok(!JSON.stringify(first).includes('primaryKey'), 'no keys in a list');
});

test('registrations: by hub, group and status; the curve and the totals of the service', async () => {
  const started = Date.now();
  for (let i = 0; i < 12; i++) assert.strictEqual((await registerId(`press-${String(i).padStart(2, '0')}`)).status, 202);
  const mechanism = (await api('POST', '/enrollments/dev-05/attestationmechanism')).body.symmetricKey.primaryKey;
  const off = await berth.device(scope, 'dev-05', mechanism).register();
  assert.strictEqual(off.body.status, 'disabled');
  const all = await get('/berth/registrations');
  assert.strictEqual(all.total, 13);
  const on = async (hub) => (await get(`/berth/registrations?hub=${hub}.berth.test`)).items;
  assert.strictEqual((await on('hub1')).length + (await on('hub2')).length, 12);
  assert.ok((await on('hub1')).every((r) => r.assignedHub === 'hub1.berth.test'));
  assert.strictEqual((await get('/berth/registrations?group=presses&limit=5&order=desc')).items[0].registrationId, 'press-11');
  assert.deepStrictEqual((await get('/berth/registrations?status=disabled')).items.map((r) => r.registrationId), ['dev-05']);
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  const statistics = await berth.eventually(async () => {
    const s = await get('/berth/statistics?minutes=10');
    return sum(s.assigned) === 12 && sum(s.refused) === 1 && s;
  });
  assert.strictEqual(statistics.assigned.length, 10);
  assert.strictEqual(statistics.stepSeconds, 60);
  assert.ok(Date.parse(statistics.from) <= started - 8 * 60000);
  assert.deepStrictEqual(statistics.totals, { enrollments: 25, enrollmentGroups: 1, registrations: 13, byStatus: { assigned: 12, failed: 0, disabled: 1 } });
});

// The event stream, as a browser reads it.
async function watch(service) {
  const resource = await berth.manage('GET', `${berth.arm}/provisioningServices/${service}`);
  const events = [];
  const request = https.request({ host: resource.body.properties.serviceOperationsHostName, port: berth.server().httpsPort, path: '/berth/events?api-version=2021-10-01', agent: false,
    headers: { Authorization: `Bearer ${berth.token()}`, Accept: 'text/event-stream' } });
  request.end();
  const response = await new Promise((resolve, reject) => request.on('response', resolve).on('error', reject));
  let text = '';
  let ended = false;
  response.on('data', (part) => {
    text += part;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const lines = Object.fromEntries(text.slice(0, end).split('\n').filter((l) => !l.startsWith(':')).map((l) => l.split(/: (.*)/s)));
      if (lines.event) events.push({ event: lines.event, data: JSON.parse(lines.data) });
    }
  });
  response.on('error', () => {});
  response.on('close', () => { ended = true; });
  return { response, events, ended: () => ended, close: () => request.destroy() };
}

test('what happens is told as it happens, to everybody who watches that service', async () => {
  const [one, two] = [await watch('dps1'), await watch('dps1')];
  await berth.makeService('dps2', { iotHubs: [{ name: 'hub1' }] });
  const other = await watch('dps2');
  assert.match(one.response.headers['content-type'], /^text\/event-stream/);
  assert.strictEqual(one.response.headers['cache-control'], 'no-store');
  for (let i = 0; i < 30; i++) await registerId(`live-${i}`);
  await berth.device(scope, 'live-x', Buffer.alloc(32).toString('base64')).register();
  for (const watcher of [one, two]) {
    await berth.eventually(() => watcher.events.reduce((n, e) => n + e.data.assigned, 0) === 30 && watcher.events.some((e) => e.data.refused));
    const hubs = {};
    for (const { event, data } of watcher.events) {
      assert.strictEqual(event, 'batch');
      assert.strictEqual(data.service, 'dps1');
      for (const [hub, n] of Object.entries(data.hubs)) hubs[hub] = (hubs[hub] ?? 0) + n;
      for (const device of data.sample) assert.match(device.hub, /^hub[12]\.berth\.test$/);
    }
    assert.strictEqual(Object.values(hubs).reduce((a, b) => a + b, 0), 30);
    assert.strictEqual(watcher.events.flatMap((e) => e.data.refusals)[0].code, 401002);
  }
  assert.deepStrictEqual(other.events, []);
  two.close();
  for (let i = 0; i < 3; i++) await registerId(`later-${i}`);
  await berth.eventually(() => one.events.reduce((n, e) => n + e.data.assigned, 0) === 33);
  one.close();
  other.close();
});

test('a watcher that does not read costs no memory, and a drain does not wait for watchers', async () => {
  const idle = await watch('dps1');
  idle.response.pause();
  for (let i = 0; i < 40; i++) await registerId(`more-${i % 7}`);
  const reading = await watch('dps1');
  await berth.killServer('SIGTERM');
  await berth.eventually(() => reading.ended());
  idle.close();
  await berth.startServer();
});
