// Devices with a TPM (device-api.md 14): the real SDK with a software TPM, over HTTPS and AMQP, up to the token for the hub.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { Amqp, AmqpWs } = require('azure-iot-provisioning-device-amqp');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const berth = require('./berth.js');
const { softwareTpm } = require('./software_tpm.js');

const HOST = 'global.berth.test';
const transports = { https: Http, amqp: Amqp, 'amqp-ws': AmqpWs };
let scope;
let api;
let tpm; // of the device
let security;
let endorsementKey; // as an operator enrolls it
let storageRootKey;

const keyOf = (client, which) =>
  new Promise((resolve, reject) => client[which]((error, key) => (error ? reject(error) : resolve(key.toString('base64')))));
const put = (id, key, more = {}) =>
  berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'tpm', tpm: { endorsementKey: key } }, ...more } }));
// The SDK's client keeps its connection to the TPM; only the name changes.
const named = (id) => Object.assign(security, { _registrationId: id });
// After a refusal this SDK leaves its AMQP connection open.
function register(name, id) {
  const transport = new transports[name]();
  return new Promise((resolve, reject) => {
    ProvisioningDeviceClient.create(HOST, scope, transport, named(id)).register((error, result) => {
      if (!error) resolve(result);
      else if (name === 'https') reject(error);
      else transport.disconnect(() => reject(error));
    });
  });
}
const signed = (text) => new Promise((resolve, reject) => security.signWithIdentity(Buffer.from(text), (error, mac) => (error ? reject(error) : resolve(mac.toString('base64')))));
// The latest attempt of that device, `check` of which failed: nobody waits for it to be written.
const attempt = (id, check) =>
  berth.eventually(async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts.find((a) => a.check === check));

// The keys of a TPM that nobody has: the modulus is another odd number of 2048 bits.
function stranger(key) {
  const bytes = Buffer.from(key, 'base64');
  crypto.randomFillSync(bytes, bytes.length - 255, 254);
  return bytes.toString('base64');
}

