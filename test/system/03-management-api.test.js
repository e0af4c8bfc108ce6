// The management API (service-api.md 11 and 14), raw and through both generations of @azure/arm-deviceprovisioningservices.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const five = require('@azure/arm-deviceprovisioningservices');
const six = require('arm-dps-6');
const berth = require('./berth.js');
const openapi = require('./openapi.js');

const { arm, sku, good, manage, subscription } = berth;
const at = (name, group = 'berth') => `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Devices/provisioningServices/${name}`;
const hubAt = (name) => `${arm}/IotHubs/${name}`;
const body = (properties = {}, more = {}) => ({ location: 'westus', sku, properties, ...more });
const put = (name, properties, more) => manage('PUT', at(name), body(properties, more));
const credential = (token = berth.token()) => ({ getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600000 }) });
const options = { endpoint: 'https://portal.berth.test', retryOptions: { maxRetries: 0 } };

// Answers are as the published description says; nulls that the real service sends are no part of it.
const described = openapi.load('iotdps-2022-12-12.json');
const withoutNulls = (value) => JSON.parse(JSON.stringify(value), (name, inner) => (inner === null ? undefined : inner));
const check = (value, name) => described && described(withoutNulls(value), name);

const all = async (pages) => {
  const found = [];
  for await (const one of pages) found.push(one);
  return found;
};

// The two generations name and order the same things differently; here they have one face.
function faces(token) {
  const old = new five.IotDpsClient(credential(token), subscription, options);
  const now = new six.IotDpsClient(credential(token), subscription, options);
  return {
    '5.1.0': {
      client: old,
      create: (group, name, b) => old.iotDpsResource.beginCreateOrUpdateAndWait(group, name, b, { updateIntervalInMs: 50 }),
      get: (group, name) => old.iotDpsResource.get(name, group),
      update: (group, name, tags) => old.iotDpsResource.beginUpdateAndWait(group, name, { tags }),
      remove: (group, name) => old.iotDpsResource.beginDeleteAndWait(name, group),
    },
    '6.0.0': {
      client: now,
      create: (group, name, b) => now.iotDpsResource.createOrUpdate(group, name, b, { updateIntervalInMs: 50 }),
      get: (group, name) => now.iotDpsResource.get(group, name),
      update: (group, name, tags) => now.iotDpsResource.update(group, name, { tags }),
      remove: (group, name) => now.iotDpsResource.delete(group, name),
    },
  };
}

before(async () => {
  for (const name of ['hub1', 'hub2', 'hub3']) await berth.makeHub(name);
});

test('the published description is at hand', { skip: described ? false : 'the OpenAPI descriptions are not on this machine' }, () => {});

