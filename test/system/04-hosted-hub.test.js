// The hosted hub's REST API (hub-api.md 3, 4 and 12), raw and through azure-iothub.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const { Registry, Twin, Client, JobClient } = require('azure-iothub');
const berth = require('./berth.js');
const openapi = require('./openapi.js');

const host = 'hub1.berth.test';
let api;
let registry;
let keys;

const described = openapi.load('iothub-service-2021-04-12.json');
const withoutNulls = (value) => JSON.parse(JSON.stringify(value), (name, inner) => (inner === null ? undefined : inner));
const check = (value, name) => described && described(withoutNulls(value), name);
// The description has every tag and property an object, which not even `$version` is.
const checkTwin = (twin) => check({ ...twin, tags: undefined, properties: undefined }, 'Twin');

before(async () => {
  await berth.makeHub('hub1');
  api = await berth.hubApi('hub1');
  registry = Registry.fromConnectionString(await berth.connectionString('IotHubs', 'hub1', 'iothubowner'));
  keys = await berth.keysOf('IotHubs', 'hub1');
});

const sasAuthentication = { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } };
const make = (id, more = {}) => api('PUT', `/devices/${encodeURIComponent(id)}`, { body: { deviceId: id, ...more } });
const remove = (id) => api('DELETE', `/devices/${encodeURIComponent(id)}`);
// The SDK keeps its error classes to itself: they are told by name.
const fails = (promise, name, text = /./) =>
  assert.rejects(promise, (e) => {
    assert.strictEqual(e.name, name, e.message);
    assert.match(e.message, text);
    return true;
  });

// An error of the first shape (4.10): code in the body and in the header.
function refused(answer, status, code) {
  assert.strictEqual(answer.status, status, answer.text);
  assert.strictEqual(answer.headers['iothub-errorcode'], code);
  assert.match(answer.body.Message, new RegExp(`^ErrorCode:${code};.{5,}`));
  assert.match(answer.body.ExceptionMessage, /^Tracking ID:[0-9a-f]{32}-G:1-TimeStamp:\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/);
  assert.match(answer.headers['content-type'], /application\/json/);
}

test('the published description is at hand', { skip: described ? false : 'the OpenAPI descriptions are not on this machine' }, () => {});

test('check 1: npm: create, get, update, list, delete, and their errors', async () => {
  const made = (await registry.create({ deviceId: 'pump-17', authentication: sasAuthentication })).responseBody;
  for (const key of Object.values(made.authentication.symmetricKey)) assert.strictEqual(Buffer.from(key, 'base64').length, 32, 'empty keys are generated');
  await fails(registry.create({ deviceId: 'pump-17' }), 'DeviceAlreadyExistsError', /pump-17/);
  const got = (await registry.get('pump-17')).responseBody;
  assert.deepStrictEqual({ ...got }, { ...made });
  const updated = (await registry.update({ ...got, status: 'disabled', statusReason: 'rest' })).responseBody;
  assert.deepStrictEqual([updated.status, updated.statusReason], ['disabled', 'rest']);
  assert.deepStrictEqual(updated.authentication.symmetricKey, made.authentication.symmetricKey);
  assert.notStrictEqual(updated.etag, made.etag);
  assert.strictEqual(updated.generationId, made.generationId);
  assert.deepStrictEqual((await registry.list()).responseBody.map((d) => d.deviceId), ['pump-17']);
  await fails(registry.update({ deviceId: 'nobody', authentication: sasAuthentication }), 'DeviceNotFoundError');
  assert.strictEqual((await registry.delete('pump-17')).httpResponse.statusCode, 204);
  await fails(registry.get('pump-17'), 'DeviceNotFoundError');
  await fails(registry.delete('pump-17'), 'DeviceNotFoundError');
  const again = (await registry.create({ deviceId: 'pump-17' })).responseBody;
  assert.notStrictEqual(again.generationId, made.generationId, 'born again, it is another');
  await registry.delete('pump-17');
});

