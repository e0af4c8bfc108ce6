// Attestation by X.509 (device-api.md 8, service-api.md 5.3, 9.2, 9.3, 11.6): certificates made by openssl, devices that are the real
// SDK, refusals that explain themselves.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const { CA, DEVICE, folder, at, pem, secret, thumbprint, openssl, make } = require('./pki.js');

let scope;
let api;

const register = (id, cert, key) =>
  new Promise((resolve, reject) => {
    const client = ProvisioningDeviceClient.create('global.berth.test', scope, new Http(), new X509Security(id, { cert, key }));
    client.register((error, result) => (error ? reject(error) : resolve(result)));
  });

// By hand, to see the answer's body.
const raw = (id, cert, key) =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ registrationId: id });
    const request = https.request({ method: 'PUT', host: 'global.berth.test', path: `/${scope}/registrations/${id}/register?api-version=2021-06-01`, cert, key, agent: false,
      headers: { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) } }, (response) => {
      let text = '';
      response.on('data', (part) => { text += part; });
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    request.on('error', reject);
    request.end(body);
  });

const attempts = async (id) => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts;

// Nobody waits for an attempt to be on record, so it may be there a little after the answer.
async function attemptOf(id, request) {
  for (let i = 0; i < 100; i++) {
    const found = (await attempts(id)).find((a) => a.trackingId === request);
    if (found) return found;
    await berth.sleep(20);
  }
  throw new Error(`no attempt ${request} of ${id}`);
}

async function refused(id, cert, key, { message = 'Invalid certificate', check, why }) {
  const answer = await raw(id, cert, key);
  assert.strictEqual(answer.status, 401, JSON.stringify(answer.body));
  assert.deepStrictEqual(Object.keys(answer.body).sort(), ['errorCode', 'message', 'timestampUtc', 'trackingId']);
  assert.strictEqual(answer.body.errorCode, 401002);
  assert.strictEqual(answer.body.message, message);
  const last = await attemptOf(id, answer.body.trackingId);
  assert.strictEqual(last.check, check, last.reason);
  assert.match(last.reason, why);
  assert.ok(last.presented.length >= 1 && last.presented[0].sha256Thumbprint, 'the chain as presented is kept');
  return last;
}

const group = (name, x509, more = {}, headers) =>
  berth.good(api('PUT', `/enrollmentGroups/${name}`, { headers, body: { enrollmentGroupId: name, attestation: { type: 'x509', x509 }, ...more } }));
const individual = (id, x509, more = {}, headers) =>
  berth.good(api('PUT', `/enrollments/${id}`, { headers, body: { registrationId: id, attestation: { type: 'x509', x509 }, ...more } }));
const signing = (name, secondary) => ({ signingCertificates: { primary: { certificate: pem(name) }, ...(secondary ? { secondary: { certificate: pem(secondary) } } : {}) } });
const client = (name, secondary) => ({ clientCertificates: { primary: { certificate: pem(name) }, ...(secondary ? { secondary: { certificate: pem(secondary) } } : {}) } });
const drop = (kind, name) => berth.good(api('DELETE', `/${kind}/${name}`));
const hubIdentity = async (id) => (await (await berth.hubApi('hub1'))('GET', `/devices/${id}`)).body;

before(async () => {
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('line6', '/CN=Line 6 CA', 'root', { extensions: CA });
  make('line7', '/CN=Line 7 CA', 'root', { extensions: CA });
  make('cell', '/CN=Cell 6.1 CA', 'line6', { extensions: CA });
  make('tool', '/CN=Tool 6.1.1 CA', 'cell', { extensions: CA });
});

test('an individual enrollment: its own leaf is let in, with its thumbprint on the hub; another is not', async () => {
  make('solo', '/CN=solo-1');
  make('other', '/CN=solo-1');
  await individual('solo-1', client('solo'));
  const result = await register('solo-1', pem('solo'), secret('solo'));
  assert.strictEqual(result.status, 'assigned');
  assert.strictEqual(result.assignedHub, 'hub1.berth.test');
  const identity = await hubIdentity('solo-1');
  assert.strictEqual(identity.authentication.type, 'selfSigned');
  assert.strictEqual(identity.authentication.x509Thumbprint.primaryThumbprint, thumbprint('solo'));
  await refused('solo-1', pem('other'), secret('other'), { check: 'certificate-match', why: /neither the primary nor the secondary/ });
});