for (const version of ['5.1.0', '6.0.0']) {
  test(`check 13: npm ${version}: every call about services and their keys`, async () => {
    const sdk = faces()[version];
    const { iotDpsResource: calls, operations } = sdk.client;
    const name = `npm-${version[0]}`;
    assert.ok((await calls.checkProvisioningServiceNameAvailability({ name })).nameAvailable);
    const made = await sdk.create('rg1', name, body({}, { tags: { a: '1' } }));
    assert.match(made.properties.idScope, /^0ne[0-9A-F]{8}$/);
    assert.strictEqual(made.properties.state, 'Active');
    assert.strictEqual(made.properties.provisioningState, 'Succeeded');
    assert.deepStrictEqual(made.properties.iotHubs, []);
    assert.strictEqual((await calls.checkProvisioningServiceNameAvailability({ name: name.toUpperCase() })).nameAvailable, false);

    const changed = await sdk.create('rg1', name, { ...made, properties: { ...made.properties, allocationPolicy: 'Static' } });
    assert.strictEqual(changed.properties.allocationPolicy, 'Static');
    assert.strictEqual(changed.properties.idScope, made.properties.idScope, 'the ID scope never changes');
    assert.notStrictEqual(changed.etag, made.etag);
    assert.deepStrictEqual((await sdk.update('rg1', name, { b: '2' })).tags, { b: '2' });
    const got = await sdk.get('rg1', name);
    assert.deepStrictEqual(got.tags, { b: '2' });
    assert.strictEqual(got.properties.allocationPolicy, 'Static', 'PATCH changes tags and nothing else');

    assert.ok((await all(calls.listBySubscription())).some((s) => s.name === name));
    assert.deepStrictEqual((await all(calls.listByResourceGroup('RG1'))).map((s) => s.name), [name]);
    assert.deepStrictEqual(await all(calls.listByResourceGroup('nowhere')), []);
    const keys = await all(calls.listKeys(name, 'rg1'));
    assert.deepStrictEqual(keys.map((k) => [k.keyName, k.rights]), [['provisioningserviceowner', 'ServiceConfig, DeviceConnect, EnrollmentWrite']]);
    assert.strictEqual((await calls.listKeysForKeyName(name, 'ProvisioningServiceOwner', 'rg1')).primaryKey, keys[0].primaryKey);
    assert.deepStrictEqual((await all(calls.listValidSkus(name, 'rg1'))).map((s) => s.name), ['S1']);
    assert.ok((await all(operations.list())).some((o) => o.name === 'Microsoft.Devices/provisioningServices/Read'));

    assert.deepStrictEqual(await calls.listPrivateEndpointConnections('rg1', name), []);
    const links = await calls.listPrivateLinkResources('rg1', name);
    assert.deepStrictEqual(links.value.map((l) => l.properties.groupId), ['iotDps']);
    assert.strictEqual((await calls.getPrivateLinkResources('rg1', name, 'iotDps')).properties.groupId, 'iotDps');
    await assert.rejects(calls.getPrivateEndpointConnection('rg1', name, 'none'), { name: 'RestError', statusCode: 404 });
    assert.deepStrictEqual((await sdk.client.dpsCertificate.list('rg1', name)).value, []);
    await assert.rejects(sdk.client.dpsCertificate.get('ca1', 'rg1', name), { name: 'RestError', statusCode: 404 });

    await sdk.remove('rg1', name);
    await assert.rejects(sdk.get('rg1', name), { name: 'RestError', statusCode: 404, code: 'ResourceNotFound' });
    await sdk.remove('rg1', name);
    assert.ok((await calls.checkProvisioningServiceNameAvailability({ name })).nameAvailable, 'the name is free again');
  });

  test(`check 13: npm ${version}: errors flat and wrapped arrive as RestError`, async () => {
    const sdk = faces()[version];
    await assert.rejects(sdk.create('rg1', '-bad-', body()), (e) => e.name === 'RestError' && e.statusCode === 400 && String(e.code) === '400303');
    await assert.rejects(sdk.create('rg1', 'wrong', body({ allocationPolicy: 'Sideways' })), (e) => e.statusCode === 400 && /allocationPolicy/.test(e.message));
    await assert.rejects(sdk.get('rg1', 'nobody'), { name: 'RestError', statusCode: 404, code: 'ResourceNotFound' });
    await assert.rejects(faces('not-the-token')[version].get('rg1', 'nobody'), { name: 'RestError', statusCode: 401, code: 'AuthenticationFailed' });
  });
}