test('4.3: the identity document, whole, as the description has it', async () => {
  const made = await make('doc');
  check(made.body, 'Device');
  assert.strictEqual(made.status, 200);
  assert.strictEqual(made.headers.etag, `"${made.body.etag}"`);
  assert.match(made.body.generationId, /^\d{18}$/);
  assert.match(Buffer.from(made.body.etag, 'base64').toString(), /^\d+$/);
  const { generationId, etag, authentication, connectionStateUpdatedTime, statusUpdatedTime, lastActivityTime, ...rest } = made.body;
  for (const time of [connectionStateUpdatedTime, statusUpdatedTime, lastActivityTime]) assert.match(time, /^0001-01-01T00:00:00/);
  assert.deepStrictEqual(rest, { deviceId: 'doc', connectionState: 'Disconnected', status: 'enabled', statusReason: null, cloudToDeviceMessageCount: 0, capabilities: { iotEdge: false } });
  assert.deepStrictEqual([authentication.type, authentication.x509Thumbprint], ['sas', { primaryThumbprint: null, secondaryThumbprint: null }]);
  const thumbs = { primaryThumbprint: 'ab'.repeat(20), secondaryThumbprint: 'CD'.repeat(32) };
  const x509 = await make('x509', { authentication: { x509Thumbprint: thumbs } });
  assert.deepStrictEqual([x509.body.authentication.type, x509.body.authentication.symmetricKey], ['selfSigned', { primaryKey: null, secondaryKey: null }]);
  check(x509.body, 'Device');
  for (const id of ['doc', 'x509']) await remove(id);
});

test('4.3: device IDs: every character that may be, in its case, and no other', async () => {
  for (const id of ["a-:.+%_#*?!(),=@;$'", 'X'.repeat(128), 'x', '%', 'query']) {
    const made = await make(id);
    assert.strictEqual(made.status, 200, id + made.text);
    assert.strictEqual(made.body.deviceId, id);
    assert.strictEqual((await registry.get(id)).responseBody.deviceId, id);
    assert.strictEqual((await registry.getTwin(id)).responseBody.deviceId, id);
  }
  assert.strictEqual((await api('GET', '/devices/X')).status, 404, 'X is not x');
  for (const id of ['a/b', 'a b', 'ü', 'x'.repeat(129), 'a"b', 'a\\b', 'a<b', 'a~b']) refused(await make(id), 400, 'ArgumentInvalid');
  await registry.removeDevices((await registry.list()).responseBody, true);
  assert.deepStrictEqual((await registry.list()).responseBody, []);
});

test('4.4: create and update: preconditions in every spelling, bad members, keys that stay', async () => {
  const put = (body, match) => api('PUT', '/devices/d1', { body: { deviceId: 'd1', ...body }, headers: match === undefined ? {} : { 'If-Match': match } });
  for (const match of ['*', '"*"', '"c29tZQ=="']) refused(await put({}, match), 404, 'DeviceNotFound');
  const made = (await put({})).body;
  refused(await put({}), 409, 'DeviceAlreadyExists');
  refused(await put({}, '"c3RhbGU="'), 412, 'PreconditionFailed');
  refused(await put({}, 'c3RhbGU='), 412, 'PreconditionFailed');
  let last = made;
  for (const spell of [() => '*', () => '"*"', (e) => `"${e}"`, (e) => e]) {
    const answer = await put({ statusReason: 'x' }, spell(last.etag));
    assert.strictEqual(answer.status, 200, spell(last.etag));
    assert.deepStrictEqual(answer.body.authentication.symmetricKey, made.authentication.symmetricKey, 'a PUT without keys keeps them');
    last = answer.body;
  }
  assert.strictEqual((await put({}, '*')).body.statusReason, null, 'what is left out is reset');
  const fits = await api('PUT', '/devices/d1', { body: { DEVICEID: 'd1', Status: 'Disabled', ETag: 'whatever', unknown: { a: 1 } }, headers: { 'If-Match': '"*"' } });
  assert.strictEqual(fits.body.status, 'disabled', 'names and words have no case');
  for (const bad of [
    { deviceId: 'other' }, { deviceId: 7 }, { status: 'maybe' }, { status: 1 }, { statusReason: 'x'.repeat(129) }, { authentication: 'sas' }, { authentication: { type: 'guess' } },
    { authentication: { symmetricKey: { primaryKey: 'short' } } }, { authentication: { symmetricKey: { primaryKey: Buffer.alloc(15).toString('base64') } } },
    { authentication: { symmetricKey: { primaryKey: Buffer.alloc(65).toString('base64') } } }, { authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: 'xyz' } } },
    { authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: 'ab:'.repeat(20) } } }, { capabilities: { iotEdge: 'yes' } },
  ]) refused(await put(bad, '*'), 400, 'ArgumentInvalid');
  for (const text of ['', '{', '[]', '"x"', 'null', '{"deviceId":"d1","deviceId":"d1"}'])
    refused(await api('PUT', '/devices/d1', { body: text, headers: { 'If-Match': '*' } }), 400, 'ArgumentInvalid');
  refused(await api('DELETE', '/devices/d1', { headers: { 'If-Match': '"c3RhbGU="' } }), 412, 'PreconditionFailed');
  const { etag } = (await api('GET', '/devices/d1')).body;
  assert.strictEqual((await api('DELETE', '/devices/d1', { headers: { 'If-Match': `"${etag}"` } })).status, 204);
});

