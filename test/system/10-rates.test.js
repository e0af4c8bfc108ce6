// What a provisioning service takes in a minute (service-api.md 12.1), when the operator sets a limit.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const berth = require('./berth.js');

const config = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'berth-rates-')), 'berth.ini');
const limit = (registers, operations, polls = 0) =>
  fs.writeFileSync(config, `registrations-per-minute = ${registers}\noperations-per-minute = ${operations}\npolls-per-10-seconds = ${polls}\n`);
const groupKey = Buffer.alloc(64, 7).toString('base64');
const scopes = {};

const register = (service, id) => berth.device(scopes[service], id, berth.deriveKey(groupKey, id)).register();

before(async () => {
  await berth.killServer('SIGTERM');
  limit(12, 30);
  await berth.startServer('--config', config);
  await berth.makeHub('hub1');
  for (const name of ['dps1', 'dps2']) {
    scopes[name] = (await berth.makeService(name, { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
    const body = { enrollmentGroupId: 'g', attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: groupKey, secondaryKey: groupKey } } };
    await berth.good((await berth.serviceApi(name))('PUT', '/enrollmentGroups/g', { body }));
  }
});

test('12.1: after a minute\'s worth of registers there is 429 and Retry-After; another service, polls and strangers do not count', async () => {
  const started = Date.now();
  const first = await register('dps1', 'd-1');
  for (let i = 0; i < 20; i++) assert.strictEqual((await berth.device(scopes.dps1, `d-${i}`, groupKey).register()).status, 401, 'a wrong key');
  let answer = first;
  let count = 0;
  for (; answer.status === 202 && count < 100; count++) answer = await register('dps1', `d-${count + 2}`);
  const most = 12 + Math.ceil((Date.now() - started) / 5000);
  assert.ok(count >= 12 && count <= most, `${count} were let in, not 12 to ${most}`);
  assert.strictEqual(answer.status, 429);
  assert.strictEqual(answer.body.errorCode, 429001);
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 6, `Retry-After: ${seconds}`);
  assert.strictEqual((await register('dps2', 'd-7')).status, 202);
  const poll = await berth.device(scopes.dps1, 'd-1', berth.deriveKey(groupKey, 'd-1')).poll(first.body.operationId);
  assert.strictEqual(poll.status, 200);
  const told = await berth.cli('registration', 'explain', `d-${count + 1}`, '--service', 'dps1');
  assert.match(told.stdout, /registrations of this minute/);
});

test('12.1: who waits as long as Retry-After says is let in', async () => {
  let answer = await register('dps1', 'late');
  if (answer.status === 429) {
    await berth.sleep(Number(answer.headers['retry-after']) * 1000);
    answer = await register('dps1', 'late');
  }
  assert.strictEqual(answer.status, 202);
});

test('12.1: operations of the service API are counted by service; the administrator is not counted', async () => {
  const api = await berth.serviceApi('dps1');
  let refused;
  for (let i = 0; i < 200 && !refused; i++) {
    const answer = await api('GET', '/enrollmentGroups/g');
    if (answer.status !== 200) refused = answer;
  }
  assert.ok(refused, 'no limit was met');
  assert.strictEqual(refused.status, 429);
  assert.strictEqual(refused.body.errorCode, 429000);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.strictEqual((await (await berth.serviceApi('dps2'))('GET', '/enrollmentGroups/g')).status, 200);
  const shown = await berth.cli('enrollment-group', 'show', 'g', '--service', 'dps1');
  assert.strictEqual(shown.status, 0, shown.stderr);
});

async function reload(...limits) {
  const before = berth.logLines().filter((l) => l.event === 'reloaded').length;
  limit(...limits);
  process.kill(berth.pid(), 'SIGHUP');
  for (let i = 0; i < 100 && berth.logLines().filter((l) => l.event === 'reloaded').length === before; i++) await berth.sleep(50);
}

test('18: a device that polls without a pause gets 429 and Retry-After; who waits so long is answered; other devices and wrong keys do not count', async () => {
  await reload(0, 0, 5);
  const key = berth.deriveKey(groupKey, 'poller');
  const { body } = await berth.device(scopes.dps1, 'poller', key).register();
  for (let i = 0; i < 10; i++) assert.strictEqual((await berth.device(scopes.dps1, 'poller', groupKey).poll(body.operationId)).status, 401);
  const started = Date.now();
  let answer;
  let count = -1;
  do {
    answer = await berth.device(scopes.dps1, 'poller', key).poll(body.operationId);
    count++;
  } while (answer.status === 200 && count < 1000);
  const most = 5 + Math.ceil((Date.now() - started) / 2000);
  assert.ok(count >= 5 && count <= most, `${count} were answered, not 5 to ${most}`);
  assert.strictEqual(answer.status, 429);
  assert.strictEqual(answer.body.errorCode, 429001);
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 3, `Retry-After: ${seconds}`);
  assert.strictEqual((await register('dps1', 'other')).status, 202);
  assert.match((await berth.cli('registration', 'explain', 'poller', '--service', 'dps1')).stdout, /asks more often/);
  await berth.sleep(seconds * 1000);
  assert.strictEqual((await berth.device(scopes.dps1, 'poller', key).poll(body.operationId)).status, 200);
});

test('SIGHUP reads the limits again', async () => {
  await reload(0, 0);
  for (let i = 0; i < 20; i++) assert.strictEqual((await register('dps1', `e-${i}`)).status, 202);
});