test('11.2: the resource: whole, validated, paths in any case', async () => {
  const made = await put('dps1', { iotHubs: [{ name: 'hub1' }] }, { location: 'West US', tags: { site: 'north' } });
  assert.strictEqual(made.status, 201);
  const shown = (await manage('GET', at('DPS1').toUpperCase())).body;
  assert.deepStrictEqual(shown, made.body);
  check(shown, 'ProvisioningServiceDescription');
  const { properties, etag, ...rest } = shown;
  assert.strictEqual(Buffer.from(etag, 'base64').length, 8);
  assert.deepStrictEqual(rest, {
    name: 'dps1', location: 'westus', type: 'Microsoft.Devices/provisioningServices', id: at('dps1'), resourcegroup: 'berth',
    subscriptionid: subscription, tags: { site: 'north' }, sku: { name: 'S1', tier: 'Standard', capacity: 1 },
  });
  const { idScope, ...others } = properties;
  assert.match(idScope, /^0ne[0-9A-F]{8}$/);
  assert.deepStrictEqual(others, {
    state: 'Active', provisioningState: 'Succeeded', allocationPolicy: 'Hashed', serviceOperationsHostName: 'dps1.berth.test',
    deviceProvisioningHostName: 'global.berth.test',
    iotHubs: [{
      applyAllocationPolicy: null, allocationWeight: null, name: 'hub1.berth.test', location: 'local',
      connectionString: 'HostName=hub1.berth.test;SharedAccessKeyName=iothubowner;SharedAccessKey=****',
    }],
  });
  check(await good(manage('GET', `/subscriptions/${subscription}/providers/Microsoft.Devices/provisioningServices`)), 'ProvisioningServiceDescriptionListResult');
  check(await good(manage('GET', '/providers/Microsoft.Devices/operations')), 'OperationListResult');
  check(await good(manage('GET', `${at('dps1')}/skus`)), 'IotDpsSkuDefinitionListResult');
  // The description's list of rights is open, and lacks what the real service prints for the owner.
  const { value } = await good(manage('POST', `${at('dps1')}/listkeys`));
  check({ value: value.map((p) => ({ ...p, rights: 'ServiceConfig' })) }, 'SharedAccessSignatureAuthorizationRuleListResult');
  check(await good(manage('GET', `${at('dps1')}/privateLinkResources`)), 'PrivateLinkResources');
  check(await good(manage('GET', `${at('dps1')}/certificates`)), 'CertificateListDescription');
  check(await good(manage('GET', `${at('dps1')}/operationresults/any?asyncinfo`)), 'AsyncOperationResult');
  assert.strictEqual((await manage('GET', at('dps1', 'elsewhere'))).status, 404, 'filed under another group');
  assert.strictEqual((await good(manage('GET', `/subscriptions/${subscription}/resourcegroups/berth`))).name, 'berth');
});

test('11.1: what is asked of a service that is not there is 404', async () => {
  for (const [method, what] of [['GET', ''], ['PATCH', ''], ['POST', '/listkeys'], ['POST', '/keys/provisioningserviceowner/listkeys']]) {
    const answer = await manage(method, at('nobody') + what, method === 'PATCH' ? { tags: {} } : undefined);
    assert.strictEqual(answer.status, 404, what);
    assert.strictEqual(answer.body.error.code, 'ResourceNotFound');
  }
  assert.strictEqual((await manage('POST', `${at('dps1')}/keys/nobody/listkeys`)).status, 404);
  assert.strictEqual((await manage('DELETE', at('nobody'))).status, 204);
});

test('11.6: a certificate that is not there: 404 for each step, and nothing can be made of rubbish', async () => {
  for (const [method, what] of [['GET', ''], ['DELETE', ''], ['POST', '/generateVerificationCode'], ['POST', '/verify']]) {
    const answer = await manage(method, `${at('dps1')}/certificates/ca1${what}`);
    assert.strictEqual(answer.status, 404, `${method} ${what}: ${answer.status}`);
    assert.strictEqual(answer.body.error.code, 'ResourceNotFound');
  }
  for (const body of [{ certificate: 'AAAA' }, { properties: {} }, {}, 'rubbish'])
    assert.strictEqual((await manage('PUT', `${at('dps1')}/certificates/ca1`, body)).status, 400, JSON.stringify(body));
});