test('check 2: npm: a hundred at once, one that is there already, preconditions in bulk', async () => {
  const hundred = Array.from({ length: 100 }, (_, i) => ({ deviceId: `b${i}`, authentication: sasAuthentication, tags: { n: i } }));
  const made = await registry.addDevices(hundred);
  assert.deepStrictEqual(made.responseBody, { isSuccessful: true, errors: [], warnings: [] });
  check(made.responseBody, 'BulkRegistryOperationResult');
  assert.strictEqual((await registry.list()).responseBody.length, 100);
  assert.deepStrictEqual((await registry.getTwin('b7')).responseBody.tags, { n: 7 }, 'the twin comes with it');

  const mixed = await api('POST', '/devices', { body: [{ id: 'b0', importMode: 'create' }, { id: 'fresh', importMode: 'create', properties: { desired: { a: 1 } } }, { id: 'lost', importMode: 'update' }] });
  assert.strictEqual(mixed.status, 400, 'one failed, so 400, and the same shape');
  check(mixed.body, 'BulkRegistryOperationResult');
  assert.strictEqual(mixed.body.isSuccessful, false);
  assert.deepStrictEqual(mixed.body.errors.map((e) => [e.deviceId, e.errorCode]), [['b0', 'DeviceAlreadyExists'], ['lost', 'DeviceNotFound']]);
  assert.deepStrictEqual((await api('GET', '/twins/fresh')).body.properties.desired.a, 1, 'what succeeded stays');

  const { etag } = (await registry.get('b1')).responseBody;
  await fails(registry.updateDevices([{ deviceId: 'b1', authentication: sasAuthentication, status: 'disabled', etag: 'c3RhbGU=' }], false), 'ArgumentError', /PreconditionFailed/);
  assert.strictEqual((await registry.get('b1')).responseBody.status, 'enabled');
  await registry.updateDevices([{ deviceId: 'b1', authentication: sasAuthentication, status: 'disabled', etag }], false);
  await registry.updateDevices([{ deviceId: 'b2', authentication: sasAuthentication, status: 'disabled', etag: 'c3RhbGU=' }], true);
  for (const id of ['b1', 'b2']) assert.strictEqual((await registry.get(id)).responseBody.status, 'disabled');
  await fails(registry.removeDevices([{ deviceId: 'b3', etag: 'c3RhbGU=' }], false), 'ArgumentError', /PreconditionFailed/);
  const twice = await api('POST', '/devices', { body: [{ id: 'b3' }, { id: 'b3' }] });
  assert.deepStrictEqual([twice.status, twice.body.errors.map((e) => e.errorCode)], [400, ['DeviceDefinedMultipleTimes']]);
  for (const bad of [[], {}, '', 'x', [...hundred.map((d) => ({ id: d.deviceId })), { id: 'b101' }]]) refused(await api('POST', '/devices', { body: bad }), 400, 'ArgumentInvalid');
  await registry.removeDevices(hundred, true);
  assert.deepStrictEqual((await registry.list()).responseBody.map((d) => d.deviceId), ['fresh']);
  await registry.delete('fresh');
});

