// Endorsement certificates: a manufacturer's CA vouches for the key of a software TPM, as those of silicon are vouched for (TCG EK Credential
// Profile: no subject, a critical subjectAltName with a directoryName, keyEncipherment, the extended key usage 2.23.133.8.1).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const berth = require('./berth.js');
const { endorsementKeyOfNobody, softwareTpm } = require('./software_tpm.js');

let folder, tpm, security, endorsementKey, scope, api;
const at = (name) => path.join(folder, name);
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
const pem = (name) => fs.readFileSync(at(`${name}.pem`), 'utf8');

// NAME.pem and NAME.key: a CA under `issuer`, or a root.
function makeCa(name, issuer, days = 3650) {
  fs.writeFileSync(at('ca.ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/O=Chips Ltd/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  openssl('x509', '-req', '-in', `${name}.csr`, ...(issuer ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', '2'] : ['-signkey', `${name}.key`]),
    '-days', String(days), '-extfile', 'ca.ext', '-out', `${name}.pem`);
}

// The public key in a TPM2B_PUBLIC of RSA 2048: its modulus is what it ends with.
function publicKey(tpm2b) {
  const bytes = Buffer.from(tpm2b, 'base64');
  const key = crypto.createPublicKey({ key: { kty: 'RSA', n: bytes.subarray(bytes.length - 256).toString('base64url'), e: 'AQAB' }, format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' });
}

// NAME.pem: what `issuer` says of that endorsement key.
// In front of a dotted name OpenSSL takes a number and a point for a count.
function certify(name, issuer, key, { usage = '2.23.133.8.1', days = '3650', more = '' } = {}) {
  fs.writeFileSync(at('ek.pub'), publicKey(key));
  fs.writeFileSync(at('ek.ext'), `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\n${usage ? `extendedKeyUsage=${usage}\n` : ''}subjectAltName=critical,dirName:dn\n` +
    `authorityKeyIdentifier=keyid\n${more}[dn]\n1.2.23.133.2.1=id:43484950\n2.2.23.133.2.2=model 7\n3.2.23.133.2.3=id:0001\n`);
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'unused.key', '-subj', '/', '-out', 'ek.csr');
  openssl('x509', '-req', '-in', 'ek.csr', '-force_pubkey', 'ek.pub', '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', '77', '-days', days, '-extfile', 'ek.ext', '-out', `${name}.pem`);
}

const put = (id, certificate, key = endorsementKey) =>
  api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'tpm', tpm: { endorsementKey: key, ...(certificate && { endorsementCertificate: certificate }) } } } });
const refused = async (answer, why) => {
  const { status, body, text } = await answer;
  assert.strictEqual(status, 400, text);
  assert.match(body.message, why);
};
const root = (method, name, body, headers) => api(method, `/berth/endorsementroots${name ? `/${name}` : ''}`, { body, headers });
const register = (id) => ProvisioningDeviceClient.create('global.berth.test', scope, new Http(), Object.assign(security, { _registrationId: id })).register();
const attempt = (id, check) =>
  berth.eventually(async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts.find((a) => a.check === check));
