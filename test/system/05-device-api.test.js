// The device API over HTTPS (device-api.md): the rules that keep every SDK alive, tokens in each spelling, bodies, refusals that explain
// themselves to the operator and to nobody else.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const net = require('node:net');
const tls = require('node:tls');
const fs = require('node:fs');
const path = require('node:path');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const berth = require('./berth.js');

const key = Buffer.from(Array.from({ length: 64 }, (_, i) => i)).toString('base64');
const other = Buffer.alloc(32, 9).toString('base64');
const groupKey = '8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==';
const secrets = [key, other, groupKey];
let scope;
let api;
let silent; // a hub that takes connections and never answers

const symmetric = (primaryKey, secondaryKey = other) => ({ type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } });
const enroll = (id, more = {}) => berth.good(api('PUT', `/enrollments/${encodeURIComponent(id)}`, { body: { registrationId: id, attestation: symmetric(key), ...more } }));
const attempts = async (id) => (await berth.good(api('GET', `/berth/registrations/${encodeURIComponent(id)}/attempts`))).attempts;
const raw = (method, target, { authorization, body, headers = {}, host = 'global.berth.test' } = {}) =>
  berth.ask(method, host, target, { headers: { ...(authorization ? { Authorization: authorization } : {}), ...headers }, body });
const at = (id) => `/${scope}/registrations/${encodeURIComponent(id)}`;
const auth = (id, k = key) => berth.sas(`${scope}%2Fregistrations%2F${encodeURIComponent(id)}`, k, { name: 'registration' });
const register = (id, options = {}) => raw('PUT', `${at(id)}/register?api-version=2019-03-31`, { authorization: auth(id), body: { registrationId: id }, ...options });

// The parsers of the SDKs, taken together (device-api.md 2 and 5.6).
function lint(answer, id) {
  berth.assertNoNull(answer.body);
  assert.match(answer.headers['content-type'], /^application\/json; charset=utf-8$/);
  assert.strictEqual(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.ok(answer.reason, 'a reason phrase');
  assert.ok(answer.headers['x-ms-request-id']);
  if (answer.status >= 400) {
    assert.strictEqual(typeof answer.body.errorCode, 'number');
    assert.strictEqual(Math.floor(answer.body.errorCode / 1000), answer.status);
    assert.strictEqual(answer.headers['x-ms-error-code'], String(answer.body.errorCode));
    assert.strictEqual(answer.body.trackingId, answer.headers['x-ms-request-id']);
    assert.strictEqual(answer.body.info, undefined, 'Java types its values as strings');
    return;
  }
  assert.match(answer.body.operationId, /^[0-9a-z.-]+$/);
  assert.ok(['assigning', 'assigned', 'failed', 'disabled'].includes(answer.body.status));
  const state = answer.body.registrationState;
  if (answer.body.status === 'assigning') {
    if (state) assert.deepStrictEqual([state.registrationId, state.status], [id, 'assigning']);
    assert.strictEqual(answer.headers['retry-after'], '3');
    return;
  }
  for (const member of ['registrationId', 'status', 'createdDateTimeUtc', 'lastUpdatedDateTimeUtc', 'etag']) assert.ok(state[member], member);
  assert.match(state.createdDateTimeUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
  assert.match(Buffer.from(state.etag, 'base64').toString(), /^".+"$/);
  if (answer.body.status === 'assigned') for (const member of ['substatus', 'assignedHub', 'deviceId']) assert.ok(state[member], member);
  else for (const member of ['errorCode', 'errorMessage']) assert.ok(state[member], member);
  if (state.payload !== undefined) assert.strictEqual(typeof state.payload, 'object');
}

before(async () => {
  silent = tls.createServer({ key: fs.readFileSync(path.join(berth.data, 'server.key')), cert: fs.readFileSync(path.join(berth.data, 'server.pem')) }, () => {});
  await new Promise((resolve) => silent.listen(8444, '127.0.0.2', resolve));
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' },
    { connectionString: `HostName=hub1.elsewhere.test:8444;SharedAccessKeyName=o;SharedAccessKey=${other}`, location: 'x', applyAllocationPolicy: false }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  await enroll('dev-1');
  await enroll('slow-1', { allocationPolicy: 'static', iotHubs: ['hub1.elsewhere.test'] });
  await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: symmetric(groupKey) } }));
});

after(() => silent.close());

