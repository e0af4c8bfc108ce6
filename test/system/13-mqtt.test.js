// Devices register over MQTT 3.1.1 (device-api.md 10, 11): the real SDK, then a general client for what the SDK does not do, then bytes.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const tls = require('node:tls');
const mqtt = require('mqtt');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const { CA, pem, secret, make } = require('./pki.js');

let scope;
let api;
let key;

const HOST = 'global.berth.test';
const register = (id, security, transport) =>
  new Promise((resolve, reject) => {
    ProvisioningDeviceClient.create(HOST, scope, transport, security).register((error, result) => (error ? reject(error) : resolve(result)));
  });

before(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  const group = await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }));
  key = group.attestation.symmetricKey.primaryKey;
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('mill-1', '/CN=mill-1', 'root');
  await berth.good(api('PUT', '/enrollmentGroups/mills', { body: { enrollmentGroupId: 'mills',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } } }));
});

for (const [name, Transport] of [['Mqtt', Mqtt], ['MqttWs', MqttWs]]) {
  test(`${name}: a key of a group, of an individual enrollment, and a certificate`, async () => {
    const id = `press-${name}`;
    const result = await register(id, new SymmetricKeySecurityClient(id, berth.deriveKey(key, id)), new Transport());
    assert.strictEqual(result.status, 'assigned');
    assert.match(result.assignedHub, /^hub[12]\.berth\.test$/);
    const solo = await berth.good(api('PUT', `/enrollments/solo-${name}`, { body: { registrationId: `solo-${name}`, attestation: { type: 'symmetricKey' } } }));
    const own = await register(`solo-${name}`, new SymmetricKeySecurityClient(`solo-${name}`, solo.attestation.symmetricKey.primaryKey), new Transport());
    assert.strictEqual(own.status, 'assigned');
    const shown = await register('mill-1', new X509Security('mill-1', { cert: pem('mill-1'), key: secret('mill-1') }), new Transport());
    assert.strictEqual(shown.deviceId, 'mill-1');
  });
}
