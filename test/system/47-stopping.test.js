// SIGTERM in the midst of everything: devices register over every transport, lists and what-ifs stream, somebody watches, metrics are
// scraped. The server ends with status 0, also when it does not wait for what is under way, and the sanitizers find nothing left behind.
// BERTH_STOPS=N: so often; else six times, each with a transport of its own.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const berth = require('./berth.js');

const STOPS = Number(process.env.BERTH_STOPS ?? 6);
const transports = ['https', 'mqtt', 'mqtt-ws', 'amqp', 'amqp-ws', 'https,mqtt,amqp'];
let api;

before(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] });
  api = await berth.serviceApi('dps1');
  await berth.good(api('PUT', '/enrollmentGroups/fleet', { body: { enrollmentGroupId: 'fleet', attestation: { type: 'symmetricKey' } } }));
  await berth.killServer('SIGTERM');
});

const run = (...args) => spawn(berth.bin, args, { env: { ...process.env, BERTH_DATA: berth.data }, stdio: 'ignore' });

// Asks on and on, until stop() is called; what is refused or cut off is nobody's concern.
function crowd() {
  let going = true;
  const questions = [berth.metrics, () => api('POST', '/enrollmentGroups/query', { body: { query: 'SELECT * FROM enrollmentGroups' } }), () => api('POST', '/berth/allocation/whatif', { body: { list: true } })];
  const ended = questions.flatMap((question) => [1, 2, 3].map(async () => {
    while (going) await question().catch(() => berth.sleep(20));
  }));
  return () => { going = false; return Promise.all(ended); };
}

for (let i = 0; i < STOPS; i++) {
  const transport = transports[i % transports.length], waits = i % 3 === 0, insists = i % 3 === 2;
  const how = insists ? 'told twice' : waits ? 'waiting for what is under way' : 'not waiting';
  test(`${transport}: a server that stops leaves nothing behind, ${how}`, async () => {
    const server = await berth.startServer('--threads', '3', '--drain-seconds', waits ? '20' : '1');
    const ended = new Promise((resolve) => { server.on('exit', (status, signal) => resolve(signal ?? status)); });
    const devices = run('device', 'simulate', '--service', 'dps1', '--group', 'fleet', '--count', '3000', '--prefix', `stop${i}-`, '--transport', transport, '--patience', '5');
    const stop = crowd();
    // Not before devices are on their way.
    await berth.eventually(async () => /DeviceAssignments_total/.test(await berth.metrics()));
    process.kill(server.pid, 'SIGTERM');
    if (insists) process.kill(server.pid, 'SIGTERM');
    const status = await ended;
    devices.kill('SIGKILL');
    await stop();
    assert.strictEqual(status, 0);
  });
}

test('afterwards each device that was assigned is on its hub, and no device is on two', async () => {
  await berth.startServer();
  const sql = (text) => execFileSync('sqlite3', ['-readonly', path.join(berth.data, 'berth.db'), text], { encoding: 'utf8' }).trim().split('\n').map((line) => line.split('|'));
  // What was cut off in the middle is taken up by the server itself.
  await berth.eventually(async () => sql("SELECT count(*) FROM registration WHERE status = 'assigning' OR target_hub IS NOT NULL")[0][0] === '0');
  const assigned = sql("SELECT id, assigned_hub FROM registration WHERE status = 'assigned'");
  const there = sql('SELECT device_id, hub FROM device');
  const places = new Map(there.map(([id, hub]) => [id, hub]));
  assert.ok(assigned.length >= STOPS);
  assert.strictEqual(places.size, there.length, 'on two hubs');
  for (const [id, hub] of assigned) assert.strictEqual(`${places.get(id)}.berth.test`, hub, id);
});