test('11.3: names: taken in any case, shared between services and hubs, and never the server\'s own', async () => {
  const ask = async (name) => {
    const answer = await good(manage('POST', `/subscriptions/${subscription}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability`, { name }));
    check(answer, 'NameAvailabilityInfo');
    return answer;
  };
  assert.deepStrictEqual(await ask('free-name'), { nameAvailable: true, reason: 'Invalid', message: null });
  for (const taken of ['dps1', 'DPS1', 'hub1']) {
    const answer = await ask(taken);
    assert.deepStrictEqual([answer.nameAvailable, answer.reason], [false, 'AlreadyExists'], taken);
  }
  for (const bad of ['ab', 'x'.repeat(51), '-abc', 'abc-', '12345', 'a_b', 'a.b', '', 'global', 'Portal', undefined, 7, {}]) {
    const answer = await ask(bad);
    assert.deepStrictEqual([answer.nameAvailable, answer.reason], [false, 'Invalid'], String(bad));
    assert.ok(answer.message.length > 10);
  }
  for (const body of ['', '[]', '"x"', '{'])
    assert.strictEqual((await manage('POST', `/subscriptions/${subscription}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability`, body)).status, 400, body);
  for (const bad of ['ab', 'x'.repeat(51), '-abc', 'abc-', '12345', 'a_b', 'global', 'PORTAL']) {
    const service = await put(bad);
    assert.deepStrictEqual([service.status, service.body.code, service.body.httpStatusCode], [400, 400303, 'BadRequest'], bad);
    assert.strictEqual((await manage('PUT', hubAt(bad), body())).status, 400, bad);
  }
  for (const answer of [await put('hub1'), await manage('PUT', hubAt('Dps1'), body())]) assert.strictEqual(answer.status, 409);
  assert.strictEqual((await manage('PUT', at('dps1', 'elsewhere'), body())).status, 404, 'a service keeps the group that it was made in');
});

test('11.7: who is not the administrator gets 401, wrapped', async () => {
  const { primaryKey, keyName } = (await berth.keysOf('provisioningServices', 'dps1'))[0];
  for (const headers of [{}, { Authorization: 'Bearer ' }, { Authorization: 'Bearer wrong' }, { Authorization: berth.token() }, { Authorization: `Basic ${berth.token()}` },
    { Authorization: berth.sas('portal.berth.test', primaryKey, { name: keyName }) }, { Authorization: `Bearer ${berth.token()}x` }]) {
    const answer = await berth.ask('GET', 'portal.berth.test', `${at('dps1')}?api-version=2022-12-12`, { headers });
    assert.strictEqual(answer.status, 401, JSON.stringify(headers));
    assert.deepStrictEqual(Object.keys(answer.body), ['error']);
    assert.strictEqual(answer.body.error.code, 'AuthenticationFailed');
  }
  for (const word of ['bearer', 'BEARER']) {
    const answer = await berth.ask('GET', 'localhost', `${at('dps1')}?api-version=2022-12-12`, { headers: { Authorization: `${word} ${berth.token()}` } });
    assert.strictEqual(answer.status, 200, 'a scheme has no case, and any name that is none of the others is the management API\'s');
  }
});