test('a rolled leaf: the secondary is let in, and the hub learns of it; also where the device is never to be moved', async () => {
  make('roll-a', '/CN=roll-1');
  make('roll-b', '/CN=roll-1');
  const never = { reprovisionPolicy: { updateHubAssignment: false, migrateDeviceData: false } };
  await individual('roll-1', client('roll-a', 'roll-b'), never);
  await register('roll-1', pem('roll-a'), secret('roll-a'));
  assert.strictEqual((await hubIdentity('roll-1')).authentication.x509Thumbprint.primaryThumbprint, thumbprint('roll-a'));
  await register('roll-1', pem('roll-b'), secret('roll-b'));
  const rolled = (await hubIdentity('roll-1')).authentication.x509Thumbprint;
  assert.strictEqual(rolled.primaryThumbprint, thumbprint('roll-b'));
  assert.strictEqual(rolled.secondaryThumbprint, thumbprint('roll-a'));
  await individual('roll-1', client('roll-b'), never, { 'If-Match': '*' });
  await refused('roll-1', pem('roll-a'), secret('roll-a'), { check: 'certificate-match', why: /roll-1/ });
});

test('a group by root, and by intermediates of depth 1 to 3, with and without the intermediates that are needed', async (t) => {
  make('deep', '/CN=deep-1', 'tool');
  for (const [name, anchor] of [['by-root', 'root'], ['by-line', 'line6'], ['by-cell', 'cell'], ['by-tool', 'tool']]) {
    await t.test(name, async () => {
      await group(name, signing(anchor));
      const answer = await raw('deep-1', pem('deep', 'tool', 'cell', 'line6', 'root'), secret('deep'));
      assert.strictEqual(answer.status, 202, JSON.stringify(answer.body));
      const state = answer.body.registrationState;
      assert.strictEqual(state.x509.enrollmentGroupId, name);
      for (const info of [state.x509.certificateInfo, state.x509.signingCertificateInfo])
        for (const member of ['subjectName', 'sha1Thumbprint', 'sha256Thumbprint', 'issuerName', 'notBeforeUtc', 'notAfterUtc', 'serialNumber', 'version']) assert.ok(info[member], member);
      assert.strictEqual(state.x509.certificateInfo.sha256Thumbprint, thumbprint('deep'));
      assert.strictEqual(state.x509.signingCertificateInfo.sha256Thumbprint, thumbprint(anchor));
      await drop('enrollmentGroups', name);
    });
  }
  await group('by-line', signing('line6'));
  assert.strictEqual((await raw('deep-1', pem('deep', 'tool', 'cell'), secret('deep'))).status, 202, 'the stored one need not be sent');
  await refused('deep-1', pem('deep', 'tool'), secret('deep'), { message: 'CA certificate not found', check: 'certificate-known', why: /did not send.*Devices must send every certificate/ });
  await drop('enrollmentGroups', 'by-line');
});

test('9.2: the nearest match decides; a disabled one ends the search', async () => {
  make('near', '/CN=near-1', 'cell');
  const chain = pem('near', 'cell', 'line6', 'root');
  await group('wide', signing('root'));
  await group('narrow', signing('cell'));
  assert.strictEqual((await raw('near-1', chain, secret('near'))).body.registrationState.x509.enrollmentGroupId, 'narrow');
  await group('narrow', signing('cell'), { provisioningStatus: 'disabled' }, { 'If-Match': '*' });
  const barred = await raw('near-1', chain, secret('near'));
  assert.strictEqual(barred.body.status, 'disabled');
  await drop('enrollmentGroups', 'narrow');
  assert.strictEqual((await raw('near-1', chain, secret('near'))).body.registrationState.x509.enrollmentGroupId, 'wide');
  await individual('near-1', client('near'), { provisioningStatus: 'disabled' });
  assert.strictEqual((await raw('near-1', chain, secret('near'))).body.status, 'disabled', 'one device of a group is barred by an entry of its own');
  await drop('enrollments', 'near-1');
  await drop('enrollmentGroups', 'wide');
});

test('a secondary signing certificate is as good as the primary', async () => {
  make('second', '/CN=second-1', 'line7');
  await group('pair', signing('line6', 'line7'));
  assert.strictEqual((await register('second-1', pem('second', 'line7'), secret('second'))).status, 'assigned');
  await drop('enrollmentGroups', 'pair');
});