test('4.5: every import mode, on one that is there and one that is not', async () => {
  const bulk = async (entry) => {
    const answer = await api('POST', '/devices', { body: [entry] });
    return answer.status === 200 ? 'done' : answer.body.errors[0].errorCode;
  };
  const table = [
    ['create', 'DeviceAlreadyExists', 'done'], ['createOrUpdate', 'done', 'done'], ['CreateOrUpdateIfMatchETag', 'PreconditionFailed', 'done'], ['Update', 'done', 'DeviceNotFound'],
    ['UpdateIfMatchETag', 'PreconditionFailed', 'DeviceNotFound'], ['updateTwin', 'done', 'DeviceNotFound'], ['updateTwinIfMatchETag', 'PreconditionFailed', 'DeviceNotFound'],
    ['DeleteIfMatchETag', 'PreconditionFailed', 'DeviceNotFound'], ['Delete', 'done', 'DeviceNotFound'], [undefined, 'done', 'done'],
  ];
  for (const [importMode, there, absent] of table) {
    await make('there');
    await remove('absent');
    const more = { importMode, eTag: 'c3RhbGU=', twinETag: 'c3RhbGU=', tags: { a: 1 } };
    assert.strictEqual(await bulk({ id: 'there', ...more }), there, `${importMode}, there`);
    assert.strictEqual(await bulk({ id: 'absent', ...more }), absent, `${importMode}, not there`);
  }
  await make('there');
  for (const name of ['etag', 'eTag']) assert.strictEqual(await bulk({ id: 'there', importMode: 'updateIfMatchETag', [name]: (await api('GET', '/devices/there')).body.etag }), 'done', name);
  assert.strictEqual(await bulk({ id: 'there', importMode: 'updateTwinIfMatchETag', twinETag: (await api('GET', '/twins/there')).body.etag, tags: { b: 2 } }), 'done');
  await registry.removeDevices((await registry.list()).responseBody, true);
});

test('check 3: npm: twins: tags and desired by right, wrong and any etag; null deletes; versions move as in 4.6', async () => {
  await registry.create({ deviceId: 'twin' });
  const first = (await api('GET', '/twins/twin')).body;
  checkTwin(first);
  assert.deepStrictEqual([first.version, first.etag, first.properties.desired.$version, first.properties.reported.$version], [2, 'AAAAAAAAAAE=', 1, 1]);
  assert.strictEqual(first.deviceEtag, (await registry.get('twin')).responseBody.etag);
  const twin = (await registry.getTwin('twin')).responseBody;
  assert.ok(twin instanceof Twin);
  await twin.update({ tags: { site: 'north' }, properties: { desired: { rate: 5, deep: { a: 1, b: [1, 2] } } } });
  assert.deepStrictEqual([twin.etag, twin.tags, twin.properties.desired.$version], ['AAAAAAAAAAI=', { site: 'north' }, 2]);
  assert.strictEqual(twin.properties.desired.$metadata.deep.a.$lastUpdatedVersion, 2);
  await twin.update({ properties: { desired: { rate: null, deep: { b: [3] } } } });
  const { $metadata, $version, ...desired } = twin.properties.desired;
  assert.deepStrictEqual([desired, $version], [{ deep: { a: 1, b: [3] } }, 3]);
  assert.strictEqual($metadata.rate, undefined);
  await twin.update({ tags: { site: null, more: 'x' } });
  assert.deepStrictEqual([twin.tags, twin.properties.desired.$version], [{ more: 'x' }, 3], 'tags alone leave the desired version');
  assert.strictEqual((await api('GET', '/twins/twin')).body.version, 5);
  await twin.get();
  assert.strictEqual(twin.etag, 'AAAAAAAAAAQ=');
  checkTwin((await api('GET', '/twins/twin')).body);
  await fails(registry.updateTwin('twin', { tags: { lost: 1 } }, 'c3RhbGU='), 'InvalidEtagError');
  await registry.updateTwin('twin', { tags: { any: 'way' } }, '*');
  await fails(twin.update({ tags: { a: 'b' } }), 'InvalidEtagError');
  await fails(registry.getTwin('nobody'), 'DeviceNotFoundError');
  await fails(registry.updateTwin('nobody', { tags: {} }, '*'), 'DeviceNotFoundError');
  const replaced = (await api('PUT', '/twins/twin', { body: { properties: { desired: { only: true } } } })).body;
  assert.deepStrictEqual([Object.keys(replaced.properties.desired).sort(), replaced.tags], [['$metadata', '$version', 'only'], { any: 'way', more: 'x' }]);
  const bad = [{ tags: 'x' }, { tags: { 'a.b': 1 } }, { tags: { 'a b': 1 } }, { properties: { reported: { a: 1 } } }, { properties: { desired: [] } }, { properties: { desired: { a: 'x'.repeat(4097) } } },
    { properties: { desired: { a: 2 ** 53 } } }, { tags: JSON.parse('{"a":'.repeat(12) + '1' + '}'.repeat(12)) }, { tags: Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])) }];
  for (const body of bad) refused(await api('PATCH', '/twins/twin', { body }), 400, 'ArgumentInvalid');
  for (const text of ['', '[]', '{']) refused(await api('PATCH', '/twins/twin', { body: text }), 400, 'ArgumentInvalid');
  await registry.delete('twin');
});

