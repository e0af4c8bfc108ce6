// The tutorial "Provision devices across load-balanced IoT hubs", in the portal: every click of it, and two real devices.
'use strict';
const assert = require('node:assert');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt } = require('azure-iot-provisioning-device-mqtt');
const { Amqp } = require('azure-iot-provisioning-device-amqp');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const { make, pem, secret } = require('./pki.js');
const { home, password, signedIn, story, visitor, withBrowser } = require('./browser.js');

withBrowser();

const landed = {};
let scope;
let key;

function register(Transport, security) {
  return new Promise((resolve, reject) => {
    ProvisioningDeviceClient.create('global.berth.test', scope, new Transport(), security).register((error, result) => (error ? reject(error) : resolve(result)));
  });
}

async function copied(who, label) {
  const button = await who.button(`Copy ${label}`).elementHandle();
  await button.click();
  await who.page.waitForFunction((it) => it.getAttribute('aria-label') === 'Copied', button);
  return who.page.evaluate(() => navigator.clipboard.readText());
}

async function makeHub(who, name) {
  await who.go('All resources');
  await who.choose('Create', 'IoT hub');
  await who.field('Name').fill(name);
  await who.page.getByText('The name is free.').waitFor();
  await who.button('Create').click();
  await who.heading(name);
}

async function link(who, hub) {
  await who.page.getByRole('group', { name: 'Commands' }).getByRole('link', { name: 'Add' }).click();
  await who.heading('Add link to IoT hub');
  await who.page.getByRole('radio', { name: 'On this server' }).check();
  await who.page.getByRole('combobox', { name: 'IoT hub' }).selectOption(hub);
  await who.button('Save').click();
  await who.heading('Linked IoT hubs');
  await who.row('Linked IoT hubs', `${hub}.berth.test`).waitFor();
}

story('sign in: a wrong password is told in words, the right one opens All resources', async () => {
  const ada = await visitor();
  ada.expect(/^401 GET \/berth\/session$/, /^401 POST \/berth\/session$/);
  await ada.page.goto(home);
  await ada.heading('Sign in');
  await ada.field('Name').fill('admin');
  await ada.field('Password').fill('not this one');
  await ada.button('Sign in').click();
  assert.match(await ada.fault(ada.field('Password')), /Name or password is wrong/);
  await ada.field('Password').fill(password);
  await ada.button('Sign in').click();
  await ada.heading('All resources');
  await ada.page.getByText('Nothing here yet').waitFor();
});

story('All resources: two hubs and a provisioning service are created', async () => {
  const ada = await (await signedIn()).open('/resources');
  await makeHub(ada, 'hub1');
  await makeHub(ada, 'hub2');
  await ada.go('All resources');
  await ada.choose('Create', 'Provisioning service');
  await ada.field('Name').fill('dps1');
  await ada.page.getByText('The name is free.').waitFor();
  await ada.button('Create').click();
  await ada.heading('dps1');
  await ada.go('All resources');
  for (const [name, kind] of [['hub1', 'IoT hub'], ['hub2', 'IoT hub'], ['dps1', 'Provisioning service']]) {
    await ada.row('All resources', name).getByText(kind, { exact: true }).waitFor();
  }
});

story('Linked IoT hubs: both are linked, and are reached', async () => {
  const ada = await (await signedIn()).open('/resources');
  await ada.row('All resources', 'dps1').getByRole('link', { name: 'dps1' }).click();
  await ada.heading('dps1');
  await ada.go('Linked IoT hubs');
  await link(ada, 'hub1');
  await link(ada, 'hub2');
  for (const hub of ['hub1', 'hub2']) await ada.row('Linked IoT hubs', hub).getByText('Reachable', { exact: true }).waitFor();
});

story('Manage allocation policy: evenly weighted distribution, with its preview', async () => {
  const ada = await (await signedIn()).open('/services/dps1/overview');
  const preview = ada.page.getByRole('region', { name: 'The next 10,000 devices' });
  await ada.go('Manage allocation policy');
  const choice = (name) => ada.page.getByRole('radio', { name });
  assert.ok(await choice(/^Evenly weighted distribution/).isChecked(), 'it is the default');
  await choice(/^Static configuration/).check();
  await ada.button('Save').click();
  await ada.note('The allocation policy is Static configuration');
  await preview.getByText('10,000', { exact: true }).waitFor();
  await choice(/^Evenly weighted distribution/).check();
  await preview.getByText('With the policy chosen on this page').waitFor();
  await ada.button('Save').click();
  await ada.note('The allocation policy is Evenly weighted distribution now.');
  await ada.page.reload();
  assert.ok(await choice(/^Evenly weighted distribution/).isChecked());
  await preview.getByText('hub2.berth.test').waitFor();
  const counts = await preview.locator('strong').allTextContents();
  const numbers = counts.map((text) => Number(text.replace(/\D/g, '')));
  assert.strictEqual(numbers.length, 2);
  assert.strictEqual(numbers[0] + numbers[1], 10_000);
  for (const number of numbers) assert.ok(number > 4_700 && number < 5_300, `${number} of 10,000`);
});

