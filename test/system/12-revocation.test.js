// Revocation lists of enrollment groups: given as a file, or fetched from where their CA publishes them; and what /metrics tells of
// certificates that end.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const http = require('node:http');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const { CA, at, pem, secret, make, revoke, crl } = require('./pki.js');

let scope;
let api;
let published = null; // what the CA's web server hands out: a text, or a status

const register = (id, chain) =>
  new Promise((resolve, reject) => {
    const security = new X509Security(id, { cert: pem(...chain), key: secret(chain[0]) });
    ProvisioningDeviceClient.create('global.berth.test', scope, new Http(), security).register((error, result) => (error ? reject(error) : resolve(result)));
  });
const assigned = async (id, chain) => assert.strictEqual((await register(id, chain)).status, 'assigned');

async function refused(id, chain, check, why) {
  const attempts = async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts;
  const before = (await attempts()).length;
  await assert.rejects(register(id, chain), (error) => error.name === 'UnauthorizedError');
  const found = await berth.eventually(async () => (await attempts()).length > before && (await attempts())[0]);
  assert.strictEqual(found.check, check);
  assert.match(found.reason, why);
}

const lists = (group, name = '') => `/berth/enrollmentGroups/${group}/revocationLists${name && `/${name}`}`;
const put = (group, name, body, headers) => api('PUT', lists(group, name), { body, headers });

before(async () => {
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('line', '/CN=Line CA', 'root', { extensions: CA });
  make('stranger', '/CN=Stranger CA', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  for (const n of [1, 2, 3]) make(`dev-${n}`, `/CN=dev-${n}`, 'line');
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } } }));
  globalThis.publisher = http.createServer((request, response) => {
    if (typeof published === 'string') response.end(published);
    else response.writeHead(published ?? 404).end();
  });
  await new Promise((resolve) => globalThis.publisher.listen(8480, '127.0.0.1', resolve));
});

after(() => globalThis.publisher.close());

test('a device on a list that was given is refused at its next handshake, and let in again without the list', async () => {
  await assigned('dev-1', ['dev-1', 'line']);
  revoke('lines', 'line', ['dev-1']);
  // The intermediate is no certificate of the group: who vouches for the list has to be said.
  const without = await put('presses', 'line', { list: crl('lines') });
  assert.strictEqual(without.status, 400);
  assert.match(without.body.message, /issued by CN=Line CA.*issuerCertificate/);
  const list = await berth.good(put('presses', 'line', { list: crl('lines'), issuerCertificate: pem('line') }));
  assert.strictEqual(list.issuer, 'CN=Line CA');
  assert.strictEqual(list.entries, 1);
  assert.ok(Date.parse(list.nextUpdateUtc) > Date.now());
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1 has been revoked/);
  await assigned('dev-2', ['dev-2', 'line']);
  revoke('lines-2', 'line', []);
  await berth.good(put('presses', 'line', { list: crl('lines-2') }, { 'If-Match': list.etag }));
  await assigned('dev-1', ['dev-1', 'line']);
  assert.strictEqual((await put('presses', 'line', { list: crl('lines') }, { 'If-Match': list.etag })).status, 412);
  await berth.good(api('DELETE', lists('presses', 'line')));
  assert.deepStrictEqual(await berth.good(api('GET', lists('presses'))), []);
});

test('a revoked intermediate bars all that it has signed', async () => {
  revoke('roots', 'root', ['line']);
  await berth.good(put('presses', 'root', { list: crl('roots') }));
  await refused('dev-3', ['dev-3', 'line'], 'certificate-path-revoked', /CN=Line CA has been revoked/);
  await berth.good(api('DELETE', lists('presses', 'root')));
  await assigned('dev-3', ['dev-3', 'line']);
});

test('a list is fetched in the background, again when asked, and what is wrong with it is told', async () => {
  const state = async () => berth.good(api('GET', lists('presses', 'line')));
  const trouble = (pattern) => berth.eventually(async () => pattern.test((await state()).lastError ?? ''));
  const again = () => berth.good(api('POST', `${lists('presses', 'line')}/refresh`));
  published = 503;
  await berth.good(put('presses', 'line', { url: 'http://localhost:8480/line.crl', issuerCertificate: pem('line'), refreshMinutes: 5 }));
  await trouble(/status 503/);
  await assigned('dev-1', ['dev-1', 'line']); // not strict: no list is no reason to stand still
  await berth.good(put('presses', 'line', { strict: true }));
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revocation-unknown', /strict, and there is none/);
  published = crl('lines');
  await again();
  await berth.eventually(async () => (await state()).entries === 1);
  assert.strictEqual((await state()).lastError, undefined);
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1/);
  await assigned('dev-2', ['dev-2', 'line']);
  // What came before stays while there is nothing better.
  revoke('strangers', 'stranger', []);
  for (const [text, pattern] of [[crl('strangers'), /issued by CN=Stranger CA/], ['<html>', /cannot be used/], ['x'.repeat(5000000), /too large/]]) {
    published = text;
    await again();
    await trouble(pattern);
  }
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1/);
});

