// Twenty thousand devices that are logged in over MQTT and sit there (bench/idle.c plays them): none of them is lost, and the others do not notice.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { execFileSync, spawn } = require('node:child_process');
const berth = require('./berth.js');

const WISH = 20000;
const OTHER_DESCRIPTORS = 600; // what the server has open beside connections
const BYTES_EACH = 100 * 1024; // with sanitizers on both sides

const groupKey = Buffer.alloc(64, 7).toString('base64');
const hardLimit = () => Number(/Max open files +\S+ +(\d+)/.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
const available = () => 1024 * Number(/MemAvailable: +(\d+)/.exec(fs.readFileSync('/proc/meminfo', 'utf8'))[1]);
const metric = async (name) => Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(await berth.metrics())?.[1]);
const held = () => metric('berth_connections{protocol="mqtts"}');
let scope;

// A crowd takes commands, and answers each with a line.
function crowd() {
  const target = `berth,${berth.pid()},mqtt:8883,group,${scope},${groupKey}`;
  const child = spawn(path.join(path.dirname(berth.bin), '..', 'bench', 'bench_idle'), [target], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.on('exit', resolve));
  return {
    ended,
    async does(command, answer) {
      child.stdin.write(`${command}\n`);
      assert.strictEqual((await lines.next()).value, answer);
    },
    goes: () => child.stdin.end(),
  };
}

before(async () => {
  await berth.killServer('SIGTERM');
  // As it is on most systems: the server has to raise its soft limit by itself.
  execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=1024:']);
  await berth.startServer('--connections', String(2 * WISH), '--connections-per-peer', String(2 * WISH));
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  const body = { enrollmentGroupId: 'mills', attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: groupKey, secondaryKey: groupKey } } };
  await berth.good((await berth.serviceApi('dps1'))('PUT', '/enrollmentGroups/mills', { body }));
});

test(`${WISH} devices sit there: sampled, some register, others come beside them, and all can go`, async (t) => {
  const count = Math.min(WISH, hardLimit() - OTHER_DESCRIPTORS);
  if (count < WISH / 4) return t.skip(`a process may have only ${hardLimit()} descriptors here`);
  if (available() < count * BYTES_EACH) return t.skip(`only ${available()} bytes of memory are available here`);
  if (count < WISH) t.diagnostic(`held: ${count}, for a process may have only ${hardLimit()} descriptors here`);
  const descriptors = await metric('process_open_fds');
  const devices = crowd();
  await devices.does(`hold ${count}`, `held ${count}`);
  assert.strictEqual(await held(), count);
  assert.ok((await metric('process_open_fds')) >= count);

  await devices.does(`ping ${count / 100}`, `pinged ${count / 100}`);
  await devices.does('register 100', 'registered 100');
  const stranger = await berth.device(scope, 'stranger', berth.deriveKey(groupKey, 'stranger')).settle();
  assert.strictEqual(stranger.body.status, 'assigned');
  await devices.does('sit 2', 'sat 2');
  assert.strictEqual(await held(), count);

  await devices.does('close', `closed ${count}`);
  await berth.eventually(async () => (await held()) === 0);
  await berth.eventually(async () => (await metric('process_open_fds')) < descriptors + 100);
  await devices.does('hold 10', 'held 10');
  await devices.does('register 10', 'registered 10');
  devices.goes();
  assert.strictEqual(await devices.ended, 0);
  await berth.eventually(async () => (await held()) === 0);
});

test('a server that may not open as many descriptors as --connections says so', async () => {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-few-'));
  const ports = ['https', 'mqtts', 'amqps'].flatMap((door) => [`--${door}-port`, '0']);
  const args = ['--nofile=512:1024', berth.bin, 'serve', '--data', data, ...ports, '--admin-listen', '', '--log-format', 'json', '--connections', '2000'];
  const child = spawn('prlimit', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const events = [];
  for await (const line of readline.createInterface({ input: child.stderr })) {
    if (line.startsWith('{')) events.push(JSON.parse(line));
    if (events.at(-1)?.event === 'serving') child.kill('SIGTERM');
  }
  const { connections, descriptors } = events.find((line) => line.event === 'few-descriptors') ?? assert.fail('it says nothing');
  assert.deepStrictEqual([connections, descriptors], ['2000', '1024']);
  fs.rmSync(data, { recursive: true });
});