const rule = (endorsementCertificates) => berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }], endorsementCertificates });

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'endorsement-'));
  tpm = await softwareTpm(2321);
  security = new TpmSecurityClient('any', tpm.connect());
  endorsementKey = await new Promise((resolve, reject) => security.getEndorsementKey((error, key) => (error ? reject(error) : resolve(key.toString('base64')))));
  makeCa('root');
  makeCa('between', 'root');
  makeCa('stranger');
  certify('ek', 'between', endorsementKey);
  await berth.makeHub('hub1');
  scope = (await rule()).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(() => {
  tpm.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('without a root a certificate is refused, and told what is missing', async () => {
  await refused(put('early', pem('ek')), /endorsementCertificate: .*the service has no endorsement root/);
  assert.strictEqual((await put('plain')).status, 200);
});

test('roots are kept, listed, changed under their etag, and deleted', async () => {
  const made = await berth.good(root('PUT', 'Chips', { certificate: pem('root') }));
  assert.match(made.subject, /CN=root/);
  assert.strictEqual(made.thumbprint.length, 64);
  assert.ok(made.notAfter > made.notBefore);
  assert.deepStrictEqual((await berth.good(root('GET'))).value.map((one) => one.name), ['Chips']);
  assert.strictEqual((await root('PUT', 'chips', { certificate: pem('root') }, { 'If-Match': '"other"' })).status, 412);
  const der = openssl('x509', '-in', 'root.pem', '-outform', 'DER').toString('base64');
  const again = await berth.good(root('PUT', 'chips', { certificate: der }, { 'If-Match': made.etag }));
  assert.deepStrictEqual([again.name, again.thumbprint, again.createdDateTimeUtc], ['Chips', made.thumbprint, made.createdDateTimeUtc]);
  assert.strictEqual((await root('GET', 'nobody')).status, 404);
  await refused(root('PUT', 'bad', { certificate: 'rubbish' }), /certificate must be the PEM text/);
  await refused(root('PUT', 'bad', { certificate: pem('ek') }), /must be that of a CA/);
  await refused(root('PUT', 'a%20b', { certificate: pem('root') }), /name of an endorsement root/);
  assert.strictEqual((await root('DELETE', 'nobody')).status, 404);
});

test('a certificate that leads to a root is taken, with what stands between; the TPM registers', async () => {
  const chain = pem('ek') + pem('between');
  await berth.good(put('vouched', chain));
  assert.strictEqual((await berth.good(api('GET', '/enrollments/vouched'))).attestation.tpm.endorsementCertificate, chain);
  const result = await register('vouched');
  assert.strictEqual(result.status, 'assigned');
});

test('what does not hold is refused when it is enrolled, with the reason', async () => {
  await refused(put('x', pem('ek')), /None of the service's 1 endorsement roots has issued .*CN=between/);
  await refused(put('x', 'rubbish'), /cannot be used/);
  await refused(put('x', pem('ek') + pem('between'), endorsementKeyOfNobody()), /about another key/);
  certify('by-stranger', 'stranger', endorsementKey);
  await refused(put('x', pem('by-stranger')), /None of the service's 1 endorsement roots .*CN=stranger/);
  certify('for-servers', 'root', endorsementKey, { usage: 'serverAuth' });
  await refused(put('x', pem('for-servers')), /extended key usage is not that of an endorsement certificate/);
  // One of the name of the root, by another key.
  fs.mkdirSync(at('false'));
  for (const end of ['key', 'pem']) fs.copyFileSync(at(`root.${end}`), at(`false/root.${end}`));
  makeCa('root');
  certify('forged', 'root', endorsementKey);
  await refused(put('x', pem('forged')), /does not lead to the root Chips: .*signature|does not lead to the root Chips/);
  for (const end of ['key', 'pem']) fs.copyFileSync(at(`false/root.${end}`), at(`root.${end}`));
  await refused(api('PUT', '/enrollments/x', { body: { registrationId: 'x', attestation: { type: 'symmetricKey', tpm: { endorsementCertificate: pem('ek') } } } }), /tpm must be left out/);
});

test('a certificate without an extended key usage is taken, and one straight under the root', async () => {
  certify('plain-ek', 'root', endorsementKey, { usage: '' });
  await berth.good(put('straight', pem('plain-ek')));
  assert.strictEqual((await register('straight')).status, 'assigned');
});

test('a certificate that ends later does not lock a device out', async () => {
  // What is good for a day is good when it is enrolled; the server takes the time of the enrollment from then on (attest_test has the clock).
  certify('short', 'root', endorsementKey, { days: '1' });
  await berth.good(put('short', pem('short')));
  assert.strictEqual((await register('short')).status, 'assigned');
});

test('a root that is taken away: its devices are refused, and the operator told', async () => {
  await berth.good(root('PUT', 'other', { certificate: pem('stranger') }));
  assert.strictEqual((await root('DELETE', 'chips')).status, 204);
  await assert.rejects(register('vouched'));
  assert.match((await attempt('vouched', 'endorsement-root')).reason, /None of the service's 1 endorsement roots/);
  await berth.good(root('PUT', 'chips', { certificate: pem('root') }));
  assert.strictEqual((await register('vouched')).status, 'assigned');
});

test('where certificates are required, those without one are refused: at the list, and at the door', async () => {
  const answer = await rule('required');
  assert.strictEqual(answer.properties.endorsementCertificates, 'required');
  await refused(put('plain-2'), /requires an endorsement certificate/);
  await assert.rejects(register('plain'));
  assert.match((await attempt('plain', 'endorsement-certificate')).reason, /the enrollment has none/);
  assert.strictEqual((await register('vouched')).status, 'assigned');
  assert.strictEqual((await berth.manage('PUT', `${berth.arm}/provisioningServices/dps1`, { location: 'local', sku: berth.sku, properties: { endorsementCertificates: 'sometimes' } })).status, 400);
  assert.strictEqual((await rule()).properties.endorsementCertificates, 'required', 'what is left out stays');
  assert.strictEqual((await rule('optional')).properties.endorsementCertificates, 'optional');
  assert.strictEqual((await register('plain')).status, 'assigned');
});

test('the CLI does all of it', () => {
  const cli = (...args) => spawnSync(berth.bin, [...args, '--data', berth.data], { encoding: 'utf8', cwd: folder });
  const fine = (...args) => {
    const result = cli(...args);
    assert.strictEqual(result.status, 0, result.stderr + result.stdout);
    return result.stdout;
  };
  openssl('x509', '-in', 'root.pem', '-outform', 'DER', '-out', 'root.der');
  assert.strictEqual(JSON.parse(fine('endorsement-root', 'create', 'again', '--file', 'root.der')).name, 'again');
  assert.deepStrictEqual(JSON.parse(fine('endorsement-root', 'list')).map((one) => one.name).sort(), ['again', 'chips', 'other']);
  fine('endorsement-root', 'delete', 'again');
  fs.writeFileSync(at('both.pem'), pem('ek') + pem('between'));
  fine('enrollment', 'create', 'by-cli', '--attestation', 'tpm', '--endorsement-key', endorsementKey, '--endorsement-certificate', '@both.pem');
  const without = cli('endorsement-root', 'create', 'none');
  assert.strictEqual(without.status, 2);
  assert.match(without.stderr, /--file/);
});
