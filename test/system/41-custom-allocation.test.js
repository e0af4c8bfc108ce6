// Custom allocation (service-api.md 8): the webhook of examples/custom-allocation, as it is, chooses for devices of the real SDK; then
// webhooks that do not do what they should.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Http } = require('azure-iot-provisioning-device-http');
const { Mqtt } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const { CA, pem, secret, make } = require('./pki.js');
const { certificate } = require('./far_hub.js');
const { host } = require('../../examples/custom-allocation/server.js');
const place = require('../../examples/custom-allocation/place');

const HOST = 'global.berth.test';
const NAME = 'place.elsewhere.test';
const HTTPS_PORT = 9443;
const HTTP_PORT = 9480;
const WEBHOOK = `https://${NAME}:${HTTPS_PORT}/api/place?code=s3cret`;
const hubs = ['hub1.berth.test', 'hub2.berth.test'];
const heard = []; // the questions of this webhook, the latest last
const servers = [];
let api, scope, folder, redirected = 0;

// How a webhook can go wrong, by its path.
const moods = {
  '/slow': (request, response) => setTimeout(() => response.end(JSON.stringify({ iotHubHostName: hubs[0] })), 4000),
  '/silent': () => {},
  '/redirect': (request, response) => response.writeHead(307, { Location: `https://${NAME}:${HTTPS_PORT}/target?code=s3cret` }).end(),
  '/target': (request, response) => { redirected++; response.end(JSON.stringify({ iotHubHostName: hubs[0] })); },
  '/huge': (request, response) => response.end(JSON.stringify({ iotHubHostName: hubs[0], payload: { filling: 'x'.repeat(200000) } })),
  '/endless': (request, response) => { const more = setInterval(() => response.write(' '.repeat(10000)), 5); response.on('close', () => clearInterval(more)); },
  '/html': (request, response) => response.end('<html><body>Welcome</body></html>'),
  '/unlinked': (request, response) => response.end(JSON.stringify({ iotHubHostName: 'hub9.berth.test' })),
  '/forbidden': (request, response) => response.end(JSON.stringify({ iotHubHostName: hubs[1] })),
  '/teapot': (request, response) => response.writeHead(418).end('short and stout'),
  '/hangup': (request, response) => response.socket.destroy(),
};

const functions = host({ place: (context, request) => { heard.push(request); return place(context, request); } }, { key: 's3cret' });
const listen = (request, response) => {
  const mood = moods[request.url.split('?')[0]];
  if (!mood) return functions(request, response);
  request.resume();
  return mood(request, response);
};

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'webhook-'));
  const credentials = certificate(folder, 'place', [NAME]);
  fs.writeFileSync(path.join(folder, 'trust.pem'), credentials.cert);
  await berth.killServer('SIGTERM');
  await berth.startServer('--ca', path.join(folder, 'trust.pem'));
  servers.push(https.createServer(credentials, listen).listen(HTTPS_PORT, '127.0.0.2'), http.createServer(listen).listen(HTTP_PORT, '127.0.0.2'));
  servers.push(https.createServer(certificate(folder, 'stranger', [NAME]), listen).listen(HTTPS_PORT + 1, '127.0.0.2'));
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections?.();
  }
  fs.rmSync(folder, { recursive: true, force: true });
});

const custom = (webhookUrl = WEBHOOK, apiVersion = '2021-10-01') => ({ allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl, apiVersion } });

async function enroll(id, more) {
  const entry = await berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: { type: 'symmetricKey' }, ...more } }));
  return entry.attestation.symmetricKey.primaryKey;
}

function register(security, Transport, payload) {
  const client = ProvisioningDeviceClient.create(HOST, scope, new Transport(), security);
  if (payload !== undefined) client.setProvisioningPayload(payload);
  return new Promise((resolve, reject) => { client.register((error, result) => (error ? reject(error) : resolve(result))); });
}

const record = (id) => berth.good(api('GET', `/registrations/${id}`));
const attempt = (id) => berth.eventually(async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts[0]);

