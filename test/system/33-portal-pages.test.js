// Every page: what axe finds in both themes, narrow and wide; the keyboard alone; addresses that outlive a reload; and very many rows.
// BERTH_MILLION=1: a million enrollments; else a hundred thousand, made in a second.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const berth = require('./berth.js');
const { endorsementKeyOfNobody } = require('./software_tpm.js');
const { addresses, furnish, home, judge, password, signedIn, story, visitor, withBrowser } = require('./browser.js');

const MANY = process.env.BERTH_MILLION === '1' ? 1_000_000 : 100_000;
const DEVICES = 2000;

withBrowser(furnish);

// --- what axe finds ---

story('axe finds nothing grave on any page, light or dark, narrow or wide; none scrolls sideways', async () => {
  const out = await visitor();
  out.expect(/^401 GET \/berth\/session$/);
  const found = await judge(await out.open('/'), 'sign in');
  const ada = await signedIn();
  for (const [name, address] of Object.entries(addresses)) {
    await (await ada.open(address)).settled();
    found.push(...(await judge(ada, name)));
  }
  assert.deepStrictEqual(found, []);
});

// --- addresses ---

// That every address can be gone to is seen above; here, that what it says of a list is kept.
story('an address with its filter and order is the same page after a reload', async () => {
  const ada = await signedIn();
  const places = ['/services/dps1/enrollments?prefix=press&status=enabled&attestation=symmetricKey&order=desc', '/services/dps1/registrations?prefix=press&status=assigned',
    '/services/dps1/overview?minutes=1440', '/hubs/hub1/devices?prefix=press&status=enabled', '/resources?q=hub&kind=hub'];
  const shown = () => ada.page.locator('main').evaluate((main) => [document.title, ...[...main.querySelectorAll('h1, td:nth-child(-n+2), select, input:not([type=checkbox])')].map((it) => it.value ?? it.textContent)]);
  for (const address of [addresses.enrollment, addresses.group, addresses.explain, addresses.device, addresses['not found'], ...places]) {
    await (await ada.open(address)).settled();
    const before = await shown();
    await ada.page.reload();
    await ada.heading();
    await ada.settled();
    assert.strictEqual(ada.page.url(), home + address);
    assert.deepStrictEqual(await shown(), before, address);
  }
});

// --- the keyboard ---

// Tab until it is there.
async function tabTo(who, role, name) {
  for (let i = 0; i < 80; i++) {
    const here = await who.page.evaluate(() => {
      const at = document.activeElement;
      const label = at.getAttribute('aria-label') ?? (at.labels?.length ? at.labels[0].innerText : at.innerText) ?? '';
      return [at.getAttribute('role') ?? { INPUT: at.type === 'radio' || at.type === 'checkbox' ? at.type : 'textbox', BUTTON: 'button', A: 'link' }[at.tagName], label.replace(/\s*\*$/, '').trim()];
    });
    if (here[0] === role && (name instanceof RegExp ? name.test(here[1]) : here[1] === name)) return;
    await who.page.keyboard.press('Tab');
  }
  assert.fail(`Tab never comes to the ${role} ${name}`);
}

story('without a mouse: signing in, and adding an enrollment with a key', async () => {
  const ada = await visitor();
  ada.expect(/^401 GET \/berth\/session$/);
  const { keyboard } = ada.page;
  await ada.open('/services/dps1/enrollments');
  await tabTo(ada, 'textbox', 'Name');
  await keyboard.type('admin');
  await keyboard.press('Tab');
  await keyboard.type(password);
  await keyboard.press('Enter');
  await ada.heading('Manage enrollments');
  await tabTo(ada, 'button', 'Add');
  await keyboard.press('ArrowDown');
  await ada.page.getByRole('menuitem', { name: 'Individual enrollment' }).waitFor();
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowUp');
  await keyboard.press('Enter');
  await ada.heading('Add enrollment list entry');
  await tabTo(ada, 'textbox', 'Registration ID');
  await keyboard.type('by-keyboard');
  await tabTo(ada, 'radio', /^Symmetric key/);
  await keyboard.press('ArrowDown');
  await ada.page.getByText('Drop a certificate').first().waitFor();
  await keyboard.press('ArrowUp');
  await tabTo(ada, 'radio', 'Generate keys');
  await tabTo(ada, 'button', 'Save');
  await keyboard.press('Enter');
  await ada.heading('by-keyboard');
});

