// Devices register over AMQP 1.0 (device-api.md 12): the real SDK, then general clients for what is odd but legal, then bytes.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const rhea = require('rhea');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Amqp } = require('azure-iot-provisioning-device-amqp');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const { CA, at, pem, secret, make } = require('./pki.js');

const HOST = 'global.berth.test';
const key = Buffer.alloc(64, 7).toString('base64');
const other = Buffer.alloc(32, 9).toString('base64');
let scope;
let api;
let groupKey;
let silent; // a hub that takes connections and never answers
const connections = []; // of a test that fails, they would keep the process

const symmetric = (primaryKey) => ({ type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey: other } });
const enroll = (id, more = {}) => berth.good(api('PUT', `/enrollments/${id}`, { body: { registrationId: id, attestation: symmetric(key), ...more } }));
const nameOf = (id) => `${scope}/registrations/${id}`;
const tokenOf = (id, k = key) => berth.sas(nameOf(id), k, { name: 'registration' });
const withSdk = (id, security) =>
  new Promise((resolve, reject) => {
    ProvisioningDeviceClient.create(HOST, scope, new Amqp(), security).register((error, result) => (error ? reject(error) : resolve(result)));
  });
const refused = (reason, event = 'connection-refused') => berth.logLines().some((l) => l.event === event && l.protocol === 'amqp' && l.reason.includes(reason));

before(async () => {
  silent = tls.createServer({ key: fs.readFileSync(path.join(berth.data, 'server.key')), cert: fs.readFileSync(path.join(berth.data, 'server.pem')) }, () => {});
  await new Promise((resolve) => silent.listen(8444, '127.0.0.2', resolve));
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' },
    { connectionString: `HostName=hub1.elsewhere.test:8444;SharedAccessKeyName=o;SharedAccessKey=${other}`, location: 'x', applyAllocationPolicy: false }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  await enroll('dev-1');
  await enroll('slow-1', { allocationPolicy: 'static', iotHubs: ['hub1.elsewhere.test'] });
  const group = await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }));
  groupKey = group.attestation.symmetricKey.primaryKey;
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  for (const id of ['mill-1', 'mill-2', 'mill-3']) make(id, `/CN=${id}`, 'root');
  make('nobody', '/CN=nobody');
  await berth.good(api('PUT', '/enrollmentGroups/mills', { body: { enrollmentGroupId: 'mills',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } } }));
});

after(() => {
  silent.close();
  for (const connection of connections) connection.socket.destroy();
});

// --- the SDK ---

test('the SDK: a key, individual and of a group, and a certificate', async () => {
  const solo = await withSdk('dev-1', new SymmetricKeySecurityClient('dev-1', key));
  assert.strictEqual(solo.status, 'assigned');
  assert.strictEqual(solo.assignedHub, 'hub1.berth.test');
  assert.strictEqual((await withSdk('dev-1', new SymmetricKeySecurityClient('dev-1', other))).deviceId, 'dev-1');
  assert.strictEqual((await withSdk('press-1', new SymmetricKeySecurityClient('press-1', berth.deriveKey(groupKey, 'press-1')))).deviceId, 'press-1');
  assert.strictEqual((await withSdk('mill-1', new X509Security('mill-1', { cert: pem('mill-1'), key: secret('mill-1') }))).deviceId, 'mill-1');
});

test('the SDK hears why: a wrong key, nobody\'s certificate, a disabled enrollment', async () => {
  await assert.rejects(withSdk('dev-1', new SymmetricKeySecurityClient('dev-1', Buffer.alloc(32, 1).toString('base64'))));
  assert.ok(refused('the credential is not accepted'));
  // This SDK hands on the error of the rejection as it came.
  await assert.rejects(withSdk('nobody', new X509Security('nobody', { cert: pem('nobody'), key: secret('nobody') })),
    (error) => error.condition === 'amqp:unauthorized-access' && JSON.parse(error.description).errorCode === 401002);
  await enroll('off-1', { provisioningStatus: 'disabled' });
  await assert.rejects(withSdk('off-1', new SymmetricKeySecurityClient('off-1', key)));
});

// --- a general client ---

// What happens first of these, as [name, context].
const first = (emitter, ...names) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`none of ${names} in 20 s`)), 20000);
    for (const name of names) emitter.once(name, (context) => (clearTimeout(timer), resolve([name, context])));
  });

