// The tutorial that Berth was made for, step by step, with unmodified SDKs: two hubs, one service, an enrollment list,
// evenly weighted distribution, devices that find their place.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert');
const { IotDpsClient } = require('@azure/arm-deviceprovisioningservices');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { Registry } = require('azure-iothub');
const berth = require('./berth.js');

const credential = { getToken: async () => ({ token: berth.token(), expiresOnTimestamp: Date.now() + 3600000 }) };

const register = (scope, id, key) =>
  new Promise((resolve, reject) => {
    const client = ProvisioningDeviceClient.create('global.berth.test', scope, new Http(), new SymmetricKeySecurityClient(id, key));
    client.register((error, result) => (error ? reject(error) : resolve(result)));
  });

test('the tutorial, with the SDKs of the original', async (t) => {
  let service;
  let enrollments;
  const arm = new IotDpsClient(credential, berth.subscription, { endpoint: 'https://portal.berth.test' });

  await t.test('create a provisioning service', async () => {
    service = await arm.iotDpsResource.beginCreateOrUpdateAndWait('rg1', 'contoso', { location: 'westus', sku: { name: 'S1', capacity: 1 }, properties: {} });
    assert.match(service.properties.idScope, /^0ne[0-9A-F]{8}$/);
    assert.strictEqual(service.properties.allocationPolicy, 'Hashed');
  });

  await t.test('link two hubs', async () => {
    await berth.makeHub('hub1');
    await berth.makeHub('hub2');
    const iotHubs = [];
    for (const name of ['hub1', 'hub2']) iotHubs.push({ connectionString: await berth.connectionString('IotHubs', name, 'iothubowner'), location: 'westus' });
    service = await arm.iotDpsResource.beginCreateOrUpdateAndWait('rg1', 'contoso', { ...service, properties: { ...service.properties, iotHubs } });
    assert.deepStrictEqual(service.properties.iotHubs.map((h) => h.name).sort(), ['hub1.berth.test', 'hub2.berth.test']);
  });

  await t.test('set evenly weighted distribution', async () => {
    service = await arm.iotDpsResource.beginCreateOrUpdateAndWait('rg1', 'contoso', { ...service, properties: { ...service.properties, allocationPolicy: 'Hashed' } });
    assert.strictEqual(service.properties.allocationPolicy, 'Hashed');
  });

  await t.test('add enrollment list entries', async () => {
    const keys = await arm.iotDpsResource.listKeysForKeyName('contoso', 'provisioningserviceowner', 'rg1');
    enrollments = ProvisioningServiceClient.fromConnectionString(
      `HostName=${service.properties.serviceOperationsHostName};SharedAccessKeyName=${keys.keyName};SharedAccessKey=${keys.primaryKey}`);
    for (const id of ['device-1', 'device-2']) {
      const made = (await enrollments.createOrUpdateIndividualEnrollment({ registrationId: id, attestation: { type: 'symmetricKey' } })).responseBody;
      assert.strictEqual(made.attestation.symmetricKey.primaryKey.length, 88);
    }
  });

  await t.test('switch twelve devices on: each is assigned at once and is on its hub', async () => {
    const seen = new Map();
    for (let i = 1; i <= 12; i++) {
      const id = `device-${i}`;
      if (i > 2) await enrollments.createOrUpdateIndividualEnrollment({ registrationId: id, attestation: { type: 'symmetricKey' } });
      const mechanism = (await enrollments.getIndividualEnrollmentAttestationMechanism(id)).responseBody;
      const result = await register(service.properties.idScope, id, mechanism.symmetricKey.primaryKey);
      assert.strictEqual(result.status, 'assigned');
      assert.strictEqual(result.deviceId, id);
      seen.set(result.assignedHub, (seen.get(result.assignedHub) || 0) + 1);
      const name = result.assignedHub.split('.')[0];
      const registry = Registry.fromConnectionString(await berth.connectionString('IotHubs', name, 'iothubowner'));
      const identity = (await registry.get(id)).responseBody;
      assert.strictEqual(identity.authentication.symmetricKey.primaryKey, mechanism.symmetricKey.primaryKey);
      const state = (await enrollments.getDeviceRegistrationState(id)).responseBody;
      assert.strictEqual(state.assignedHub, result.assignedHub);
      assert.strictEqual(state.substatus, 'initialAssignment');
    }
    assert.deepStrictEqual([...seen.keys()].sort(), ['hub1.berth.test', 'hub2.berth.test'], 'both hubs got devices');
  });

  await t.test('a device that registers again keeps its place', async () => {
    const mechanism = (await enrollments.getIndividualEnrollmentAttestationMechanism('device-1')).responseBody;
    const first = (await enrollments.getDeviceRegistrationState('device-1')).responseBody;
    const again = await register(service.properties.idScope, 'device-1', mechanism.symmetricKey.primaryKey);
    assert.strictEqual(again.assignedHub, first.assignedHub);
    assert.strictEqual(again.substatus, 'reprovisionedToInitialAssignment');
  });
});
