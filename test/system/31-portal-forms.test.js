// Every form of the portal with what people type into forms: told in words beside the field, nothing lost, the server not asked with rubbish.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const berth = require('./berth.js');
const { make, pem, secret, openssl, at } = require('./pki.js');
const { password, setPassword, signedIn, story, withBrowser } = require('./browser.js');

const TAKEN = /is taken: services and hubs share one space of names/;
let api;

withBrowser(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] });
  api = await berth.serviceApi('dps1');
  await berth.good(api('PUT', '/enrollments/press-1', { body: { registrationId: 'press-1', attestation: { type: 'symmetricKey' } } }));
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }));
});

const at1 = '/services/dps1';

// Types each text into the field: the sentence beside it fits, the text stays.
async function judged(who, field, cases) {
  for (const [text, words] of cases) {
    await field.fill(text);
    assert.match(await who.fault(field), words, `for "${text}"`);
    assert.strictEqual(await field.inputValue(), text);
  }
}

// The text near a place where something was dropped or pasted.
const said = (who, words) => who.page.getByText(words).first().waitFor();

// Nothing that changes anything was asked. Whether a name is free may be.
function nothingAsked(who) {
  assert.deepStrictEqual(who.changes().filter((line) => !/NameAvailability|\/query|\/preview/i.test(line)), []);
}

for (const [kind, path] of [['hub', '/resources/new-hub'], ['service', '/resources/new-service']]) {
  story(`create a ${kind}: names that cannot be, and names that are taken`, async () => {
    const ada = await (await signedIn()).open(path);
    const name = ada.field('Name');
    await judged(ada, name, [
      ['ab', /3 to 50 characters/], ['x'.repeat(51), /3 to 50 characters/], ['a_b', /Letters, digits and - only/], ['hüb', /Letters, digits and - only/],
      ['-abc', /No - at either end/], ['1234', /At least one letter/], ['Portal', /this server’s own/],
    ]);
    await name.press('Enter');
    assert.ok(await ada.button('Create').isDisabled());
    // Services and hubs share one space of names.
    await judged(ada, name, [['hub1', TAKEN], ['DPS1', TAKEN]]);
    assert.ok(await ada.button('Create').isDisabled());
    nothingAsked(ada);
  });
}

