// The service API (service-api.md 3 to 6 and 14), raw and through azure-iot-provisioning-service.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const berth = require('./berth.js');
const { endorsementKeyOfNobody } = require('./software_tpm.js');
const openapi = require('./openapi.js');

const key = { type: 'symmetricKey' };
let api;
let sdk;
let scope;

before(async () => {
  await berth.makeHub('hub1');
  await berth.makeHub('hub2');
  const made = await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] });
  scope = made.properties.idScope;
  api = await berth.serviceApi('dps1');
  sdk = ProvisioningServiceClient.fromConnectionString(await berth.connectionString('provisioningServices', 'dps1'));
});

const put = (id, body, headers) => api('PUT', `/enrollments/${id}`, { body: { registrationId: decodeURIComponent(id), attestation: key, ...body }, headers });
const putGroup = (id, body, headers) => api('PUT', `/enrollmentGroups/${id}`, { body: { enrollmentGroupId: id, attestation: key, ...body }, headers });

test('check 1: tokens: any order, either case of escapes, old ones, the secondary key', async () => {
  const [owner] = await berth.keysOf('provisioningServices', 'dps1');
  const host = 'dps1.berth.test';
  const now = Math.floor(Date.now() / 1000);
  const status = async (authorization) =>
    (await berth.ask('POST', host, '/enrollments/query?api-version=2021-10-01', { headers: { Authorization: authorization }, body: { query: 'SELECT *' } })).status;
  const make = (sr, secret, expires = now + 3600) => ({ sr, sig: encodeURIComponent(berth.hmac(secret, `${sr}\n${expires}`)), se: expires, skn: owner.keyName });
  const text = (t, order) => `SharedAccessSignature ${order.map((f) => `${f}=${t[f]}`).join('&')}`;

  for (const sr of [host, 'DPS1.berth.test', `${host}:443`, `${host}%3A443`, `${host}%3a443`, `https://${host}`, `${host}/enrollments`]) {
    assert.strictEqual(await status(text(make(sr, owner.primaryKey), ['sr', 'sig', 'se', 'skn'])), 200, sr);
  }
  for (const order of [['sr', 'sig', 'skn', 'se'], ['se', 'skn', 'sig', 'sr']]) {
    assert.strictEqual(await status(text(make(host, owner.primaryKey), order)), 200, order.join());
  }
  assert.strictEqual(await status(text(make(host, owner.secondaryKey), ['sr', 'sig', 'se', 'skn'])), 200, 'secondary key');
  assert.strictEqual(await status(text(make(host, owner.primaryKey, now - 240), ['sr', 'sig', 'se', 'skn'])), 200, 'expired 4 minutes ago');
  assert.strictEqual(await status(text(make(host, owner.primaryKey, now - 360), ['sr', 'sig', 'se', 'skn'])), 401, 'expired 6 minutes ago');
  assert.strictEqual(await status(text(make('dps2.berth.test', owner.primaryKey), ['sr', 'sig', 'se', 'skn'])), 401, 'for another host');
  assert.strictEqual(await status(text(make(`${host}/enrollmentGroups`, owner.primaryKey), ['sr', 'sig', 'se', 'skn'])), 401, 'for another path');
  assert.strictEqual(await status(text(make(`${host}/enroll`, owner.primaryKey), ['sr', 'sig', 'se', 'skn'])), 401, 'a prefix that ends inside a word');
  assert.strictEqual(await status('SharedAccessSignature nonsense'), 401);
  const none = await berth.ask('POST', host, '/enrollments/query?api-version=2021-10-01');
  assert.strictEqual(none.status, 401);
  assert.strictEqual(none.body.errorCode, 401002);
  assert.strictEqual(none.body.message, 'Unauthorized');
  assert.strictEqual(none.body.trackingId, none.headers['x-ms-request-id']);
});