test('check 11: policies: with and without keys, replaced as a whole, shown to listkeys only', async () => {
  const before = await berth.keysOf('provisioningServices', 'dps1');
  const own = Buffer.alloc(32, 7).toString('base64');
  const change = (authorizationPolicies) => put('dps1', { authorizationPolicies });
  const made = await change([...before, { keyName: 'reader', rights: 'EnrollmentRead' }, { keyName: 'given', rights: 'ServiceConfig', primaryKey: own, secondaryKey: '' }]);
  assert.strictEqual(made.status, 200, made.text);
  assert.strictEqual(made.body.properties.authorizationPolicies.length, 3, 'the answer to the PUT that set them shows them');
  assert.strictEqual((await good(manage('GET', at('dps1')))).properties.authorizationPolicies, undefined);
  const after = await berth.keysOf('provisioningServices', 'dps1');
  assert.deepStrictEqual(after, made.body.properties.authorizationPolicies);
  assert.deepStrictEqual(after.map((p) => p.keyName), ['provisioningserviceowner', 'reader', 'given']);
  assert.deepStrictEqual(after[0], before[0]);
  assert.strictEqual(after[2].primaryKey, own);
  for (const key of [after[1].primaryKey, after[1].secondaryKey, after[2].secondaryKey]) assert.strictEqual(Buffer.from(key, 'base64').length, 32);
  assert.strictEqual(new Set([after[1].primaryKey, after[1].secondaryKey, after[2].secondaryKey]).size, 3);

  await good(put('dps1', { allocationPolicy: 'Hashed' }));
  assert.deepStrictEqual(await berth.keysOf('provisioningServices', 'dps1'), after, 'no list leaves them alone');
  await good(change([{ ...after[0], primaryKey: own }, { keyName: 'READER', rights: 'EnrollmentRead' }]));
  const last = await berth.keysOf('provisioningServices', 'dps1');
  assert.deepStrictEqual(last.map((p) => p.keyName), ['provisioningserviceowner', 'READER']);
  assert.strictEqual(last[0].primaryKey, own, 'a key is rolled');
  assert.strictEqual(last[1].primaryKey, after[1].primaryKey, 'one that is left out is kept');
  assert.strictEqual(last[1].secondaryKey, after[1].secondaryKey);

  const many = (n) => Array.from({ length: n }, (_, i) => ({ keyName: `p${i}`, rights: 'EnrollmentRead' }));
  for (const bad of [
    many(17), [{ keyName: 'x' }], [{ rights: 'ServiceConfig' }], [{ keyName: 'x', rights: 'RegistryRead' }], [{ keyName: 'x', rights: '' }], [7], ['x'], [null],
    [{ keyName: 'x', rights: 'ServiceConfig', primaryKey: 'short' }], [{ keyName: 7, rights: 'ServiceConfig' }], 'text', { keyName: 'x' },
    [{ keyName: 'twice', rights: 'ServiceConfig' }, { keyName: 'TWICE', rights: 'EnrollmentRead' }],
  ]) assert.strictEqual((await change(bad)).status, 400, JSON.stringify(bad).slice(0, 100));
  assert.deepStrictEqual(await berth.keysOf('provisioningServices', 'dps1'), last, 'a refused change changes nothing');
  assert.strictEqual((await change([...last, ...many(14)])).status, 200);
});