test('check 4: npm: 25 devices in pages of ten are three pages, and the last has no continuation', async () => {
  await registry.addDevices(Array.from({ length: 25 }, (_, i) => ({ deviceId: `q${String(i).padStart(2, '0')}`, authentication: sasAuthentication, tags: { odd: i % 2 === 1, n: i } })));
  const query = registry.createQuery('SELECT * FROM devices', 10);
  const pages = [];
  while (query.hasMoreResults) pages.push((await query.nextAsTwin(query.continuationToken)).result);
  assert.deepStrictEqual(pages.map((p) => p.length), [10, 10, 5]);
  assert.ok(pages.flat().every((t) => t instanceof Twin));
  assert.strictEqual(new Set(pages.flat().map((t) => t.deviceId)).size, 25);
  const raw = await api('POST', '/devices/query', { body: { query: 'SELECT * FROM devices' } });
  assert.deepStrictEqual([raw.headers['x-ms-item-type'], 'x-ms-continuation' in raw.headers, raw.body.length], ['Twin', false, 25]);
  for (const twin of raw.body) checkTwin(twin);

  const ask = async (text) => (await registry.createQuery(text).next('')).result;
  assert.strictEqual((await ask('SELECT * FROM devices WHERE tags.odd = true AND tags.n > 10')).length, 7);
  assert.deepStrictEqual(await ask("select deviceId from devices where deviceId in ['q03', 'q04']"), [{ deviceId: 'q03' }, { deviceId: 'q04' }]);
  assert.deepStrictEqual(await ask('SELECT COUNT() AS many FROM devices WHERE NOT tags.odd = true'), [{ many: 13 }]);
  assert.strictEqual((await ask('SELECT * FROM devices WHERE IS_DEFINED(tags.none)')).length, 0);
  assert.strictEqual((await api('POST', '/devices/query', { body: { query: 'SELECT deviceId FROM devices' } })).headers['x-ms-item-type'], 'Raw');
  for (const bad of ['', 'SELECT', 'SELEC * FROM devices', 'SELECT * FROM nowhere', "SELECT * FROM devices WHERE deviceId = 'x", `SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8192)}'`]) {
    if (bad !== '') await fails(ask(bad), 'ArgumentError');
    refused(await api('POST', '/devices/query', { body: { query: bad } }), 400, 'ArgumentInvalid');
  }
  for (const body of ['', '{}', '[]', '{"query":7}']) refused(await api('POST', '/devices/query', { body }), 400, 'ArgumentInvalid');
  const query2 = (headers) => api('POST', '/devices/query', { body: { query: 'SELECT * FROM devices' }, headers });
  for (const most of ['0', 'x', '-2']) refused(await query2({ 'x-ms-max-item-count': most }), 400, 'ArgumentInvalid');
  refused(await query2({ 'x-ms-continuation': 'nonsense' }), 400, 'ArgumentInvalid');
});

test('statistics; lists of a thousand at most', async () => {
  await api('PUT', '/devices/q00', { body: { deviceId: 'q00', status: 'disabled' }, headers: { 'If-Match': '*' } });
  const { responseBody } = await registry.getRegistryStatistics();
  assert.deepStrictEqual(responseBody, { totalDeviceCount: 25, enabledDeviceCount: 24, disabledDeviceCount: 1 });
  check(responseBody, 'RegistryStatistics');
  const service = await api('GET', '/statistics/service');
  assert.deepStrictEqual(service.body, { connectedDeviceCount: 0 });
  check(service.body, 'ServiceStatistics');
  for (const [top, n] of [['7', 7], ['0', 25], ['1001', 25], ['x', 25], ['-1', 25]]) assert.strictEqual((await api('GET', `/devices/?top=${top}`)).body.length, n, top);
});

