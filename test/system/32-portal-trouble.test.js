// What goes wrong around the portal: the line, the server, the session, somebody else at the same entry, a role, a slip of the mouse, an attack.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');
const { make, pem } = require('./pki.js');
const { addresses, furnish, home, password, signedIn, story, visitor, withBrowser } = require('./browser.js');

const unplugged = /^net::ERR_/;
let api;

withBrowser(async () => {
  ({ api } = await furnish());
  const reader = await berth.ask('PUT', 'portal.berth.test', '/berth/operators/rita', { headers: { Authorization: `Bearer ${berth.token()}` }, body: { role: 'reader', password } });
  assert.strictEqual(reader.status, 201, reader.text);
});

const put = (id, more) => berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey' }, ...more } }));
const read = (id) => berth.good(api('GET', `/enrollments/${id}`));
const said = (who, words) => who.page.getByText(words).first().waitFor();

// --- line and server ---

story('the line is cut: said in words, what was entered stays, saving goes through when it is back', async () => {
  const ada = await (await signedIn()).open('/services/dps1/enrollments/add');
  ada.expect(unplugged);
  await ada.field('Registration ID').fill('cut-1');
  await ada.context.setOffline(true);
  await ada.button('Save').click();
  await said(ada, 'It was not saved.');
  await said(ada, 'The server did not answer.');
  assert.strictEqual(await ada.field('Registration ID').inputValue(), 'cut-1');
  await ada.context.setOffline(false);
  await ada.button('Save').click();
  await ada.heading('cut-1');
});

