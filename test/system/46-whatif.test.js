// What would happen to the devices that are registered: foretold for 100,000 of them, and worked out here a second time; then the change is
// made, devices register again over the wire, and each is where it was foretold to be.
// BERTH_DEVICES=N: so many are there. BERTH_REGISTER=N: so many of them register again after each change; else 1500.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const berth = require('./berth.js');

const DEVICES = Number(process.env.BERTH_DEVICES ?? 100_000);
const AGAIN = Number(process.env.BERTH_REGISTER ?? 1500);
const host = (hub) => `${hub}.berth.test`;
const idOf = (i) => `sim-${String(i + 1).padStart(5, '0')}`;
const devices = Array.from({ length: DEVICES }, (_, i) => idOf(i));
let api, scope, groupKey;

const store = () => path.join(berth.data, fs.readdirSync(berth.data).find((name) => /\.(db|sqlite3?)$/.test(name)));
const sql = (text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', store()], { input: text, maxBuffer: 1 << 28 }).toString();

// Where each device is, as the store has it.
const places = () => new Map(sql(`SELECT id, assigned_hub FROM registration WHERE scope = '${scope}';`).trim().split('\n').map((line) => line.split('|')));

// --- the rules, a second time ---

// service-api.md 7.2: the first 52 bits of SHA-256 of ID, NUL and hub, as a fraction; the highest -weight/ln of it wins.
function hashed(id, hubs) {
  let best, top = -1;
  for (const [hub, weight] of Object.entries(hubs)) {
    const digest = crypto.createHash('sha256').update(`${id}\0${host(hub)}`).digest();
    const score = -weight / Math.log((Number(digest.readBigUInt64BE() >> 12n) + 0.5) * 2 ** -52);
    if (score > top) [best, top] = [host(hub), score];
  }
  return best;
}

const only = (hubs, ...names) => Object.fromEntries(Object.entries(hubs).filter(([name]) => names.includes(name)));
const oneOf = (hub) => (hub ? { hub } : { refused: true });

// Devices that have an enrollment of their own: what it says, and what becomes of them. `hubs` are those linked, with their weights, in
// the order of linking.
const kinds = [
  [{ provisioningStatus: 'disabled' }, () => ({ refused: true })],
  [{ reprovisionPolicy: { updateHubAssignment: false, migrateDeviceData: true } }, (id, from) => ({ hub: from })],
  [{ allocationPolicy: 'static', iotHubs: [host('hub2')] }, (id, from, hubs) => oneOf(hubs.hub2 && host('hub2'))],
  [{ allocationPolicy: 'hashed', iotHubs: [host('hub1'), host('hub3')] }, (id, from, hubs) => oneOf(hashed(id, only(hubs, 'hub1', 'hub3')))],
  [{ allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'https://place.berth.test/', apiVersion: '2021-10-01' } }, () => ({ undecided: true })],
  [{ allocationPolicy: 'custom', customAllocationDefinition: { rule: "payload.model == 'P9' and 'hub1' or hubs[1]" } }, () => ({ undecided: true })],
  [{ allocationPolicy: 'custom', customAllocationDefinition: { rule: 'hubs[#hubs]' } }, (id, from, hubs) => oneOf(host(Object.keys(hubs).sort().at(-1)))],
  [{ allocationPolicy: 'custom', customAllocationDefinition: { rule: "device.hub == 'hub1.berth.test' and 'hub1' or hashed(hubs)" } },
    (id, from, hubs) => (from !== host('hub1') ? oneOf(hashed(id, hubs)) : hubs.hub1 ? { hub: from } : { refused: true })],
  [{}, (id, from, hubs, policy) => usual(id, from, hubs, policy)],
];
const kindOf = (id) => (Number(id.slice(4)) % 40 === 7 && Number(id.slice(4)) < 1500 ? kinds[((Number(id.slice(4)) - 7) / 40) % kinds.length] : undefined);

const usual = (id, from, hubs, policy) => ({ hub: policy === 'Static' ? host(Object.keys(hubs)[0]) : hashed(id, hubs) });
const fateOf = (id, from, hubs, policy) => (kindOf(id)?.[1] ?? usual)(id, from, hubs, policy);

// --- the fleet ---

const linked = (hubs) => Object.entries(hubs).map(([name, allocationWeight]) => ({ name, allocationWeight }));
const change = (hubs, allocationPolicy = 'Hashed') => berth.makeService('dps1', { iotHubs: linked(hubs), allocationPolicy });

// Into the store, where they are spread as if the hubs had been others once.
function settle() {
  const rows = devices.map((id, i) => `('${scope}','${id}','${id}',1,'${host(`hub${i % 3 + 1}`)}','${id}','assigned','initialAssignment',1,'e',${kindOf(id) ? 'NULL' : "'fleet'"})`);
  rows.push(`('${scope}','gone-1','gone-1',1,'${host('hub1')}','gone-1','assigned','initialAssignment',1,'e','scrapped')`);
  rows.push(`('${scope}','gone-2','gone-2',1,'${host('hub9')}','gone-2','assigned','initialAssignment',1,'e',NULL)`);
  rows.push(`('${scope}','half-1','half-1',1,NULL,NULL,'assigning',NULL,1,'e','fleet')`);
  rows.push(`('0ne00ELSEWHERE','sim-00001','sim-00001',1,'${host('hub1')}','x','assigned','initialAssignment',1,'e','fleet')`);
  sql(`BEGIN;INSERT INTO registration(scope,id,name,created,assigned_hub,device_id,status,substatus,updated,etag,group_id) VALUES ${rows.join(',\n')};COMMIT;`);
}

