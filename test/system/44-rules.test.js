// Rules in place of a webhook: those of examples/rules, as they are, choose for devices of the real SDK; then rules that do what none should.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { Mqtt } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const berth = require('./berth.js');

const HOST = 'global.berth.test';
const example = (name) => fs.readFileSync(path.join(__dirname, '../../examples/rules', `${name}.lua`), 'utf8');
const hubs = ['hub1.berth.test', 'hub2.berth.test'];
let api, scope;

before(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

const custom = (rule) => ({ allocationPolicy: 'custom', customAllocationDefinition: { rule } });
const put = (id, more) => api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey' }, ...more } });
const keyOf = async (id, more) => (await berth.good(put(id, more))).attestation.symmetricKey.primaryKey;
const attempt = (id) => berth.eventually(async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts[0]);

function register(id, key, payload, Transport = Http) {
  const client = ProvisioningDeviceClient.create(HOST, scope, new Transport(), new SymmetricKeySecurityClient(id, key));
  if (payload !== undefined) client.setProvisioningPayload(payload);
  return new Promise((resolve, reject) => { client.register((error, result) => (error ? reject(error) : resolve(result))); });
}

async function groupOf(name, more) {
  const entry = await berth.good(api('PUT', `/enrollmentGroups/${name}`, { body: { enrollmentGroupId: name, attestation: { type: 'symmetricKey' }, ...more } }));
  return (id) => berth.deriveKey(entry.attestation.symmetricKey.primaryKey, id);
}

for (const [name, Transport] of [['https', Http], ['mqtt', Mqtt]])
  test(`${name}: what the device says decides, by model`, async () => {
    const key = await groupOf(`presses-${name}`, custom(example('by-model')));
    for (let i = 0; i < 4; i++) {
      const id = `${name}-p9-${i}`;
      assert.strictEqual((await register(id, key(id), { model: 'P9' }, Transport)).assignedHub, hubs[0]);
    }
    const others = new Set();
    for (let i = 0; i < 12; i++) {
      const id = `${name}-other-${i}`;
      others.add((await register(id, key(id), i % 2 ? { model: 'P8' } : undefined, Transport)).assignedHub);
    }
    assert.deepStrictEqual([...others].sort(), hubs);
  });

test('a twin and a payload come of it, and a device without a line hears that it has no hub', async () => {
  const key = await groupOf('lines', custom(example('by-line')));
  const result = await register('line-1', key('line-1'), { line: 'south' });
  assert.strictEqual(result.assignedHub, hubs[1]);
  assert.deepStrictEqual(result.payload, { welcome: 'line-1' });
  const twin = await berth.good((await berth.hubApi('hub2'))('GET', '/twins/line-1'));
  assert.deepStrictEqual(twin.tags, { line: 'south' });
  assert.strictEqual(twin.properties.desired.reportEverySeconds, 30);
  await assert.rejects(register('line-2', key('line-2')), (error) => /400207|rule/i.test(JSON.stringify(error.result ?? error.message)));
  const told = await attempt('line-2');
  assert.strictEqual(told.check, 'custom-allocation');
  assert.match(told.reason, /says no line/);
  assert.match((await berth.cli('registration', 'explain', 'line-2', '--service', 'dps1')).stdout, /says no line/);
});

test('the same device is always given the same hub, also after a restart', async () => {
  const key = await groupOf('canary', { ...custom(example('canary')), reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true } });
  const ids = Array.from({ length: 60 }, (_, i) => `canary-${i}`);
  const place = async () => Promise.all(ids.map(async (id) => (await register(id, key(id))).assignedHub));
  const before = await place();
  const fresh = before.filter((hub) => hub === hubs[1]).length;
  assert.ok(fresh >= 1 && fresh <= 12, `${fresh} of 60 on the new hub`);
  await berth.killServer('SIGKILL');
  await berth.startServer();
  assert.deepStrictEqual(await place(), before);
});

test('what cannot be a rule is refused when it is written, with line and reason', async () => {
  for (const [definition, words] of [
    [{ rule: 'payload.model == "P9" ? "hub1" : hashed(hubs)' }, /line 1.*Lua has no \?:/],
    [{ rule: 'if payload.x then\nreturn "hub1"' }, /line 2/],
    [{ rule: 'x'.repeat(8193) }, /8193 bytes; 8192/],
    [{ rule: '  ' }, /empty/],
    [{ rule: '"hub1"', webhookUrl: 'https://x.test/', apiVersion: '2021-10-01' }, /a rule and a webhook/],
  ]) {
    const answer = await put('bad', { allocationPolicy: 'custom', customAllocationDefinition: definition });
    assert.strictEqual(answer.status, 400);
    assert.match(answer.body.message, words);
  }
  const two = await put('bad', { allocationPolicy: 'static', iotHubs: hubs, customAllocationDefinition: { rule: '"hub1"' } });
  assert.strictEqual(two.status, 400);
  assert.match(two.body.message, /static takes one hub/);
  const stored = await berth.good(put('good', custom('"hub1"')));
  assert.deepStrictEqual(stored.customAllocationDefinition, { rule: '"hub1"' });
  assert.deepStrictEqual((await berth.good(api('GET', '/enrollments/good'))).customAllocationDefinition, { rule: '"hub1"' });
});