function connect(options = {}) {
  const container = rhea.create_container();
  container.on('error', () => {});
  const connection = container.connect({ host: HOST, port: 5671, transport: 'tls', servername: HOST, reconnect: false, ...options });
  connections.push(connection);
  connection.answers = [];
  connection.on('message', (context) => {
    connection.answers.push(context.message);
    connection.emit('answer', context);
  });
  return connection;
}

const withKey = (id, k = key) => connect({ username: nameOf(id), password: tokenOf(id, k) });
const withCertificate = (id) => connect({ cert: pem(id), key: secret(id) });
const data = (value) => rhea.message.data_section(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const request = (operation, more = {}) => ({ application_properties: { 'iotdps-operation-type': operation }, body: data({}), ...more });
const register = (more) => request('iotdps-register', more);
const poll = (id, more = {}) => ({ application_properties: { 'iotdps-operation-type': 'iotdps-get-operationstatus', 'iotdps-operation-id': id }, body: '', ...more });
const bodyOf = (message) => JSON.parse(message.body.content.toString());

async function open(connection, { receiver = {}, sender = {} } = {}) {
  const [what, context] = await first(connection, 'connection_open', 'connection_error', 'disconnected');
  assert.strictEqual(what, 'connection_open', context && context.error && context.error.message);
  connection.in = connection.open_receiver({ ...receiver });
  connection.out = connection.open_sender({ ...sender });
  await first(connection.out, 'sendable');
  return connection;
}

const both = (id) => ({ receiver: { source: { address: nameOf(id) } }, sender: { target: { address: nameOf(id) } } });

// One request, one answer or one refusal: {answer} or {error}.
async function ask(connection, message) {
  const heard = first(connection, 'answer', 'rejected');
  connection.out.send(message);
  const [what, context] = await heard;
  return what === 'answer' ? { answer: context.message } : { error: context.delivery.remote_state.error };
}

async function close(connection) {
  const closed = first(connection, 'connection_close', 'disconnected');
  connection.close();
  await closed;
}

test('12.4: accepted, one data section, the correlation-id echoed, both delays while assigning', async () => {
  const connection = await open(withKey('slow-1'), both('slow-1'));
  const accepted = first(connection, 'accepted');
  const { answer } = await ask(connection, register({ correlation_id: '6f0c' }));
  await accepted;
  assert.strictEqual(answer.correlation_id, '6f0c');
  assert.strictEqual(answer.body.typecode, 0x75);
  assert.deepStrictEqual(answer.application_properties, { 'retry-after': 3, 'Retry-After': 3 });
  const body = bodyOf(answer);
  assert.strictEqual(body.status, 'assigning');
  berth.assertNoNull(body);
  for (const message of [poll(body.operationId, { correlation_id: 7 }), poll(body.operationId, { body: undefined }), poll(body.operationId, { body: data('') })]) {
    const polled = (await ask(connection, message)).answer;
    assert.strictEqual(polled.correlation_id, message.correlation_id);
    assert.strictEqual(bodyOf(polled).operationId, body.operationId);
    assert.strictEqual(polled.application_properties['retry-after'], 3);
  }
  await close(connection);
});

test('12.2: links without addresses, or with an absolute one, a sender without a correlation-id', async () => {
  for (const links of [both('dev-1'), {}, { receiver: { source: null }, sender: { target: null } },
    { receiver: { source: { address: `amqps://${HOST}/${nameOf('dev-1')}` } }, sender: { target: { address: `amqps://${HOST}/${nameOf('dev-1')}` } } },
    { receiver: { source: { address: `/${nameOf('dev-1')}` } }, sender: { target: { address: `/${nameOf('DEV-1')}` } } }]) {
    const connection = await open(withKey('dev-1'), links);
    const { answer } = await ask(connection, register());
    assert.strictEqual(bodyOf(answer).status, 'assigned', JSON.stringify(links));
    assert.strictEqual(answer.correlation_id, undefined);
    await close(connection);
  }
});

test('an answer waits for credit', async () => {
  const connection = await open(withKey('dev-1'), { ...both('dev-1'), receiver: { source: { address: nameOf('dev-1') }, credit_window: 0 } });
  const accepted = first(connection, 'accepted');
  connection.out.send(register());
  await accepted;
  await berth.sleep(300);
  assert.strictEqual(connection.answers.length, 0);
  const answered = first(connection, 'answer');
  connection.in.add_credit(1);
  await answered;
  assert.strictEqual(bodyOf(connection.answers[0]).status, 'assigned');
  await close(connection);
});

test('two requests in flight are told apart by their correlation-id, and a hundred are all answered', async () => {
  const connection = await open(withKey('dev-1'), both('dev-1'));
  connection.out.send(register({ correlation_id: 'one' }));
  connection.out.send(register({ correlation_id: 'two' }));
  await berth.eventually(() => connection.answers.length === 2);
  assert.deepStrictEqual(connection.answers.map((a) => a.correlation_id).sort(), ['one', 'two']);
  let sent = 0;
  const more = () => {
    while (sent < 100 && connection.out.sendable()) connection.out.send(register({ correlation_id: sent++ }));
  };
  connection.out.on('sendable', more);
  more();
  await berth.eventually(() => connection.answers.length === 102);
  assert.strictEqual(new Set(connection.answers.map((a) => a.correlation_id)).size, 102);
  await close(connection);
});

test('12.6: refusals are rejections with a document', async () => {
  const connection = await open(withKey('dev-1'), both('dev-1'));
  const unknown = await ask(connection, request('iotdps-unregister'));
  assert.strictEqual(unknown.error.condition, 'amqp:not-allowed');
  const document = JSON.parse(unknown.error.description);
  assert.strictEqual(document.errorCode, 400001);
  assert.match(document.trackingId, /^[0-9a-f-]{36}$/);
  assert.ok(refused('names no operation', 'request-refused'));
  assert.strictEqual((await ask(connection, request('iotdps-get-operationstatus'))).error.condition, 'amqp:not-allowed');
  assert.strictEqual((await ask(connection, poll('4.nothing'))).error.condition, 'amqp:not-found');
  assert.strictEqual((await ask(connection, register({ body: data('{"registrationId":"dev-2"}') }))).error.condition, 'amqp:not-allowed');
  assert.strictEqual(bodyOf((await ask(connection, register({ body: '{"registrationId":"dev-1"}' }))).answer).status, 'assigned', 'and it goes on');
  await close(connection);
});

test('12.6: whoever is not enrolled is let in, and hears it when registering', async () => {
  const elsewhere = (await berth.makeService('dps2', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  const name = `${elsewhere}/registrations/ghost-1`;
  const links = { receiver: { source: { address: name } }, sender: { target: { address: name } } };
  const connection = await open(connect({ username: name, password: berth.sas(name, key, { name: 'registration' }) }), links);
  const { error } = await ask(connection, register());
  assert.strictEqual(error.condition, 'amqp:not-found');
  assert.strictEqual(JSON.parse(error.description).errorCode, 404201);
  await close(connection);
});

test('a message above 96 KB ends its link, with the condition that the standard has for it', async () => {
  const connection = await open(withKey('dev-1'), both('dev-1'));
  const ended = first(connection, 'sender_error');
  connection.out.send(register({ body: data('x'.repeat(98304)) }));
  const [, context] = await ended;
  assert.strictEqual(context.sender.error.condition, 'amqp:link:message-size-exceeded');
  connection.out = connection.open_sender(nameOf('dev-1'));
  await first(connection.out, 'sendable');
  const { answer } = await ask(connection, register({ body: data(JSON.stringify({ payload: 'x'.repeat(90000) })) }));
  assert.strictEqual(bodyOf(answer).status, 'assigned');
  await close(connection);
});

test('a link to another registration is refused', async () => {
  const connection = withKey('dev-1');
  await first(connection, 'connection_open');
  for (const link of [() => connection.open_sender(nameOf('slow-1')), () => connection.open_receiver(nameOf('slow-1'))]) {
    const error = first(connection, 'sender_error', 'receiver_error');
    const it = link();
    await error;
    assert.strictEqual(it.error.condition, 'amqp:unauthorized-access');
  }
  assert.ok(refused('names another registration'));
  await close(connection);
});

test('12.1: a wrong token is outcome 1; no SASL and no certificate is no way in', async () => {
  const wrong = withKey('dev-1', Buffer.alloc(32, 1).toString('base64'));
  const [, context] = await first(wrong, 'connection_error', 'disconnected');
  assert.match(String(context.error || wrong.error), /auth/i);
  const none = connect();
  const [what] = await first(none, 'connection_open', 'connection_error', 'protocol_error', 'disconnected');
  assert.notStrictEqual(what, 'connection_open');
  assert.ok(await berth.eventually(() => refused('no SASL and no client certificate')));
});

test('a certificate without SASL: the first link says who it is, and the register message hears no', async () => {
  const connection = await open(withCertificate('mill-2'), both('mill-2'));
  assert.strictEqual(bodyOf((await ask(connection, register())).answer).registrationState.deviceId, 'mill-2');
  await close(connection);
  const stranger = await open(withCertificate('nobody'), both('nobody'));
  const { error } = await ask(stranger, register());
  assert.strictEqual(error.condition, 'amqp:unauthorized-access');
  assert.strictEqual(JSON.parse(error.description).errorCode, 401002);
  await close(stranger);
});

test('a client made by others: Qpid Proton, by certificate', { skip: !fs.existsSync('/usr/lib/python3/dist-packages/proton') }, async () => {
  const script = `
import sys
from proton import Message, SSLDomain
from proton.utils import BlockingConnection
ca, cert, key, address = sys.argv[1:]
domain = SSLDomain(SSLDomain.MODE_CLIENT)
domain.set_trusted_ca_db(ca)
domain.set_credentials(cert, key, None)
connection = BlockingConnection('amqps://${HOST}:5671', timeout=30, ssl_domain=domain, sasl_enabled=False)
receiver = connection.create_receiver(address)
sender = connection.create_sender(address)
sender.send(Message(id='1', correlation_id='c', inferred=True, body=b'{}', properties={'iotdps-operation-type': 'iotdps-register'}))
answer = receiver.receive(timeout=30)
receiver.accept()
connection.close()
print(answer.correlation_id, bytes(answer.body).decode())
`;
  const out = await new Promise((resolve, reject) => {
    execFile('/usr/bin/python3', ['-c', script, path.join(berth.data, 'ca.pem'), at('mill-3.pem'), at('mill-3.key'), nameOf('mill-3')],
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
  });
  assert.match(out, /^c \{.*"status":"assigned"/);
});

// --- bytes ---

// Send, and what comes until the other side hangs up.
function exchange(bytes, options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: 5671, servername: HOST, ...options }, () => socket.write(bytes));
    const parts = [];
    socket.on('data', (part) => {
      parts.push(part);
      if (options.until && Buffer.concat(parts).includes(options.until)) socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

const SASL = Buffer.from('414d515003010000', 'hex');
const MECHANISMS = Buffer.from('0000001c02010000005340c00f01e00c02a305504c41494e0354504d', 'hex');
const outcome = (code) => Buffer.from(`0000001002010000005344c0030150${code}`, 'hex');

function init(mechanism) {
  const body = Buffer.concat([Buffer.from([0, 0x53, 0x41, 0xc0, mechanism.length + 5, 2, 0xa3, mechanism.length]), Buffer.from(mechanism), Buffer.from([0xa0, 0])]);
  return Buffer.concat([Buffer.from([0, 0, 0, body.length + 8, 2, 1, 0, 0]), body]);
}

test('12.1: PLAIN and TPM are offered; EXTERNAL is as good as its certificate; ANONYMOUS is outcome 1', async () => {
  const heard = (code) => Buffer.concat([SASL, MECHANISMS, outcome(code)]);
  assert.deepStrictEqual(await exchange(Buffer.concat([SASL, init('ANONYMOUS')])), heard('01'));
  assert.ok(refused('ANONYMOUS is not for devices'));
  assert.deepStrictEqual(await exchange(Buffer.concat([SASL, init('EXTERNAL')])), heard('01'));
  assert.deepStrictEqual(await exchange(Buffer.concat([SASL, init('EXTERNAL')]), { cert: pem('mill-1'), key: secret('mill-1'), until: outcome('00') }), heard('00'));
  assert.deepStrictEqual(await exchange(Buffer.concat([SASL, init('SCRAM-SHA-256')])), heard('01'));
});

test('other protocols are shown the header that is wanted, and the door', async () => {
  assert.deepStrictEqual(await exchange(Buffer.from('GET / HTTP/1.1\r\n\r\n')), SASL);
  assert.deepStrictEqual(await exchange(Buffer.from('414d515000000901', 'hex')), SASL);
});

test('a server that stops says so', async () => {
  const connection = await open(withKey('dev-1'), both('dev-1'));
  const told = first(connection, 'connection_error', 'connection_close', 'disconnected');
  const stopped = berth.killServer('SIGTERM');
  await told;
  assert.strictEqual(connection.error.condition, 'amqp:connection:forced');
  assert.strictEqual(connection.error.description, 'draining');
  await stopped;
});
