// Devices register over MQTT 3.1.1 (device-api.md 10): the real SDK, general clients that nobody made for this, and bytes.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const mqtt = require('mqtt');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const berth = require('./berth.js');
const bytes = require('./mqtt_bytes.js');
const { CA, at, pem, secret, make } = require('./pki.js');
const { FarHub, certificate, moods } = require('./far_hub.js');
const { Wire } = require('./wire.js');

const HOST = 'global.berth.test';
const CA_FILE = path.join(berth.data, 'ca.pem');
let scope;
let api;
let key;

// A device of the group, by hand.
const device = async (id, credentials = {}) => new bytes.Device(await Wire.open('mqtts', credentials), { scope, id, key: credentials.cert ? undefined : berth.deriveKey(key, id) });
const userOf = (id) => `${scope}/registrations/${id}/api-version=2019-03-31`;
const tokenOf = (id) => berth.sas(`${scope}/registrations/${id}`, berth.deriveKey(key, id));
const record = async (id) => (await api('GET', `/registrations/${id}`)).body;
const assertAssigned = (answer) => {
  assert.strictEqual(answer.status, 200);
  assert.strictEqual(answer.body.status, 'assigned');
  assert.match(answer.body.registrationState.assignedHub, /^hub[12]\.berth\.test$/);
};

before(async () => {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }, { name: 'hub2' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  const group = await berth.good(api('PUT', '/enrollmentGroups/presses', { body: { enrollmentGroupId: 'presses', attestation: { type: 'symmetricKey' } } }));
  key = group.attestation.symmetricKey.primaryKey;
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  for (const name of ['mill-1', 'mill-2']) make(name, `/CN=${name}`, 'root');
  await berth.good(api('PUT', '/enrollmentGroups/mills', { body: { enrollmentGroupId: 'mills',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } } }));
});

// --- the SDK ---

for (const [name, Transport] of [['Mqtt', Mqtt], ['MqttWs', MqttWs]]) {
  test(`${name}: a key of a group, of an individual enrollment, and a certificate`, async () => {
    const register = (id, security) =>
      new Promise((resolve, reject) => {
        ProvisioningDeviceClient.create(HOST, scope, new Transport(), security).register((error, result) => (error ? reject(error) : resolve(result)));
      });
    const id = `press-${name}`;
    const result = await register(id, new SymmetricKeySecurityClient(id, berth.deriveKey(key, id)));
    assert.strictEqual(result.status, 'assigned');
    assert.match(result.assignedHub, /^hub[12]\.berth\.test$/);
    const solo = await berth.good(api('PUT', `/enrollments/solo-${name}`, { body: { registrationId: `solo-${name}`, attestation: { type: 'symmetricKey' } } }));
    const own = await register(`solo-${name}`, new SymmetricKeySecurityClient(`solo-${name}`, solo.attestation.symmetricKey.primaryKey));
    assert.strictEqual(own.status, 'assigned');
    const shown = await register('mill-1', new X509Security('mill-1', { cert: pem('mill-1'), key: secret('mill-1') }));
    assert.strictEqual(shown.deviceId, 'mill-1');
  });
}

// --- npm mqtt ---

// Connected, or the error that the library makes of the refusal.
function npmClient(id, options = {}) {
  const client = mqtt.connect({
    protocol: 'mqtts', host: HOST, port: 8883, ca: fs.readFileSync(CA_FILE), clientId: id, username: userOf(id), password: tokenOf(id), reconnectPeriod: 0, ...options,
  });
  return new Promise((resolve, reject) => {
    client.once('connect', (packet) => resolve({ client, packet }));
    client.once('error', (error) => {
      client.end(true);
      reject(error);
    });
  });
}

// [MQTT-3.1.4-2], whichever loop each connection came to.
test('npm mqtt: of many connections of one device only the last stays, and a stranger takes nobody\'s place', async () => {
  const open = [];
  for (let i = 0; i < 8; i++) {
    const { client } = await npmClient('twice');
    client.on('close', () => (client.gone = true));
    open.push(client);
  }
  const last = open.pop();
  await berth.eventually(() => open.every((client) => client.gone));
  await assert.rejects(npmClient('twice', { password: berth.sas(`${scope}/registrations/twice`, berth.deriveKey(key, 'other')) }));
  const { client: other } = await npmClient('other');
  assert.deepStrictEqual(await done((f) => last.subscribe(bytes.ANSWERS, { qos: 1 }, f)), [{ topic: bytes.ANSWERS, qos: 1 }]);
  assert.ok(!last.gone);
  for (const client of [last, other]) await done((f) => client.end(false, f));
});