test('check 11: linked hubs: by connection string and by name, and **** keeps the key', async () => {
  const links = (iotHubs, name = 'dps2') => put(name, { iotHubs });
  const text = await berth.connectionString('IotHubs', 'hub2', 'iothubowner');
  const made = await good(links([{ connectionString: text, location: 'westus', allocationWeight: 3, applyAllocationPolicy: false }, { name: 'hub1' }]));
  const [first, second] = made.properties.iotHubs;
  assert.deepStrictEqual(first, { applyAllocationPolicy: false, allocationWeight: 3, name: 'hub2.berth.test', location: 'westus', connectionString: text.replace(/Key=[^;]*$/, 'Key=****') });
  assert.deepStrictEqual((await good(manage('GET', at('dps2')))).properties.iotHubs, [first, second]);

  // Masked and written back, the key still serves: a device arrives there.
  const again = await good(put('dps2', { ...made.properties, iotHubs: [{ ...first, applyAllocationPolicy: null, allocationWeight: 5 }] }));
  assert.deepStrictEqual(again.properties.iotHubs.map((h) => [h.name, h.allocationWeight]), [['hub2.berth.test', 5]]);
  const service = await berth.serviceApi('dps2');
  const entry = await good(service('PUT', '/enrollments/masked', { body: { registrationId: 'masked', attestation: { type: 'symmetricKey' } } }));
  const settled = await berth.device(made.properties.idScope, 'masked', entry.attestation.symmetricKey.primaryKey).settle();
  assert.strictEqual(settled.body.registrationState.assignedHub, 'hub2.berth.test');

  const far = 'HostName=hub1.elsewhere.test:8443;SharedAccessKeyName=iothubowner;SharedAccessKey=' + Buffer.alloc(32, 1).toString('base64');
  assert.match((await good(links([{ connectionString: far, location: 'east' }]))).properties.iotHubs[0].connectionString, /^HostName=hub1\.elsewhere\.test:8443;.*=\*{4}$/);
  for (const weight of [1, 1000]) assert.strictEqual((await links([{ name: 'hub1', allocationWeight: weight }])).status, 200);
  for (const bad of [
    [{ name: 'hub1', allocationWeight: 0 }], [{ name: 'hub1', allocationWeight: 1001 }], [{ name: 'hub1', allocationWeight: -1 }], [{ name: 'hub1', allocationWeight: 1.5 }],
    [{ name: 'hub1', allocationWeight: '2' }], [{ name: 'hub1', applyAllocationPolicy: 'yes' }], [{ name: 'hub9' }], [{ name: 'hub1.elsewhere.test' }], [{}], [7], [null],
    [{ connectionString: 'HostName=x' }], [{ connectionString: 'nonsense' }], [{ connectionString: far.replace(':8443', ':0') }], [{ connectionString: 7 }],
    [{ connectionString: far.replace(/Key=[^;]*$/, 'Key=****').replace('hub1', 'hub2') }], [{ connectionString: far.replace(/Key=[^;]*$/, 'Key=!!') }],
    [{ name: 'hub1' }, { name: 'HUB1.berth.test' }], 'hub1', { name: 'hub1' },
  ]) {
    const answer = await links(bad);
    assert.strictEqual(answer.status, 400, JSON.stringify(bad));
    assert.deepStrictEqual([answer.body.httpStatusCode, typeof answer.body.code, answer.body.message.length > 10], ['BadRequest', 'number', true]);
    check(answer.body, 'ErrorDetails');
  }
  assert.deepStrictEqual((await good(manage('GET', at('dps2')))).properties.iotHubs.map((h) => h.allocationWeight), [1000], 'a refused change changes nothing');
  assert.deepStrictEqual((await good(links([]))).properties.iotHubs, []);
  await good(links(null));
});

test('service-api 12.1: fifty hubs are linked at most', async () => {
  const far = (i) => ({ location: 'east', connectionString: `HostName=hub${i}.elsewhere.test;SharedAccessKeyName=o;SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}` });
  const fifty = Array.from({ length: 50 }, (_, i) => far(i));
  assert.strictEqual((await put('dps3', { iotHubs: [...fifty, far(50)] })).status, 400);
  const made = await good(put('dps3', { iotHubs: fifty }));
  assert.deepStrictEqual(made.properties.iotHubs.map((h) => h.name), fifty.map((_, i) => `hub${i}.elsewhere.test`), 'in the order given');
  await good(manage('DELETE', at('dps3')));
});

test('bodies of wrong types are refused, unknown members kept where the description has them', async () => {
  const names = { dps: (b) => manage('PUT', at('dps4'), b), hub: (b) => manage('PUT', hubAt('hub4'), b) };
  for (const [kind, ask] of Object.entries(names)) {
    for (const bad of ['', '{', '[]', '"text"', 'null', '{"a":1,"a":2}', '{"properties":[]}', '{"properties":7}', '{"tags":"x"}', '{"tags":{"a":1}}', '{"sku":"S1"}', '{"location":5}', '{"identity":1}'])
      assert.strictEqual((await ask(bad)).status, 400, `${kind} ${bad}`);
    assert.strictEqual((await ask({ properties: null, tags: null, location: null, sku: null, identity: null, whatever: { deep: [1] } })).status, 201, kind);
    const kept = await good(ask(body({ publicNetworkAccess: 'Disabled', ipFilterRules: [{ filterName: 'a', action: 'Accept', ipMask: '10.0.0.0/8' }] })));
    assert.strictEqual(kept.properties.publicNetworkAccess, 'Disabled');
    assert.strictEqual((await ask(body())).body.properties.ipFilterRules.length, 1);
  }
  for (const bad of ['', '{', '[]', '{"tags":"x"}', '{"tags":{"a":{}}}']) assert.strictEqual((await manage('PATCH', at('dps4'), bad)).status, 400, bad);
  const big = await put('dps4', { ipFilterRules: 'x'.repeat(2 * 1024 * 1024) });
  assert.strictEqual(big.status, 413);
  await good(manage('DELETE', at('dps4')));
  await good(manage('DELETE', hubAt('hub4')));
});