test('4.9: what this hub has not is answered in the words that clients know', async () => {
  await make('d1');
  assert.deepStrictEqual((await api('DELETE', '/devices/d1/commands')).body, { totalMessagesPurged: 0, deviceId: 'd1', moduleId: null });
  assert.deepStrictEqual((await registry.getModulesOnDevice('d1')).responseBody, []);
  assert.deepStrictEqual((await registry.getConfigurations()).responseBody, []);
  assert.deepStrictEqual((await registry.listJobs()).responseBody ?? (await registry.listJobs()), []);
  const table = [
    ['GET', '/devices/d1/modules/m', 404, 'ModuleNotFound'], ['DELETE', '/devices/d1/modules/m', 404, 'ModuleNotFound'], ['GET', '/twins/d1/modules/m', 404, 'ModuleNotFound'],
    ['GET', '/configurations/c', 404, 'ConfigurationNotFound'], ['DELETE', '/configurations/c', 404, 'ConfigurationNotFound'], ['GET', '/jobs/j', 404, 'JobNotFound'],
    ['GET', '/jobs/v2/j', 404, 'JobNotFound'], ['POST', '/jobs/v2/j/cancel', 404, 'JobNotFound'], ['GET', '/digitaltwins/d1', 404, 'FeatureNotSupported'],
    ['POST', '/devices/d1/files', 400, 'DefaultStorageEndpointNotConfigured'], ['DELETE', '/devices/nobody/commands', 404, 'DeviceNotFound'],
    ['GET', '/devices/nobody/modules', 404, 'DeviceNotFound'], ['POST', '/devices/d1', 405, 'GenericMethodNotAllowed'], ['GET', '/devices/d1/nothing', 404, 'NotFound'],
  ];
  for (const [method, target, status, code] of table) refused(await api(method, target), status, code);
  for (const [method, target] of [['PUT', '/devices/d1/modules/m'], ['PUT', '/configurations/c'], ['POST', '/configurations/testQueries'], ['POST', '/devices/d1/applyConfigurationContent'], ['POST', '/jobs/create'], ['PUT', '/jobs/v2/j']])
    assert.strictEqual((await api(method, target, { body: {} })).status, 501, target);
  assert.deepStrictEqual((await api('GET', '/jobs/v2/query')).body, []);
  assert.strictEqual((await api('GET', '/messages/serviceBound/feedback')).status, 204);
  await fails(registry.getModule('d1', 'm'), 'Error');
  await fails(registry.getJob('j'), 'Error');
  await fails(registry.getConfiguration('c'), 'Error');
  await fails(registry.addModule({ deviceId: 'd1', moduleId: 'm' }), 'Error');
  await fails(JobClient.fromConnectionString(await berth.connectionString('IotHubs', 'hub1', 'iothubowner')).getJob('j'), 'Error');
});

test('check 5, as far as no device is connected: a method answers 404 of the second shape', async () => {
  const answer = await api('POST', '/twins/d1/methods', { body: { methodName: 'reboot', payload: null, responseTimeoutInSeconds: 5 } });
  assert.deepStrictEqual([answer.status, answer.headers['iothub-errorcode'], answer.body.ExceptionMessage], [404, 'DeviceNotOnline', '']);
  const inner = JSON.parse(answer.body.Message);
  assert.strictEqual(inner.errorCode, 404103);
  for (const value of Object.values(inner)) assert.notStrictEqual(typeof value, 'object', 'a flat map');
  const client = Client.fromConnectionString(await berth.connectionString('IotHubs', 'hub1', 'service'));
  await assert.rejects(client.invokeDeviceMethod('d1', { methodName: 'reboot', payload: {} }), /Not found/);
  await fails(registry.getTwin('d2'), 'DeviceNotFoundError');
});