const one = (client, event) => new Promise((resolve) => client.once(event, (...what) => resolve(what)));
const done = (start) => new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));

test('npm mqtt registers, with a will, a session that is to last, RETAIN, and QoS 2 asked for', async () => {
  const { client, packet } = await npmClient('npm-1', { clean: false, will: { topic: 'gone', payload: 'x', qos: 2, retain: true }, keepalive: 1 });
  assert.strictEqual(packet.sessionPresent, false);
  assert.deepStrictEqual(await done((f) => client.subscribe(bytes.ANSWERS, { qos: 2 }, f)), [{ topic: bytes.ANSWERS, qos: 1 }]);
  const answer = one(client, 'message');
  await done((f) => client.publish(bytes.registerTopic('a1'), '{"registrationId":"npm-1"}', { qos: 1, retain: true }, f));
  const [topic, payload, { qos, retain }] = await answer;
  assert.deepStrictEqual([topic, qos, retain], ['$dps/registrations/res/200/?$rid=a1', 1, false]);
  assert.strictEqual(JSON.parse(payload).status, 'assigned');
  await berth.eventually(() => client.pingResp); // it pings by itself, and is answered
  await done((f) => client.unsubscribe(bytes.ANSWERS, f));
  await done((f) => client.end(false, f));
});

test('npm mqtt shows why it is refused: another version, a client ID, a user name, a key', async () => {
  const refused = (options, code, why) => assert.rejects(npmClient('npm-2', options), (error) => error.code === code && why.test(error.message), why);
  await refused({ protocolVersion: 5 }, 0x84, /Unsupported Protocol Version/);
  await refused({ protocolVersion: 3, protocolId: 'MQIsdp' }, 1, /Unacceptable protocol version/);
  await refused({ clientId: 'npm-3' }, 2, /Identifier rejected/);
  await refused({ username: `${scope}/npm-2` }, 4, /Bad username or password/);
  await refused({ password: tokenOf('npm-4') }, 5, /Not authorized/);
});

// --- mosquitto's clients, and Paho for Python ---

// What a program said, and how it ended.
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => { text += part; });
    child.on('error', () => resolve({ status: -1, text: '' }));
    child.on('close', (status) => resolve({ status, text }));
  });
}

const mosquitto = (program, id, ...args) =>
  run(`mosquitto_${program}`, ['-h', HOST, '-p', '8883', '--cafile', CA_FILE, '-i', id, '-V', 'mqttv311', '-u', userOf(id), '-P', tokenOf(id), ...args]);
const without = async (program, args) => ((await run(program, args)).status === -1 ? `${program} is not installed here` : false);

test('mosquitto\'s clients register, hear what they may, and say why other versions are refused', async (t) => {
  const missing = await without('mosquitto_pub', ['--help']);
  if (missing) return t.skip(missing);
  const heard = await mosquitto('sub', 'frog-1', '-d', '-E', '-q', '2', '-t', bytes.ANSWERS);
  assert.strictEqual(heard.status, 0, heard.text);
  assert.match(heard.text, /Subscribed \(mid: 1\): 1\b/, 'QoS 2 asked for, 1 granted');
  const denied = await mosquitto('sub', 'frog-1', '-t', '#', '-t', '$SYS/#', '-t', 'devices/frog-1/#');
  assert.match(denied.text, /All subscription requests were denied/);
  for (const [id, ...more] of [['frog-q0', '-q', '0'], ['frog-q1', '-q', '1'], ['frog-r', '-r', '-c', '-q', '1', '--will-topic', 'gone', '--will-qos', '1']]) {
    const told = await mosquitto('pub', id, '-t', bytes.registerTopic('1'), '-n', ...more);
    assert.strictEqual(told.status, 0, told.text);
    await berth.eventually(async () => (await record(id)).status === 'assigned'); // it left without waiting for an answer
  }
  for (const version of ['5', '31']) {
    const refused = await mosquitto('pub', 'frog-1', '-V', version, '-t', bytes.registerTopic('1'), '-n');
    assert.notStrictEqual(refused.status, 0);
    assert.match(refused.text, /protocol version/i);
  }
  const shown = await run('mosquitto_pub', ['-h', HOST, '-p', '8883', '--cafile', CA_FILE, '--cert', at('mill-2.pem'), '--key', at('mill-2.key'), '-i', 'mill-2', '-V', '311',
    '-u', userOf('mill-2'), '-t', bytes.registerTopic('1'), '-n', '-q', '1']);
  assert.strictEqual(shown.status, 0, shown.text);
  await berth.eventually(async () => (await record('mill-2')).status === 'assigned');
});

