// What the portal asks beyond the original's APIs: how devices would spread, how linked hubs are doing, a link tried before it is made,
// entries from a file, and where a device has been.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const berth = require('./berth.js');
const { FarHub, certificate, moods } = require('./far_hub.js');

let scope;
let api;
let hub;
const post = (target, body) => api('POST', target, { body });

before(async () => {
  const credentials = certificate(berth.data, 'elsewhere', ['hub1.elsewhere.test']);
  fs.writeFileSync(path.join(berth.data, 'elsewhere-ca.pem'), credentials.cert);
  hub = await new FarHub('hub1.elsewhere.test', 8493, credentials).open();
  await berth.killServer('SIGTERM');
  await berth.startServer('--ca', path.join(berth.data, 'elsewhere-ca.pem'));
  for (const name of ['hub1', 'hub2']) await berth.makeHub(name);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(() => hub.close());

test('a preview spreads devices as the policy would, by weight, and says when it cannot', async () => {
  const hubs = [{ name: 'hub1.berth.test', allocationWeight: 3 }, { name: 'hub2.berth.test' }, { name: 'hub3.berth.test', applyAllocationPolicy: false }];
  const even = await berth.good(post('/berth/allocation/preview', { allocationPolicy: 'Hashed', iotHubs: hubs, devices: 20000 }));
  assert.deepStrictEqual(even.hubs.map((h) => h.name), hubs.map((h) => h.name));
  assert.strictEqual(even.hubs.reduce((n, h) => n + h.devices, 0), 20000);
  assert.strictEqual(even.hubs[2].devices, 0);
  assert.ok(Math.abs(even.hubs[0].share - 0.75) < 0.02, JSON.stringify(even));
  const none = await berth.good(post('/berth/allocation/preview', { allocationPolicy: 'Hashed', iotHubs: [], devices: 5 }));
  assert.strictEqual(none.unplaced, 5);
  assert.ok(none.sentence.length > 10);
  for (const bad of [{}, { iotHubs: {} }, { iotHubs: [{}] }, { iotHubs: [], devices: 0 }, { iotHubs: [], devices: 100001 }, { iotHubs: [], allocationPolicy: 'Odd' }, { iotHubs: [{ name: 'x', allocationWeight: 0 }] }])
    assert.strictEqual((await post('/berth/allocation/preview', bad)).status, 400, JSON.stringify(bad));
});

test('a link is tried before it is made, and linked hubs say how they are', async () => {
  const tried = await berth.good(post('/berth/linkTest', { connectionString: hub.connectionString() }));
  assert.strictEqual(tried.reachable, false, tried.sentence); // it knows no /statistics
  assert.match(tried.sentence, /404|not/i);
  hub.mood = (request, response, act) => (request.url.startsWith('/statistics') ? FarHub.say(response, [200, { totalDeviceCount: 0 }]) : FarHub.say(response, act()));
  const well = await berth.good(post('/berth/linkTest', { connectionString: hub.connectionString() }));
  assert.strictEqual(well.reachable, true, well.sentence);
  assert.strictEqual(typeof well.milliseconds, 'number');
  hub.mood = moods.unavailable;
  assert.strictEqual((await berth.good(post('/berth/linkTest', { connectionString: hub.connectionString() }))).reachable, false);
  assert.strictEqual((await berth.good(post('/berth/linkTest', { name: 'hub1' }))).reachable, true);
  assert.strictEqual((await post('/berth/linkTest', { name: 'nowhere' })).status, 404);
  assert.strictEqual((await post('/berth/linkTest', { connectionString: 'x' })).status, 400);
  assert.strictEqual((await post('/berth/linkTest', {})).status, 400);
  hub.mood = null;
  const links = await berth.good(api('GET', '/berth/linkedHubs'));
  assert.deepStrictEqual(links.map((l) => [l.name, l.weight, l.apply, l.hosted, l.devices]), [['hub1.berth.test', 1, true, true, 0], ['hub2.berth.test', 1, true, true, 0]]);
});

test('entries from a file: judged row by row, dry or in earnest', async () => {
  const entry = (id, more = {}) => ({ registrationId: id, attestation: { type: 'symmetricKey' }, ...more });
  const entries = [entry('in-1'), entry('in-2', { deviceId: 'two' }), entry('bad id'), entry('in-1'), entry('in-3', { iotHubs: ['hub9.berth.test'], allocationPolicy: 'static' }), { x: 1 }];
  const dry = await berth.good(post('/berth/enrollments/import?dryRun=true', { entries }));
  assert.deepStrictEqual([dry.created, dry.updated, dry.skipped, dry.failed], [2, 0, 0, 4]);
  assert.deepStrictEqual(dry.rows.map((r) => r.result), ['created', 'created', 'failed', 'failed', 'failed', 'failed']);
  assert.match(dry.rows[3].message, /earlier row/);
  assert.match(dry.rows[4].message, /hub9/);
  assert.strictEqual((await berth.good(api('GET', '/berth/enrollments'))).total, 0);
  const done = await berth.good(post('/berth/enrollments/import', { entries }));
  assert.deepStrictEqual([done.created, done.failed], [2, 4]);
  assert.strictEqual((await berth.good(api('GET', '/enrollments/in-2'))).deviceId, 'two');
  const keyOf = async () => (await post('/enrollments/in-1/attestationmechanism')).body.symmetricKey.primaryKey;
  const key = await keyOf();
  const again = await berth.good(post('/berth/enrollments/import', { entries: [entry('in-1', { deviceId: 'one' })] }));
  assert.deepStrictEqual([again.created, again.updated], [0, 1]);
  assert.strictEqual(await keyOf(), key, 'a key that was left out stays');
  assert.strictEqual((await berth.good(post('/berth/enrollments/import?existing=skip', { entries: [entry('in-1'), entry('in-4')] }))).skipped, 1);
  assert.match((await berth.good(post('/berth/enrollments/import?existing=fail', { entries: [entry('in-1')] }))).rows[0].message, /exist/i);
  const many = await berth.good(post('/berth/enrollments/import', { entries: Array.from({ length: 500 }, (_, i) => entry(`many-${i}`)) }));
  assert.strictEqual(many.created, 500);
  assert.strictEqual((await post('/berth/enrollments/import', { entries: Array.from({ length: 501 }, (_, i) => entry(`more-${i}`)) })).status, 400);
  assert.strictEqual((await post('/berth/enrollments/import?existing=perhaps', { entries: [] })).status, 400);
  const groups = await berth.good(post('/berth/enrollmentGroups/import', { entries: [{ enrollmentGroupId: 'g1', attestation: { type: 'symmetricKey' } }] }));
  assert.strictEqual(groups.created, 1);
});

test('where a device has been, and what went wrong on the way, the latest first', async () => {
  const history = () => berth.good(api('GET', '/berth/registrations/in-1/history'));
  const key = (await post('/enrollments/in-1/attestationmechanism')).body.symmetricKey.primaryKey;
  const put = (hubName) => berth.good(api('PUT', '/enrollments/in-1', { headers: { 'If-Match': '*' }, body: { registrationId: 'in-1', attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } }, allocationPolicy: 'static', iotHubs: [hubName], reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true } } }));
  await put('hub1.berth.test');
  const device = berth.device(scope, 'in-1', key);
  await device.register();
  await device.register(); // it stays: nothing to remember
  await berth.device(scope, 'in-1', Buffer.alloc(32).toString('base64')).register();
  await put('hub2.berth.test');
  await device.register();
  const all = await berth.eventually(async () => {
    const h = await history();
    return h.length >= 3 && h;
  });
  assert.deepStrictEqual(all.map((e) => [e.what, e.hub ?? e.check]), [['moved', 'hub2.berth.test'], ['refused', 'token-signature'], ['assigned', 'hub1.berth.test']]);
  assert.strictEqual(all[0].substatus, 'deviceDataMigrated');
  assert.deepStrictEqual(await berth.good(api('GET', '/berth/registrations/nobody/history')), []);
});
