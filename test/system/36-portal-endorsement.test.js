// The portal and the makers of TPMs: their roots, whether certificates are a must, the certificate in an enrollment, and lists of those that
// were withdrawn, which it shows as those of a group.
'use strict';
const assert = require('node:assert');
const http = require('node:http');
const berth = require('./berth.js');
const { CA, at, crl, make, openssl, pem, revoke } = require('./pki.js');
const { judge, signedIn, story, withBrowser } = require('./browser.js');

const add = '/services/dps1/enrollments/add';
const certificates = '/services/dps1/certificates';
const withdrawn = 'Withdrawn certificates of TPMs';
const reader = ['grace', 'the harbour is shut'];
let api;

withBrowser(async () => {
  await berth.makeHub('hub1');
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] });
  api = await berth.serviceApi('dps1');
});

const said = (who, words) => who.page.getByText(words).first().waitFor();
const radio = (who, name) => who.page.getByRole('radio', { name });
const drop = (who, what, name, content) => who.drop(who.page.getByText(`Drop a ${what}`).first(), name, content);
const confirmed = (who) => who.page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
const stored = () => berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/dps1`));

// What a TPM calls its endorsement key: TPM2B_PUBLIC of an RSA key by the default template.
function publicOf(name) {
  const modulus = Buffer.from(openssl('rsa', '-in', `${name}.key`, '-noout', '-modulus').toString().trim().split('=')[1], 'hex');
  const head = '0001' + '000b' + '000300b2' + '0020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa' + '000600800043' + '0010' + '0800' + '00000000';
  const area = Buffer.concat([Buffer.from(head, 'hex'), Buffer.from([modulus.length >> 8, modulus.length & 255]), modulus]);
  return Buffer.concat([Buffer.from([area.length >> 8, area.length & 255]), area]).toString('base64');
}

const RSA = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
const EK = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\nextendedKeyUsage=2.23.133.8.1\nauthorityKeyIdentifier=keyid\n' +
  'subjectAltName=critical,dirName:tpm\n[tpm]\n0.2.23.133.2.1=id:54455354\n1.2.23.133.2.2=harbour\n2.2.23.133.2.3=id:00010002\n';

story('a maker’s root is dropped, listed and deleted; certificates are demanded, and not', async () => {
  make('tpm-root', '/CN=Harbour TPM root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  const ada = await (await signedIn()).open(certificates);
  await said(ada, 'No root of a manufacturer yet');
  await ada.button('Add a root').click();
  await ada.drop(ada.page.getByText('Drop a certificate').first(), 'x.pem', 'rubbish');
  await said(ada, 'There is no certificate in this file');
  await ada.drop(ada.page.getByText('Drop a certificate').first(), 'root.pem', pem('tpm-root'));
  await said(ada, /issued by Harbour TPM root/);
  assert.strictEqual(await ada.field('Name of the root').inputValue(), 'harbour-tpm-root');
  await ada.button('Add root').click();
  await ada.row('Roots of TPM manufacturers', 'harbour-tpm-root').getByText('Harbour TPM root').waitFor();
  assert.deepStrictEqual(await judge(ada, 'makers of TPMs'), []);
  await ada.page.getByRole('switch', { name: 'Endorsement certificate: optional' }).click();
  await ada.page.getByRole('switch', { name: 'Endorsement certificate: required' }).waitFor();
  await ada.note('Endorsement certificates are required now.');
  assert.strictEqual((await stored()).properties.endorsementCertificates, 'required');
  await ada.button('Undo').first().click();
  await ada.page.getByRole('switch', { name: 'Endorsement certificate: optional' }).waitFor();
  assert.strictEqual((await stored()).properties.endorsementCertificates ?? 'optional', 'optional');
});

story('a TPM with its certificate is enrolled; with that of another key it is refused in words', async () => {
  make('chip', '/CN=chip', 'tpm-root', { extensions: EK, key: RSA });
  make('other', '/CN=other', 'tpm-root', { extensions: EK, key: RSA });
  const ada = await (await signedIn()).open(add);
  ada.expect(/^400 PUT .*\/enrollments\/chip-1\?/);
  await ada.field('Registration ID').fill('chip-1');
  await radio(ada, /^TPM/).check();
  await ada.field('Endorsement key').fill(publicOf('chip'));
  const place = ada.page.getByText('Drop a certificate').first();
  await ada.drop(place, 'other.pem', pem('other'));
  await said(ada, /issued by Harbour TPM root/);
  await ada.button('Save').click();
  await said(ada, /It was not saved/);
  await ada.button('Remove').click();
  openssl('x509', '-in', 'chip.pem', '-outform', 'DER', '-out', 'chip.der');
  await ada.page.setInputFiles('input[type=file]', at('chip.der'));
  await said(ada, /issued by Harbour TPM root/);
  await ada.button('Save').click();
  await ada.heading('chip-1');
  assert.ok((await berth.good(api('GET', '/enrollments/chip-1'))).attestation.tpm.endorsementCertificate);
  await said(ada, /issued by Harbour TPM root/);
});

// --- what was withdrawn ---

async function enrollExposed(who) {
  await who.open(add);
  await who.field('Registration ID').fill('chip-2');
  await radio(who, /^TPM/).check();
  await who.field('Endorsement key').fill(publicOf('exposed'));
  await drop(who, 'certificate', 'exposed.pem', pem('exposed', 'issuing'));
  await said(who, /issued by Harbour TPM issuing/);
  await who.button('Save').click();
}

story('a list of withdrawn certificates is dropped: what is wrong with it is told, and one that is on it is not enrolled', async () => {
  make('issuing', '/CN=Harbour TPM issuing', 'tpm-root', { extensions: CA });
  make('exposed', '/CN=exposed', 'issuing', { extensions: EK, key: RSA });
  revoke('withdrawn', 'issuing', ['exposed']);
  const ada = await (await signedIn()).open(certificates);
  ada.expect(/^400 PUT .*\/endorsementRevocationLists\/harbour-7\?/, /^400 PUT .*\/enrollments\/chip-2\?/);
  await said(ada, 'No list of withdrawn TPMs yet');
  await ada.button('Add a list').click();
  await radio(ada, 'I have it as a file').check();
  await drop(ada, 'revocation list', 'harbour-7.crl', 'rubbish');
  await said(ada, 'There is no revocation list in this file');
  assert.ok(await ada.button('Save list').isDisabled());
  await drop(ada, 'revocation list', 'harbour-7.crl', crl('withdrawn'));
  assert.strictEqual(await ada.field('Name of the list').inputValue(), 'harbour-7');
  await ada.button('Save list').click();
  await said(ada, /The list was not added.*issued by CN=Harbour TPM issuing, but by none of the service's endorsement roots/);
  assert.deepStrictEqual(await judge(ada, 'a list that was not added'), []);
  await drop(ada, 'certificate', 'issuing.pem', pem('issuing'));
  await ada.button('Save list').click();
  const row = ada.row(withdrawn, 'harbour-7');
  await row.getByText('Current', { exact: true }).waitFor();
  await row.getByText('Given as a file').waitFor();
  await row.getByRole('cell', { name: '1', exact: true }).waitFor();
  assert.strictEqual(await ada.button('Fetch now the list harbour-7').count(), 0);
  assert.deepStrictEqual(await judge(ada, 'lists of withdrawn certificates'), []);
  await enrollExposed(ada);
  await said(ada, /It was not saved.*stands on the revocation list harbour-7/);
});

story('a list is fetched from its address: what went wrong is shown, and it is fetched again when asked', async () => {
  let published = null;
  const publisher = http.createServer((_, response) => response.writeHead(published ? 200 : 404).end(published));
  await new Promise((resolve) => publisher.listen(0, '127.0.0.1', resolve));
  try {
    const ada = await (await signedIn()).open(certificates);
    await ada.button('Add a list').click();
    await ada.field('Address of the list').fill('ldap://chips.example/crl');
    assert.match(await ada.fault(ada.field('Address of the list')), /must begin with http/);
    await ada.field('Address of the list').fill(`http://127.0.0.1:${publisher.address().port}/7.crl`);
    await ada.field('Name of the list').fill('Harbour-7');
    assert.match(await ada.fault(ada.field('Name of the list')), /There is a list of this name/);
    await ada.field('Name of the list').fill('published');
    await drop(ada, 'certificate', 'issuing.pem', pem('issuing'));
    await ada.page.getByRole('switch', { name: /only those on it/ }).click();
    await ada.button('Save list').click();
    const row = ada.row(withdrawn, 'published');
    await row.getByText(/status 404\. Until it is there, nobody passes/).waitFor();
    published = crl('withdrawn');
    await ada.button('Fetch now the list published').click();
    await ada.note('The list published is being fetched.');
    await row.getByText('Current', { exact: true }).waitFor();
    await ada.button('Change the list published').click();
    await ada.page.getByRole('switch', { name: /^Strict/ }).click();
    await ada.button('Save list').click();
    await row.getByText('Strict', { exact: true }).waitFor({ state: 'detached' });
    await row.getByText('Current', { exact: true }).waitFor();
  } finally {
    publisher.close();
  }
});

