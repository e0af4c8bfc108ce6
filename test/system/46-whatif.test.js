// What would happen to the devices that are registered: foretold for 100,000 of them, and worked out here a second time; then the change is
// made, devices register again over the wire, and each is where it was foretold to be.
// BERTH_DEVICES=N: so many are there. BERTH_REGISTER=N: so many of them register again after each change; else 600.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { once } = require('node:events');
const { execFileSync, spawn } = require('node:child_process');
const berth = require('./berth.js');

const DEVICES = Number(process.env.BERTH_DEVICES ?? 100_000);
const AGAIN = Number(process.env.BERTH_REGISTER ?? 600);
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

// --- who may ask, and what cannot be asked ---

const refused = async (promise, status, words) => {
  const answer = await promise;
  assert.strictEqual(answer.status, status, answer.text);
  assert.match(answer.body.message, words);
};

test('what makes no sense is refused in words', async () => {
  await refused(ask({ iotHubs: { remove: ['hub9'] } }), 400, /remove names hub9, which is not linked.*hub1\.berth\.test/);
  await refused(ask({ iotHubs: { remove: ['hub1', 'HUB1.berth.test'] } }), 400, /remove names HUB1\.berth\.test/);
  await refused(ask({ iotHubs: { add: [{ name: 'hub1' }] } }), 400, /hub1\.berth\.test, which is linked to the service already/);
  await refused(ask({ iotHubs: { add: [{ name: 'hub7' }, { name: 'hub7.berth.test' }] } }), 400, /already/);
  await refused(ask({ iotHubs: { add: [{ name: 'hub7', allocationWeight: 1001 }] } }), 400, /hub7 has an allocationWeight that is not 1 to 1000/);
  await refused(ask({ iotHubs: { add: [{ allocationWeight: 1 }] } }), 400, /each with a name/);
  await refused(ask({ iotHubs: { add: Array.from({ length: 48 }, (_, i) => ({ name: `new-${i}` })) } }), 400, /more than 50 hubs/);
  await refused(ask({ iotHubs: { weights: { hub9: 2 } } }), 400, /weights names hub9/);
  for (const weight of [0, 1001, '3', null, 1.5]) await refused(ask({ iotHubs: { weights: { hub1: weight } } }), 400, /hub1\.berth\.test must be a number from 1 to 1000/);
  await refused(ask({ allocationPolicy: 'Custom' }), 400, /Hashed, GeoLatency or Static/);
  for (const hubs of [[], 'hub1', { add: {} }, { remove: 'hub1' }, { remove: [7] }, { weights: [] }]) assert.strictEqual((await ask({ iotHubs: hubs })).status, 400, JSON.stringify(hubs));
  for (const body of ['', 'x', '[]', '{"list":"yes"}']) await refused(ask(body), 400, /JSON object/);
  assert.strictEqual((await api('GET', '/berth/allocation/whatif')).status, 405);
});

test('without any hub all but those that are never moved find none', async () => {
  const { summary } = await whatIf({ iotHubs: { remove: ['hub1', 'hub2', 'hub4'] } });
  assert.strictEqual(summary.move, 0);
  assert.deepStrictEqual(summary.moves, []);
  assert.ok(summary.reasons.some((r) => r.sentence === 'No hub is linked to the service.'), JSON.stringify(summary.reasons));
});

