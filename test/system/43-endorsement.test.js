// Endorsement certificates: a manufacturer's CA vouches for the key of a software TPM, as those of silicon are vouched for (TCG EK Credential
// Profile: no subject, a critical subjectAltName with a directoryName, keyEncipherment, the extended key usage 2.23.133.8.1).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { spawnSync } = require('node:child_process');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const berth = require('./berth.js');
const { CA, folder, at, pem, openssl, make, revoke, crl } = require('./pki.js');
const { endorsementKeyOfNobody, softwareTpm } = require('./software_tpm.js');

let tpm, security, endorsementKey, scope, api, publisher;

// A CA under `issuer`, or a root.
const makeCa = (name, issuer) => make(name, `/O=Chips Ltd/CN=${name}`, issuer, { extensions: issuer ? CA : CA.replace('authorityKeyIdentifier=keyid\n', '') });

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
const list = (method, name, body, headers) => api(method, `/berth/endorsementrevocationlists${name ? `/${name}` : ''}`, { body, headers });
const rule = (endorsementCertificates) => berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }], endorsementCertificates });

before(async () => {
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
  publisher?.close();
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

// --- what was withdrawn ---

const barred = async (id, check, why) => {
  const attempts = async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts;
  const before_ = (await attempts()).length;
  await assert.rejects(register(id));
  const found = await berth.eventually(async () => (await attempts()).length > before_ && (await attempts())[0]);
  assert.strictEqual(found.check, check);
  assert.match(found.reason, why);
};
const assigned = async (id) => assert.strictEqual((await register(id)).status, 'assigned');

test('a certificate that its maker has withdrawn is refused: at the list, and at the door', async () => {
  const chain = pem('ek') + pem('between');
  revoke('withdrawn', 'between', ['ek']);
  // Who vouches for an intermediate's list has to be said.
  await refused(list('PUT', 'Between', { list: crl('withdrawn') }), /issued by .*CN=between, O=Chips Ltd, but by none of the service's endorsement roots.*issuerCertificate/);
  const made = await berth.good(list('PUT', 'Between', { list: crl('withdrawn'), issuerCertificate: pem('between') }));
  assert.deepStrictEqual([made.name, made.entries, made.strict], ['Between', 1, false]);
  assert.deepStrictEqual((await berth.good(list('GET'))).map((one) => one.name), ['Between']);
  const words = /endorsementCertificate: .*the endorsement certificate \(serial number 4D\) stands on the revocation list Between/;
  await refused(put('late', chain), words);
  const entry = { registrationId: 'late', attestation: { type: 'tpm', tpm: { endorsementKey, endorsementCertificate: chain } } };
  const bulk = await berth.good(api('POST', '/enrollments', { body: { mode: 'create', enrollments: [entry] } }));
  assert.match(bulk.errors[0].errorStatus, words);
  const imported = await berth.good(api('POST', '/berth/enrollments/import', { body: { entries: [entry] } }));
  assert.match(imported.rows[0].message, words);
  await barred('vouched', 'endorsement-path-revoked', /serial number 4D\) stands on the revocation list Between/);
  await assigned('plain'); // has no certificate that could have been withdrawn
  revoke('nobody', 'between', []);
  assert.strictEqual((await list('PUT', 'between', { list: crl('nobody') }, { 'If-Match': '"other"' })).status, 412);
  await berth.good(list('PUT', 'between', { list: crl('nobody') }, { 'If-Match': made.etag }));
  await assigned('vouched');
  await berth.good(put('late', chain));
});

test('an intermediate that was withdrawn bars all that it has signed, and no others', async () => {
  revoke('roots', 'root', ['between']);
  await berth.good(list('PUT', 'root', { list: crl('roots') }));
  await barred('vouched', 'endorsement-path-revoked', /CN=between, O=Chips Ltd, an intermediate \(serial number [0-9A-F]+\) stands on the revocation list root/);
  await refused(put('x', pem('ek') + pem('between')), /CN=between, .*an intermediate/);
  await assigned('straight');
  assert.strictEqual((await list('DELETE', 'root')).status, 204);
  await assigned('vouched');
});

test('a list that is out of date bars those on it, and everybody below its issuer when it is strict', async () => {
  const last = ['20250101000000Z', '20250201000000Z'];
  revoke('old', 'between', ['ek'], last);
  await berth.good(list('PUT', 'between', { list: crl('old') }));
  await barred('vouched', 'endorsement-path-revoked', /revocation list Between/);
  revoke('old-nobody', 'between', [], last);
  await berth.good(list('PUT', 'between', { list: crl('old-nobody') }));
  await assigned('vouched');
  await berth.good(list('PUT', 'between', { strict: true }));
  await barred('vouched', 'endorsement-path-revocation-unknown', /the revocation list Between is out of date/);
  await refused(put('x', pem('ek') + pem('between')), /is out of date/);
  await assigned('straight');
  await berth.good(list('DELETE', 'between'));
});

test('a list is fetched from where the maker publishes it', async () => {
  let published = 503;
  publisher = http.createServer((request, response) => (typeof published === 'string' ? response.end(published) : response.writeHead(published).end()));
  await new Promise((resolve) => publisher.listen(8480, '127.0.0.1', resolve));
  const state = async () => berth.good(list('GET', 'fetched'));
  await berth.good(list('PUT', 'fetched', { url: 'http://localhost:8480/between.crl', issuerCertificate: pem('between'), strict: true }));
  await berth.eventually(async () => /status 503/.test((await state()).lastError ?? ''));
  await barred('vouched', 'endorsement-path-revocation-unknown', /the revocation list fetched is strict, and there is none: .*503/);
  makeCa('outsider');
  revoke('of-outsider', 'outsider', []);
  published = crl('of-outsider');
  await berth.good(list('POST', 'fetched/refresh'));
  await berth.eventually(async () => /by none of the service's endorsement roots/.test((await state()).lastError ?? ''));
  published = crl('nobody');
  await berth.good(list('POST', 'fetched/refresh'));
  await berth.eventually(async () => (await state()).entries === 0);
  await assigned('vouched');
  revoke('withdrawn-again', 'between', ['ek']); // an older one would not do
  published = crl('withdrawn-again');
  await berth.good(list('POST', 'fetched/refresh'));
  await berth.eventually(async () => (await state()).entries === 1);
  await barred('vouched', 'endorsement-path-revoked', /revocation list fetched/);
  await berth.good(list('DELETE', 'fetched'));
});

test('what is no list is refused in words, and there is a limit', async () => {
  await refused(list('PUT', 'x', {}), /either list.*or url/);
  await refused(list('PUT', 'x', { list: pem('root') }), /list cannot be used/);
  await refused(list('PUT', 'a%20b', { url: 'http://localhost/' }), /name of a revocation list/);
  assert.strictEqual((await list('GET', 'nobody')).status, 404);
  assert.strictEqual((await list('DELETE', 'nobody')).status, 404);
  // They are kept as those of a group that cannot be, and that is no way to them.
  assert.strictEqual((await api('GET', '/berth/enrollmentGroups/*endorsement/revocationLists')).status, 404);
  assert.strictEqual((await api('PUT', '/berth/enrollmentGroups/%2Aendorsement/revocationLists/x', { body: { url: 'http://localhost:8480/' } })).status, 404);
  for (let i = 0; i < 32; i++) await berth.good(list('PUT', `one-${i}`, { url: 'http://localhost:8480/' }));
  const full = await list('PUT', 'one-more', { url: 'http://localhost:8480/' });
  assert.strictEqual(full.status, 403);
  assert.match(full.body.message, /no more than 32 revocation lists/);
  for (let i = 0; i < 32; i++) await berth.good(list('DELETE', `one-${i}`));
});

test('the CLI does all of it', async () => {
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
  const lists = (...args) => fine('endorsement-revocation-list', ...args);
  assert.strictEqual(JSON.parse(lists('create', 'between', '--file', 'withdrawn.crl', '--issuer', 'between.pem', '--output', 'json')).entries, 1);
  await barred('by-cli', 'endorsement-path-revoked', /revocation list between/);
  assert.match(lists('list', '--output', 'table'), /between.*CN=between/);
  assert.strictEqual(JSON.parse(lists('update', 'between', '--strict', 'true', '--output', 'json')).strict, true);
  assert.strictEqual(JSON.parse(lists('show', 'between', '--output', 'json')).name, 'between');
  assert.match(cli('endorsement-revocation-list', 'refresh', 'between').stderr, /not fetched/);
  lists('delete', 'between');
  await assigned('by-cli');
  assert.strictEqual(cli('endorsement-revocation-list', 'create', 'between').status, 2);
});
