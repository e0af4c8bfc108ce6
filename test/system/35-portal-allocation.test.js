// The portal and where devices go: what a change would move, why an address leads to a hub, where linked hubs are, and from where a device
// came last.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { execFileSync } = require('node:child_process');
const berth = require('./berth.js');
const { judge, signedIn, story, withBrowser } = require('./browser.js');

const allocation = '/services/dps1/allocation-policy';
const links = '/services/dps1/linked-hubs';
const DEVICES = 60;
const ids = Array.from({ length: DEVICES }, (_, i) => `press-${String(i).padStart(3, '0')}`);
const reader = ['grace', 'the harbour is shut'];
// Documentation networks (RFC 5737), placed on two continents.
const ZURICH = '203.0.113.7';
const BOSTON = '203.0.113.70';
const rows = ['203.0.113.0/26 47.38 8.54 CH Zurich', '203.0.113.64/26 42.36 -71.06 US Boston'];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'places-'));
const hubs = [{ name: 'hub1', location: 'West Europe' }, { name: 'hub2', location: '37.4,-79.8' }];
let scope, groupKey;

const keyOf = (id) => berth.deriveKey(groupKey, id);
const registerAll = async () => {
  const hubOf = async (id) => (await berth.device(scope, id, keyOf(id)).settle()).body.registrationState.assignedHub;
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await hubOf(id)])));
};
const registerFrom = async (id, from) => {
  const headers = { Authorization: berth.sas(`${scope}%2Fregistrations%2F${id}`, keyOf(id), { name: 'registration' }) };
  const answer = await berth.ask('PUT', 'global.berth.test', `/${scope}/registrations/${id}/register?api-version=2019-03-31`, { headers, body: { registrationId: id }, from });
  assert.strictEqual(answer.body?.status, 'assigned', answer.text);
};
const linked = async () => (await berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/dps1`))).properties.iotHubs;

withBrowser(async () => {
  const database = path.join(folder, 'places.mmdb');
  execFileSync(path.join(path.dirname(berth.bin), '../test/system/make_mmdb'), [database], { input: `${rows.join('\n')}\n` });
  for (const address of [ZURICH, BOSTON]) execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  await berth.killServer('SIGTERM');
  await berth.startServer('--geo-database', database);
  for (const hub of ['hub1', 'hub2', 'hub3']) await berth.makeHub(hub);
  const made = await berth.makeService('dps1', { iotHubs: hubs });
  scope = made.properties.idScope;
  const api = await berth.serviceApi('dps1');
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }));
  groupKey = (await berth.good(api('POST', '/enrollmentGroups/presses/attestationmechanism'))).symmetricKey.primaryKey;
  await registerAll();
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const said = (who, words) => who.page.getByText(words).first().waitFor();
// What was asked that changes something: a trial is none.
const changes = (who) => who.changes().filter((line) => !/\/allocation\/(explain|whatif|preview)/.test(line));

// --- what would move ---

const foretold = async (who) => {
  await who.page.getByText(/^\d+ of \d+ devices would move$/).waitFor();
  return Number((await who.page.getByText(/^\d+ of \d+ devices would move$/).innerText()).split(' ')[0]);
};

async function fileOf(who) {
  const [file] = await Promise.all([who.page.waitForEvent('download'), who.button('Download all as CSV').click()]);
  const lines = fs.readFileSync(await file.path(), 'utf8').trim().split('\r\n');
  assert.strictEqual(lines.shift(), 'registrationId,from,to');
  return lines.map((line) => line.split(','));
}

story('what would move is told, nothing is saved; and when the change is made, every device does as foretold', async () => {
  const before = await registerAll();
  const ada = await (await signedIn()).open(allocation);
  await ada.page.getByRole('combobox', { name: 'A hub more' }).fill('hub3');
  await ada.page.getByRole('combobox', { name: 'Location' }).last().fill('91, 0');
  await said(ada, /A latitude is from -90 to 90/);
  assert.ok(await ada.button('Try with it').isDisabled());
  await ada.page.getByRole('combobox', { name: 'Location' }).last().fill('47.38, 8.54');
  await ada.button('Try with it').click();
  await ada.page.getByRole('checkbox', { name: 'hub3.berth.test (new, 47.38, 8.54)' }).waitFor();
  await ada.page.getByRole('spinbutton', { name: 'Weight of hub3.berth.test' }).fill('2');
  await ada.page.getByRole('checkbox', { name: 'hub2.berth.test' }).uncheck();
  await ada.button('See what would move').click();
  const move = await foretold(ada);
  const rows = await fileOf(ada);
  assert.strictEqual(rows.length, move);
  assert.ok(move >= Object.values(before).filter((hub) => hub === 'hub2.berth.test').length);
  await ada.page.getByRole('table', { name: 'Moves from hub to hub' }).waitFor();
  assert.deepStrictEqual(changes(ada), [], 'trying saves nothing');
  assert.deepStrictEqual((await linked()).map((hub) => hub.name).sort(), ['hub1.berth.test', 'hub2.berth.test']);
  assert.deepStrictEqual(await ada.page.evaluate(() => location.search.length > 0), true, 'the change stands in the address');
  assert.deepStrictEqual(await judge(ada, 'what would move'), []);
  // Now in earnest.
  await berth.makeService('dps1', { iotHubs: [hubs[0], { name: 'hub3', allocationWeight: 2 }] });
  const after = await registerAll();
  const moved = ids.filter((id) => after[id] !== before[id]);
  assert.deepStrictEqual(moved, rows.map(([id]) => id).filter((id) => ids.includes(id)).sort());
  for (const [id, from, to] of rows.filter(([id]) => ids.includes(id))) assert.deepStrictEqual([before[id], after[id]], [from, to], id);
  await berth.makeService('dps1', { iotHubs: hubs });
  await registerAll();
});

story('a change that moves nobody says so: weights in the same proportion', async () => {
  const ada = await (await signedIn()).open(allocation);
  for (const hub of ['hub1', 'hub2']) await ada.page.getByRole('spinbutton', { name: `Weight of ${hub}.berth.test` }).fill('7');
  const [asked] = await Promise.all([
    ada.page.waitForRequest(/\/allocation\/whatif/),
    ada.button('See what would move').click(),
  ]);
  assert.deepStrictEqual(asked.postDataJSON().iotHubs, { weights: { 'hub1.berth.test': 7, 'hub2.berth.test': 7 } });
  assert.strictEqual(await foretold(ada), 0);
  await said(ada, new RegExp(`${DEVICES} stay where they are`));
  assert.strictEqual(await ada.page.getByRole('table', { name: 'Moves from hub to hub' }).count(), 0);
  assert.strictEqual(await ada.button('Download all as CSV').count(), 0);
  assert.deepStrictEqual(await judge(ada, 'nobody would move'), []);
  assert.deepStrictEqual(changes(ada), []);
});

story('an address with a change runs it: from the weight of a link, and from unlinking', async () => {
  const ada = await (await signedIn()).open(links);
  await ada.button('Edit hub1.berth.test').click();
  await ada.page.getByRole('dialog').getByRole('spinbutton', { name: 'Weight' }).fill('9');
  await ada.page.getByRole('dialog').getByRole('link', { name: 'See what would move' }).click();
  await ada.heading('Manage allocation policy');
  const more = await foretold(ada);
  assert.strictEqual(await ada.page.getByRole('spinbutton', { name: 'Weight of hub1.berth.test' }).inputValue(), '9');
  await ada.page.reload();
  assert.strictEqual(await foretold(ada), more, 'the same after a reload');
  await ada.open(links);
  await ada.button('Unlink hub2.berth.test').click();
  await ada.page.getByRole('alertdialog').getByRole('link', { name: 'See what would move' }).click();
  await foretold(ada);
  assert.ok(!(await ada.page.getByRole('checkbox', { name: 'hub2.berth.test' }).isChecked()));
  await ada.button('Clear').click();
  await ada.page.waitForFunction(() => location.search === '');
  assert.ok(await ada.page.getByRole('checkbox', { name: 'hub2.berth.test' }).isChecked());
  assert.deepStrictEqual(changes(ada), []);
});

story('a stream that breaks off is an error and no result; one that goes on can be stopped; weights that cannot be are not asked', async () => {
  const ada = await (await signedIn()).open(allocation);
  await ada.page.route('**/allocation/whatif*', (route) => route.fulfill({ status: 200, contentType: 'application/x-ndjson', body: '{"progress":{"done":5}}\n{"registrationId":"a","fr' }));
  await ada.button('See what would move').click();
  await said(ada, /broke off before its end/);
  assert.strictEqual(await ada.page.getByText(/devices would move$/).count(), 0);
  await ada.page.unroute('**/allocation/whatif*');
  await ada.page.route('**/allocation/whatif*', () => undefined);
  await ada.button('See what would move').click();
  await ada.page.getByRole('progressbar', { name: 'Devices looked at' }).waitFor();
  await ada.button('Stop').click();
  await said(ada, /^Stopped after 0 devices/);
  await ada.page.getByRole('spinbutton', { name: 'Weight of hub1.berth.test' }).fill('0');
  await said(ada, /1 to 1000/);
  assert.ok(await ada.button('See what would move').isDisabled());
});

// --- places ---

story('a link has a location, which is shown and changed', async () => {
  const ada = await (await signedIn()).open(`${links}/add`);
  await ada.page.getByRole('combobox', { name: 'IoT hub' }).selectOption('hub3');
  const place = ada.page.getByRole('combobox', { name: 'Location' });
  await place.fill('91,0');
  assert.match(await ada.fault(place), /latitude is from -90 to 90/);
  assert.ok(await ada.button('Save').isDisabled());
  await place.fill('Japan East');
  await ada.button('Save').click();
  await ada.row('Linked IoT hubs', 'hub3').getByText('Japan East').waitFor();
  await ada.button('Edit hub3.berth.test').click();
  await ada.page.getByRole('dialog').getByRole('combobox', { name: 'Location' }).fill('-33.9,151.2');
  await ada.button('Save').click();
  await ada.row('Linked IoT hubs', 'hub3').getByText('-33.9,151.2').waitFor();
  assert.strictEqual((await linked()).find((hub) => hub.name.startsWith('hub3')).location, '-33.9,151.2');
  assert.deepStrictEqual(await judge(ada, 'linked hubs with locations'), []);
  await berth.makeService('dps1', { iotHubs: hubs });
});

const fare = (who, hub) => who.row('How the hubs fare', hub);

async function explained(who, address) {
  await who.field('Address of the device').fill(address);
  await who.page.getByLabel('Under the policy').selectOption('geoLatency');
  await who.button('Explain').click();
}

story('an address with a place is explained hub by hub, the same after a reload', async () => {
  const ada = await (await signedIn()).open(allocation);
  for (const [address, place, near, other] of [[ZURICH, 'Zurich', 'hub1', 'hub2'], [BOSTON, 'Boston', 'hub2', 'hub1']]) {
    await explained(ada, address);
    for (const again of [false, true]) {
      if (again) await ada.page.reload();
      await said(ada, new RegExp(`^${place}, .*\\d° N`));
      await fare(ada, near).getByText('This one').waitFor();
      await fare(ada, near).getByText('It is the nearest.').waitFor();
      await fare(ada, other).getByText(/It is [\d,]+ km farther than the nearest\./).waitFor();
      await fare(ada, 'hub1').getByText('West Europe').waitFor();
      await fare(ada, 'hub2').getByText('37.40° N, 79.80° W').waitFor();
      assert.strictEqual(await ada.field('Address of the device').inputValue(), address);
    }
  }
  assert.deepStrictEqual(await judge(ada, 'an address explained'), []);
  assert.deepStrictEqual(changes(ada), []);
});

story('an address without a place: the page says why; what is no address is not asked about', async () => {
  const ada = await (await signedIn()).open(allocation);
  for (const address of ['10.1.2.3', '2001:db8::7']) {
    const [answer] = await Promise.all([ada.page.waitForResponse(/\/allocation\/explain/), explained(ada, address)]);
    const { place, placeReason } = await answer.json();
    assert.strictEqual(place, null);
    assert.match(placeReason, /\w+\.$/);
    await said(ada, `Not known. ${placeReason}`);
  }
  assert.deepStrictEqual(await judge(ada, 'an address without a place'), []);
  const address = ada.field('Address of the device');
  await address.fill('example.org');
  assert.match(await ada.fault(address), /IPv4 or IPv6/);
  assert.ok(await ada.button('Explain').isDisabled());
  assert.deepStrictEqual(changes(ada), []);
});

story('the last address of a device is shown, and leads to its explanation', async () => {
  await registerFrom(ids[0], BOSTON);
  const ada = await (await signedIn()).open(`/services/dps1/registrations/${ids[0]}`);
  await said(ada, BOSTON);
  assert.deepStrictEqual(await judge(ada, 'a registration with its last address'), []);
  await ada.page.getByRole('link', { name: 'Explain this address' }).click();
  await ada.heading('Manage allocation policy');
  await said(ada, /^Boston, .*\d° N/);
  assert.strictEqual(await ada.field('Address of the device').inputValue(), BOSTON);
  assert.strictEqual(await ada.field('Registration ID').inputValue(), ids[0]);
  await registerFrom(ids[0], ZURICH);
  await ada.open(`/services/dps1/registrations/${ids[0]}`);
  await said(ada, ZURICH);
});

story('an enrollment that is not there is told in words', async () => {
  const ada = await signedIn();
  ada.expect(/^40[04] POST .*\/allocation\/explain/);
  await ada.open(`${allocation}?address=10.1.2.3&enrollment=nobody`);
  await said(ada, /It could not be explained/);
});

// --- who may only read ---

story('a reader may try what would move and have addresses explained, and can change none of it', async () => {
  await berth.good(berth.manage('PUT', `/berth/operators/${reader[0]}`, { role: 'reader', password: reader[1] }));
  const grace = await (await signedIn(...reader)).open(`${allocation}?remove=hub2.berth.test`);
  await foretold(grace);
  assert.strictEqual(await grace.button('Save').count(), 0);
  await explained(grace, ZURICH);
  await fare(grace, 'hub1').getByText('This one').waitFor();
});