test('every refusal says what is wrong', async (t) => {
  await group('presses', signing('line6'));
  const past = ['20200101000000Z', '20200201000000Z'];
  const cases = {
    'signed by a CA that no group names': [() => make('w1', '/CN=w1', 'line7'), 'w1', ['w1'], { message: 'CA certificate not found', check: 'certificate-known', why: /CN=w1 is signed by CN=Line 7 CA, which no enrollment group names/ }],
    'CN is another device': [() => make('w2', '/CN=press-08', 'line6'), 'press-07', ['w2', 'line6'], { check: 'certificate-common-name', why: /CN=press-08, but the device registers as press-07/ }],
    'expired': [() => make('w3', '/CN=w3', 'line6', { dates: past }), 'w3', ['w3', 'line6'], { check: 'certificate-validity', why: /expired at 2020-02-01T00:00:00Z, \d+ days ago/ }],
    'not yet valid': [() => make('w4', '/CN=w4', 'line6', { dates: ['20990101000000Z', '20990201000000Z'] }), 'w4', ['w4', 'line6'], { check: 'certificate-validity', why: /not valid until 2099-01-01/ }],
    'an intermediate has expired': [() => { make('old', '/CN=Old CA', 'line6', { extensions: CA, dates: past }); make('w5', '/CN=w5', 'old'); }, 'w5', ['w5', 'old', 'line6'], { check: 'certificate-path-expired', why: /CN=Old CA expired/ }],
    'signed by a certificate that is no CA': [() => { make('nocaa', '/CN=No CA', 'line6'); make('w6', '/CN=w6', 'nocaa'); }, 'w6', ['w6', 'nocaa', 'line6'], { check: 'certificate-path-not-a-ca', why: /No CA.*is no CA/ }],
    'a forged signature: the issuer has the right name and another key': [() => { make('fake6', '/CN=Line 6 CA', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') }); make('w7', '/CN=w7', 'fake6', { extensions: DEVICE.replace('authorityKeyIdentifier=keyid\n', '') }); }, 'w7', ['w7'], { check: 'certificate-path-other-key', why: /with another key than that of the certificate of this name/ }],
    'for servers only': [() => make('w8', '/CN=w8', 'line6', { extensions: DEVICE.replace('clientAuth', 'serverAuth') }), 'w8', ['w8', 'line6'], { check: 'certificate-path-purpose', why: /TLS client/ }],
    'path length': [() => { make('short', '/CN=Short CA', 'line6', { extensions: CA.replace('CA:TRUE', 'CA:TRUE,pathlen:0') }); make('below', '/CN=Below CA', 'short', { extensions: CA }); make('w9', '/CN=w9', 'below'); }, 'w9', ['w9', 'below', 'short', 'line6'], { check: 'certificate-path-path-length', why: /pathlen/ }],
    'two common names': [() => make('w10', '/CN=w10/CN=press-07', 'line6'), 'w10', ['w10', 'line6'], { check: 'certificate-common-name', why: /2 common names/ }],
    'no enrollment for a self-signed leaf': [() => make('w11', '/CN=w11'), 'w11', ['w11'], { message: 'CA certificate not found', check: 'certificate-known', why: /self-signed/ }],
  };
  for (const [name, [prepare, id, chain, expected]] of Object.entries(cases))
    await t.test(name, async () => {
      prepare();
      const last = await refused(id, pem(...chain), secret(chain[0]), expected);
      if (name.startsWith('signed by a CA that no group')) assert.ok(last.nearest.some((s) => /presses names CN=Line 6 CA/.test(s)), JSON.stringify(last.nearest));
    });
  await t.test('the CA itself is no device', async () => {
    make('selfca', '/CN=selfca', undefined, { extensions: CA.replace('keyCertSign', 'digitalSignature,keyCertSign').replace('authorityKeyIdentifier=keyid\n', '') });
    await group('selfca', signing('selfca'));
    await refused('selfca', pem('selfca'), secret('selfca'), { check: 'certificate-path-anchor', why: /signed by it/ });
    await drop('enrollmentGroups', 'selfca');
  });
  await t.test('nothing is presented, where an entry wants a certificate', async () => {
    make('bare', '/CN=bare-1');
    await individual('bare-1', client('bare'));
    const answer = await raw('bare-1');
    assert.strictEqual(answer.status, 401);
    assert.match((await attemptOf('bare-1', answer.body.trackingId)).reason, /no certificate/);
  });
  await drop('enrollmentGroups', 'presses');
});

test('keys of every kind that devices have', async (t) => {
  await group('kinds', signing('line6'));
  const kinds = {
    'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'rsa-3072': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
    'rsa-4096': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'], 'p-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    'p-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], ed25519: ['-algorithm', 'ED25519'],
  };
  for (const [name, key] of Object.entries(kinds))
    await t.test(name, async () => {
      make(`k-${name}`, `/CN=k-${name}`, 'line6', { key });
      assert.strictEqual((await register(`k-${name}`, pem(`k-${name}`), secret(`k-${name}`))).status, 'assigned');
    });
  await drop('enrollmentGroups', 'kinds');
});

test('11.6: a CA certificate, proof of possession, and a group that refers to it', async () => {
  const base = `${berth.arm}/provisioningServices/dps1/certificates`;
  const call = (method, target, body, etag) =>
    berth.ask(method, 'portal.berth.test', `${target}?api-version=2022-12-12`, { headers: { Authorization: `Bearer ${berth.token()}`, ...(etag ? { 'If-Match': etag } : {}) }, body });
  const b64 = (name) => Buffer.from(pem(name)).toString('base64');
  make('ref', '/CN=ref-1', 'line6');
  const chain = pem('ref', 'line6', 'root');

  const flat = await berth.good(call('PUT', `${base}/ca1`, { certificate: b64('root') }));
  assert.strictEqual(flat.properties.isVerified, false);
  assert.strictEqual(flat.properties.subject, 'Plant root');
  assert.strictEqual(flat.properties.certificate, null);
  assert.strictEqual((await call('PUT', `${base}/leaf`, { properties: { certificate: b64('ref') } })).status, 400, 'a leaf is no CA');
  assert.strictEqual((await api('PUT', '/enrollmentGroups/refs', { body: { enrollmentGroupId: 'refs', attestation: { type: 'x509', x509: { caReferences: { primary: 'nobody' } } } } })).status, 400);
  await group('refs', { caReferences: { primary: 'CA1' } });
  await refused('ref-1', chain, secret('ref'), { message: 'CA certificate not found', check: 'certificate-authority', why: /not verified/ });

  assert.strictEqual((await call('POST', `${base}/ca1/generateVerificationCode`, undefined, 'c3RhbGU=')).status, 412);
  assert.strictEqual((await call('POST', `${base}/ca1/generateVerificationCode`)).status, 400, 'If-Match is needed');
  const asked = await berth.good(call('POST', `${base}/ca1/generateVerificationCode`, undefined, flat.etag));
  assert.match(asked.properties.verificationCode, /^[0-9A-F]{48}$/);
  assert.notStrictEqual(asked.etag, flat.etag);
  make('wrongcode', `/CN=${'0'.repeat(48)}`, 'root');
  make('wrongkey', `/CN=${asked.properties.verificationCode}`, 'line6');
  make('proof', `/CN=${asked.properties.verificationCode}`, 'root');
  for (const wrong of ['wrongcode', 'wrongkey']) assert.strictEqual((await call('POST', `${base}/ca1/verify`, { certificate: b64(wrong) }, asked.etag)).status, 400, wrong);
  const verified = await berth.good(call('POST', `${base}/ca1/verify`, { certificate: b64('proof') }, asked.etag));
  assert.strictEqual(verified.properties.isVerified, true);

  const answer = await raw('ref-1', chain, secret('ref'));
  assert.strictEqual(answer.body.registrationState.x509.enrollmentGroupId, 'refs');
  const inUse = await call('DELETE', `${base}/ca1`, undefined, verified.etag);
  assert.strictEqual(inUse.status, 409);
  assert.match(inUse.text, /enrollment group refs/);

  await individual('ref-2', { caReferences: { primary: 'ca1' } });
  make('ref2', '/CN=ref-2', 'line6');
  assert.strictEqual((await raw('ref-2', pem('ref2', 'line6'), secret('ref2'))).body.status, 'assigned');
  await drop('enrollments', 'ref-2');
  await drop('enrollmentGroups', 'refs');
  await berth.good(call('DELETE', `${base}/ca1`, undefined, '*'));
  assert.strictEqual((await call('GET', `${base}/ca1`)).status, 404);
  await refused('ref-1', chain, secret('ref'), { message: 'CA certificate not found', check: 'certificate-known', why: /ends at the root CN=Plant root/ });

  await berth.good(call('PUT', `${base}/ca2`, { properties: { certificate: b64('root'), isVerified: true } }));
  const swapped = await berth.good(call('PUT', `${base}/ca2`, { properties: { certificate: b64('line7') } }));
  assert.strictEqual(swapped.properties.isVerified, false, 'another certificate has proven nothing');
  await berth.good(call('DELETE', `${base}/ca2`, undefined, swapped.etag));
});

test('what was presented stands in the record, and goes with it', async () => {
  make('rec', '/CN=rec-1', 'line6');
  await group('recs', signing('line6'));
  await register('rec-1', pem('rec', 'line6'), secret('rec'));
  const record = await berth.good(api('GET', '/registrations/rec-1'));
  assert.strictEqual(record.x509.certificateInfo.sha256Thumbprint, thumbprint('rec'));
  assert.strictEqual(record.x509.signingCertificateInfo.sha256Thumbprint, thumbprint('line6'));
  const soon = await berth.good(api('GET', '/berth/certificates/expiring?days=40'));
  assert.ok(soon.some((c) => c.kind === 'device' && c.name === 'rec-1' && c.daysLeft === 29), JSON.stringify(soon));
  assert.ok(soon.some((c) => c.kind === 'enrollmentGroup' && c.name === 'recs' && c.which === 'primary'));
  assert.deepStrictEqual(await berth.good(api('GET', '/berth/certificates/expiring?days=1')), []);
  await berth.good(api('DELETE', '/registrations/rec-1'));
  assert.ok(!(await berth.good(api('GET', '/berth/certificates/expiring?days=40'))).some((c) => c.name === 'rec-1'));
  await drop('enrollmentGroups', 'recs');
});

test('the command line: a CA for development, its proof, a device, and a chain judged before it is flashed', async () => {
  const dir = at('dev');
  const run = async (...args) => {
    const result = await berth.cli(...args);
    assert.strictEqual(result.status, 0, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  };
  await run('certificate', 'dev-ca', 'create', '--dir', dir);
  await run('certificate', 'dev-ca', 'issue', 'cli-1', '--dir', dir);
  await run('certificate', 'create', 'dev', '--certificate', path.join(dir, 'root.pem'), '--service', 'dps1');
  const code = JSON.parse(await run('certificate', 'generate-verification-code', 'dev', '--service', 'dps1', '--output', 'json')).properties.verificationCode;
  await run('certificate', 'dev-ca', 'issue', '--verification-code', code, '--dir', dir);
  await run('certificate', 'verify', 'dev', '--certificate', path.join(dir, 'verification.pem'), '--service', 'dps1');
  assert.match(await run('certificate', 'list', '--service', 'dps1', '--output', 'table'), /dev .*yes/);

  const check = (chain, id) => berth.cli('certificate', 'check', '--chain', chain, '--registration-id', id, '--service', 'dps1', '--output', 'table');
  const early = await check(path.join(dir, 'cli-1.pem'), 'cli-1');
  assert.strictEqual(early.status, 1);
  assert.match(early.stdout, /would be refused[\s\S]*no enrollment group refers to it/);
  assert.deepStrictEqual(await attempts('cli-1'), [], 'a check leaves nothing behind');
  await run('enrollment-group', 'create', 'devs', '--attestation', 'x509', '--ca-primary', 'dev', '--service', 'dps1');
  const fine = await check(path.join(dir, 'cli-1.pem'), 'cli-1');
  assert.strictEqual(fine.status, 0, fine.stdout + fine.stderr);
  assert.match(fine.stdout, /let in by enrollment group devs/);
  assert.match((await check(path.join(dir, 'cli-1.pem'), 'cli-2')).stdout, /CN must be the registration ID/);
  const cert = fs.readFileSync(path.join(dir, 'cli-1.pem'), 'utf8');
  assert.strictEqual((await register('cli-1', cert, fs.readFileSync(path.join(dir, 'cli-1.key'), 'utf8'))).status, 'assigned');
  assert.strictEqual((await berth.cli('certificate', 'delete', 'dev', '--service', 'dps1')).status, 1);
  await run('enrollment-group', 'delete', 'devs', '--service', 'dps1');
  await run('certificate', 'delete', 'dev', '--service', 'dps1');
  assert.strictEqual((await berth.cli('certificate', 'dev-ca', 'create', '--dir', dir)).status, 1, 'keys are never written over');
});

test('a device of one service is nobody in another', async () => {
  await group('presses', signing('line6'));
  make('tenant', '/CN=tenant-1', 'line6');
  const other = (await berth.makeService('dps2', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  const own = scope;
  scope = other;
  assert.strictEqual((await raw('tenant-1', pem('tenant', 'line6'), secret('tenant'))).status, 401);
  scope = own;
  assert.strictEqual((await raw('tenant-1', pem('tenant', 'line6'), secret('tenant'))).status, 202);
});