test('both rights are needed, and a reader has them', async () => {
  const keys = await berth.keysOf('provisioningServices', 'dps1');
  const rights = { half: 'EnrollmentRead', other: 'RegistrationStatusRead', both: 'EnrollmentRead, RegistrationStatusRead', write: 'EnrollmentWrite' };
  const { properties } = await berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/dps1`));
  await berth.makeService('dps1', { ...properties, authorizationPolicies: [...keys, ...Object.entries(rights).map(([keyName, text]) => ({ keyName, rights: text }))] });
  const all = await berth.keysOf('provisioningServices', 'dps1');
  for (const [name, status] of [['half', 401], ['other', 401], ['both', 200], ['write', 200]]) {
    const token = berth.sas('dps1.berth.test', all.find((k) => k.keyName === name).primaryKey, { name });
    assert.strictEqual((await api('POST', '/berth/allocation/whatif', { headers: { Authorization: token }, body: {} })).status, status, name);
  }
  const portal = 'portal.berth.test', password = "rita's long password", Origin = `https://${portal}`;
  await berth.good(berth.ask('PUT', portal, '/berth/operators/rita', { headers: { Authorization: `Bearer ${berth.token()}` }, body: { role: 'reader', password } }));
  const session = await berth.ask('POST', portal, '/berth/session', { headers: { Origin }, body: { name: 'rita', password } });
  const headers = { Origin, Cookie: session.headers['set-cookie'][0].split(';')[0], 'X-Berth-CSRF': session.body.csrf };
  const told = await berth.ask('POST', portal, '/berth/at/dps1/berth/allocation/whatif?api-version=2021-10-01', { headers, body: {} });
  assert.strictEqual(told.status, 200, told.text);
  assert.match(told.text, /\{"summary":.*\}\n$/);
});

// --- from the command line ---

test('the command line asks the same', async () => {
  const expected = (await whatIf({ iotHubs: { remove: ['hub4'], add: [{ name: 'hub3', allocationWeight: 7 }], weights: { hub1: 2 } } })).summary;
  const flags = ['--service', 'dps1', '--remove-hub', 'hub4', '--add-hub', 'hub3:7', '--weight', 'hub1=2'];
  const run = async (...more) => {
    const it = await berth.cli('allocation', 'preview', ...more);
    assert.strictEqual(it.status, 0, it.stderr);
    return it.stdout;
  };
  assert.deepStrictEqual(JSON.parse(await run(...flags)), expected);
  const lines = (await run(...flags, '--list')).trim().split('\n').map((l) => JSON.parse(l));
  assert.deepStrictEqual(lines.pop(), { summary: expected });
  assert.strictEqual(lines.length, expected.move);
  const table = await run(...flags, '--output', 'table', '--list');
  assert.match(table, new RegExp(`\\n${expected.move} of ${expected.devices} devices would move at their next registration\\.\\n`));
  assert.match(table, /\nFrom +To +Devices\n/);
  assert.match(table, /^sim-\d+ +hub\d\.berth\.test -> hub\d\.berth\.test$/m);
  assert.match(table, /A webhook decides/);
  const policy = JSON.parse(await run('--service', 'dps1', '--allocation-policy', 'static'));
  assert.deepStrictEqual(policy, (await whatIf({ allocationPolicy: 'Static' })).summary);
  for (const bad of [['--add-hub', ':3'], ['--add-hub', 'hub7:x'], ['--weight', 'hub1'], ['--weight', 'hub1=0'], ['--output', 'xml']]) {
    const it = await berth.cli('allocation', 'preview', '--service', 'dps1', ...bad);
    assert.strictEqual(it.status, 2, bad.join(' '));
    assert.match(it.stderr, new RegExp(bad[0]));
  }
  const unknown = await berth.cli('allocation', 'preview', '--service', 'dps1', '--remove-hub', 'hub9');
  assert.strictEqual(unknown.status, 1);
  assert.match(unknown.stderr, /remove names hub9, which is not linked/);
});

// --- who reads slowly, or leaves ---