// --- very many ---

// The server is ended, and a row of its store copied: what it is like is the server's own. One without keys: those are sealed for their row.
async function enrollMany() {
  const tpm = { endorsementKey: endorsementKeyOfNobody() };
  await berth.good((await berth.serviceApi('dps1'))('PUT', '/enrollments/chip-1', { body: { registrationId: 'chip-1', attestation: { type: 'tpm', tpm } } }));
  await berth.killServer('SIGTERM');
  const store = fs.readdirSync(berth.data).find((name) => /\.(db|sqlite3?)$/.test(name));
  const sql = (text) => execFileSync('sqlite3', [path.join(berth.data, store)], { input: text }).toString();
  const columns = sql("SELECT name FROM pragma_table_info('enrollment');").trim().split('\n');
  const taken = columns.map((name) => (name === 'id' || name === 'name' ? "printf('unit-%07d', n)" : name)).join(', ');
  sql(`WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ${MANY})
       INSERT INTO enrollment (${columns.join(', ')}) SELECT ${taken} FROM count CROSS JOIN enrollment WHERE id = 'chip-1';`);
  await berth.startServer();
}

story(`${MANY.toLocaleString('en')} enrollments: first and last page, page after page, a search, both orders`, async () => {
  await enrollMany();
  const number = (n) => `unit-${String(n).padStart(7, '0')}`;
  const ada = await (await signedIn()).open('/services/dps1/enrollments?prefix=unit-');
  const where = ada.page.getByRole('navigation', { name: 'Pages of enrollments' }).getByRole('status');
  const at = async (words, first) => {
    await where.getByText(words).waitFor();
    await ada.row('Individual enrollments', first).waitFor();
  };
  const all = MANY.toLocaleString('en');
  await at(`1 to 100 of ${all} enrollments`, number(1));
  await ada.button('Next').click();
  await at(`101 to 200 of ${all}`, number(101));
  await ada.button('Next').click();
  await at(`201 to 300 of ${all}`, number(201));
  await ada.button('Previous').click();
  await at(`101 to 200 of ${all}`, number(200));
  await ada.button('Registration ID').click();
  await at(`1 to 100 of ${all}`, number(MANY));
  await ada.button('Next').click();
  await at(`101 to 200 of ${all}`, number(MANY - 100));
  await ada.button('Registration ID').click();
  await at(`1 to 100 of ${all}`, number(1));
  await ada.field('Registration ID begins with').fill('unit-00999');
  await at('1 to 100', number(99_900));
  await ada.field('Registration ID begins with').fill(number(77_777));
  await at('1 to 1 of 1', number(77_777));
  await ada.open(`/services/dps1/enrollments?prefix=unit-&after=${number(MANY - 50)}&page=${MANY / 100}`);
  await at(`of ${all} enrollments`, number(MANY));
  assert.ok(await ada.button('Next').isDisabled(), 'it is the last page');
  assert.strictEqual(await ada.page.getByRole('table').getByRole('row').count(), 51);
});

story(`Live under a flood: ${DEVICES.toLocaleString('en')} devices are counted to the last, and the page still answers a click`, async () => {
  const ada = await (await signedIn()).open('/services/dps1/live');
  await ada.page.getByText('Listening').waitFor();
  const flood = berth.cli('device', 'simulate', '--service', 'dps1', '--group', 'presses', '--count', String(DEVICES), '--transport', 'https');
  const landed = ada.page.locator('div', { hasText: /^Landed since this page opened[\d,]+$/ }).last();
  await ada.page.waitForFunction(() => /Landed since this page opened[1-9]/.test(document.body.textContent));
  await ada.button('Account of admin').click();
  await ada.page.getByRole('menu').waitFor();
  await ada.page.keyboard.press('Escape');
  assert.strictEqual((await flood).status, 0);
  await landed.getByText(DEVICES.toLocaleString('en'), { exact: true }).waitFor();
});