test('two at once: one service comes of two PUTs, and every change is whole', async () => {
  const made = await Promise.all(Array.from({ length: 6 }, () => put('dps5')));
  assert.deepStrictEqual(made.map((a) => a.status).filter((s) => s === 201), [201], made.map((a) => a.status).join());
  for (const answer of made) assert.ok([200, 201, 409].includes(answer.status), answer.text);
  const [owner] = await berth.keysOf('provisioningServices', 'dps5');
  const changes = await Promise.all(['hub1', 'hub2', 'hub3'].map((name, i) => put('dps5', { iotHubs: [{ name, allocationWeight: i + 1 }] }, { tags: { name } })));
  assert.ok(changes.some((a) => a.status === 200));
  for (const answer of changes) assert.ok([200, 409].includes(answer.status), answer.text);
  const last = await good(manage('GET', at('dps5')));
  assert.deepStrictEqual(last.properties.iotHubs.map((h) => h.name), [`${last.tags.name}.berth.test`], 'tags and hubs are of the same PUT');
  assert.deepStrictEqual(await berth.keysOf('provisioningServices', 'dps5'), [owner]);
  await good(manage('DELETE', at('dps5')));
});

test('deleting a service takes everything under it along', async () => {
  const first = await berth.makeService('dps5', { iotHubs: [{ name: 'hub3' }] });
  const [owner] = await berth.keysOf('provisioningServices', 'dps5');
  const api = await berth.serviceApi('dps5');
  const entry = await good(api('PUT', '/enrollments/left', { body: { registrationId: 'left', attestation: { type: 'symmetricKey' } } }));
  await good(api('PUT', '/enrollmentGroups/left', { body: { enrollmentGroupId: 'left', attestation: { type: 'symmetricKey' } } }));
  const device = berth.device(first.properties.idScope, 'left', entry.attestation.symmetricKey.primaryKey);
  assert.strictEqual((await device.settle()).body.status, 'assigned');
  await good(manage('DELETE', at('dps5')));
  assert.strictEqual((await api('GET', '/enrollments/left')).status, 401, 'there is no such tenant any more');
  assert.ok((await device.register()).status >= 400);
  const second = await berth.makeService('dps5', { iotHubs: [{ name: 'hub3' }] });
  assert.notStrictEqual(second.properties.idScope, first.properties.idScope);
  assert.notStrictEqual((await berth.keysOf('provisioningServices', 'dps5'))[0].primaryKey, owner.primaryKey);
  const fresh = await berth.serviceApi('dps5');
  for (const path of ['/enrollments/left', '/enrollmentGroups/left', '/registrations/left']) assert.strictEqual((await fresh('GET', path)).status, 404, path);
  assert.strictEqual((await (await berth.hubApi('hub3'))('GET', '/devices/left')).status, 200, 'the hub is somebody else\'s: its devices stay');
});