test('a strict list that is out of date bars everybody below its issuer; others only those on it', async () => {
  revoke('old', 'line', ['dev-1'], ['20250101000000Z', '20250201000000Z']);
  await berth.good(put('presses', 'line', { list: crl('old'), strict: false }));
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1/);
  await assigned('dev-2', ['dev-2', 'line']);
  await berth.good(put('presses', 'line', { strict: true }));
  await refused('dev-2', ['dev-2', 'line'], 'certificate-path-revocation-unknown', /out of date/);
  await berth.good(put('presses', 'line', { strict: false }));
  await assigned('dev-2', ['dev-2', 'line']);
});

test('what cannot be a list is refused in words, and lists go with their group', async () => {
  const bad = async (body, pattern) => {
    const answer = await put('presses', 'other', body);
    assert.strictEqual(answer.status, 400, answer.text);
    assert.match(answer.body.message, pattern);
  };
  await bad({}, /either list.*or url/);
  await bad({ list: 'x' }, /list cannot be used/);
  await bad({ list: pem('line') }, /list cannot be used/);
  await bad({ list: crl('lines'), url: 'http://localhost/' }, /not both/);
  await bad({ url: 'file:///etc/passwd' }, /http or https/);
  await bad({ url: 'http://localhost/', refreshMinutes: 0 }, /refreshMinutes/);
  await bad({ url: 'http://localhost/', issuerCertificate: pem('dev-1') }, /certificate of a CA/);
  assert.strictEqual((await put('nobody', 'x', { url: 'http://localhost/' })).status, 404);
  await berth.good(api('PUT', '/enrollmentGroups/keys', { body: { enrollmentGroupId: 'keys', attestation: { type: 'symmetricKey', symmetricKey: {} } } }));
  assert.match((await put('keys', 'x', { url: 'http://localhost/' })).body.message, /x509 group/);
  for (let i = 0; i < 7; i++) await berth.good(put('presses', `more-${i}`, { url: 'http://localhost:8480/' }));
  assert.strictEqual((await put('presses', 'one-more', { url: 'http://localhost:8480/' })).status, 403);
  const group = await berth.good(api('GET', '/enrollmentGroups/presses'));
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: group, headers: { 'If-Match': group.etag } }));
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1/); // a change of the group does not lose them
  await berth.good(api('DELETE', '/enrollmentGroups/presses'));
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { ...group, etag: undefined, attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } } }));
  assert.deepStrictEqual(await berth.good(api('GET', lists('presses'))), []);
  await assigned('dev-1', ['dev-1', 'line']);
});

test('the command line keeps lists too', async () => {
  const run = async (...args) => {
    const { status, stdout, stderr } = await berth.cli('revocation-list', ...args);
    assert.strictEqual(status, 0, stderr);
    return stdout;
  };
  const list = JSON.parse(await run('create', 'presses', 'line', '--file', at('lines.crl'), '--issuer', at('line.pem'), '--output', 'json'));
  assert.strictEqual(list.issuer, 'CN=Line CA');
  await refused('dev-1', ['dev-1', 'line'], 'certificate-path-revoked', /CN=dev-1/);
  assert.match(await run('list', 'presses', '--output', 'table'), /line.*CN=Line CA/);
  await run('delete', 'presses', 'line');
  await assigned('dev-1', ['dev-1', 'line']);
  assert.strictEqual((await berth.cli('revocation-list', 'create', 'presses', 'line')).status, 2);
  assert.strictEqual((await berth.cli('revocation-list', 'show', 'presses', 'line')).status, 1);
});

test('/metrics tells what ends soon', async () => {
  make('short', '/CN=short', 'line');
  const expiring = (text, kind, within) => Number((text.match(new RegExp(`^berth_certificates_expiring\\{ProvisioningServiceName="dps1",kind="${kind}",within="${within}"\\} (\\d+)$`, 'm')) ?? [])[1]);
  const text = await berth.eventually(async () => {
    const all = await berth.metrics();
    return /berth_certificates_expiring/.test(all) && all;
  });
  // The tests' certificates are good for 30 days from some seconds ago.
  assert.strictEqual(expiring(text, 'enrollmentGroup', '30d'), 1);
  assert.strictEqual(expiring(text, 'enrollmentGroup', '7d'), 0);
  assert.strictEqual(expiring(text, 'device', '30d'), 3);
  assert.strictEqual(expiring(text, 'device', '0d'), 0);
  assert.strictEqual(expiring(text, 'caCertificate', '30d'), 0);
  const next = Number(text.match(/^berth_certificate_next_expiry_seconds\{ProvisioningServiceName="dps1",kind="device"\} (\d+)$/m)[1]);
  assert.ok(Math.abs(next - (Date.now() / 1000 + 30 * 86400)) < 3600);
});