test('Paho for Python registers over TCP and in a WebSocket, and says why other versions are refused', async (t) => {
  const python = await (async () => {
    for (const candidate of ['python3', '/usr/bin/python3']) if ((await run(candidate, ['-c', 'import paho.mqtt.client'])).status === 0) return candidate;
    return undefined;
  })();
  if (!python) return t.skip('python3-paho-mqtt is not installed here');
  const paho = (id, ...args) => run(python, [path.join(__dirname, 'paho_device.py'), HOST, CA_FILE, id, userOf(id), tokenOf(id), ...args]);
  for (const transport of ['tcp', 'websockets']) {
    const { status, text } = await paho(`snake-${transport}`, transport, '3.1.1');
    assert.strictEqual(status, 0, text);
    assert.strictEqual(JSON.parse(text).status, 'assigned');
  }
  assert.match((await paho('snake-5', 'tcp', '5')).text, /refused: Unsupported protocol version/i);
  assert.match((await paho('snake-3', 'tcp', '3.1')).text, /refused: .*unacceptable protocol version/i);
});

// --- bytes: legal, if odd ---

test('byte by byte, and all in one write: the same answers', async () => {
  const slow = await device('slow-1');
  const register = bytes.publish(bytes.registerTopic('s'), '{}', { id: 9 });
  await slow.wire.drip(Buffer.concat([bytes.connect(slow.credentials), bytes.subscribe(77, [bytes.ANSWERS, 1]), register]));
  const quick = await device('quick-1');
  quick.wire.write(bytes.connect(quick.credentials), bytes.subscribe(77, [bytes.ANSWERS, 1]), register, bytes.PINGREQ);
  for (const one of [slow, quick]) {
    assert.strictEqual((await one.expect('CONNACK')).body[1], 0);
    assert.strictEqual((await one.expect('SUBACK')).id, 77);
    assert.strictEqual((await one.expect('PUBACK')).id, 9);
    if (one === quick) await one.expect('PINGRESP');
    assertAssigned(await one.answer());
    one.wire.close();
  }
  const gone = await device('gone-1');
  gone.wire.write(bytes.connect(gone.credentials), bytes.publish(bytes.registerTopic('g'), '{}'), bytes.DISCONNECT);
  await gone.wire.end();
  await berth.eventually(async () => (await record('gone-1')).status === 'assigned');
});

test('QoS 0 is not acknowledged; DUP is a message like any other; an ID may be used again', async () => {
  const d = await (await device('odd-1')).begin();
  d.wire.write(bytes.publish(bytes.registerTopic('q0'), '', { qos: 0 }));
  assert.strictEqual((await d.answer()).rid, 'q0');
  for (const dup of [false, true, true]) {
    d.wire.write(bytes.publish(bytes.registerTopic('q1'), '', { id: 65535, dup }));
    assert.strictEqual((await d.expect('PUBACK')).id, 65535);
    assertAssigned(await d.answer());
  }
  d.wire.write(bytes.subscribe(78, [bytes.ANSWERS, 0]));
  assert.deepStrictEqual([...(await d.expect('SUBACK')).body.subarray(2)], [0]);
  d.wire.write(bytes.publish(bytes.registerTopic('q2'), '{}'));
  await d.expect('PUBACK');
  const heard = await d.expect('PUBLISH');
  assert.deepStrictEqual([heard.qos, heard.flags], [0, 0], 'at the QoS that was granted');
  d.wire.write(bytes.puback(0), bytes.puback(4711)); // as .NET does; and one for nothing
  d.wire.write(bytes.unsubscribe(79, bytes.ANSWERS, 'never/had'), bytes.publish(bytes.registerTopic('q3'), '{}', { id: 2 }), bytes.PINGREQ);
  for (const name of ['UNSUBACK', 'PUBACK', 'PINGRESP']) await d.expect(name);
  await berth.sleep(200);
  assert.strictEqual(d.wire.bytes.length, 0, 'who does not listen is told nothing');
  d.wire.close();
});