story('an enrollment: what is missing is named field by field, what was entered stays, the server hears nothing', async () => {
  const ada = await (await signedIn()).open(`${at1}/enrollments/add`);
  const id = ada.field('Registration ID');
  await ada.button('Save').click();
  assert.match(await ada.fault(id), /A registration ID is needed/);
  await judged(ada, id, [['two words', /Letters, digits and - \. _ : only/], ['müller', /Letters, digits/], ['ends.', /last character/], ['x'.repeat(129), /At most 128/]]);
  await judged(ada, ada.field('IoT hub device ID'), [['a/b', /Letters, digits and/], ['x'.repeat(129), /At most 128/]]);
  await ada.page.getByRole('radio', { name: 'Enter keys' }).check();
  await ada.button('Save').click();
  await judged(ada, ada.field('Primary key'), [['', /A key is needed/], ['not base64!', /This is not base64/], ['AAAA', /this one has 3/]]);
  await ada.page.getByLabel('Allocation policy').selectOption('static');
  await ada.button('Save').click();
  await said(ada, 'Choose the one hub.');
  await ada.page.getByLabel('Allocation policy').selectOption('custom');
  await ada.button('Save').click();
  await judged(ada, ada.field('Web hook'), [['plain.example.org', /https:\/\/ or http:\/\//], ['http://', /https:/], ['ftp', /https:/]]);
  await ada.page.getByRole('radio', { name: /^TPM/ }).check();
  await judged(ada, ada.field('Endorsement key'), [['<not base64>', /base64/]]);
  assert.strictEqual(await ada.field('Web hook').inputValue(), 'ftp', 'what was entered elsewhere stays');
  assert.strictEqual((await id.inputValue()).length, 129);
  nothingAsked(ada);
});

story('an enrollment: certificates that are none', async () => {
  make('good', '/CN=press-9');
  openssl('req', '-new', '-key', 'good.key', '-subj', '/CN=press-9', '-out', 'request.pem');
  const ada = await (await signedIn()).open(`${at1}/enrollments/add`);
  await ada.field('Registration ID').fill('press-9');
  await ada.page.getByRole('radio', { name: /^X\.509/ }).check();
  await ada.button('Save').click();
  await said(ada, 'A primary certificate is needed.');
  const place = ada.page.getByText('Drop a certificate').first();
  for (const [name, content, words] of [
    ['notes.txt', 'dear diary', 'There is no certificate in this file'],
    ['good.key', secret('good'), 'This file holds a private key'],
    ['request.pem', fs.readFileSync(at('request.pem'), 'utf8'), 'This is a request for a certificate'],
    ['cut.pem', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n', 'The file is damaged, or it is no certificate.'],
    ['zero.der', '0\u0003\u0002\u0001\u0001', 'The file is damaged, or it is no certificate.'],
  ]) {
    await ada.drop(place, name, content);
    await said(ada, words);
  }
  await ada.drop(place, 'good.pem', pem('good'));
  await said(ada, 'issued by press-9');
  assert.strictEqual(await ada.page.getByText('There is no certificate').count(), 0);
  nothingAsked(ada);
});

story('an enrollment: the JSON editor names line and mistake, and jumps there', async () => {
  const ada = await (await signedIn()).open(`${at1}/enrollments/add`);
  await ada.field('Registration ID').fill('press-9');
  const twin = ada.field('Tags and desired properties');
  const mistakes = [
    ['{\n  "tags": { "line": 4, }\n}', /Line 2, column 23: A comma stands before the closing brace/],
    ["{ 'tags': 1 }", /Line 1.*double quotes/],
    ['{\n "tags": {}\n', /closing brace } is missing/],
    ['{ "tags": { "a": 1, "a": 2 } }', /there twice/],
  ];
  for (const [text, words] of mistakes) {
    await twin.fill(text);
    assert.match(await ada.fault(twin), words);
  }
  await twin.fill(mistakes[0][0]);
  await ada.page.getByRole('button', { name: /^Line 2/ }).click();
  assert.strictEqual(await twin.evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd)), ' ');
  await ada.button('Save').click();
  for (const [text, words] of [['[]', 'It must be an object'], ['{"reported":{}}', 'A twin has "tags" and "properties"'], ['{"properties":{"reported":{}}}', 'only "desired" can be set']]) {
    await twin.fill(text);
    await said(ada, words);
    await ada.button('Save').click();
  }
  nothingAsked(ada);
});

story('an enrollment whose name exists is refused in words, and the form stays as it is', async () => {
  const ada = await (await signedIn()).open(`${at1}/enrollments/add`);
  ada.expect(/^409 PUT .*\/enrollments\/press-1\?/);
  const before = await berth.good(api('GET', '/enrollments/press-1'));
  await ada.field('Registration ID').fill('press-1');
  await ada.field('IoT hub device ID').fill('another-name');
  await ada.button('Save').click();
  await said(ada, /It was not saved/);
  await said(ada, /Choose another name/);
  assert.strictEqual(await ada.field('IoT hub device ID').inputValue(), 'another-name');
  assert.deepStrictEqual(await berth.good(api('GET', '/enrollments/press-1')), before);
  await ada.field('Registration ID').fill('press-10');
  await ada.button('Save').click();
  await ada.heading('press-10');
});

story('a group: its name, its CA, and a name that exists', async () => {
  const ada = await (await signedIn()).open(`${at1}/enrollment-groups/add`);
  ada.expect(/^409 PUT .*\/enrollmentGroups\/presses\?/);
  await ada.button('Save').click();
  assert.match(await ada.fault(ada.field('Group name')), /needed/);
  await judged(ada, ada.field('Group name'), [['two words', /Letters, digits/]]);
  await ada.field('Group name').fill('presses');
  await ada.page.getByRole('radio', { name: /^X\.509/ }).check();
  await ada.page.getByRole('radio', { name: 'A CA certificate of the service' }).check();
  await said(ada, 'No CA certificate is verified yet.');
  await ada.button('Save').click();
  await said(ada, 'Choose a verified CA certificate.');
  nothingAsked(ada);
  await ada.page.getByRole('radio', { name: /^Symmetric key/ }).check();
  await ada.button('Save').click();
  await said(ada, /It was not saved/);
});

story('a link: weights out of range, connection strings that are none, a hub that does not answer', async () => {
  const ada = await (await signedIn()).open(`${at1}/linked-hubs/add`);
  const weight = ada.page.getByRole('spinbutton', { name: 'Weight' });
  await ada.page.getByRole('combobox', { name: 'IoT hub' }).selectOption('hub2');
  await judged(ada, weight, [['0', /1 to 1000/], ['1001', /1 to 1000/], ['-1', /1 to 1000/], ['1.5', /1 to 1000/], ['', /1 to 1000/]]);
  await ada.button('Save').click();
  nothingAsked(ada);
  await weight.fill('1');
  await ada.page.getByRole('radio', { name: /^Elsewhere/ }).check();
  await judged(ada, ada.field('Connection string'), [
    ['hello', /HostName= is missing/], ['HostName=a.example.org', /SharedAccessKeyName= is missing/], ['HostName=a.example.org;SharedAccessKeyName=x', /SharedAccessKey= is missing/],
    ['HostName=a.example.org;SharedAccessKeyName=x;SharedAccessKey=****', /masked/], ['HostName=a.example.org;DeviceId=d;SharedAccessKey=AAAA', /of a device/],
    ['HostName=a.example.org;SharedAccessKeyName=x;SharedAccessKey=a b', /base64/],
  ]);
  assert.ok(await ada.button('Save').isDisabled());
  nothingAsked(ada);
  await ada.field('Connection string').fill('HostName=hub9.elsewhere.test;SharedAccessKeyName=iothubowner;SharedAccessKey=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=');
  await ada.button('Test the link').click();
  await said(ada, 'The link does not work.');
  assert.deepStrictEqual(ada.changes().map((line) => line.split('?')[0]), ['POST /berth/linkTest']);
});

story('the weight of a link: out of range it is not saved', async () => {
  const ada = await (await signedIn()).open(`${at1}/linked-hubs`);
  await ada.button('Edit hub1.berth.test').click();
  const weight = ada.page.getByRole('dialog').getByRole('spinbutton', { name: 'Weight' });
  await judged(ada, weight, [['1001', /1 to 1000/], ['0', /1 to 1000/]]);
  await weight.press('Enter');
  assert.ok(await ada.button('Save').isDisabled());
  nothingAsked(ada);
  await weight.fill('7');
  await ada.button('Save').click();
  await ada.note('hub1.berth.test is changed.');
  await ada.row('Linked IoT hubs', 'hub1').getByText('7', { exact: true }).waitFor();
});

story('an import: bad rows are told in a dry run, the good ones are written, nothing else', async () => {
  const ada = await (await signedIn()).open(`${at1}/enrollments/import`);
  await ada.field('Or paste it').fill('name,colour\na,b\n');
  await ada.button('Use this').click();
  await said(ada, /registrationId/);
  nothingAsked(ada);
  const rows = ['registrationId,deviceId,tags,primaryKey', 'mill-1,,"{""line"":4}",', 'mill-2,,{broken,', 'mill 3,,,', ',,,', 'mill-5,a/b,,', 'mill-6,,,short', 'mill-1,,,', 'mill-7,,,'];
  await ada.page.setInputFiles('input[type=file]', { name: 'mills.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) });
  await said(ada, 'mills.csv: 8 rows');
  const report = ada.page.getByRole('group', { name: 'Report' });
  await report.getByText('Would fail:').waitFor();
  for (const [row, words] of [['3', /tags/], ['4', /Letters, digits/], ['5', /needed/], ['6', /Letters, digits/], ['7', /./], ['8', /./]]) {
    const line = ada.page.getByRole('table', { name: 'Report per row' }).getByRole('row').filter({ has: ada.page.getByRole('cell', { name: row, exact: true }) });
    await line.getByText('Would fail').waitFor();
    assert.match(await line.getByRole('cell').last().innerText(), words);
  }
  assert.strictEqual((await api('GET', '/enrollments/mill-1')).status, 404, 'a dry run writes nothing');
  await ada.button('Import 2 enrollments').click();
  await report.getByText(/^Added:/).waitFor();
  assert.deepStrictEqual((await berth.good(api('GET', '/enrollments/mill-1'))).initialTwin.tags, { line: 4 });
  assert.strictEqual((await api('GET', '/enrollments/mill-7')).status, 200);
  for (const id of ['mill-2', 'mill-5', 'mill-6']) assert.strictEqual((await api('GET', `/enrollments/${id}`)).status, 404, id);
});

story('a CA certificate, an access policy, a device by hand, Explain: each judges what it is given', async () => {
  const ada = await (await signedIn()).open(`${at1}/certificates`);
  await ada.button('Add').first().click();
  await ada.drop(ada.page.getByText('Drop a certificate').first(), 'x.pem', 'rubbish');
  await said(ada, 'There is no certificate in this file');
  await judged(ada, ada.field('Name'), [['two words', /Letters, digits/], ['x'.repeat(65), /At most 64/]]);
  assert.ok(await ada.button('Save').isDisabled());
  await ada.open(`${at1}/access-policies`);
  await ada.button('Add').first().click();
  await judged(ada, ada.field('Name'), [['provisioningserviceowner', /There is a policy of this name/], ['a b', /Letters, digits/]]);
  assert.ok(await ada.button('Save').isDisabled());
  await ada.open(`${at1}/explain`);
  await judged(ada, ada.field('Registration ID'), [['two words', /Letters, digits/]]);
  assert.ok(await ada.page.locator('main').getByRole('button', { name: 'Explain' }).isDisabled());
  await ada.open('/hubs/hub1/devices');
  await ada.button('Add device').click();
  await judged(ada, ada.field('Device ID'), [['a/b', /Letters, digits/]]);
  assert.ok(await ada.button('Add', { exact: true }).isDisabled());
  assert.deepStrictEqual(ada.changes().filter((line) => !/listkeys|\/query/i.test(line)), []);
});

story('the twin of a device: a mistake is told where it is, and not sent', async () => {
  await berth.good((await berth.hubApi('hub1'))('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } }));
  const ada = await (await signedIn()).open('/hubs/hub1/devices/pump-1');
  ada.changes();
  const desired = ada.field('Desired properties');
  await desired.fill('{ "speed": 1,, }');
  assert.match(await ada.fault(desired), /Line 1, column 14/);
  assert.ok(await ada.button('Save').isDisabled());
  nothingAsked(ada);
  await desired.fill('{ "speed": 7 }');
  await ada.button('Save').click();
  await ada.note('The twin is saved.');
  await ada.button('Undo').first().click();
  await ada.note('Undone.');
});

story('passwords: too short, not the same twice, the current one wrong', async () => {
  const ada = await (await signedIn()).open('/account');
  ada.expect(/^403 PUT \/berth\/session\/password$/);
  await judged(ada, ada.field('New password'), [['short', /At least 12/], ['x'.repeat(129), /At most 128/]]);
  await ada.field('New password').fill('a ship in a bottle');
  await judged(ada, ada.field('New password again'), [['a ship in a battle', /not the same/]]);
  assert.ok(await ada.button('Change password').isDisabled());
  assert.deepStrictEqual(ada.changes().filter((line) => line.includes('password')), []);
  await ada.field('New password again').fill('a ship in a bottle');
  await ada.field('Current password').fill('not this one');
  await ada.button('Change password').click();
  assert.match(await ada.fault(ada.field('Current password')), /current password is wrong/);
  assert.strictEqual(await ada.field('New password').inputValue(), 'a ship in a bottle');
  await ada.field('Current password').fill(password);
  await ada.button('Change password').click();
  await ada.note('The password is changed.');
  setPassword('admin', password);
});

story('operators: a name that exists, a name that cannot be, a password too short', async () => {
  const ada = await (await signedIn()).open('/operators');
  ada.expect(/^400 PUT \/berth\/operators\//);
  await ada.button('Add').click();
  await judged(ada, ada.field('Name'), [['admin', /There is an operator of this name/]]);
  await judged(ada, ada.field('First password'), [['short', /At least 12/]]);
  assert.ok(await ada.button('Save').isDisabled());
  assert.deepStrictEqual(ada.changes(), []);
  await ada.field('Name').fill('grace@home!');
  await ada.field('First password').fill('the harbour is shut');
  await ada.button('Save').click();
  await said(ada, /The operator was not added/);
  assert.strictEqual(await ada.field('Name').inputValue(), 'grace@home!');
  await ada.field('Name').fill('grace');
  await ada.button('Save').click();
  await ada.row('Operators', 'grace').waitFor();
});