before(async () => {
  for (const hub of ['hub1', 'hub2', 'hub3', 'hub4']) await berth.makeHub(hub);
  scope = (await change({ hub1: 1, hub2: 2, hub3: 1 })).properties.idScope;
  api = await berth.serviceApi('dps1');
  const group = await berth.good(api('PUT', '/enrollmentGroups/fleet', { body: { enrollmentGroupId: 'fleet', attestation: { type: 'symmetricKey' } } }));
  groupKey = group.attestation.symmetricKey.primaryKey;
  for (const id of [...devices.filter(kindOf), 'idle-1', 'sim-00009x', 'zz-1']) {
    const symmetricKey = { primaryKey: berth.deriveKey(groupKey, id), secondaryKey: groupKey };
    await berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey', symmetricKey }, ...kindOf(id)?.[0] } }));
  }
  settle();
});

// --- asking ---

const ask = (body) => api('POST', '/berth/allocation/whatif', { body });

async function whatIf(body) {
  const answer = await ask(body);
  assert.strictEqual(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /application\/x-ndjson/);
  const lines = answer.text.trim().split('\n').map((line) => JSON.parse(line));
  const last = lines.pop();
  assert.ok(last.summary, JSON.stringify(last));
  return { summary: last.summary, moves: new Map(lines.filter((l) => l.registrationId).map((l) => [l.registrationId, l])), lines };
}

const changes = [
  ['nothing', {}, { hub1: 1, hub2: 2, hub3: 1 }, 'Hashed'],
  ['a hub more', { iotHubs: { add: [{ name: 'hub4', allocationWeight: 2 }] } }, { hub1: 1, hub2: 2, hub3: 1, hub4: 2 }, 'Hashed'],
  ['a hub fewer', { iotHubs: { remove: ['hub2'] } }, { hub1: 1, hub3: 1, hub4: 2 }, 'Hashed'],
  ['other weights', { iotHubs: { weights: { hub1: 5, 'HUB3.berth.test': 1000 } } }, { hub1: 5, hub3: 1000, hub4: 2 }, 'Hashed'],
  ['another policy', { allocationPolicy: 'static' }, { hub1: 5, hub3: 1000, hub4: 2 }, 'Static'],
  ['all at once', { allocationPolicy: 'Hashed', iotHubs: { remove: ['hub3'], add: [{ name: 'hub2' }], weights: { hub4: 1 } } }, { hub1: 5, hub4: 1, hub2: 1 }, 'Hashed'],
];

// Every device: what the answer says of it, and what is to be.
function compare(told, before, hubs, policy) {
  const count = { devices: before.size, stay: 0, move: 0, undecided: 0, refused: 0 }, pairs = {}, wrong = [];
  for (const id of devices) {
    const from = before.get(id), fate = fateOf(id, from, hubs, policy), move = told.moves.get(id);
    const moves = fate.hub !== undefined && fate.hub !== from;
    count[fate.undecided ? 'undecided' : fate.refused ? 'refused' : moves ? 'move' : 'stay']++;
    if (moves) pairs[`${from} ${fate.hub}`] = (pairs[`${from} ${fate.hub}`] ?? 0) + 1;
    if (moves ? move?.from !== from || move?.to !== fate.hub : move !== undefined) wrong.push([id, from, fate, move]);
  }
  assert.deepStrictEqual(wrong.slice(0, 5), []);
  count.refused += 2;
  count.undecided += 1;
  const { hubs: places, moves, reasons, ...numbers } = told.summary;
  assert.deepStrictEqual(numbers, { ...count, devices: DEVICES + 3 });
  assert.deepStrictEqual(Object.fromEntries(moves.map((m) => [`${m.from} ${m.to}`, m.devices])), pairs);
  assert.strictEqual(told.moves.size, numbers.move);
  assert.strictEqual(reasons.reduce((n, r) => n + r.devices, 0), numbers.undecided + numbers.refused);
  for (const place of places) {
    const [came, left] = ['to', 'from'].map((end) => moves.filter((m) => m[end] === place.name).reduce((n, m) => n + m.devices, 0));
    assert.strictEqual(place.then, place.now + came - left, place.name);
  }
  return places.reduce((n, p) => n + p.now, 0);
}

for (const [name, question, hubs, policy] of changes)
  test(`${name}: foretold for all, and so it is when they register again`, async (t) => {
    const before = places();
    const told = await whatIf({ ...question, list: true });
    assert.strictEqual(compare(told, before, hubs, policy), DEVICES + 2);
    const { summary } = await whatIf(question);
    assert.deepStrictEqual(summary, told.summary, 'without a list the same');

    await change(hubs, policy);
    const run = await berth.cli('device', 'simulate', '--service', 'dps1', '--group', 'fleet', '--count', String(AGAIN), '--output', 'json');
    const after = places();
    let moved = 0;
    for (const [id, from] of before) {
      const registered = id.startsWith('sim-') && Number(id.slice(4)) <= AGAIN;
      const foretold = registered && told.moves.has(id) ? told.moves.get(id).to : from;
      const decided = !registered || !fateOf(id, from, hubs, policy).undecided;
      if (decided) assert.strictEqual(after.get(id), foretold, `${id}\n${run.stderr}`);
      moved += registered && after.get(id) !== from;
    }
    t.diagnostic(`${AGAIN} registered again, ${moved} of them moved; ${told.summary.move} of ${told.summary.devices} would`);
    assert.ok(name === 'nothing' || moved > 0);
  });