test('8 requests with one $rid in one write are answered in their order', async () => {
  const d = await (await device('many-1')).begin();
  const requests = Array.from({ length: 8 }, (_, i) => bytes.publish(bytes.registerTopic('1'), `{"payload":{"n":${i}}}`, { id: 100 + i }));
  d.wire.write(...requests.slice(0, 7), bytes.publish(bytes.statusTopic('1', 'nothing-of-ours'), '', { id: 107 }));
  const acks = [];
  const answers = [];
  while (answers.length < 8) {
    const packet = await d.wire.read(bytes.reader);
    if (packet.name === 'PUBACK') acks.push(packet.id);
    else answers.push(packet.topic);
  }
  assert.deepStrictEqual(acks, [100, 101, 102, 103, 104, 105, 106, 107]);
  assert.deepStrictEqual(answers, [...Array(7).fill('$dps/registrations/res/200/?$rid=1'), '$dps/registrations/res/404/?$rid=1']);
  d.wire.close();
});

test('a message of 96 KB is taken; a packet beyond that is the end, before it is there', async () => {
  const d = await (await device('large-1')).begin();
  const payload = (n) => JSON.stringify({ payload: 'x'.repeat(n - 14) });
  await d.send(bytes.registerTopic('1'), payload(98304));
  assertAssigned(await d.answer());
  d.wire.write(bytes.publish(bytes.registerTopic('1'), payload(100000), {}).subarray(0, 4));
  await d.wire.end();
});

test('other filters are refused one by one, in order; QoS 2 is granted 1', async () => {
  const d = await device('filter-1');
  assert.strictEqual(await d.connect(), 0);
  const codes = await d.subscribe(['#', 1], ['$dps/#', 0], [bytes.ANSWERS, 2], ['$dps/registrations/res/+', 1], ['+/registrations/res/#', 2], ['devices/filter-1/#', 0]);
  assert.deepStrictEqual(codes, [0x80, 0x80, 1, 0x80, 0x80, 0x80]);
  assertAssigned(await d.register());
  d.wire.close();
});

// --- bytes that end the connection ---

const ends = {
  'a packet before the CONNECT': async (d) => d.wire.write(bytes.PINGREQ),
  'a second CONNECT': async (d) => (await d.begin()).wire.write(bytes.connect(d.credentials)),
  'a publish elsewhere': async (d) => (await d.begin()).wire.write(bytes.publish('devices/x/messages/events/', '{}', { qos: 0 })),
  'a publish without $rid': async (d) => (await d.begin()).wire.write(bytes.publish('$dps/registrations/PUT/iotdps-register/?rid=1', '{}', { qos: 0 })),
  'a publish to the topic of answers': async (d) => (await d.begin()).wire.write(bytes.publish('$dps/registrations/res/200/?$rid=1', '{}', { qos: 0 })),
  'QoS 2': async (d) => (await d.begin()).wire.write(bytes.publish(bytes.registerTopic('1'), '{}', { qos: 2 })),
  'QoS 3': async (d) => (await d.begin()).wire.write(bytes.publish(bytes.registerTopic('1'), '{}', { qos: 3 })),
  'a packet of a server': async (d) => (await d.begin()).wire.write(bytes.packet(0x20, Buffer.from([0, 0]))),
  'a reserved type': async (d) => (await d.begin()).wire.write(bytes.packet(0xf0)),
  'a SUBSCRIBE without filters': async (d) => (await d.begin()).wire.write(bytes.packet(0x82, Buffer.from([0, 1]))),
  'a topic with a wildcard': async (d) => (await d.begin()).wire.write(bytes.publish('$dps/registrations/PUT/#', '{}', { qos: 0 })),
  'a length of five bytes': async (d) => (await d.begin()).wire.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])),
  'another protocol': async (d) => d.wire.write(bytes.connect({ ...d.credentials, protocol: 'AMQP' })),
  'HTTP': async (d) => d.wire.write('GET / HTTP/1.1\r\nHost: global.berth.test\r\n\r\n'),
  'a password without a user name': async (d) => d.wire.write(bytes.connect({ id: 'x', password: 'y' })),
  'its own end': async (d) => (await d.begin()).wire.write(bytes.DISCONNECT),
  'an end of TLS without a DISCONNECT': async (d) => (await d.begin()).wire.halfClose(),
};
test('what is the end of a connection, without a word', async (t) => {
  for (const [name, play] of Object.entries(ends))
    await t.test(name, async () => {
      const d = await device('end-1');
      await play(d);
      assert.strictEqual((await d.wire.end()).length, 0);
    });
});