test('3.2: a policy grants what it names and what that includes, no more', async () => {
  const service = await berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/dps1`));
  const policies = (await berth.keysOf('provisioningServices', 'dps1')).concat([
    { keyName: 'reader', rights: 'EnrollmentRead' }, { keyName: 'watcher', rights: 'RegistrationStatusRead' }, { keyName: 'writer', rights: 'EnrollmentWrite' }]);
  await berth.good(berth.manage('PUT', `${berth.arm}/provisioningServices/dps1`, { ...service, properties: { ...service.properties, authorizationPolicies: policies } }));
  const all = await berth.keysOf('provisioningServices', 'dps1');
  const as = (name) => ({ Authorization: berth.sas('dps1.berth.test', all.find((p) => p.keyName === name).primaryKey, { name }) });
  const status = async (method, target, name, body) => (await api(method, target, { headers: as(name), body })).status;
  const entry = { registrationId: 'rights', attestation: key };

  assert.strictEqual(await status('PUT', '/enrollments/rights', 'reader', entry), 401);
  assert.strictEqual(await status('PUT', '/enrollments/rights', 'writer', entry), 200);
  assert.strictEqual(await status('GET', '/enrollments/rights', 'reader'), 200);
  assert.strictEqual(await status('GET', '/enrollments/rights', 'writer'), 200, 'EnrollmentWrite includes EnrollmentRead');
  assert.strictEqual(await status('GET', '/enrollments/rights', 'watcher'), 401);
  assert.strictEqual(await status('GET', '/registrations/rights', 'watcher'), 200);
  assert.strictEqual(await status('POST', '/enrollments/rights/attestationmechanism', 'reader'), 401, 'keys are for writers');
  assert.strictEqual(await status('DELETE', '/enrollments/rights', 'writer'), 204);
});

test('check 2: If-Match in every spelling', async () => {
  const first = await put('match', {});
  assert.strictEqual(first.status, 200);
  assert.match(Buffer.from(first.body.etag, 'base64').toString(), /^"[0-9a-f-]+"$/, 'an etag is the base64 of a quoted text');
  const again = await put('match', {});
  assert.strictEqual(again.status, 409);
  assert.strictEqual(again.body.errorCode, 409201);
  let etag = first.body.etag;
  for (const spell of [() => '*', () => '"*"', (e) => e, (e) => `"${e}"`, (e) => Buffer.from(e, 'base64').toString(), (e) => `W/"${e}"`]) {
    const answer = await put('match', {}, { 'If-Match': spell(etag) });
    assert.strictEqual(answer.status, 200, spell(etag));
    etag = answer.body.etag;
  }
  const stale = await put('match', {}, { 'If-Match': first.body.etag });
  assert.strictEqual(stale.status, 412);
  assert.strictEqual((await put('never-there', {}, { 'If-Match': '*' })).status, 412);
  assert.strictEqual((await api('DELETE', '/enrollments/match', { headers: { 'If-Match': first.body.etag } })).status, 412);
  assert.strictEqual((await api('DELETE', '/enrollments/match', { headers: { 'If-Match': etag } })).status, 204);
  assert.strictEqual((await api('DELETE', '/enrollments/match')).status, 404);
  assert.strictEqual((await putGroup('g', {})).status, 200);
  assert.strictEqual((await putGroup('g', {})).body.errorCode, 409202);
});

test('check 3: keys are made, shown on demand, and kept', async () => {
  const made = await put('keys', { attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: null, secondaryKey: null } } });
  assert.strictEqual(made.body.attestation.symmetricKey.primaryKey.length, 88);
  assert.strictEqual(made.body.attestation.symmetricKey.secondaryKey.length, 88);
  const read = await api('GET', '/enrollments/keys');
  assert.deepStrictEqual(read.body.attestation, { type: 'symmetricKey' });
  assert.deepStrictEqual(read.body.registrationState, { registrationId: 'keys', status: 'unassigned' });
  const listed = await api('POST', '/enrollments/query', { body: { query: "SELECT * WHERE registrationId = 'keys'" } });
  assert.deepStrictEqual(listed.body[0].attestation, { type: 'symmetricKey' });
  assert.strictEqual(listed.body[0].registrationState, undefined);
  for (const word of ['attestationmechanism', 'AttestationMechanism']) {
    const shown = await api('POST', `/enrollments/keys/${word}`);
    assert.deepStrictEqual(shown.body, made.body.attestation);
  }
  const later = await put('keys', { provisioningStatus: 'disabled' }, { 'If-Match': '*' });
  assert.deepStrictEqual(later.body.attestation, made.body.attestation, 'keys that are left out stay');
  for (const bad of ['not base64!', Buffer.alloc(15).toString('base64'), Buffer.alloc(65).toString('base64')]) {
    const answer = await put('keys2', { attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: bad } } });
    assert.strictEqual(answer.status, 400, bad);
    assert.strictEqual(answer.body.errorCode, 400004);
  }
});

test('check 4: provisioningStatus null is echoed as null, and the device still provisions', async () => {
  const made = await put('nullish', { provisioningStatus: null });
  assert.strictEqual(made.body.provisioningStatus, null);
  assert.strictEqual((await api('GET', '/enrollments/nullish')).body.provisioningStatus, null);
  const answer = await berth.device(scope, 'nullish', made.body.attestation.symmetricKey.primaryKey).settle();
  assert.strictEqual(answer.body.status, 'assigned');
  assert.strictEqual((await put('plain', {})).body.provisioningStatus, 'enabled');
});

test('check 5 and 6: queries, page by page', async () => {
  for (let i = 0; i < 15; i++) {
    const enrollments = [];
    for (let k = 0; k < 10; k++) enrollments.push({ registrationId: `page-${String(i * 10 + k).padStart(3, '0')}`, attestation: key });
    const made = await api('POST', '/enrollments', { body: { mode: 'create', enrollments } });
    assert.deepStrictEqual(made.body, { errors: [], isSuccessful: true });
  }
  const all = [];
  let continuation;
  const sizes = [];
  do {
    const page = await api('POST', '/enrollments/query', { body: { query: 'SELECT *' }, headers: continuation ? { 'x-ms-continuation': continuation } : {} });
    assert.strictEqual(page.status, 200);
    assert.strictEqual(page.headers['x-ms-item-type'], 'Enrollment');
    assert.ok(page.rawHeaders.includes('x-ms-item-type'), 'in lower case');
    sizes.push(page.body.length);
    all.push(...page.body.map((e) => e.registrationId));
    continuation = page.headers['x-ms-continuation'];
  } while (continuation);
  assert.strictEqual(sizes[0], 100, 'a page has 100 items unless told otherwise');
  assert.strictEqual(all.filter((id) => id.startsWith('page-')).length, 150);
  assert.strictEqual(new Set(all).size, all.length, 'none twice');
  const ten = await api('POST', '/enrollments/query', { body: { query: 'SELECT * FROM enrollments' }, headers: { 'x-ms-max-item-count': '10' } });
  assert.strictEqual(ten.body.length, 10);
  const zero = await api('POST', '/enrollments/query', { body: { query: 'select *' }, headers: { 'x-ms-max-item-count': '0' } });
  assert.strictEqual(zero.body.length, 100);
  const groups = await api('POST', '/enrollmentGroups/query', { body: { query: 'SELECT * FROM enrollments' } });
  assert.strictEqual(groups.headers['x-ms-item-type'], 'EnrollmentGroup');
  const records = await api('POST', '/registrations/g/query');
  assert.strictEqual(records.status, 200);
  assert.deepStrictEqual(records.body, []);
  assert.strictEqual(records.headers['x-ms-item-type'], 'DeviceRegistration');
  assert.strictEqual((await api('POST', '/registrations/no-such-group/query')).status, 404);
  for (const bad of ['DROP TABLE', 'SELECT a', "SELECT * WHERE x = 'y'", 'SELECT * WHERE', "SELECT * WHERE registrationId = 'a' AND"]) {
    const answer = await api('POST', '/enrollments/query', { body: { query: bad } });
    assert.strictEqual(answer.status, 400, bad);
    assert.strictEqual(answer.body.errorCode, 400004);
  }
  const some = await api('POST', '/enrollments/query', { body: { query: "SELECT * WHERE registrationId = 'page-003' OR (registrationId = 'page-004' AND provisioningStatus = 'enabled')" } });
  assert.deepStrictEqual(some.body.map((e) => e.registrationId), ['page-003', 'page-004']);
});

test('check 7: bulk: what succeeds stays, each failure is told', async () => {
  const entries = (...ids) => ids.map((registrationId) => ({ registrationId, attestation: key }));
  const bulk = (body) => api('POST', '/enrollments/', { body });
  assert.strictEqual((await bulk({ mode: 'create', enrollments: entries('b1', 'b2') })).body.isSuccessful, true);
  const again = await bulk({ mode: 'create', enrollments: entries('b2', 'b3') });
  assert.strictEqual(again.status, 200);
  assert.deepStrictEqual(again.body, { errors: [{ registrationId: 'b2', errorCode: 409201, errorStatus: 'Enrollment already exists.' }], isSuccessful: false });
  assert.strictEqual((await api('GET', '/enrollments/b3')).status, 200);
  assert.strictEqual((await bulk({ mode: 'update', enrollments: entries('b1') })).body.errors[0].errorCode, 409201, 'recorded so: update without a tag');
  const b1 = (await api('GET', '/enrollments/b1')).body;
  assert.strictEqual((await bulk({ mode: 'updateIfMatchETag', enrollments: [{ ...b1, provisioningStatus: 'disabled' }] })).body.isSuccessful, true);
  assert.strictEqual((await bulk({ mode: 'updateIfMatchETag', enrollments: [b1] })).body.errors[0].errorCode, 412000);
  assert.strictEqual((await bulk({ mode: 'delete', enrollments: entries('b1', 'b2', 'b3') })).body.isSuccessful, true);
  assert.strictEqual((await api('GET', '/enrollments/b1')).status, 404);
  assert.strictEqual((await bulk({ mode: 'create', enrollments: entries(...Array.from({ length: 11 }, (_, i) => `x${i}`)) })).status, 400);
  const groups = { mode: 'create', enrollmentGroups: [{ enrollmentGroupId: 'bg', attestation: key }] };
  assert.strictEqual((await api('POST', '/enrollmentGroups', { body: groups })).body.isSuccessful, true);
  assert.deepStrictEqual((await api('POST', '/enrollmentGroups', { body: groups })).body.errors[0], { enrollmentGroupId: 'bg', errorCode: 409202, errorStatus: 'EnrollmentGroup already exists.' });
});

test('check 8: a certificate in any of its spellings', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'certificate-'));
  const at = (name) => path.join(folder, name);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('k'), '-out', at('c.pem'), '-subj', '/O=Plant/CN=press-07', '-days', '30'], { stdio: 'ignore' });
  execFileSync('openssl', ['x509', '-in', at('c.pem'), '-outform', 'DER', '-out', at('c.der')]);
  const pem = fs.readFileSync(at('c.pem'), 'utf8');
  const infos = [];
  for (const certificate of [pem, fs.readFileSync(at('c.der')).toString('base64'), Buffer.from(pem).toString('base64')]) {
    const made = await put('x509', { attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate } } } } }, infos.length ? { 'If-Match': '*' } : {});
    assert.strictEqual(made.status, 200, made.text);
    assert.strictEqual(made.body.attestation.x509.clientCertificates.primary.certificate, undefined);
    infos.push(made.body.attestation.x509.clientCertificates.primary.info);
  }
  assert.deepStrictEqual(infos[1], infos[0]);
  assert.deepStrictEqual(infos[2], infos[0]);
  assert.strictEqual(infos[0].subjectName, 'CN=press-07, O=Plant');
  assert.match(infos[0].sha1Thumbprint, /^[0-9A-F]{40}$/);
  assert.match(infos[0].sha256Thumbprint, /^[0-9A-F]{64}$/);
  assert.match(infos[0].notAfterUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.strictEqual(infos[0].version, 3);
  const read = (await api('GET', '/enrollments/x509')).body;
  const back = await api('PUT', '/enrollments/x509', { body: read, headers: { 'If-Match': read.etag } });
  assert.strictEqual(back.status, 200, 'an info without a certificate keeps the stored one');
  assert.deepStrictEqual(back.body.attestation, read.attestation);
  const group = await putGroup('signers', { attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem } } } } });
  assert.strictEqual(group.status, 200, group.text);
  for (const [where, body] of [
    ['enrollments', { registrationId: 'bad', attestation: { type: 'x509', x509: {} } }],
    ['enrollments', { registrationId: 'bad', attestation: { type: 'x509', x509: { caReferences: { primary: 'ca' } } } }],
    ['enrollments', { registrationId: 'bad', attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate: 'rubbish' } } } } }],
    ['enrollments', { registrationId: 'bad', attestation: { type: 'tpm' } }],
    ['enrollments', { registrationId: 'bad' }],
    ['enrollments', { registrationId: 'bad', attestation: { type: 'magic' } }],
    ['enrollmentGroups', { enrollmentGroupId: 'bad', attestation: { type: 'tpm', tpm: { endorsementKey: 'AToAAQALAAMAsgAg' } } }],
    ['enrollmentGroups', { enrollmentGroupId: 'bad', attestation: { type: 'x509', x509: { clientCertificates: { primary: { certificate: pem } } } } }],
    ['enrollmentGroups', { enrollmentGroupId: 'bad', deviceId: 'x', attestation: key }],
  ]) {
    const answer = await api('PUT', `/${where}/bad`, { body });
    assert.strictEqual(answer.status, 400, JSON.stringify(body));
    assert.strictEqual(answer.body.errorCode, 400004);
    assert.ok(answer.body.message.length > 20, 'it says what is wrong');
  }
});

test('TPM: the endorsement key is shown always', async () => {
  const endorsementKey = endorsementKeyOfNobody();
  const made = await put('tpm', { attestation: { type: 'tpm', tpm: { endorsementKey } } });
  assert.strictEqual(made.status, 200, made.text);
  assert.strictEqual((await api('GET', '/enrollments/tpm')).body.attestation.tpm.endorsementKey, endorsementKey);
  assert.deepStrictEqual((await api('POST', '/enrollments/tpm/attestationmechanism')).body, { type: 'tpm', tpm: { endorsementKey } });
});

test('TPM: a key that no device could use is refused when it is enrolled, with the reason', async () => {
  const good = endorsementKeyOfNobody();
  const signing = Buffer.from(good, 'base64');
  signing[7] = 0x05; // signs instead of decrypting
  for (const [tpm, why] of [
    [{ endorsementKey: 'AToA!' }, /endorsementKey must be the base64 text/],
    [{ endorsementKey: good.slice(0, 200) }, /endorsementKey does not read as a TPM2B_PUBLIC/],
    [{ endorsementKey: signing.toString('base64') }, /endorsementKey is not a restricted decryption key/],
    [{ endorsementKey: good, storageRootKey: 'AToAAQ==' }, /storageRootKey does not read/],
  ]) {
    const answer = await put('tpm-bad', { attestation: { type: 'tpm', tpm } });
    assert.strictEqual(answer.status, 400, JSON.stringify(tpm));
    assert.match(answer.body.message, why);
  }
});

test('check 9: read, change, write back, as each SDK does', async () => {
  // As text, because a number like 2.50 does not survive JSON.stringify.
  const made = await api('PUT', '/enrollments/back', {
    body: '{"registrationId":"back","attestation":{"type":"symmetricKey"},"initialTwin":{"tags":{"a":[1,{"b":2.50}]},"properties":{"desired":{"n":1e2}}},"optionalDeviceInformation":{"any":["thing",null]},"capabilities":{"iotEdge":false}}',
  });
  assert.match(made.text, /2\.50/, 'a twin passes as it was written');
  const got = await api('GET', '/enrollments/back');
  assert.match(got.text, /2\.50/);
  const read = got.body;
  const npm = await api('PUT', '/enrollments/back', { body: { ...read, deviceId: 'other' }, headers: { 'If-Match': read.etag } });
  assert.strictEqual(npm.status, 200, npm.text);
  assert.strictEqual(npm.body.deviceId, 'other');
  assert.deepStrictEqual(npm.body.initialTwin, read.initialTwin);
  assert.deepStrictEqual(npm.body.optionalDeviceInformation, { any: ['thing', null] });
  const csharp = await api('PUT', '/enrollments/back', { body: npm.body, headers: { 'If-Match': `"${npm.body.etag}"` } });
  assert.strictEqual(csharp.status, 200);
  const python = await api('PUT', '/enrollments/back', { body: { ...csharp.body, deviceId: null, reprovisionPolicy: null, allocationPolicy: null, iotHubs: null, customAllocationDefinition: null, registrationState: null }, headers: { 'If-Match': csharp.body.etag } });
  assert.strictEqual(python.status, 200);
  assert.strictEqual('deviceId' in python.body, false, 'null means absent');
  assert.strictEqual('reprovisionPolicy' in python.body, false);
});

test('check 10: identifiers', async () => {
  for (const id of ['a:b', 'A.b_c-', 'x'.repeat(128)]) {
    const made = await put(encodeURIComponent(id), {});
    assert.strictEqual(made.status, 200, id);
    assert.strictEqual(made.body.registrationId, id);
    assert.strictEqual((await api('GET', `/enrollments/${encodeURIComponent(id.toUpperCase())}`)).body.registrationId, id, 'found in any case, spelled as first');
  }
  for (const id of ['x'.repeat(129), 'a b', 'ends-with.', 'ends_', 'a%2Fb', 'ü']) {
    assert.strictEqual((await put(encodeURIComponent(id), { registrationId: id })).status, 400, id);
  }
  assert.strictEqual((await put('one', { registrationId: 'two' })).status, 400);
});

test('6.1: allocation rules', async () => {
  const bad = [
    { iotHubs: ['hub1.berth.test'] },
    { allocationPolicy: 'custom' },
    { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'https://x.test' } },
    { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'file:///etc/hosts', apiVersion: '2021-10-01' } },
    { allocationPolicy: 'static', iotHubs: ['hub1.berth.test', 'hub2.berth.test'] },
    { allocationPolicy: 'hashed', iotHubs: ['hub9.berth.test'] },
    { allocationPolicy: 'nonsense' },
    { initialTwin: 'text' },
    { provisioningStatus: 'maybe' },
  ];
  for (const body of bad) assert.strictEqual((await put('rules', body)).status, 400, JSON.stringify(body));
  const fine = [
    { allocationPolicy: 'static' },
    { allocationPolicy: 'STATIC', iotHubs: ['HUB1.berth.test'] },
    { allocationPolicy: 'hashed', customAllocationDefinition: { webhookUrl: 'https://x.test', apiVersion: '2021-10-01' } },
    { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'https://nowhere.test', apiVersion: '2021-10-01' } },
    { credentialPolicyName: 'kept' },
  ];
  for (const body of fine) {
    const made = await put('rules', body, (await api('GET', '/enrollments/rules')).status === 200 ? { 'If-Match': '*' } : {});
    assert.strictEqual(made.status, 200, JSON.stringify(body) + made.text);
  }
  assert.strictEqual((await api('GET', '/enrollments/rules')).body.credentialPolicyName, 'kept');
});

test('100 symmetric key groups are the limit', async () => {
  let last;
  for (let i = 0; i < 100; i++) {
    last = await putGroup(`many-${i}`, {});
    if (last.status !== 200) break;
  }
  assert.strictEqual(last.status, 403);
  for (let i = 0; i < 100; i++) await api('DELETE', `/enrollmentGroups/many-${i}`);
});

test('npm azure-iot-provisioning-service: each of its methods', async () => {
  const made = (await sdk.createOrUpdateIndividualEnrollment({ registrationId: 'npm-1', attestation: key })).responseBody;
  assert.strictEqual((await sdk.getIndividualEnrollment('npm-1')).responseBody.registrationId, 'npm-1');
  assert.deepStrictEqual((await sdk.getIndividualEnrollmentAttestationMechanism('npm-1')).responseBody, made.attestation);
  await sdk.createOrUpdateEnrollmentGroup({ enrollmentGroupId: 'npm-group', attestation: key });
  assert.strictEqual((await sdk.getEnrollmentGroupAttestationMechanism('npm-group')).responseBody.type, 'symmetricKey');
  const query = sdk.createIndividualEnrollmentQuery({ query: 'SELECT *' }, 7);
  const page = await new Promise((resolve, reject) => query.next((e, items) => (e ? reject(e) : resolve(items))));
  assert.strictEqual(page.length, 7);
  assert.ok(query.hasMoreResults);
  await assert.rejects(sdk.createOrUpdateIndividualEnrollment({ registrationId: 'npm-1', attestation: key }), { name: 'DeviceAlreadyExistsError' });
  await assert.rejects(sdk.createOrUpdateIndividualEnrollment({ registrationId: 'npm-1', attestation: key, etag: 'c3RhbGU=' }), { name: 'InvalidEtagError' });
  await assert.rejects(sdk.getIndividualEnrollment('not-there'), /Not found/);
  const group = await sdk.getEnrollmentGroup('npm-group');
  const derived = berth.deriveKey((await sdk.getEnrollmentGroupAttestationMechanism('npm-group')).responseBody.symmetricKey.primaryKey, 'npm-dev');
  assert.strictEqual((await berth.device(scope, 'npm-dev', derived).settle()).body.status, 'assigned');
  const records = sdk.createEnrollmentGroupDeviceRegistrationStateQuery({ query: 'SELECT *' }, 'npm-group');
  const found = await new Promise((resolve, reject) => records.next((e, items) => (e ? reject(e) : resolve(items))));
  assert.deepStrictEqual(found.map((r) => r.registrationId), ['npm-dev']);
  await sdk.deleteDeviceRegistrationState('npm-dev');
  await assert.rejects(sdk.getDeviceRegistrationState('npm-dev'), /Not found/);
  await sdk.deleteIndividualEnrollment('npm-1', made.etag);
  await sdk.deleteEnrollmentGroup(group.responseBody ? group.responseBody.enrollmentGroupId : 'npm-group');
});

test('registration records: unassigned, assigned, forgotten; the group that is deleted leaves them', async () => {
  assert.strictEqual((await api('GET', '/registrations/nobody')).status, 404);
  const made = (await put('rec', {})).body;
  assert.deepStrictEqual((await api('GET', '/registrations/rec')).body, { registrationId: 'rec', status: 'unassigned' });
  await berth.device(scope, 'rec', made.attestation.symmetricKey.primaryKey).settle();
  const record = (await api('GET', '/registrations/REC')).body;
  assert.strictEqual(record.status, 'assigned');
  assert.strictEqual('errorCode' in record, false);
  assert.deepStrictEqual((await api('GET', '/enrollments/rec')).body.registrationState, record);
  assert.strictEqual((await api('DELETE', '/registrations/rec', { headers: { 'If-Match': 'c3RhbGU=' } })).status, 412);
  assert.strictEqual((await api('DELETE', '/registrations/rec', { headers: { 'If-Match': record.etag } })).status, 204);
  assert.strictEqual((await api('GET', '/registrations/rec')).body.status, 'unassigned');
});

test('check 14: answers are as the published description says', async (t) => {
  const check = openapi.load('service-2021-10-01.json');
  if (!check) return t.skip('the OpenAPI descriptions are not on this machine');
  const made = await put('described', { capabilities: { iotEdge: true }, reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true } });
  check(made.body, 'IndividualEnrollment');
  check((await api('GET', '/enrollments/described')).body, 'IndividualEnrollment');
  await putGroup('described', {});
  check((await api('GET', '/enrollmentGroups/described')).body, 'EnrollmentGroup');
  await berth.device(scope, 'described', made.body.attestation.symmetricKey.primaryKey).settle();
  check((await api('GET', '/registrations/described')).body, 'DeviceRegistrationState');
  check((await api('POST', '/enrollments/described/attestationmechanism')).body, 'AttestationMechanism');
  check((await api('POST', '/enrollments', { body: { mode: 'create', enrollments: [{ registrationId: 'described', attestation: key }] } })).body, 'BulkEnrollmentOperationResult');
});