// The answer to a list, once it has begun; nothing more is read of it until resume().
function open() {
  const body = JSON.stringify({ list: true });
  const headers = { Authorization: `Bearer ${berth.token()}`, 'Content-Length': body.length };
  return new Promise((resolve, reject) => {
    const request = https.request({ method: 'POST', host: 'dps1.berth.test', port: 443, path: '/berth/allocation/whatif?api-version=2021-10-01', headers, agent: false }, (response) => {
      response.pause();
      resolve({ status: response.statusCode, response, request, whole: () => readAll(response) });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const readAll = (response) => new Promise((resolve) => {
  let text = '';
  response.on('data', (part) => { text += part; });
  response.on('error', () => {});
  response.on('close', () => resolve({ text, complete: response.complete }));
  response.resume();
});

const leave = (it) => { it.response.on('error', () => {}); it.request.destroy(); };

test('slow readers hold up nobody, and get all of it in the end; no more than two at a time', async () => {
  await berth.killServer('SIGTERM');
  await berth.startServer('--threads', '1');
  const slow = [await open(), await open()];
  assert.deepStrictEqual(slow.map((it) => it.status), [200, 200]);
  await berth.sleep(1000);
  const third = await open();
  assert.strictEqual(third.status, 429);
  assert.match((await third.whole()).text, /2 what-ifs are being answered already/);
  assert.strictEqual((await api('GET', '/enrollmentGroups/fleet')).status, 200);
  assert.strictEqual((await berth.device(scope, 'sim-00002', berth.deriveKey(groupKey, 'sim-00002')).settle()).body.status, 'assigned');
  for (const it of slow) {
    const { text, complete } = await it.whole();
    assert.ok(complete);
    const lines = text.trim().split('\n').map((line) => JSON.parse(line));
    const { summary } = lines.pop();
    assert.strictEqual(summary.devices, DEVICES + 3);
    assert.strictEqual(lines.filter((l) => l.registrationId).length, summary.move);
  }
  assert.strictEqual((await ask({})).status, 200);
});

test('while it is worked out others are answered; who leaves midway makes room', async () => {
  const gone = [await open(), await open()];
  gone.forEach(leave);
  await berth.eventually(async () => (await ask({})).status === 200);
  let running = true, answered = 0;
  const asked = Promise.all([ask({ list: true }), ask({})]).then((both) => { running = false; return both; });
  while (running) {
    assert.strictEqual((await api('GET', '/enrollmentGroups/fleet')).status, 200);
    answered++;
  }
  assert.deepStrictEqual((await asked).map((a) => a.status), [200, 200]);
  assert.ok(answered > 2, `${answered} answered meanwhile`);
});

test('a failure on the way stands where the summary would', async () => {
  const hub = sql(`SELECT assigned_hub FROM registration WHERE scope = '${scope}' AND id = '${devices.at(-1)}';`).trim();
  const put = (value) => sql(`UPDATE registration SET assigned_hub = ${value} WHERE scope = '${scope}' AND id = '${devices.at(-1)}';`);
  put("x'00'");
  const answer = await ask({ list: true });
  assert.strictEqual(answer.status, 200);
  const last = JSON.parse(answer.text.trim().split('\n').at(-1));
  assert.match(last.error.message, /could not all be looked at/);
  assert.ok(!answer.text.includes('"summary"') && answer.text.includes('"registrationId"'));
  const cli = await berth.cli('allocation', 'preview', '--service', 'dps1');
  assert.strictEqual(cli.status, 1);
  assert.strictEqual(cli.stdout, '');
  assert.match(cli.stderr, /could not all be looked at/);
  put(`'${hub}'`);
  assert.strictEqual((await ask({})).status, 200);
});

test('an answer that a stopping server cuts off is none', async () => {
  const it = await open();
  const cli = spawn(berth.bin, ['allocation', 'preview', '--service', 'dps1', '--list'], { env: { ...process.env, BERTH_DATA: berth.data }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '', code;
  cli.stderr.on('data', (part) => { said += part; });
  cli.on('exit', (status) => { code = status; });
  await once(cli.stdout, 'readable');
  await berth.sleep(1000);
  assert.strictEqual(code, undefined, 'it waits for its reader');
  await berth.killServer('SIGTERM');
  const { text, complete } = await it.whole();
  assert.ok(!complete && !text.includes('"summary"'));
  cli.stdout.resume();
  await berth.eventually(() => code !== undefined);
  assert.strictEqual(code, 1);
  assert.match(said, /cut off, so nothing is known of the devices that are left/);
  await berth.startServer();
});
