// Hubs elsewhere, linked by connection string, that do not do what they should (hub-api.md 5.3): the device hears "assigning"
// or a clear final error, never a wrong answer, and is placed when its hub comes back. Then reprovisioning between a hosted
// hub and one elsewhere (service-api.md 9.1).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const berth = require('./berth.js');
const { FarHub, certificate, moods } = require('./far_hub.js');

const twin = { tags: { site: 'north' }, properties: { desired: { rate: 5 } } };
const keys = () => [1, 2].map(() => crypto.randomBytes(32).toString('base64'));
const names = Array.from({ length: 20 }, (_, i) => `hub${i + 1}.elsewhere.test`);
const hubs = [];
let folder, service, scope, api;

const link = (list) => berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, ...list.map((hub) => ({ connectionString: hub.connectionString(), location: 'elsewhere' }))] });

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'far-hubs-'));
  const well = certificate(folder, 'well', names);
  const other = certificate(folder, 'other', ['other.test']);
  fs.writeFileSync(path.join(folder, 'trust.pem'), Buffer.concat([well.cert, other.cert]));
  await berth.killServer('SIGTERM');
  await berth.startServer('--ca', path.join(folder, 'trust.pem'));
  for (const [i, name] of names.entries()) hubs.push(await new FarHub(name, 9001 + i, well).open());
  hubs.otherName = other;
  await berth.makeHub('hub1');
  service = await link(hubs);
  scope = service.properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(async () => {
  for (const hub of hubs) await hub.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

// A device whose enrollment sends it to this hub.
async function enroll(id, hubName, more = {}) {
  const [primaryKey, secondaryKey] = more.keys || keys();
  const body = {
    registrationId: id, attestation: { type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } }, initialTwin: twin,
    allocationPolicy: 'static', iotHubs: [hubName], ...(more.reprovisionPolicy && { reprovisionPolicy: more.reprovisionPolicy }),
  };
  await berth.good(api('PUT', `/enrollments/${id}`, { body, headers: more.again ? { 'If-Match': '*' } : {} }));
  return { id, keys: [primaryKey, secondaryKey], ...berth.device(scope, id, primaryKey) };
}

// device-api.md 2: what holds for every answer.
function lint(answer, id) {
  assert.strictEqual(answer.headers['content-type'], 'application/json; charset=utf-8', answer.text);
  assert.ok(answer.reason, 'a reason phrase');
  berth.assertNoNull(answer.body);
  assert.ok(answer.body.operationId && answer.body.status, answer.text);
  const state = answer.body.registrationState;
  if (answer.body.status === 'assigning') assert.ok(Number(answer.headers['retry-after']) > 0, 'assigning says when to ask again');
  if (state) assert.strictEqual(state.registrationId, id);
  if (answer.body.status === 'assigned') for (const member of ['substatus', 'assignedHub', 'deviceId', 'createdDateTimeUtc', 'lastUpdatedDateTimeUtc', 'etag']) assert.ok(state[member], member);
  if (answer.body.status === 'failed') assert.ok(state.errorCode && state.errorMessage, answer.text);
  return answer.body;
}

// The first answer comes early, the last one in time for .NET AMQP (device-api.md 16.1). The margins are for busy machines.
async function registerFully(device) {
  const began = Date.now();
  const first = await device.register();
  assert.strictEqual(first.status, 202, first.text);
  let said = lint(first, device.id);
  assert.ok(Date.now() - began < 9000, `the first answer took ${Date.now() - began} ms`);
  const { operationId } = said;
  const path_ = [said.status];
  while (said.status === 'assigning') {
    await berth.sleep(500);
    const answer = await device.poll(operationId);
    assert.ok(answer.status === 200 || answer.status === 202, answer.text);
    said = lint(answer, device.id);
    assert.strictEqual(said.operationId, operationId);
    assert.ok(Date.now() - began < 58000, 'an assignment ends within 60 s');
  }
  path_.push(said.status);
  return { ...said, first: path_[0] };
}

// "assigned" is true: the hub has it once, with its keys and its first twin.
function assertPlaced(said, hub, device, substatus = 'initialAssignment') {
  assert.strictEqual(said.status, 'assigned', JSON.stringify(said));
  assert.strictEqual(said.registrationState.assignedHub, hub.name);
  assert.strictEqual(said.registrationState.substatus, substatus);
  const there = hub.devices.get(device.id);
  assert.ok(there, 'the hub has never heard of it');
  assert.deepStrictEqual(there.authentication, { type: 'sas', symmetricKey: { primaryKey: device.keys[0], secondaryKey: device.keys[1] } });
  assert.deepStrictEqual([there.tags, there.desired], [twin.tags, twin.properties.desired]);
}

async function untilPlaced(device, hub) {
  for (let i = 0; ; i++) {
    const said = await registerFully(device);
    if (said.status === 'assigned' || i === 2) return assertPlaced(said, hub, device, said.registrationState.substatus);
  }
}

// What the hub does; what the device hears in the end; and whether the hub gets well while the device waits.
const later = (hub, ms) => setTimeout(() => { hub.mood = null; }, ms).unref();
const troubles = [
  { name: 'down, and back after 5 s', begin: (hub) => hub.close(), during: (hub) => setTimeout(() => hub.open(), 5000), hears: 'assigned' },
  { name: 'down', begin: (hub) => hub.close(), recover: (hub) => hub.open(), hears: 503001 },
  { name: 'silent, and well after 5 s', mood: moods.silent, during: (hub) => later(hub, 5000), hears: 'assigned' },
  { name: 'silent', mood: moods.silent, hears: 503001 },
  { name: 'slow by 5 s', mood: moods.late(5000), hears: 'assigned' },
  { name: 'dripping bytes', mood: moods.drips, hears: 503001 },
  { name: 'throttling with Retry-After, then well', mood: moods.throttles(3), during: (hub) => later(hub, 1000), hears: 'assigned' },
  { name: 'answering 500, then well', mood: moods.breaks, during: (hub) => later(hub, 5000), hears: 'assigned' },
  { name: 'answering 503 all the time', mood: moods.unavailable, hears: 503001 },
  { name: 'answering HTML with 200', mood: moods.html, hears: 500001 },
  { name: 'answering half a JSON after doing it', mood: moods.truncated, hears: 500001 },
  { name: 'answering JSON that says neither yes nor no', mood: moods.shapeless, hears: 500001 },
  { name: 'answering without end', mood: moods.huge, hears: 503001 },
  { name: 'closing in the middle of its answer after doing it', mood: moods.cutsOff, hears: 503001 },
  { name: 'refusing this device alone', begin: (hub) => { hub.refuses = () => 'ArgumentInvalid'; }, recover: (hub) => { hub.refuses = undefined; }, hears: 500001 },
  { name: 'showing the certificate of another name', begin: (hub) => hub.server.setSecureContext(hubs.otherName), recover: (hub) => hub.server.setSecureContext(hub.credentials), hears: 503001 },
];
const [wellHub, sdkHub, rolledHub, movingHub] = [16, 17, 18, 19].map((i) => () => hubs[i]);

test('every way of a hub to misbehave', { concurrency: 20 }, async (t) => {
  const all = troubles.map((trouble, i) => t.test(trouble.name, async () => {
    const hub = hubs[i];
    const device = await enroll(`trouble-${i}`, hub.name);
    await trouble.begin?.(hub);
    hub.mood = trouble.mood || null;
    const registering = registerFully(device);
    trouble.during?.(hub);
    const said = await registering;
    if (trouble.hears === 'assigned') {
      assert.strictEqual(said.first, 'assigning');
      assertPlaced(said, hub, device);
    } else {
      assert.strictEqual(said.status, 'failed', JSON.stringify(said));
      assert.strictEqual(said.registrationState.errorCode, trouble.hears);
      await trouble.recover?.(hub);
      hub.mood = null;
      await untilPlaced(device, hub);
    }
    assert.strictEqual(hub.made, 1, 'made once');
    assert.strictEqual(hub.devices.size, 1);
  }));
  all.push(t.test('devices of a hub that is well are assigned at once meanwhile', async () => {
    for (let i = 0; i < 20; i++) {
      const device = await enroll(`well-${i}`, wellHub().name);
      const said = await registerFully(device);
      assert.strictEqual(said.first, 'assigned');
      assertPlaced(said, wellHub(), device);
      await berth.sleep(1000);
    }
  }));
  all.push(t.test('the unmodified SDK waits for a slow hub', async () => {
    const hub = sdkHub();
    const device = await enroll('sdk-1', hub.name);
    hub.mood = moods.late(4000);
    const client = ProvisioningDeviceClient.create('global.berth.test', scope, new Http(), new SymmetricKeySecurityClient(device.id, device.keys[0]));
    const result = await client.register();
    assert.strictEqual(result.assignedHub, hub.name);
    assertPlaced({ status: result.status, registrationState: result }, hub, device);
  }));
  all.push(t.test('a key that was rolled at the hub is a clear error until the link has the new one', async () => {
    const hub = rolledHub();
    const device = await enroll('rolled-1', hub.name);
    hub.key = crypto.randomBytes(32).toString('base64');
    const said = await registerFully(device);
    assert.strictEqual(said.registrationState.errorCode, 400209);
    assert.match(said.registrationState.errorMessage, /ErrorCode:IotHubUnauthorizedAccess/);
    assert.strictEqual(hub.devices.size, 0);
    await link(hubs);
    await untilPlaced(device, hub);
    assert.strictEqual(hub.made, 1);
  }));
  await Promise.all(all);
});

// --- from one hub to another: a hosted one and one elsewhere ---

const policies = {
  migrate: { updateHubAssignment: true, migrateDeviceData: true },
  reset: { updateHubAssignment: true, migrateDeviceData: false },
  never: { updateHubAssignment: false, migrateDeviceData: false },
};
const local = 'hub1.berth.test';
const life = { tags: { site: 'south' }, desired: { rate: 7 }, reported: { fw: '1.2' } };
const strip = (object) => Object.fromEntries(Object.entries(object || {}).filter(([name]) => !name.startsWith('$')));

// A twin on either hub; undefined: the device is not there.
async function twinOn(hubName, id) {
  if (hubName !== local) {
    const there = movingHub().devices.get(id);
    return there && { tags: there.tags, desired: there.desired, reported: there.reported };
  }
  const answer = await (await berth.hubApi('hub1'))('GET', `/twins/${id}`);
  if (answer.status === 404) return undefined;
  const { tags, properties } = await berth.good(answer);
  return { tags: strip(tags), desired: strip(properties.desired), reported: strip(properties.reported) };
}

// The device has a life there. (A hosted hub has no way yet to hear a report.)
async function live(hubName, id) {
  if (hubName !== local) {
    Object.assign(movingHub().devices.get(id), structuredClone(life));
    return life;
  }
  const ask = await berth.hubApi('hub1');
  await berth.good(ask('PATCH', `/twins/${id}`, { body: { tags: life.tags, properties: { desired: life.desired } } }));
  return { ...life, reported: {} };
}

const fresh = { tags: twin.tags, desired: twin.properties.desired, reported: {} };

test('check 16: three policies, hub same and hub changed, in both directions', async (t) => {
  for (const [from, to] of [[local, names[19]], [names[19], local]])
    for (const [name, reprovisionPolicy] of Object.entries(policies))
      for (const changed of [false, true])
        await t.test(`${name}, ${changed ? `${from} to ${to}` : `on ${from}`}`, async () => {
          const id = `move-${name}-${changed}-${from === local ? 'out' : 'in'}`;
          const device = await enroll(id, from, { reprovisionPolicy });
          assert.strictEqual((await registerFully(device)).registrationState.assignedHub, from);
          assert.deepStrictEqual(await twinOn(from, id), fresh);
          const lived = await live(from, id);
          if (changed) await enroll(id, to, { reprovisionPolicy, keys: device.keys, again: true });
          const said = await registerFully(device);
          assert.strictEqual(said.status, 'assigned', JSON.stringify(said));
          const moves = changed && name !== 'never';
          assert.strictEqual(said.registrationState.assignedHub, moves ? to : from);
          assert.strictEqual(said.registrationState.substatus,
            name === 'never' ? 'initialAssignment' : !changed ? 'reprovisionedToInitialAssignment' : name === 'migrate' ? 'deviceDataMigrated' : 'deviceDataReset');
          assert.deepStrictEqual(await twinOn(moves ? to : from, id), moves && name === 'reset' ? fresh : lived);
          assert.strictEqual(await twinOn(moves ? from : to, id), undefined, 'one place');
        });
});

test('the old hub is dead at that moment', { concurrency: 3 }, async (t) => {
  const hub = movingHub();
  const devices = {};
  for (const [name, reprovisionPolicy] of Object.entries(policies)) {
    devices[name] = await enroll(`dead-${name}`, hub.name, { reprovisionPolicy });
    await registerFully(devices[name]);
    await live(hub.name, `dead-${name}`);
    await enroll(`dead-${name}`, local, { reprovisionPolicy, keys: devices[name].keys, again: true });
  }
  await hub.close();
  await Promise.all([
    t.test('reset: the device is on its new hub at once', async () => {
      const said = await registerFully(devices.reset);
      assert.strictEqual(said.registrationState.substatus, 'deviceDataReset');
      assert.strictEqual(said.first, 'assigned');
      assert.deepStrictEqual(await twinOn(local, 'dead-reset'), fresh);
    }),
    t.test('never: nobody is asked', async () => {
      const said = await registerFully(devices.never);
      assert.strictEqual(said.first, 'assigned');
      assert.strictEqual(said.registrationState.assignedHub, hub.name);
    }),
    t.test('migrate: it keeps its place, for nothing may be lost', async () => {
      const said = await registerFully(devices.migrate);
      assert.strictEqual(said.status, 'failed');
      assert.strictEqual(said.registrationState.errorCode, 503001);
      assert.strictEqual(await twinOn(local, 'dead-migrate'), undefined);
    }),
  ]);
  await hub.open();
  await t.test('it is back: the twin moves, and what was left there is cleared', async () => {
    let said;
    for (let i = 0; i < 3 && said?.status !== 'assigned'; i++) said = await registerFully(devices.migrate);
    assert.strictEqual(said.registrationState.substatus, 'deviceDataMigrated');
    assert.deepStrictEqual(await twinOn(local, 'dead-migrate'), life);
    for (let i = 0; i < 240 && hub.devices.has('dead-reset'); i++) await berth.sleep(500);
    assert.ok(!hub.devices.has('dead-reset'), 'it is cleared without anybody asking');
    assert.ok(!hub.devices.has('dead-migrate'));
    assert.ok(hub.devices.has('dead-never'));
  });
});