before(async () => {
  tpm = await softwareTpm(2321);
  security = new TpmSecurityClient('any', tpm.connect());
  endorsementKey = await keyOf(security, 'getEndorsementKey');
  storageRootKey = await keyOf(security, 'getStorageRootKey');
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(() => tpm.stop());

for (const transport of Object.keys(transports)) {
  test(`${transport}: the SDK registers, and the TPM signs with the key that the hub has`, async () => {
    const id = `tpm-${transport}`;
    await put(id, endorsementKey);
    const result = await register(transport, id);
    assert.strictEqual(result.status, 'assigned');
    assert.strictEqual(result.registrationState.assignedHub, 'hub1.berth.test');
    assert.strictEqual(result.registrationState.deviceId, id);
    const identity = (await (await berth.hubApi('hub1'))('GET', `/devices/${id}`)).body;
    assert.strictEqual(identity.authentication.type, 'sas');
    const resource = `hub1.berth.test%2Fdevices%2F${id}\n1790000000`;
    assert.strictEqual(await signed(resource), berth.hmac(identity.authentication.symmetricKey.primaryKey, resource));
    assert.deepStrictEqual((await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts, [], 'a first round is no failed attempt');
    // Once more, as after a restart of the device: the hub's key is the same.
    await register(transport, id);
    assert.strictEqual(await signed(resource), berth.hmac(identity.authentication.symmetricKey.primaryKey, resource));
  });

  test(`${transport}: a TPM without an enrollment hears 404201`, async () => {
    const id = `nobody-${transport}`;
    await assert.rejects(register(transport, id));
    const why = await attempt(id, 'enrollment-found');
    assert.strictEqual(why.errorCode, 404201);
    assert.match(why.reason, /keys of a TPM/);
  });
}

// Over HTTPS alone: over AMQP this SDK does not notice that a login ends before its challenge, and connects again for ever.
test('the TPM of another device is refused, and the operator told', async () => {
  await put('other-1', stranger(endorsementKey));
  await assert.rejects(register('https', 'other-1'));
  assert.strictEqual((await attempt('other-1', 'endorsement-key')).errorCode, 401002);
});

test('the storage root key counts where it is enrolled', async () => {
  const attestation = (key) => ({ attestation: { type: 'tpm', tpm: { endorsementKey, storageRootKey: key } } });
  await put('root-1', endorsementKey, attestation(storageRootKey));
  assert.strictEqual((await register('https', 'root-1')).status, 'assigned');
  await put('root-2', endorsementKey, attestation(stranger(storageRootKey)));
  await assert.rejects(register('https', 'root-2'));
  await attempt('root-2', 'storage-root-key');
});

test('a device without a name is named by its key', async () => {
  const id = await new Promise((resolve, reject) => named('').getRegistrationId((error, it) => (error ? reject(error) : resolve(it))));
  assert.strictEqual(id.length, 52);
  await put(id, endorsementKey);
  assert.strictEqual((await register('https', id)).registrationState.deviceId, id);
});

// --- what goes over the wire ---

const wire = (id, authorization, keys = { endorsementKey, storageRootKey }) =>
  berth.ask('PUT', HOST, `/${scope}/registrations/${id}/register?api-version=2019-03-31`,
    { headers: authorization ? { Authorization: authorization } : {}, body: { registrationId: id, tpm: keys } });

test('the first round is a 401 with a challenge and nothing that clients stumble over', async () => {
  await put('wire-1', endorsementKey);
  const answer = await wire('wire-1');
  assert.strictEqual(answer.status, 401);
  assert.match(answer.headers['content-type'], /application\/json/);
  assert.strictEqual(answer.headers['x-ms-error-code'], undefined);
  assert.deepStrictEqual(Object.keys(answer.body), ['message', 'authenticationKey', 'keyName']);
  assert.strictEqual(answer.body.keyName, 'registration');
  assert.strictEqual(Buffer.from(answer.body.authenticationKey, 'base64').length, 810);
  const again = await wire('wire-1');
  assert.notStrictEqual(again.body.authenticationKey, answer.body.authenticationKey);
});

test('a challenge is good for one registration, and for the questions about it', async () => {
  await put('wire-4', endorsementKey);
  const first = await wire('wire-4');
  await new Promise((resolve, reject) => security.activateIdentityKey(Buffer.from(first.body.authenticationKey, 'base64'), (error) => (error ? reject(error) : resolve())));
  const end = Math.floor(Date.now() / 1000) + 600;
  const resource = `${scope}%2Fregistrations%2Fwire-4`;
  const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(await signed(`${resource}\n${end}`))}&se=${end}&skn=registration`;
  const taken = await wire('wire-4', token);
  assert.strictEqual(taken.body.status, 'assigned', JSON.stringify(taken.body));
  const poll = await berth.ask('GET', HOST, `/${scope}/registrations/wire-4/operations/${taken.body.operationId}?api-version=2019-03-31`, { headers: { Authorization: token } });
  assert.strictEqual(poll.body.status, 'assigned', JSON.stringify(poll.body));
  const again = await wire('wire-4', token);
  assert.strictEqual(again.status, 401);
  assert.match((await attempt('wire-4', 'challenge-used')).reason, /each is good for one registration/);
});

test('a token that nobody\'s TPM has signed is refused', async () => {
  await put('wire-2', endorsementKey);
  const token = berth.sas(`${scope}%2Fregistrations%2Fwire-2`, Buffer.alloc(32, 1).toString('base64'), { name: 'registration' });
  const answer = await wire('wire-2', token);
  assert.strictEqual(answer.status, 401);
  assert.strictEqual(answer.body.errorCode, 401002);
  assert.strictEqual(answer.body.authenticationKey, undefined);
  await attempt('wire-2', 'token-signature');
});

test('keys that do not read are told to the operator', async () => {
  await put('wire-3', endorsementKey);
  assert.strictEqual((await wire('wire-3', undefined, { endorsementKey: 'AToA', storageRootKey })).body.errorCode, 401002);
  assert.match((await attempt('wire-3', 'endorsement-key')).reason, /does not read as a TPM2B_PUBLIC/);
  assert.strictEqual((await wire('wire-3', undefined, { endorsementKey })).body.errorCode, 401002);
  assert.match((await attempt('wire-3', 'storage-root-key')).reason, /not the storage root key/);
});