story('the server ends and starts again: lists say so, Live listens again by itself, nobody has to sign in', async () => {
  const ada = await (await signedIn()).open('/services/dps1/enrollments');
  const bob = await (await signedIn()).open('/services/dps1/live');
  ada.expect(unplugged);
  bob.expect(unplugged);
  await said(bob, 'Listening');
  await berth.killServer('SIGTERM');
  await said(bob, 'Connecting');
  await ada.button('Refresh').click();
  await said(ada, 'The server did not answer.');
  await ada.row('Individual enrollments', 'press-1').waitFor();
  await berth.startServer();
  await ada.button('Try again').click();
  await ada.page.getByText('The server did not answer.').waitFor({ state: 'detached' });
  await said(bob, 'Listening');
  const { attestation } = await put('late-1');
  const scope = (await berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/dps1`))).properties.idScope;
  await berth.device(scope, 'late-1', attestation.symmetricKey.primaryKey).settle();
  await bob.row('Devices that just landed', 'late-1').waitFor();
});

// --- session ---

async function endSessionsOf(name) {
  const elsewhere = await (await signedIn(name)).open('/account');
  await elsewhere.button('Sign out everywhere').click();
  elsewhere.expect(/^401 GET \/berth\/session$/);
  await elsewhere.page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await elsewhere.heading('Sign in');
}

async function signInAgain(who) {
  const dialog = who.page.getByRole('alertdialog', { name: 'Sign in again' });
  await dialog.getByRole('textbox', { name: 'Password' }).fill(password);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
}

story('the session ends while a form is filled in: signing in again goes on where it was', async () => {
  const ada = await (await signedIn()).open('/services/dps1/enrollments/add');
  ada.expect(/^401 /);
  await ada.field('Registration ID').fill('ended-1');
  await ada.field('IoT hub device ID').fill('ended-one');
  await endSessionsOf('admin');
  await ada.button('Save').click();
  await signInAgain(ada);
  assert.strictEqual(await ada.field('IoT hub device ID').inputValue(), 'ended-one');
  await ada.button('Save').click();
  await ada.heading('ended-1');
  assert.strictEqual((await read('ended-1')).deviceId, 'ended-one');
});

story('the session ends while one watches Live: it asks to sign in, and listens again', async () => {
  const ada = await (await signedIn()).open('/services/dps1/live');
  ada.expect(/^401 /);
  await said(ada, 'Listening');
  await endSessionsOf('admin');
  await signInAgain(ada);
  await said(ada, 'Listening');
});

story('whoever is signed out comes to the address that was asked for, after signing in', async () => {
  const ada = await visitor();
  ada.expect(/^401 GET \/berth\/session$/);
  await ada.open('/services/dps1/enrollments?prefix=press&order=desc');
  await ada.heading('Sign in');
  await ada.field('Name').fill('admin');
  await ada.field('Password').fill(password);
  await ada.button('Sign in').click();
  await ada.heading('Manage enrollments');
  assert.strictEqual(ada.page.url(), `${home}/services/dps1/enrollments?prefix=press&order=desc`);
  await ada.row('Individual enrollments', 'press-1').waitFor();
});

// --- two at the same entry ---

for (const [choice, name] of [['Show what is there now', 'theirs'], ['Save mine over it', 'mine']]) {
  story(`two edit the same entry: the second is told, and chooses ${name}`, async () => {
    const id = `shared-${name}`;
    await put(id, { deviceId: 'before' });
    const ada = await (await signedIn()).open(`/services/dps1/enrollments/entry/${id}`);
    const bob = await (await signedIn()).open(`/services/dps1/enrollments/entry/${id}`);
    await bob.field('IoT hub device ID').fill('of-bob');
    await ada.field('IoT hub device ID').fill('of-ada');
    await ada.button('Save').click();
    await ada.note(`${id} is saved.`);
    bob.expect(/^412 PUT /);
    await bob.button('Save').click();
    await said(bob, 'It was not saved.');
    assert.strictEqual(await bob.field('IoT hub device ID').inputValue(), 'of-bob');
    assert.strictEqual((await read(id)).deviceId, 'of-ada');
    await bob.button(choice).click();
    if (name === 'mine') await bob.note(`${id} is saved.`);
    const wanted = name === 'mine' ? 'of-bob' : 'of-ada';
    await bob.page.waitForFunction((text) => [...document.querySelectorAll('input')].some((input) => input.value === text), wanted);
    assert.strictEqual((await read(id)).deviceId, wanted);
  });
}

// --- a reader ---

story('a reader sees every page, is offered nothing that changes anything, and never a key', async () => {
  const rita = await signedIn('rita');
  const offers = /^(Create|Add|Add device|Delete|Save|Import|Edit|Unlink|Get keys|Disable|Enable|Remove|Regenerate.*|Delete record)$/;
  for (const [name, address] of Object.entries(addresses)) {
    await rita.open(address);
    await rita.settled();
    const buttons = await rita.page.locator('main').getByRole('button').or(rita.page.locator('main').getByRole('link')).allInnerTexts();
    const enabled = [];
    for (const text of buttons.filter((it) => offers.test(it.trim()))) {
      const button = rita.page.locator('main').getByRole('button', { name: text, exact: true }).first();
      if ((await button.count()) > 0 && (await button.isEnabled())) enabled.push(text);
    }
    assert.deepStrictEqual(enabled, [], name);
  }
  assert.deepStrictEqual(rita.changes().filter((line) => !/query|preview|NameAvailability/i.test(line)), []);
  const refused = await rita.page.evaluate(
    async (csrf) => (await fetch('/berth/at/dps1/enrollments/press-1?api-version=2021-10-01', { method: 'DELETE', headers: { 'X-Berth-CSRF': csrf } })).status,
    rita.csrf,
  );
  rita.expect(/^403 DELETE /);
  assert.strictEqual(refused, 403);
});

// --- slips ---

story('a hub is deleted when its name is written out, and not before', async () => {
  await berth.makeHub('hub3');
  const ada = await (await signedIn()).open('/resources');
  await ada.page.getByRole('checkbox', { name: 'Choose hub hub3' }).check();
  await ada.button('Delete').click();
  const dialog = ada.page.getByRole('alertdialog', { name: 'Delete hub3?' });
  const confirm = dialog.getByRole('button', { name: 'Delete' });
  await dialog.getByText('This cannot be undone').waitFor();
  for (const text of ['', 'hub', 'HUB3', 'hub3 ']) {
    await dialog.getByRole('textbox').fill(text);
    assert.ok(await confirm.isDisabled(), `"${text}"`);
  }
  await ada.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.strictEqual((await berth.manage('GET', `${berth.arm}/IotHubs/hub3`)).status, 200);
  await ada.button('Delete').click();
  await dialog.getByRole('textbox').fill('hub3');
  await confirm.click();
  await ada.note('hub3 is deleted.');
  assert.strictEqual((await berth.manage('GET', `${berth.arm}/IotHubs/hub3`)).status, 404);
});

story('unlinking says how many devices are there and what becomes of them; they stay', async () => {
  await berth.makeService('dps2', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] });
  const ada = await (await signedIn()).open('/services/dps1/linked-hubs');
  await ada.button('Unlink hub1.berth.test').click();
  const dialog = ada.page.getByRole('alertdialog', { name: 'Unlink hub1.berth.test?' });
  await dialog.getByText(/^\d+ devices? (are|is) on this hub now\. Devices stay on the hub/).waitFor();
  await dialog.getByText('it is given another linked hub').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await ada.row('Linked IoT hubs', 'hub1').waitFor();
  await ada.open('/services/dps2/linked-hubs');
  await ada.button('Unlink hub1.berth.test').click();
  await dialog.getByRole('button', { name: 'Unlink' }).click();
  await ada.note('hub1.berth.test is no longer linked.');
  await ada.row('Linked IoT hubs', 'hub1').waitFor({ state: 'detached' });
  await ada.row('Linked IoT hubs', 'hub2').waitFor();
});

story('a page with input that is not saved is left only on purpose', async () => {
  const ada = await (await signedIn()).open('/services/dps1/enrollments/add');
  await ada.field('Registration ID').fill('half-1');
  await ada.page.getByRole('navigation').getByRole('link', { name: 'Linked IoT hubs' }).first().click();
  await ada.button('Stay').click();
  assert.strictEqual(await ada.field('Registration ID').inputValue(), 'half-1');
  await ada.page.getByRole('navigation').getByRole('link', { name: 'Linked IoT hubs' }).first().click();
  await ada.button('Leave').click();
  await ada.heading('Linked IoT hubs');
});

// --- script ---

const scripts = ['<img src=x onerror="window.ran=1">', '"><script>window.ran=1</script>'];
const ran = (who) => who.page.evaluate(() => window.ran);

story('script typed into any text field is text', async () => {
  const ada = await signedIn();
  ada.expect(/^4\d\d /);
  for (const [name, address] of Object.entries(addresses)) {
    await ada.open(address);
    await ada.settled();
    for (const field of await ada.page.locator('input:not([type]), input[type=text], input[type=url], input[type=password], textarea').locator('visible=true').all()) {
      if (await field.isEditable()) await field.fill(scripts.join(''));
    }
    await ada.settled();
    assert.strictEqual(await ran(ada), undefined, name);
  }
  await ada.open(`/services/dps1/enrollments?prefix=${encodeURIComponent(scripts[0])}`);
  await said(ada, 'prefix is the beginning of an ID');
  assert.strictEqual(await ran(ada), undefined);
});

story('script that is stored is shown as text', async () => {
  const [image, script] = scripts;
  make('evil', `/CN=${image}`);
  await berth.good(berth.manage('PUT', `${berth.arm}/IotHubs/hub4`, { location: image, sku: berth.sku, properties: {} }));
  await berth.makeService('dps3', { iotHubs: [{ name: 'hub4', location: script }] });
  const far = await berth.serviceApi('dps3');
  const body = {
    registrationId: 'evil-1', deviceId: "evil-1$'", attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate: pem('evil') } } } },
    initialTwin: { tags: { [image]: script }, properties: { desired: { a: image } } }, optionalDeviceInformation: { [script]: image },
  };
  await berth.good(far('PUT', '/enrollments/evil-1', { body }));
  await berth.good((await berth.hubApi('hub4'))('PUT', '/devices/evil-1', { body: { deviceId: 'evil-1', statusReason: image, status: 'disabled' } }));
  const ada = await signedIn();
  for (const path of ['/resources', '/services/dps3/overview', '/services/dps3/linked-hubs', '/services/dps3/enrollments/entry/evil-1', '/hubs/hub4/overview', '/hubs/hub4/devices/evil-1']) {
    await ada.open(path);
    await ada.settled();
    assert.strictEqual(await ran(ada), undefined, path);
    assert.strictEqual(await ada.page.locator('img[src="x"]').count(), 0, path);
  }
  await ada.open('/services/dps3/enrollments/entry/evil-1');
  await said(ada, 'onerror');
});