test('10.1: who is refused hears a code, and then the connection ends', async (t) => {
  const certificates = { cert: pem('mill-1'), key: secret('mill-1') };
  const cases = [
    ['MQTT 3.1', 1, { protocol: 'MQIsdp', level: 3 }],
    ['MQTT of a later day', 1, { level: 7 }],
    ['a client ID that is not the registration ID', 2, { id: 'code-2' }],
    ['no client ID, and a session that is to last', 2, { id: '', flags: 0 }],
    ['a user name without a scope', 4, { user: '/registrations/code-1/api-version=2019-03-31' }],
    ['a user name of a hub', 4, { user: 'hub1.berth.test/code-1/?api-version=2021-04-12' }],
    ['no user name', 4, { user: undefined, password: undefined }],
    ['no password and no certificate', 5, { password: undefined }],
    ['the token of another device', 5, { password: () => tokenOf('code-2') }],
    ['a password that is no token', 5, { password: 'secret' }],
    ['the certificate of another device', 5, { password: undefined }, certificates],
  ];
  for (const [name, code, changes, shown] of cases)
    await t.test(name, async () => {
      const d = await device('code-1', shown);
      if (typeof changes.password === 'function') changes.password = changes.password();
      assert.strictEqual(await d.connect(changes), code);
      assert.strictEqual((await d.wire.end()).length, 0);
    });
  await t.test('MQTT 5 hears it in its own words', async () => {
    const d = await device('code-1');
    d.wire.write(bytes.connect({ ...d.credentials, level: 5 }));
    assert.deepStrictEqual([...(await d.wire.end())], [0x20, 3, 0, 0x84, 0]);
  });
});

test('what is no fault of the credential is answered to the register: no enrollment, disabled', async () => {
  const off = await berth.good(api('PUT', '/enrollments/off-1', { body: { registrationId: 'off-1', provisioningStatus: 'disabled', attestation: { type: 'symmetricKey' } } }));
  const d = await new bytes.Device(await Wire.open('mqtts'), { scope, id: 'off-1', key: off.attestation.symmetricKey.primaryKey }).begin();
  const answer = await d.register();
  assert.deepStrictEqual([answer.status, answer.body.status], [200, 'disabled']);
  const lost = await new bytes.Device(await Wire.open('mqtts'), { scope: '0neFFFFFFFF', id: 'off-1', key }).begin();
  const refused = await lost.register();
  assert.deepStrictEqual([refused.status, refused.body.errorCode], [404, 404001]);
  for (const one of [d, lost]) one.wire.close();
});

test('a keep-alive of a second: who pings stays, who is silent goes', async () => {
  const [silent, lively] = await Promise.all(['tick-1', 'tick-2'].map((id) => device(id)));
  for (const d of [silent, lively]) assert.strictEqual(await d.connect({ keepAlive: 1 }), 0);
  let gone = false;
  const end = silent.wire.end().then(() => { gone = true; });
  while (!gone) {
    lively.wire.write(bytes.PINGREQ);
    await lively.expect('PINGRESP');
    await Promise.race([end, berth.sleep(400)]);
  }
  lively.wire.write(bytes.PINGREQ);
  await lively.expect('PINGRESP');
  lively.wire.close();
});