async function twin(hub, id) {
  const { tags, properties } = await berth.good((await berth.hubApi(hub))('GET', `/twins/${id}`));
  const { $metadata, $version, ...desired } = properties.desired;
  return { tags, desired };
}

for (const [name, Transport] of [['https', Http], ['mqtt', Mqtt]])
  test(`${name}: the payload goes there and back, and the twin is the webhook's`, async () => {
    const id = `dev-${name}`;
    const key = await enroll(id, { ...custom(), initialTwin: { tags: { model: 'none' }, properties: { desired: {} } } });
    const result = await register(new SymmetricKeySecurityClient(id, key), Transport, { model: 'mill' });
    assert.strictEqual(result.assignedHub, hubs[1]);
    assert.deepStrictEqual(result.payload, { welcome: id, again: false });
    assert.deepStrictEqual((await record(id)).payload, { welcome: id, again: false });
    assert.deepStrictEqual(await twin('hub2', id), { tags: { model: 'mill' }, desired: { reportEverySeconds: 60 } });
    const question = heard.at(-1);
    assert.strictEqual(question.headers['content-type'], 'application/json; charset=utf-8');
    assert.strictEqual(question.query.code, 's3cret');
    const entry = await berth.good(api('GET', `/enrollments/${id}`));
    delete entry.registrationState;
    entry.etag = Buffer.from(entry.etag, 'base64').toString();
    assert.match(entry.etag, /^".*"$/);
    entry.customAllocationDefinition.webhookUrl = `https://${NAME}:${HTTPS_PORT}/api/place?****`;
    assert.deepStrictEqual(question.body, {
      individualEnrollment: entry,
      deviceRuntimeContext: { registrationId: id, symmetricKey: {}, payload: { model: 'mill' } },
      linkedHubs: hubs,
    });

    // Again, with another model: it moves, and the twin that is given beats the migration.
    const again = await register(new SymmetricKeySecurityClient(id, key), Transport, { model: 'press' });
    assert.strictEqual(again.assignedHub, hubs[0]);
    assert.strictEqual(again.substatus, 'deviceDataReset');
    assert.deepStrictEqual(again.payload, { welcome: id, again: true });
    assert.deepStrictEqual(heard.at(-1).body.deviceRuntimeContext,
      { registrationId: id, currentIotHubHostName: hubs[1], currentDeviceId: id, symmetricKey: {}, payload: { model: 'press' } });
    assert.deepStrictEqual((await twin('hub1', id)).tags, { model: 'press' });

    // Without a payload it stays, and there is none to be told.
    const quiet = await register(new SymmetricKeySecurityClient(id, key), Transport);
    assert.strictEqual(quiet.assignedHub, hubs[0]);
    assert.strictEqual(quiet.payload, undefined);
    assert.deepStrictEqual((await twin('hub1', id)).tags, { model: 'press' });
  });

test('a group of X.509 devices: the webhook sees the certificate', async () => {
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('mill-1', '/CN=mill-1', 'root');
  await berth.good(api('PUT', '/enrollmentGroups/mills', { body: { enrollmentGroupId: 'mills',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } }, ...custom() } }));
  const result = await register(new X509Security('mill-1', { cert: pem('mill-1'), key: secret('mill-1') }), Http, { model: 'mill' });
  assert.strictEqual(result.assignedHub, hubs[1]);
  const { body } = heard.at(-1);
  assert.strictEqual(body.enrollmentGroup.enrollmentGroupId, 'mills');
  assert.strictEqual(body.deviceRuntimeContext.x509.clientCertificates.primary.info.subjectName, 'CN=mill-1');
  assert.ok(!JSON.stringify(body).includes('BEGIN CERTIFICATE'));
});

test('plain http is asked too', async () => {
  const key = await enroll('plain-1', custom(`http://${NAME}:${HTTP_PORT}/api/place?code=s3cret`));
  assert.strictEqual((await register(new SymmetricKeySecurityClient('plain-1', key), Http, { model: 'press' })).assignedHub, hubs[0]);
});