story('a reader sees the roots, the lists and what is demanded, and can change none of it', async () => {
  await berth.good(berth.manage('PUT', `/berth/operators/${reader[0]}`, { role: 'reader', password: reader[1] }));
  const grace = await (await signedIn(...reader)).open(certificates);
  await grace.row('Roots of TPM manufacturers', 'harbour-tpm-root').getByText('Harbour TPM root').waitFor();
  assert.ok(await grace.page.getByRole('switch', { name: /^Endorsement certificate/ }).isDisabled());
  assert.strictEqual(await grace.button('Add a root').count(), 0);
  assert.strictEqual(await grace.button('Delete harbour-tpm-root').count(), 0);
  await grace.row(withdrawn, 'harbour-7').getByText('Given as a file').waitFor();
  assert.strictEqual(await grace.page.getByRole('button', { name: /Add a list|Fetch now|Change the list|Delete the list/ }).count(), 0);
});

story('lists are deleted after a warning, and what was on them is enrolled', async () => {
  const ada = await (await signedIn()).open(certificates);
  for (const name of ['harbour-7', 'published']) {
    await ada.button(`Delete the list ${name}`).click();
    await said(ada, /are believed again/);
    await confirmed(ada);
    await ada.note(`The list ${name} is deleted.`);
  }
  await said(ada, 'No list of withdrawn TPMs yet');
  await enrollExposed(ada);
  await ada.heading('chip-2');
});