test('a rule that loops, eats memory, or names what it may not is refused and explained, while others go on', async () => {
  const good = await keyOf('steady', custom('"hub1"'));
  const rules = {
    loops: ['while true do end', /runs too long/],
    eats: ['local s = "x" while true do s = s .. s end', /too much memory/],
    fails: ['payload.a.b.c', /failed in line 1/],
    unlinked: ['"hub9.berth.test"', /not linked/],
    nothing: ['nil', /no hub/],
  };
  const keys = {};
  for (const [id, [rule]] of Object.entries(rules)) keys[id] = await keyOf(id, custom(rule));
  keys.forbidden = await keyOf('forbidden', { ...custom('"hub2.berth.test"'), iotHubs: [hubs[0]] });
  rules.forbidden = ['', /linked but not among/];
  await Promise.all([
    ...Object.keys(rules).flatMap((id) => [1, 2, 3].map(() => assert.rejects(register(id, keys[id])))),
    ...Array.from({ length: 20 }, async () => assert.strictEqual((await register('steady', good)).assignedHub, hubs[0])),
  ]);
  for (const [id, [, words]] of Object.entries(rules)) {
    const told = await attempt(id);
    assert.strictEqual(told.check, 'custom-allocation', id);
    assert.match(told.reason, words, id);
    const record = await berth.good(api('GET', `/registrations/${id}`));
    assert.strictEqual(record.status, 'failed');
    assert.strictEqual(record.errorCode, 400207);
  }
});

test('/metrics tells how rules went, and what they took', async () => {
  const all = await berth.metrics();
  const number = (line) => Number(all.match(new RegExp(`^${line} ([0-9]+)$`, 'm'))?.[1]);
  const faults = number('berth_custom_allocations_total\\{ProvisioningServiceName="dps1",Status="fault",By="rule"\\}');
  assert.ok(faults >= 5 && faults <= 15, `${faults}: five rules, asked up to three times each; who asks at the same time is answered together`);
  assert.ok(number('berth_custom_allocations_total\\{ProvisioningServiceName="dps1",Status="declined",By="rule"\\}') >= 1);
  assert.ok(number('berth_custom_allocations_total\\{ProvisioningServiceName="dps1",IotHubName="hub1.berth.test",Status="chosen",By="rule"\\}') >= 20);
  assert.ok(number('berth_rule_steps_total') >= 20000, 'a loop that ran until it was stopped');
});

test('a rule is tried before a device depends on it: by the API and by the CLI', async () => {
  const told = await berth.good(api('POST', '/berth/allocation/rule/test', { body: { rule: example('by-line'), registrationId: 'press-7', payload: { line: 'south' } } }));
  assert.strictEqual(told.hub, hubs[1]);
  assert.deepStrictEqual(told.payload, { welcome: 'press-7' });
  assert.ok(told.memory > 1000 && told.instructions >= 0 && !told.error);
  const broken = await berth.good(api('POST', '/berth/allocation/rule/test', { body: { rule: '\n\nreturn nope.x' } }));
  assert.strictEqual(broken.hub, null);
  assert.strictEqual(broken.error.line, 3);
  assert.match(broken.error.message, /line 3/);
  assert.strictEqual((await api('POST', '/berth/allocation/rule/test', { body: {} })).status, 400);
  assert.strictEqual((await api('POST', '/berth/allocation/rule/test', { body: { enrollment: 'nobody' } })).status, 404);

  await berth.good(put('mine', { ...custom('"hub2"'), iotHubs: [hubs[1]] }));
  const file = path.join(__dirname, '../../examples/rules/by-model.lua');
  const shown = await berth.cli('allocation', 'test-rule', '--service', 'dps1', '--rule', `@${file}`, '--payload', '{"model":"P9"}', '--output', 'json');
  assert.strictEqual(shown.status, 0, shown.stderr);
  assert.strictEqual(JSON.parse(shown.stdout).hub, hubs[0]);
  assert.strictEqual((await berth.cli('allocation', 'test-rule', '--service', 'dps1', '--enrollment', 'mine')).status, 0);
  const among = await berth.cli('allocation', 'test-rule', '--service', 'dps1', '--rule', 'hashed(hubs)', '--iot-hubs', 'hub2.berth.test', '--output', 'json');
  assert.strictEqual(JSON.parse(among.stdout).hub, hubs[1]);
  const odd = await berth.cli('allocation', 'test-rule', '--service', 'dps1', '--rule', '"hub1"', '--payload', '{"model":');
  assert.notStrictEqual(odd.status, 0);
  assert.match(odd.stderr, /--payload: /);
  const refused = await berth.cli('allocation', 'test-rule', '--service', 'dps1', '--enrollment', 'mine', '--rule', '"hub1"');
  assert.strictEqual(refused.status, 1);
  assert.match(refused.stdout, /linked but not among/);
  assert.strictEqual((await berth.cli('allocation', 'test-rule', '--service', 'dps1')).status, 2);

  // From a webhook to a rule, as docs/rules.md has it.
  await berth.good(put('was-hook', { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'https://x.test/', apiVersion: '2021-10-01' } }));
  const changed = await berth.cli('enrollment', 'update', 'was-hook', '--service', 'dps1', '--rule', '"hub1"', '--webhook-url', '', '--webhook-version', '');
  assert.strictEqual(changed.status, 0, changed.stderr);
  assert.deepStrictEqual((await berth.good(api('GET', '/enrollments/was-hook'))).customAllocationDefinition, { rule: '"hub1"' });

  const made = await berth.cli('enrollment', 'create', 'by-cli', '--service', 'dps1', '--allocation-policy', 'custom', '--rule', `@${file}`);
  assert.strictEqual(made.status, 0, made.stderr);
  assert.strictEqual((await berth.good(api('GET', '/enrollments/by-cli'))).customAllocationDefinition.rule, fs.readFileSync(file, 'utf8'));
});