test('a slow one: the device hears assigning, and then its place', async () => {
  const key = await enroll('slow-1', custom(`https://${NAME}:${HTTPS_PORT}/slow`));
  const device = berth.device(scope, 'slow-1', key);
  const first = await device.register();
  assert.strictEqual(first.body.status, 'assigning');
  const last = await berth.eventually(async () => {
    const answer = await device.poll(first.body.operationId);
    return answer.body.status !== 'assigning' && answer;
  });
  assert.strictEqual(last.body.registrationState.assignedHub, hubs[0], last.text);
});

// Where it is; what the device is told; what the operator is told.
const unusable = 'Custom allocation failed: the answer of the webhook cannot be used.';
const silent = 'Custom allocation failed: the webhook did not answer.';
const at = (where) => `https://${NAME}:${HTTPS_PORT}${where}`;
const troubles = {
  down: [`https://${NAME}:9499/api/place?code=s3cret`, silent, /could not be reached: .*refused/],
  'of no known name': ['https://nowhere.elsewhere.invalid/', silent, /could not be reached/],
  'not to be trusted': [`https://${NAME}:${HTTPS_PORT + 1}/api/place`, silent, /could not be reached: .*certificate/i],
  'silent for too long': [at('/silent'), silent, /too slow: no answer within \d+ ms/],
  'hanging up': [at('/hangup'), silent, /ended the connection/],
  redirecting: [at('/redirect'), 'Custom allocation failed with status code: 307', /redirects to https:\/\/place\.elsewhere\.test:9443\/target with status 307; a redirect is not followed/],
  huge: [at('/huge'), unusable, /longer than 98304 bytes/],
  endless: [at('/endless'), unusable, /longer than 98304 bytes/],
  'saying HTML': [at('/html'), unusable, /is not JSON/],
  'naming a hub that is not linked': [at('/unlinked'), unusable, /names hub9\.berth\.test, which is not linked/],
  'naming a hub that is not allowed': [at('/forbidden'), unusable, /names hub2\.berth\.test, which is linked but not among/, { iotHubs: [hubs[0]] }],
  'of status 418': [at('/teapot'), 'Custom allocation failed with status code: 418', /answered with status 418/],
  'asked with the wrong key': [at('/api/place?code=wrong'), 'Custom allocation failed with status code: 401', /answered with status 401/],
};

test('every way of a webhook to fail', { concurrency: 16 }, async (t) => {
  await Promise.all(Object.entries(troubles).map(([name, [url, message, sentence, more]], i) => t.test(name, async () => {
    const id = `trouble-${i}`;
    const device = berth.device(scope, id, await enroll(id, { ...custom(url), ...more }));
    const answer = await device.settle();
    assert.strictEqual(answer.body.status, 'failed', answer.text);
    const { errorCode, errorMessage } = answer.body.registrationState;
    assert.deepStrictEqual([errorCode, errorMessage], [400207, message]);
    const { check, reason, expected } = await attempt(id);
    assert.strictEqual(check, 'custom-allocation');
    assert.match(reason, sentence);
    assert.ok(!`${reason}${expected}`.includes('s3cret'), 'the key of the function is told to nobody');
  })));
  assert.strictEqual(redirected, 0);
});

test('the function tells its own refusal by status, and a device that has a place keeps it', async () => {
  const key = await enroll('keeps-1', custom());
  const security = () => new SymmetricKeySecurityClient('keeps-1', key);
  assert.strictEqual((await register(security(), Http, { model: 'mill' })).assignedHub, hubs[1]);
  await assert.rejects(register(security(), Http, { model: 'lathe' }), (error) => error.result.registrationState.errorCode === 400207);
  assert.strictEqual((await record('keeps-1')).status, 'failed');
  assert.deepStrictEqual((await twin('hub2', 'keeps-1')).tags, { model: 'mill' });
  assert.strictEqual((await register(security(), Http, { model: 'mill' })).assignedHub, hubs[1]);
});

test('keys of functions are not in the log', () => {
  assert.ok(!fs.readFileSync(path.join(berth.data, 'server.log'), 'utf8').includes('s3cret'));
});
