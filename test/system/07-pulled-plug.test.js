// Promises 1 and 2 when the plug is pulled: what was answered is there, nothing is there twice, every device has its one
// place. BERTH_PLUG_ROUNDS=200 BERTH_PLUG_SEED=1 makes it long, and repeatable as far as chance goes.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const berth = require('./berth.js');
const plug = require('./plug.js');

const rounds = Number(process.env.BERTH_PLUG_ROUNDS || 12);
const seed = Number(process.env.BERTH_PLUG_SEED || Date.now() % 1000000);

// What the disk holds is looked at as it was left, before the server touches it again.
function integrity(folder) {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'plug-'));
  for (const name of ['berth.db', 'berth.db-wal']) if (fs.existsSync(path.join(folder, name))) fs.copyFileSync(path.join(folder, name), path.join(copy, name));
  const said = execFileSync('sqlite3', [path.join(copy, 'berth.db'), 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim();
  fs.rmSync(copy, { recursive: true });
  assert.strictEqual(said, 'ok');
}

// Warnings and errors since the server began. A move away from a hub that was unlinked meanwhile cannot take the twin along, and says so.
function complaints(from, unlinked) {
  return fs.readFileSync(path.join(berth.data, 'server.log'), 'utf8').slice(from).split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line) || /Sanitizer|runtime error/.test(line))
    .filter((line) => !(unlinked && line.includes('"event":"twin-left-behind"')));
}

const logSize = () => fs.statSync(path.join(berth.data, 'server.log')).size;

async function pull(world, chance) {
  world.ended = true;
  if (chance() < 0.2) {
    process.kill(berth.pid(), 'SIGTERM');
    await berth.sleep(150 * chance());
  }
  await berth.killServer('SIGKILL').catch((error) => assert.strictEqual(error.code, 'ESRCH', 'it has drained already'));
}

test(`a storm, and the plug pulled ${rounds} times (BERTH_PLUG_SEED=${seed})`, async (t) => {
  const chance = plug.dice(seed);
  for (const name of ['hub1', 'hub2', 'hub3']) await berth.makeHub(name);
  const hubs = [];
  for (const name of ['hub1', 'hub2', 'hub3']) {
    const link = name === 'hub1' ? { name } : { connectionString: await berth.connectionString('IotHubs', name, 'iothubowner') };
    hubs.push({ host: `${name}.berth.test`, link, ask: await berth.hubApi(name) });
  }
  const world = new plug.World({ service: 'contoso', hubs, seed: seed + 1 });
  await world.open();
  const actors = [new plug.Weights(world)];
  for (let i = 0; i < 16; i++) actors.push(new plug.Regular(world, `regular-${i}`, i % 4 ? 'carry' : 'reset'));
  for (let i = 0; i < 10; i++) actors.push(await plug.Mover.make(world, `mover-${i}`));
  for (let i = 0; i < 4; i++) actors.push(await plug.Forgotten.make(world, `forgotten-${i}`));
  for (let i = 0; i < 4; i++) actors.push(new plug.Entry(world, 'enrollments', `entry-${i}`), new plug.Identity(world, hubs[i % 3], `ident-${i}`));
  actors.push(new plug.Entry(world, 'enrollmentGroups', 'group-0'), new plug.Entry(world, 'enrollmentGroups', 'group-1'));
  actors.push(new plug.Bulk(world, 'a'), new plug.Bulk(world, 'b'));
  actors.push(new plug.Resource(world, 'IotHubs', 'temp-hub'), new plug.Resource(world, 'provisioningServices', 'temp-service'));
  actors.push(new plug.Newcomers(world, 'x'), new plug.Newcomers(world, 'y'), new plug.Newcomers(world, 'z'));

  for (let round = 1; round <= rounds; round++) {
    const blowing = plug.storm(world, actors);
    await Promise.race([blowing, berth.sleep(20 + 900 * chance())]);
    if (world.ended) await blowing; /* it has failed */
    await pull(world, chance);
    await blowing;
    integrity(berth.data);
    let begin = logSize();
    await berth.startServer();
    while (chance() < 0.3) { /* again, while it is taking up what it finds */
      await berth.sleep(60 * chance());
      await berth.killServer('SIGKILL');
      begin = logSize();
      await berth.startServer();
    }
    const count = await plug.reckoning(world, actors);
    assert.deepStrictEqual(complaints(begin, world.unlinked), []);
    t.diagnostic(`round ${round}: ${world.answered} steps answered, ${world.lost} lost, ${count.assigned} of ${count.devices} devices assigned`);
  }
});