story('Manage enrollments: an entry with generated keys, copied from its page', async () => {
  const ada = await (await signedIn()).open('/services/dps1/overview');
  await ada.go('Manage enrollments');
  await ada.page.getByText('The enrollment list is empty').waitFor();
  await ada.choose('Add', 'Individual enrollment');
  await ada.heading('Add enrollment list entry');
  await ada.field('Registration ID').fill('press-1');
  await ada.page.getByRole('radio', { name: /^Symmetric key/ }).check();
  await ada.page.getByRole('radio', { name: 'Generate keys' }).check();
  await ada.button('Save').click();
  await ada.note('press-1 may register now.');
  await ada.heading('press-1');
  await ada.button('Get keys').click();
  scope = await copied(ada, 'ID scope');
  assert.match(scope, /^0ne[0-9A-Z]{8}$/);
  assert.strictEqual(await copied(ada, 'device endpoint'), 'global.berth.test');
  key = await copied(ada, 'primary key');
  assert.strictEqual(Buffer.from(key, 'base64').length, 64);
  assert.ok(!(await ada.page.locator('body').innerText()).includes(key), 'it is not shown before that is asked for');
  await ada.button('Reveal primary key').click();
  await ada.page.getByText(key).first().waitFor();
});

story('Manage enrollments: an X.509 entry with its certificate dropped', async () => {
  make('press-2', '/CN=press-2');
  const ada = await (await signedIn()).open('/services/dps1/enrollments');
  await ada.choose('Add', 'Individual enrollment');
  await ada.field('Registration ID').fill('press-2');
  await ada.page.getByRole('radio', { name: /^X\.509/ }).check();
  await ada.drop(ada.page.getByText('Drop a certificate').first(), 'press-2.pem', pem('press-2'));
  await ada.page.getByText('issued by press-2').waitFor();
  await ada.button('Save').click();
  await ada.note('press-2 may register now.');
  await ada.go('Manage enrollments');
  await ada.row('Individual enrollments', 'press-1').getByText('Symmetric key').waitFor();
  await ada.row('Individual enrollments', 'press-2').getByText('X.509').waitFor();
});

story('Live: two devices are switched on, and land while one watches', async () => {
  const ada = await (await signedIn()).open('/services/dps1/live');
  await ada.page.getByText('Listening').waitFor();
  const devices = { 'press-1': [Mqtt, new SymmetricKeySecurityClient('press-1', key), 'mqtt'], 'press-2': [Amqp, new X509Security('press-2', { cert: pem('press-2'), key: secret('press-2') }), 'amqp'] };
  for (const [id, [Transport, security, protocol]] of Object.entries(devices)) {
    const result = await register(Transport, security);
    assert.strictEqual(result.status, 'assigned');
    landed[id] = result.assignedHub;
    const row = ada.row('Devices that just landed', id);
    await row.getByText(result.assignedHub).waitFor();
    await row.getByText(protocol, { exact: true }).waitFor();
  }
});

story('each device is where it was sent: in the registration records, and on its hub', async () => {
  const ada = await (await signedIn()).open('/services/dps1/live');
  assert.deepStrictEqual(Object.keys(landed), ['press-1', 'press-2']);
  await ada.go('Registration records');
  for (const [id, hub] of Object.entries(landed)) {
    await ada.row('Registration records', id).getByText(hub, { exact: true }).waitFor();
    await ada.row('Registration records', id).getByText('Assigned', { exact: true }).waitFor();
  }
  for (const [id, hub] of Object.entries(landed)) {
    await ada.go('All resources');
    await ada.row('All resources', hub.split('.')[0]).first().getByRole('link', { name: hub.split('.')[0] }).click();
    await ada.go('Devices');
    await ada.page.getByRole('table', { name: 'Devices' }).getByRole('link', { name: id, exact: true }).click();
    await ada.heading(id);
  }
});