test('check 6: tokens: spellings of the resource, orders, keys, time', async () => {
  const owner = keys[0];
  const now = Math.floor(Date.now() / 1000);
  const status = async (authorization, target = '/devices/dev1') =>
    (await berth.ask('GET', host, `${target}?api-version=2021-04-12`, { headers: authorization ? { Authorization: authorization } : {} })).status;
  const token = (sr, { key = owner.primaryKey, name = owner.keyName, expires } = {}) => berth.sas(sr, key, { name, expires });
  await make('dev1');
  for (const sr of [host, 'HUB1.Berth.test', `${host}:443`, `${host}%3A443`, `${host}%3a443`, `${host}/devices`, `${host}%2Fdevices%2Fdev1`, `${host}%2fdevices%2fdev1`, `${host}/`])
    assert.strictEqual(await status(token(sr)), 200, sr);
  for (const sr of [`${host}/devices/dev`, `${host}/devices/dev12`, `${host}/devices/dev1/modules`, `${host}/twins`, 'hub2.berth.test', 'berth.test', '', `${host}.evil.test`])
    assert.strictEqual(await status(token(sr)), 401, sr);
  const [, sr, sig, se, skn] = token(host).match(/^SharedAccessSignature (sr=[^&]*)&(sig=[^&]*)&(se=[^&]*)&(skn=.*)$/);
  for (const order of [[sr, sig, skn, se], [se, skn, sig, sr], [skn, se, sr, sig]]) assert.strictEqual(await status(`SharedAccessSignature ${order.join('&')}`), 200, order.join());
  assert.strictEqual(await status(`SharedAccessSignature ${[sr, sig.replace(/%2F/g, '/'), se, skn].join('&')}`), 200, 'a raw slash in sig');
  assert.strictEqual(await status(token(host, { key: owner.secondaryKey })), 200);
  assert.strictEqual(await status(token(host, { name: 'IotHubOwner' })), 200, 'policy names have no case');
  assert.strictEqual(await status(token(host, { expires: now - 240 })), 200, 'clocks may be five minutes apart');
  assert.strictEqual(await status(token(host, { expires: now - 360 })), 401);
  assert.strictEqual(await status(token(host, { key: keys[1].primaryKey })), 401, 'another policy\'s key');
  assert.strictEqual(await status(token(host, { name: 'nobody' })), 401);
  for (const bad of [undefined, '', 'SharedAccessSignature', 'SharedAccessSignature nonsense', `sharedaccesssignature ${[sr, sig, se, skn].join('&')}x`, `Bearer ${[sr, sig, se, skn].join('&')}`, `SharedAccessSignature ${[sr, sig, sr, se, skn].join('&')}`, `SharedAccessSignature ${[sr, sig, skn].join('&')}`])
    assert.strictEqual(await status(bad), 401, bad);
  refused(await berth.ask('GET', host, '/devices/dev1'), 401, 'IotHubUnauthorizedAccess');
  await fails(Registry.fromConnectionString(`HostName=${host};SharedAccessKeyName=iothubowner;SharedAccessKey=${Buffer.alloc(32, 3).toString('base64')}`).get('dev1'), 'UnauthorizedError');
});

test('3.2: each policy may do what it names, and no more', async () => {
  const may = {
    iothubowner: ['read', 'write', 'service'], service: ['service'], device: [], registryRead: ['read'], registryReadWrite: ['read', 'write'],
  };
  const calls = [
    ['read', 'GET', '/devices'], ['read', 'GET', '/devices/dev1'], ['read', 'GET', '/statistics/devices'], ['read', 'GET', '/jobs'], ['read', 'GET', '/devices/dev1/modules'],
    ['write', 'POST', '/devices', [{ id: 'dev1', importMode: 'update' }]], ['write', 'PUT', '/devices/dev1', { deviceId: 'dev1' }], ['write', 'GET', '/configurations'],
    ['service', 'GET', '/twins/dev1'], ['service', 'PATCH', '/twins/dev1', { tags: { a: 1 } }], ['service', 'POST', '/devices/query', { query: 'SELECT * FROM devices' }], ['service', 'DELETE', '/devices/dev1/commands'],
  ];
  for (const policy of keys) {
    const Authorization = berth.sas(host, policy.primaryKey, { name: policy.keyName });
    for (const [right, method, target, body] of calls) {
      const { status } = await api(method, target, { body, headers: { Authorization, ...(method === 'PUT' ? { 'If-Match': '*' } : {}) } });
      assert.strictEqual(status, may[policy.keyName].includes(right) ? 200 : 401, `${policy.keyName}: ${method} ${target}`);
    }
  }
});

test('hubs do not know each other: names, keys and devices are their own', async () => {
  await berth.makeHub('hub2');
  const other = await berth.hubApi('hub2');
  assert.strictEqual((await other('GET', '/devices/dev1')).status, 404);
  assert.deepStrictEqual((await other('GET', '/devices')).body, []);
  const foreign = berth.sas('hub2.berth.test', keys[0].primaryKey, { name: 'iothubowner' });
  assert.strictEqual((await other('GET', '/devices', { headers: { Authorization: foreign } })).status, 401);
  assert.strictEqual((await berth.ask('GET', 'hub3.berth.test', '/devices', { headers: { Authorization: foreign } })).status, 401, 'a hub that is not there sounds alike');
});