test('device-api 2, rule 1: register answers 202, whatever the state in the body', async () => {
  await enroll('off-1', { provisioningStatus: 'disabled' });
  await enroll('nohub-1', { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'http://127.0.0.1:9/nobody', apiVersion: '2021-10-01' } });
  for (const [id, status] of [['dev-1', 'assigned'], ['dev-1', 'assigned'], ['off-1', 'disabled'], ['nohub-1', 'failed'], ['slow-1', 'assigning']]) {
    const answer = await register(id);
    assert.strictEqual(answer.status, 202, answer.text);
    assert.strictEqual(answer.reason, 'Accepted');
    assert.strictEqual(answer.body.status, status);
    assert.ok(answer.headers.location.endsWith(`${at(id)}/register`));
    lint(answer, id);
  }
});

test('device-api 2, rule 2: raw: status line, one body of the announced length, nothing behind it, and the connection stays', async () => {
  const body = '{"registrationId":"dev-1"}';
  const request = `PUT ${at('dev-1')}/register?api-version=2019-03-31 HTTP/1.1\r\nHost: global.berth.test:443\r\nUserAgent: prov_device_client/1.0\r\n` +
    `Authorization: ${auth('dev-1')}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = tls.connect({ host: '127.0.0.1', port: 443, servername: 'global.berth.test' });
  let text = '';
  socket.on('data', (part) => { text += part; });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  for (let i = 1; i <= 3; i++) {
    text = '';
    socket.write(request);
    while (!/\r\n\r\n[^]*}$/.test(text)) await berth.sleep(10);
    await berth.sleep(50);
    const [head, answer] = text.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 202 Accepted\r\n/);
    assert.strictEqual(Number(/content-length: (\d+)/i.exec(head)[1]), Buffer.byteLength(answer));
    assert.doesNotMatch(head, /transfer-encoding/i);
    JSON.parse(answer);
  }
  socket.destroy();
});

test('device-api 9.2: operation status: 200 when finished, 202 while assigning; registration status is bare', async () => {
  const first = await register('dev-1');
  const poll = (id, operation, options) => raw('GET', `${at(id)}/operations/${operation}?api-version=2019-03-31`, { authorization: auth(id), ...options });
  for (const body of [undefined, '{}', '{"registrationId":"dev-1"}', ' ']) {
    const answer = await poll('dev-1', first.body.operationId, { body });
    assert.strictEqual(answer.status, 200);
    assert.strictEqual(answer.body.operationId, first.body.operationId);
    lint(answer, 'dev-1');
  }
  const slow = await register('slow-1');
  const still = await poll('slow-1', slow.body.operationId);
  assert.strictEqual(still.status, 202);
  assert.strictEqual(still.body.operationId, slow.body.operationId, 'every assigning answer repeats the operation');
  lint(still, 'slow-1');
  assert.strictEqual((await register('slow-1')).body.operationId, slow.body.operationId, '16.2: a register while one runs is the same operation');
  const status = await raw('POST', `${at('dev-1')}?api-version=2021-10-01`, { authorization: auth('dev-1'), body: { registrationId: 'dev-1' } });
  assert.strictEqual(status.status, 200);
  assert.strictEqual(status.body.operationId, undefined);
  assert.strictEqual(status.body.status, 'assigned');
  assert.strictEqual((await raw('POST', `${at('dev-1')}?api-version=2021-10-01`, { authorization: auth('dev-1'), body: { csr: 'x' } })).status, 400);
  await enroll('fresh-1');
  const never = await raw('POST', `${at('fresh-1')}?api-version=2021-10-01`, { authorization: auth('fresh-1'), body: {} });
  assert.deepStrictEqual([never.status, never.body.errorCode], [404, 404202]);
  assert.strictEqual((await poll('dev-1', '5.0000000000000000.00000000-0000-4000-8000-000000000000')).status, 404);
  assert.strictEqual((await poll('dev-1', slow.body.operationId)).status, 404, 'another device\'s operation');
  const again = await register('dev-1');
  assert.strictEqual((await poll('dev-1', first.body.operationId)).status, 200, '17: the one before is still answered');
  assert.notStrictEqual(again.status, 500);
});

test('check 4: tokens: the vectors\' spellings, any order, skn, age, secondary and group keys', async () => {
  const now = Math.floor(Date.now() / 1000);
  const sr = { raw: `${scope}/registrations/dev-1`, upper: `${scope}%2Fregistrations%2Fdev-1`, lower: `${scope}%2fregistrations%2fdev-1`, folded: `${scope.toLowerCase()}/registrations/dev-1` };
  const parts = (r, { se = now + 3600, k = key, skn = 'registration', plain = false } = {}) => {
    const sig = berth.hmac(k, `${r}\n${se}`);
    return { sr: r, sig: plain ? sig : encodeURIComponent(sig), se, skn };
  };
  const make = (p, order = ['sr', 'sig', 'se', 'skn']) => `SharedAccessSignature ${order.filter((n) => p[n] !== undefined).map((n) => `${n}=${p[n]}`).join('&')}`;
  const status = async (token, id = 'dev-1') => (await raw('PUT', `${at(id)}/register?api-version=2019-03-31`, { authorization: token, body: {} })).status;

  for (const [name, r] of Object.entries(sr)) assert.strictEqual(await status(make(parts(r))), 202, name);
  for (const order of [['sr', 'sig', 'skn', 'se'], ['se', 'skn', 'sig', 'sr'], ['skn', 'sr', 'se', 'sig']]) assert.strictEqual(await status(make(parts(sr.raw), order)), 202, order.join());
  assert.strictEqual(await status(make({ ...parts(sr.raw), skn: undefined })), 202, 'Python: no skn');
  assert.strictEqual(await status(make(parts(sr.raw, { skn: '' }))), 202, 'Java: an empty one');
  assert.strictEqual(await status(make(parts(sr.raw, { skn: 'owner' }))), 401);
  assert.strictEqual(await status(make(parts(sr.raw, { plain: true }))), 202, 'a signature that was not encoded');
  assert.strictEqual(await status(make({ ...parts(sr.raw), sig: parts(sr.raw).sig.toLowerCase().replace(/%3d/g, '%3D') })), 401);
  assert.strictEqual(await status(make(parts(sr.raw, { k: other }))), 202, 'the secondary key');
  assert.strictEqual(await status(make(parts(sr.raw, { k: Buffer.alloc(32, 1).toString('base64') }))), 401);
  assert.strictEqual(await status(make(parts(sr.raw, { se: now - 240 }))), 202, 'expired 4 minutes ago');
  assert.strictEqual(await status(make(parts(sr.raw, { se: now - 360 }))), 401, 'expired 6 minutes ago');
  assert.strictEqual(await status(make(parts(`${scope}/registrations/dev-2`))), 401, 'for another device');
  assert.strictEqual(await status(make(parts('0neFFFFFFFF/registrations/dev-1'))), 401, 'for another scope');
  for (const nonsense of ['', 'SharedAccessSignature', 'SharedAccessSignature sr=a', 'Bearer x', `SharedAccessSignature ${'a'.repeat(4000)}`, make({ ...parts(sr.raw), se: '17e9' }), make({ ...parts(sr.raw), se: '-1' })])
    assert.strictEqual(await status(nonsense), 401, nonsense.slice(0, 30));

  const id = 'sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6';
  assert.strictEqual(berth.deriveKey(groupKey, id), 'Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=');
  assert.strictEqual(await status(make(parts(`${scope}/registrations/${id}`, { k: berth.deriveKey(groupKey, id) })), id), 202);
  assert.strictEqual(await status(make(parts(`${scope}/registrations/SN-X`, { k: berth.deriveKey(groupKey, 'SN-X') })), 'SN-X'), 202);
  assert.strictEqual(await status(make(parts(`${scope}/registrations/SN-Y`, { k: berth.deriveKey(groupKey, 'sn-y') })), 'SN-Y'), 202, 'derived from the lower-cased ID');
  assert.strictEqual(await status(make(parts(`${scope}/registrations/sn-z`, { k: berth.deriveKey(other, 'sn-z') })), 'sn-z'), 202, 'from the secondary key');
  assert.strictEqual(await status(make(parts(`${scope}/registrations/sn-w`, { k: groupKey })), 'sn-w'), 401, 'the group\'s key itself');
});

test('check 6: a token of 30 seconds lives through a longer assignment', async () => {
  await enroll('edge-1', { allocationPolicy: 'static', iotHubs: ['hub1.elsewhere.test'] });
  const resource = `${scope}/registrations/edge-1`.toLowerCase();
  const token = berth.sas(resource, key, { name: 'registration', expires: Math.floor(Date.now() / 1000) - 25 });
  const first = await raw('PUT', `${at('edge-1')}/register?api-version=2021-06-01`, { authorization: token, body: { registrationId: 'edge-1' } });
  assert.strictEqual(first.body.status, 'assigning');
  assert.strictEqual((await raw('GET', `${at('edge-1')}/operations/${first.body.operationId}?api-version=2021-06-01`, { authorization: token })).status, 202);
});

test('check 7: registers of one device at once are one operation with equal answers', async () => {
  await enroll('twin-1');
  const answers = await Promise.all(Array.from({ length: 50 }, () => register('twin-1')));
  for (const answer of answers) lint(answer, 'twin-1');
  const assigned = answers.filter((a) => a.body.status === 'assigned');
  assert.strictEqual(assigned.length, 50);
  assert.strictEqual(new Set(assigned.map((a) => a.body.registrationState.assignedHub)).size, 1);
  assert.strictEqual(new Set(assigned.map((a) => a.body.registrationState.createdDateTimeUtc)).size, 1);
  const slow = await Promise.all(Array.from({ length: 5 }, () => register('slow-1')));
  assert.strictEqual(new Set(slow.map((a) => a.body.operationId)).size, 1);
});

test('5.2: bodies: empty equals {}, unknown members do not matter, payload may be anything, the ID must agree', async () => {
  const status = async (body, headers) => (await register('dev-1', { body, headers })).status;
  for (const body of ['', '{}', ' ', '{"payload":null,"registrationId":"dev-1"}', '{"payload":{"a":[1]}}', '{"payload":"text"}', '{"registrationId":"DEV-1"}', '{"x":1,"registrationId":"dev-1"}',
    '{"tpm":{"endorsementKey":"AAAA"}}', '{\n  "registrationId": "dev-1"\n}']) assert.strictEqual(await status(body), 202, body);
  for (const body of ['{', '[]', '"x"', '{"registrationId":"dev-2"}', '{"registrationId":7}', '{"a":1,"a":2}', '{"a":"\\u0000"}', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])])
    assert.strictEqual(await status(body), 400, String(body));
  const sized = (n) => JSON.stringify({ payload: 'x'.repeat(n - 14) });
  assert.strictEqual(sized(98304).length, 98304);
  assert.strictEqual(await status(sized(98304)), 202, '96 KB');
  assert.strictEqual(await status(sized(98305)), 413, '96 KB and a byte');
  assert.strictEqual(await status('{}', { 'Content-Encoding': 'utf-8' }), 202, '9.1: the documented curl line');
  assert.strictEqual(await status('{}', { 'Transfer-Encoding': 'chunked' }), 202);
});

test('4, 9.1: paths: escapes of either case, words without case, IDs of every legal kind', async () => {
  for (const id of ['a:b', 'A.b_c-', 'x'.repeat(128)]) {
    await enroll(id);
    assert.strictEqual((await register(id)).status, 202, id);
  }
  const token = auth('a:b');
  for (const spelling of ['a:b', 'a%3Ab', 'a%3ab', 'A:B'])
    assert.strictEqual((await raw('PUT', `/${scope}/registrations/${spelling}/register?api-version=2019-03-31`, { authorization: token, body: {} })).status, 202, spelling);
  assert.strictEqual((await raw('PUT', `/${scope.toLowerCase()}/Registrations/dev-1/Register?api-version=2019-03-31&forceRegistration=true`, { authorization: auth('dev-1'), body: {} })).status, 202);
  for (const id of ['x'.repeat(129), 'a/b', 'a b', 'a.', 'é', '']) {
    const answer = await raw('PUT', `/${scope}/registrations/${encodeURIComponent(id)}/register?api-version=2019-03-31`, { authorization: auth('dev-1'), body: {} });
    assert.ok([400, 404].includes(answer.status), `${id}: ${answer.status}`);
  }
  for (const broken of ['%', '%zz', '%00', '%c3']) assert.strictEqual((await raw('PUT', `/${scope}/registrations/${broken}/register?api-version=1`, { authorization: auth('dev-1'), body: {} })).status, 400, broken);
  assert.strictEqual((await raw('PUT', `${at('dev-1')}/register`, { authorization: auth('dev-1'), body: {} })).status, 400, 'api-version is missing');
  for (const version of ['2017-08-31-preview', '2018-09-01-preview', '2021-06-01', '2025-07-01-preview'])
    assert.strictEqual((await raw('PUT', `${at('dev-1')}/register?api-version=${version}`, { authorization: auth('dev-1'), body: {} })).status, 202, version);
  assert.strictEqual((await raw('DELETE', `${at('dev-1')}/register?api-version=2019-03-31`)).status, 405);
});

test('check 1: the npm SDK over HTTPS: assigned at once, failed, unauthorized, unknown', async () => {
  const sdk = (id, k, s = scope) => new Promise((resolve, reject) => {
    ProvisioningDeviceClient.create('global.berth.test', s, new Http(), new SymmetricKeySecurityClient(id, k)).register((e, result) => (e ? reject(e) : resolve(result)));
  });
  assert.strictEqual((await sdk('dev-1', key)).status, 'assigned');
  await assert.rejects(sdk('nohub-1', key), (e) => e.result.registrationState.errorCode === 400207);
  await assert.rejects(sdk('dev-1', Buffer.alloc(32, 3).toString('base64')), (e) => e.name === 'UnauthorizedError');
  await assert.rejects(sdk('dev-1', key, '0neFFFFFFFF'), (e) => /Not found/.test(e.message));
});

test('every refusal tells the operator which check failed, the device only its code, and nobody a secret', async (t) => {
  const foreign = Buffer.alloc(32, 77).toString('base64');
  const cases = [
    ['dev-1', undefined, 401, 'token-missing', /presented no token/],
    ['dev-1', berth.sas(`${scope}/registrations/dev-1`, foreign), 401, 'token-signature', /neither the primary nor the secondary key of enrollment dev-1/],
    ['dev-1', berth.sas(`${scope}/registrations/dev-1`, key, { expires: 1500000000 }), 401, 'token-expiry', /expired at 2017-07-14/],
    ['dev-1', berth.sas(`${scope}/registrations/dev-9`, key), 401, 'token-resource', /The token is for .*dev-9, but the device registers as dev-1/],
    ['dev-1', 'SharedAccessSignature rubbish', 401, 'token-form', /does not read/],
    ['sn-q', berth.sas(`${scope}/registrations/sn-q`, groupKey), 401, 'token-signature', /derive the device's own key from it first/],
    ['off-1', auth('off-1'), 202, 'enrollment-enabled', /disabled/],
    ['nohub-1', auth('nohub-1'), 202, 'custom-allocation', /could not be reached/],
  ];
  for (const [id, token, status, check, why] of cases)
    await t.test(`${check} ${id}`, async () => {
      const answer = await register(id, { authorization: token });
      assert.strictEqual(answer.status, status, answer.text);
      lint(answer, id);
      if (status === 401) assert.deepStrictEqual(Object.keys(answer.body).sort(), ['errorCode', 'message', 'timestampUtc', 'trackingId']);
      await berth.sleep(50);
      const [last] = await attempts(id);
      assert.strictEqual(last.check, check, last.reason);
      assert.match(last.reason, why);
      assert.ok(last.seen && last.expected);
      const told = await berth.cli('registration', 'explain', id, '--service', 'dps1', '--output', 'table');
      assert.match(told.stdout, why);
      const line = berth.logLines().filter((l) => l.event === 'refused' && l.device === id).pop();
      assert.strictEqual(line.check, check);
    });
  const log = fs.readFileSync(path.join(berth.data, 'server.log'), 'utf8');
  for (const secret of [...secrets, foreign, berth.token(), berth.deriveKey(groupKey, 'SN-X')]) assert.ok(!log.includes(secret), 'a secret is in the log');
  assert.ok(!/sig=[A-Za-z0-9%+/]{8}/.test(log), 'a signature is in the log');
  const unknown = await raw('PUT', '/0neFFFFFFFF/registrations/dev-1/register?api-version=2019-03-31', { authorization: auth('dev-1'), body: {} });
  assert.strictEqual(unknown.status, 404);
  lint(unknown, 'dev-1');
});

test('the last attempts are kept, and no more', async () => {
  for (let i = 0; i < 15; i++) await register('dev-1', { authorization: undefined });
  const first = await attempts('dev-1');
  assert.ok(first.length >= 10, `${first.length}`);
  assert.ok(first[0].dateTimeUtc >= first[first.length - 1].dateTimeUtc, 'the newest first');
});

test('a dead hub ends in a final error that says so, well before .NET gives up', { timeout: 90000 }, async () => {
  await enroll('dead-1', { allocationPolicy: 'static', iotHubs: ['hub1.elsewhere.test'] });
  const answer = await berth.device(scope, 'dead-1', key).settle(60);
  assert.strictEqual(answer.body.status, 'failed', answer.text);
  lint(answer, 'dead-1');
});

test('a connection that says nothing useful does not hold anything up', async () => {
  const socket = net.connect(443, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await berth.sleep(200);
  assert.strictEqual((await register('dev-1')).status, 202);
  socket.destroy();
});
