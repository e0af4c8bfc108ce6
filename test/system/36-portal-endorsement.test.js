// The portal and the makers of TPMs: their roots, whether certificates are a must, and the certificate in an enrollment.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');
const { CA, at, make, openssl, pem } = require('./pki.js');
const { judge, signedIn, story, withBrowser } = require('./browser.js');

const add = '/services/dps1/enrollments/add';
const certificates = '/services/dps1/certificates';
const reader = ['grace', 'the harbour is shut'];
let api;

withBrowser(async () => {
  await berth.makeHub('hub1');
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] });
  api = await berth.serviceApi('dps1');
});

const said = (who, words) => who.page.getByText(words).first().waitFor();
const radio = (who, name) => who.page.getByRole('radio', { name });
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

story('a reader sees the roots and what is demanded, and can change neither', async () => {
  await berth.good(berth.manage('PUT', `/berth/operators/${reader[0]}`, { role: 'reader', password: reader[1] }));
  const grace = await (await signedIn(...reader)).open(certificates);
  await grace.row('Roots of TPM manufacturers', 'harbour-tpm-root').getByText('Harbour TPM root').waitFor();
  assert.ok(await grace.page.getByRole('switch', { name: /^Endorsement certificate/ }).isDisabled());
  assert.strictEqual(await grace.button('Add a root').count(), 0);
  assert.strictEqual(await grace.button('Delete harbour-tpm-root').count(), 0);
});

story('the root is deleted after a warning', async () => {
  const ada = await (await signedIn()).open(certificates);
  await ada.button('Delete harbour-tpm-root').click();
  await said(ada, /are refused at their next registration/);
  await ada.page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await said(ada, 'No root of a manufacturer yet');
});