test('hosted hubs as resources: create, show, list, change, keys, delete', async () => {
  const made = await manage('PUT', hubAt('hub5'), body({ anything: { kept: true } }, { tags: { a: '1' }, location: 'North Europe' }));
  assert.strictEqual(made.status, 201, made.text);
  assert.strictEqual(made.body.type, 'Microsoft.Devices/IotHubs');
  assert.strictEqual(made.body.location, 'northeurope');
  assert.deepStrictEqual(made.body.properties, { state: 'Active', provisioningState: 'Succeeded', anything: { kept: true }, hostName: 'hub5.berth.test' });
  assert.deepStrictEqual((await good(manage('GET', hubAt('HUB5')))), made.body);
  assert.ok((await good(manage('GET', `${arm}/IotHubs`))).value.some((h) => h.name === 'hub5'));
  assert.ok((await good(manage('GET', `/subscriptions/${subscription}/providers/Microsoft.Devices/IotHubs`))).value.some((h) => h.name === 'hub5'));
  assert.deepStrictEqual((await good(manage('PATCH', hubAt('hub5'), { tags: { b: '2' } }))).tags, { b: '2' });
  const keys = await berth.keysOf('IotHubs', 'hub5');
  assert.deepStrictEqual(keys.map((k) => k.keyName), ['iothubowner', 'service', 'device', 'registryRead', 'registryReadWrite']);
  assert.deepStrictEqual(await good(manage('POST', `${hubAt('hub5')}/IotHubKeys/service/listkeys`)), keys[1]);
  assert.strictEqual((await manage('POST', `${hubAt('hub5')}/IotHubKeys/nobody/listkeys`)).status, 404);
  const changed = await good(manage('PUT', hubAt('hub5'), body({ authorizationPolicies: [keys[0], { keyName: 'mine', rights: 'RegistryRead, ServiceConnect' }] })));
  assert.deepStrictEqual(changed.properties.authorizationPolicies.map((p) => p.keyName), ['iothubowner', 'mine']);
  assert.strictEqual((await manage('PUT', hubAt('hub5'), body({ authorizationPolicies: [{ keyName: 'x', rights: 'EnrollmentRead' }] }))).status, 400);
  await good(manage('DELETE', hubAt('hub5')));
  assert.strictEqual((await manage('GET', hubAt('hub5'))).body.error.code, 'ResourceNotFound');
  assert.strictEqual((await manage('DELETE', hubAt('hub5'))).status, 204);
});

test('deleting a hub takes its devices along, even while it is linked', async () => {
  await berth.makeHub('hub5');
  const linked = await good(put('dps2', { iotHubs: [{ name: 'hub5' }] }));
  const api = await berth.serviceApi('dps2');
  const enroll = (id) => good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey' } } }));
  const first = await enroll('gone-1');
  const device = berth.device(linked.properties.idScope, 'gone-1', first.attestation.symmetricKey.primaryKey);
  assert.strictEqual((await device.settle()).body.registrationState.assignedHub, 'hub5.berth.test');
  const hub = await berth.hubApi('hub5');
  await good(manage('DELETE', hubAt('hub5')));
  assert.strictEqual((await hub('GET', '/devices/gone-1')).status, 401);
  const shown = await good(manage('GET', at('dps2')));
  assert.deepStrictEqual(shown.properties.iotHubs.map((h) => h.name), ['hub5.berth.test'], 'the link stays until it is taken away');
  const lost = await device.register();
  assert.notStrictEqual(lost.body.status, 'assigned', 'nobody is sent to a hub that is not there');
  await berth.makeHub('hub5');
  const anew = await berth.hubApi('hub5');
  assert.strictEqual((await anew('GET', '/devices/gone-1')).status, 404, 'a hub of the same name begins empty');
  const second = await enroll('gone-2');
  const back = await berth.device(linked.properties.idScope, 'gone-2', second.attestation.symmetricKey.primaryKey).settle();
  assert.strictEqual(back.body.status, 'assigned', back.text);
  assert.strictEqual((await anew('GET', '/devices/gone-2')).status, 200);
  await good(put('dps2', { iotHubs: [] }));
  await good(manage('DELETE', hubAt('hub5')));
});
