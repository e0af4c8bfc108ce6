// The portal and rules of custom allocation: written, tried, and saved.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');
const { judge, signedIn, story, withBrowser } = require('./browser.js');

const add = '/services/dps1/enrollments/add';
let api, scope;

withBrowser(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

const said = (who, words) => who.page.getByText(words).first().waitFor();
const radio = (who, name) => who.page.getByRole('radio', { name });
// What was asked that changes something: a trial is none.
const changes = (who) => who.changes().filter((line) => !/\/allocation\/rule\/test/.test(line));

const RULE = 'payload.model == "P9" and "hub2.berth.test" or "hub1.berth.test"';

async function ruled(who, id) {
  await who.open(add);
  await who.field('Registration ID').fill(id);
  await who.page.getByLabel('Allocation policy').selectOption('custom');
  await radio(who, /^Rule/).check();
}

async function tried(who, words) {
  await who.button('Run').click();
  await who.page.getByRole('group', { name: 'Try the rule' }).getByText(words).first().waitFor();
}

story('a rule is tried with a payload before it is saved, and tells hub and cost', async () => {
  const ada = await signedIn();
  await ruled(ada, 'ruled-1');
  await ada.field('Rule').fill(RULE);
  await tried(ada, 'hub1.berth.test');
  await ada.field('Payload it sends').fill('{"model":"P9"}');
  await tried(ada, 'hub2.berth.test');
  await said(ada, /\d+ instructions?, .* of memory/);
  assert.deepStrictEqual(changes(ada), [], 'trying saves nothing');
  await ada.button('Save').click();
  await ada.heading('ruled-1');
  assert.deepStrictEqual((await berth.good(api('GET', '/enrollments/ruled-1'))).customAllocationDefinition, { rule: RULE });
  await ada.page.reload();
  await ada.heading('ruled-1');
  assert.strictEqual(await ada.field('Rule').inputValue(), RULE, 'the page shows the rule');
  const key = (await berth.good(api('POST', '/enrollments/ruled-1/attestationmechanism'))).symmetricKey.primaryKey;
  const body = { registrationId: 'ruled-1', payload: { model: 'P9' } };
  assert.strictEqual((await berth.device(scope, 'ruled-1', key).register(body)).body.registrationState.assignedHub, 'hub2.berth.test', 'as it was tried');
});

story('a rule with a mistake: its line is marked, and one jumps there; Enter tries, and saves nothing', async () => {
  const ada = await signedIn();
  await ruled(ada, 'ruled-2');
  const rule = ada.field('Rule');
  await rule.fill('-- by model\nreturn payload.model ==\n');
  await ada.field('Try it as device').press('Enter');
  assert.match(await ada.fault(rule), /Line [23]: \S/);
  await ada.page.getByRole('button', { name: /^Line [23]:/ }).click();
  assert.ok(await rule.evaluate((area) => area === document.activeElement && area.selectionStart >= 12));
  await rule.fill('nil');
  await ada.page.waitForFunction((area) => area.getAttribute('aria-invalid') === null, await rule.elementHandle());
  await tried(ada, 'Turned away');
  assert.deepStrictEqual(changes(ada), []);
  await rule.fill(' ');
  await ada.button('Save').click();
  assert.match(await ada.fault(rule), /Write a rule, or choose a web hook/);
  assert.deepStrictEqual(changes(ada), []);
});

story('examples can be used as they are; the one that takes the place of a rule can be undone', async () => {
  const ada = await signedIn();
  await ruled(ada, 'ruled-3');
  await ada.page.getByText('What a rule can say').click();
  for (const name of [/^Use this: One model/, /^Use this: By the name/]) {
    await ada.page.getByRole('button', { name }).click();
    await tried(ada, /hub[12]\.berth\.test/);
    assert.strictEqual(await ada.page.getByText('The rule failed').count(), 0, `${name}`);
  }
  assert.match(await ada.field('Rule').inputValue(), /starts\(/);
  await ada.button('Undo').click();
  assert.match(await ada.field('Rule').inputValue(), /payload\.model/);
});

story('the form of a rule is fit for everybody, and narrow screens', async () => {
  const ada = await signedIn();
  await ruled(ada, 'ruled-4');
  await ada.field('Rule').fill('payload.model ==');
  await tried(ada, 'The rule failed');
  await ada.page.getByText('What a rule can say').click();
  assert.deepStrictEqual(await judge(ada, 'a rule'), []);
});