story('a group’s lists are shown likewise', async () => {
  make('plant', '/CN=Plant', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('lost', '/CN=lost', 'plant');
  revoke('plant', 'plant', ['lost']);
  const attestation = { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('plant') } } } };
  await berth.good(api('PUT', '/enrollmentGroups/plant', { body: { enrollmentGroupId: 'plant', attestation } }));
  const ada = await (await signedIn()).open('/services/dps1/enrollment-groups/group/plant');
  await said(ada, 'No revocation list yet');
  await ada.button('Add a list').click();
  await radio(ada, 'I have it as a file').check();
  await drop(ada, 'revocation list', 'plant.crl', crl('plant'));
  await ada.button('Save list').click();
  await ada.row('Revocation lists', 'plant').getByText('issued by CN=Plant').waitFor();
  assert.deepStrictEqual(await judge(ada, 'a group with a list'), []);
  await ada.button('Delete the list plant').click();
  await said(ada, /are let in again/);
  await confirmed(ada);
  await said(ada, 'No revocation list yet');
});

story('the root is deleted after a warning', async () => {
  const ada = await (await signedIn()).open(certificates);
  await ada.button('Delete harbour-tpm-root').click();
  await said(ada, /are refused at their next registration/);
  await confirmed(ada);
  await said(ada, 'No root of a manufacturer yet');
});