// --- a slow hub ---

test('cut off after any step, a device comes back to the same operation, and is placed once; a drain lets it end', async () => {
  const credentials = certificate(berth.data, 'elsewhere', ['hub1.elsewhere.test']);
  const hub = await new FarHub('hub1.elsewhere.test', 8493, credentials).open();
  const held = [];
  hub.mood = (request, response, act) => held.push(() => FarHub.say(response, act()));
  try {
    fs.writeFileSync(path.join(berth.data, 'elsewhere-ca.pem'), credentials.cert);
    await berth.killServer('SIGTERM');
    const server = await berth.startServer('--ca', path.join(berth.data, 'elsewhere-ca.pem'));
    const service = await berth.makeService('dps2', { iotHubs: [{ connectionString: hub.connectionString(), location: 'there' }] });
    const body = { enrollmentGroupId: 'far', attestation: { type: 'symmetricKey' } };
    const far = (await berth.good((await berth.serviceApi('dps2'))('PUT', '/enrollmentGroups/far', { body }))).attestation.symmetricKey.primaryKey;
    const arrive = async (id) => new bytes.Device(await Wire.open('mqtts'), { scope: service.properties.idScope, id, key: berth.deriveKey(far, id) });

    const listening = async (d) => (await d.begin()).wire;
    const registered = async (d) => (await (await d.begin()).register()).body.operationId;
    const steps = {
      'the CONNECT': async (d) => { d.wire.write(bytes.connect(d.credentials)); },
      'the CONNACK': async (d) => { await d.connect(); },
      'the SUBSCRIBE': async (d) => { await d.connect(); d.wire.write(bytes.subscribe(1, [bytes.ANSWERS, 1])); },
      'the register': async (d) => { (await listening(d)).write(bytes.publish(bytes.registerTopic('1'), '{}')); },
      'its PUBACK': async (d) => { await (await d.begin()).send(bytes.registerTopic('1'), '{}'); },
      'the answer "assigning"': registered,
      'a poll': async (d) => {
        const operation = await registered(d);
        d.wire.write(bytes.publish(bytes.statusTopic('2', operation), ' '));
        return operation;
      },
      'the answer to a poll': async (d) => {
        const operation = await registered(d);
        await d.poll(operation);
        return operation;
      },
    };
    const back = await Promise.all(Object.entries(steps).map(async ([name, play], i) => {
      const id = `cut-${i}`;
      const cutOff = await arrive(id);
      const operation = await play(cutOff);
      await berth.sleep(20); // what was written is on its way
      cutOff.wire.cut();
      const again = await (await arrive(id)).begin();
      const { status, body: answer } = await again.register();
      assert.deepStrictEqual([status, answer.status], [202, 'assigning'], name);
      if (operation) assert.strictEqual(answer.operationId, operation, name);
      return { name, device: again, operation: answer.operationId };
    }));
    hub.mood = null;
    for (const answer of held) answer();
    for (const { name, device: d, operation } of back) {
      const { body: answer } = await d.settle(operation);
      assert.strictEqual(answer.registrationState.assignedHub, 'hub1.elsewhere.test', name);
      assert.strictEqual(answer.operationId, operation, name);
      d.wire.close();
    }
    assert.strictEqual(hub.devices.size, back.length);
    assert.strictEqual(hub.made, back.length, 'each was made once');

    hub.mood = moods.late(1000);
    const [busy, fresh] = await Promise.all([arrive('last-1'), arrive('last-2')]);
    await (await busy.begin()).send(bytes.registerTopic('1'), '{}');
    const ended = one(server, 'exit');
    server.ref();
    process.kill(berth.pid(), 'SIGTERM');
    await berth.eventually(() => berth.logLines().some((line) => line.event === 'draining'));
    assert.strictEqual((await fresh.wire.end()).length, 0, 'who has not said who it is may say it elsewhere');
    assert.strictEqual((await busy.answer()).body.status, 'assigned');
    await busy.wire.end();
    assert.deepStrictEqual(await ended, [0, null]);
    await berth.startServer();
  } finally {
    await hub.close();
  }
});
