// The fifteen rules that make every SDK work (device-api.md 2), each on every transport that it names, by hand: what breaks one of
// them breaks a client that no other test runs.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const rhea = require('rhea');
const berth = require('./berth.js');
const amqp = require('./amqp_bytes.js');
const mqtt = require('./mqtt_bytes.js');
const websocket = require('./websocket_bytes.js');
const { FarHub, certificate } = require('./far_hub.js');
const { CA, pem, secret, make } = require('./pki.js');
const { HttpsDevice, transports } = require('./speakers.js');
const { Wire, relay, httpHead } = require('./wire.js');

const key = Buffer.alloc(64, 7).toString('base64');
let scope;
let api;
const config = path.join(berth.data, 'rates.ini');
let hub; // takes requests, and answers none before the end
const held = [];

// --- every kind of answer, once on every transport ---

const symmetric = { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } };
const put = (kind, name, body) => berth.good(api('PUT', `/${kind}/${name}`, { body }));
const enroll = (id, more = {}) => put('enrollments', id, { registrationId: id, attestation: symmetric, ...more });
const fixed = (hub) => ({ allocationPolicy: 'static', iotHubs: [hub] });
const shown = (name) => ({ cert: pem(name), key: secret(name) });
const cases = {
  'individual-key': async (id) => { await enroll(id); return { id, key }; },
  'group-key': async (id) => ({ id, key: berth.deriveKey(key, id) }),
  'group-certificate': async (id) => { make(id, `/CN=${id}`, 'root'); return { id, shown: shown(id) }; },
  slow: async (id) => { await enroll(id, fixed('hub1.elsewhere.test')); return { id, key }; },
  failed: async (id) => { await enroll(id, { allocationPolicy: 'custom', customAllocationDefinition: { webhookUrl: 'http://127.0.0.1:9/nobody', apiVersion: '2021-10-01' } }); return { id, key }; },
  disabled: async (id) => { await enroll(id, { provisioningStatus: 'disabled' }); return { id, key }; },
};
const told = []; // { transport, what, id, asked: 'register' or 'poll', status, text, body, ... }

async function play(transport, what) {
  const id = `${what}-${transport}`;
  const device = await transports[transport]({ scope, ...(await cases[what](id)) });
  const note = (asked, answer) => {
    const full = { transport, what, id, asked, ...answer, body: JSON.parse(answer.text), where: `${transport}: ${asked} of ${what}: ${answer.text}` };
    told.push(full);
    return full;
  };
  const first = note('register', await device.register(`{"registrationId":"${id}"}`));
  note('register', await device.register());
  note('poll', await device.poll(first.body.operationId));
  note('unknown', await device.poll('5.0000000000000000.00000000-0000-4000-8000-000000000000'));
  device.wire.close();
}

before(async () => {
  const credentials = certificate(berth.data, 'elsewhere', ['hub1.elsewhere.test']);
  hub = await new FarHub('hub1.elsewhere.test', 8493, credentials).open();
  hub.mood = (request, response, act) => held.push(() => FarHub.say(response, act()));
  fs.writeFileSync(path.join(berth.data, 'elsewhere-ca.pem'), credentials.cert);
  await berth.killServer('SIGTERM');
  fs.writeFileSync(config, '');
  await berth.startServer('--ca', path.join(berth.data, 'elsewhere-ca.pem'), '--config', config);
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' },
    { connectionString: hub.connectionString(), location: 'there', applyAllocationPolicy: false }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
  await put('enrollmentGroups', 'presses', { enrollmentGroupId: 'presses', attestation: symmetric });
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  await put('enrollmentGroups', 'mills', { enrollmentGroupId: 'mills', attestation: { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } } });
  await Promise.all(Object.keys(transports).flatMap((transport) => Object.keys(cases).map((what) => play(transport, what))));
  await enroll('dev-1');
});

after(async () => {
  hub.mood = null;
  for (const answer of held) answer();
  await berth.eventually(() => hub.devices.size === Object.keys(transports).length + 2); // nothing is left to be drained
  await hub.close();
});

// The answers that fit, of which there must be some on every transport.
function each(fits, check, on = Object.keys(transports)) {
  for (const transport of on) assert.ok(told.some((one) => one.transport === transport && fits(one)), `none on ${transport}`);
  for (const one of told.filter((it) => on.includes(it.transport) && fits(it))) check(one);
}
const operations = (one) => one.asked !== 'unknown';
const having = (status) => (one) => operations(one) && one.body.status === status;
const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/;

// --- the rules ---

test('rule 1: HTTPS register answers 202, never 200, whatever the status in the body', () => {
  each((one) => one.asked === 'register', ({ head, where }) => assert.strictEqual(head.first, 'HTTP/1.1 202 Accepted', where), ['https']);
  const states = told.filter(({ transport, asked }) => transport === 'https' && asked === 'register').map(({ body }) => body.status);
  assert.deepStrictEqual([...new Set(states)].sort(), ['assigned', 'assigning', 'disabled', 'failed']);
  each((one) => one.asked === 'poll' && one.body.status !== 'assigning', ({ head, where }) => assert.strictEqual(head.first, 'HTTP/1.1 200 OK', where), ['https']);
});

test('rule 2: every HTTPS answer, errors too, has a JSON body, its type, a reason phrase, a length, and nothing behind it', async (t) => {
  const good = (head, text, status) => {
    assert.strictEqual(head.status, status, `${head.first} ${text}`);
    assert.match(head.first, /^HTTP\/1\.1 \d{3} [A-Z]/);
    assert.strictEqual(head.headers['content-type'], 'application/json; charset=utf-8');
    assert.strictEqual(head.headers['transfer-encoding'], undefined);
    assert.ok(head.headers['x-ms-request-id'] && head.headers.date && head.headers['strict-transport-security']);
    const body = JSON.parse(text);
    if (status < 400) return;
    assert.deepStrictEqual(Object.keys(body), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
    assert.strictEqual(Math.floor(body.errorCode / 1000), status);
    assert.strictEqual(head.headers['x-ms-error-code'], String(body.errorCode));
    assert.strictEqual(body.trackingId, head.headers['x-ms-request-id']);
    assert.match(body.timestampUtc, date);
  };
  const v = '?api-version=2019-03-31';
  const own = `/${'%SCOPE'}/registrations/dev-1`;
  const asks = {
    'a register': [202, 'PUT', `${own}/register${v}`, '{}'],
    'the registration': [200, 'POST', `${own}${v}`, '{}'],
    'a body that is no JSON': [400, 'PUT', `${own}/register${v}`, '{'],
    'a body of another kind': [400, 'PUT', `${own}/register${v}`, '[]'],
    'another ID in the body': [400, 'PUT', `${own}/register${v}`, '{"registrationId":"dev-2"}'],
    'no api-version': [400, 'PUT', `${own}/register`, '{}'],
    'an ID that cannot be': [400, 'PUT', `/%SCOPE/registrations/a%20b/register${v}`, '{}'],
    'another device': [401, 'PUT', `/%SCOPE/registrations/dev-2/register${v}`, '{}'],
    'another scope': [404, 'PUT', `/0neFFFFFFFF/registrations/dev-1/register${v}`, '{}'],
    'no such operation': [404, 'GET', `${own}/operations/5.x${v}`, '{}'],
    'no such path': [404, 'GET', `${own}/something/else${v}`, ''],
    'another method': [405, 'DELETE', `${own}/register${v}`, ''],
  };
  for (const [name, [status, method, target, body]] of Object.entries(asks))
    await t.test(`${status}: ${name}`, async () => {
      const device = await transports.https({ scope, id: 'dev-1', key });
      const { head, text } = await device.ask(method, target.replace('%SCOPE', scope), body);
      good(head, text, status);
      await berth.sleep(20);
      assert.strictEqual(device.wire.bytes.length, 0);
      assert.strictEqual((await device.register()).status, 202, 'the connection goes on');
      device.wire.close();
    });
  const broken = {
    'no host': [400, 'GET / HTTP/1.1\r\n\r\n'],
    'what is no HTTP': [400, 'hello\r\n\r\n'],
    'two lengths': [400, `PUT ${own}/register${v} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    'a broken chunk': [400, `PUT ${own}/register${v} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n`],
    'a body beyond its limit': [413, `PUT ${own}/register${v} HTTP/1.1\r\nHost: h\r\nContent-Length: 98305\r\n\r\n`],
    'chunks beyond it': [413, `PUT ${own}/register${v} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n18001\r\n${'x'.repeat(0x18001)}\r\n0\r\n\r\n`],
    'another version of WebSockets': [426, websocket.upgrade({ headers: { 'Sec-WebSocket-Version': '7' } })],
    'a head beyond its limit': [431, `GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: h\r\n\r\n`],
    'another coding': [501, 'GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n'],
  };
  for (const [name, [status, bytes]] of Object.entries(broken))
    await t.test(`${status}: ${name}`, async () => {
      const wire = await Wire.open('https');
      wire.write(bytes.replace('%SCOPE', scope));
      const head = await wire.read(httpHead);
      const text = (await wire.end()).toString();
      assert.strictEqual(Number(head.headers['content-length']), text.length, 'nothing behind it');
      good(head, text, status);
    });
});

test('rule 3: no JSON member is null', () => {
  each(() => true, ({ body, where }) => berth.assertNoNull(body, where));
});

test('rule 4: operationId and status are at top level, also when assigned at once', () => {
  each(operations, ({ body, where }) => {
    assert.match(body.operationId, /^[0-9a-z.-]+$/, where);
    assert.ok(['assigning', 'assigned', 'failed', 'disabled'].includes(body.status), where);
    assert.deepStrictEqual(Object.keys(body).slice(0, 2), ['operationId', 'status'], where);
  });
  each((one) => one.asked === 'register' && one.body.status === 'assigned', () => {});
});

test('rule 5: assigned carries its registration state in full', () => {
  each(having('assigned'), ({ id, what, body: { registrationState: state }, where }) => {
    assert.strictEqual(state.registrationId, id, where);
    assert.strictEqual(state.status, 'assigned', where);
    assert.ok(['initialAssignment', 'reprovisionedToInitialAssignment'].includes(state.substatus), where);
    assert.strictEqual(state.assignedHub, 'hub1.berth.test', where);
    assert.strictEqual(state.deviceId, id, where);
    for (const member of ['createdDateTimeUtc', 'lastUpdatedDateTimeUtc']) assert.match(state[member], date, where);
    assert.match(Buffer.from(state.etag, 'base64').toString(), /^".+"$/, where);
    const more = { 'individual-key': [], 'group-key': ['symmetricKey'], 'group-certificate': ['x509'] }[what];
    assert.deepStrictEqual(['symmetricKey', 'x509', 'tpm'].filter((member) => state[member]), more, where);
  });
});

test('rule 6: assigning: a registration state has registrationId and status, and polls have one', () => {
  each(having('assigning'), ({ id, asked, body: { registrationState: state }, wait, where }) => {
    if (asked === 'poll' || state) assert.deepStrictEqual([state.registrationId, state.status], [id, 'assigning'], where);
    assert.strictEqual(wait, 3, where);
  });
  each((one) => one.asked === 'poll' && one.body.status === 'assigning', () => {});
  each((one) => operations(one) && one.body.status !== 'assigning', ({ wait, where }) => assert.strictEqual(wait, undefined, where));
});

test('rule 7: failed and disabled carry errorCode and errorMessage', () => {
  for (const status of ['failed', 'disabled'])
    each(having(status), ({ id, body: { registrationState: state }, where }) => {
      assert.deepStrictEqual([state.registrationId, state.status], [id, status], where);
      assert.ok(Number.isInteger(state.errorCode) && state.errorCode >= 400000 && state.errorCode < 600000, where);
      assert.ok(typeof state.errorMessage === 'string' && state.errorMessage, where);
      assert.strictEqual(state.assignedHub, undefined, where);
    });
});

test('rule 8: a payload is an object or is not there, whatever the device sent as its own', async () => {
  for (const [transport, open] of Object.entries(transports)) {
    const device = await open({ scope, id: `payload-${transport}`, key: berth.deriveKey(key, `payload-${transport}`) });
    for (const payload of ['null', '"text"', '7', 'true', '[1]', '{"a":1}']) {
      const body = JSON.parse((await device.register(`{"payload":${payload}}`)).text);
      assert.strictEqual(body.status, 'assigned');
      berth.assertNoNull(body);
      if (body.registrationState.payload !== undefined) assert.ok(/^{/.test(JSON.stringify(body.registrationState.payload)), transport);
    }
    device.wire.close();
  }
});

test('rule 9: the topic of an answer has ?$rid= first, then &retry-after=, nothing else, and no $ inside the rid', async () => {
  each((one) => operations(one) && one.body.status !== 'assigning', ({ topic, asked, status, where }) =>
    assert.strictEqual(topic, `$dps/registrations/res/${status}/?$rid=${asked === 'poll' ? 2 : 1}`, where), ['mqtt', 'mqtt-ws']);
  each(having('assigning'), ({ topic, asked, where }) =>
    assert.strictEqual(topic, `$dps/registrations/res/202/?$rid=${asked === 'poll' ? 2 : 1}&retry-after=3`, where), ['mqtt', 'mqtt-ws']);
  const device = await new mqtt.Device(await Wire.open('mqtts'), { scope, id: 'dev-1', key }).begin();
  for (const rid of ['8f0c7d1e-0000-4000-8000-0123456789ab', '1', 'a b', '%24', 'é', '=', '?', '/', 'x'.repeat(256)]) {
    await device.send(mqtt.registerTopic(rid), '{}');
    assert.strictEqual((await device.expect('PUBLISH')).topic, `$dps/registrations/res/200/?$rid=${rid}`, 'byte for byte');
  }
  await device.send(`$dps/registrations/GET/iotdps-get-operationstatus/?operationId=5.x&$rid=behind`, '');
  assert.strictEqual((await device.expect('PUBLISH')).topic, '$dps/registrations/res/404/?$rid=behind');
  await device.send(mqtt.registerTopic('a$b'), '{}');
  assert.strictEqual((await device.wire.end()).length, 0);
});

test('rule 10: MQTT: PUBACK first, then the answer, no earlier than 10 ms after the request', async () => {
  const device = await new mqtt.Device(await Wire.open('mqtts'), { scope, id: 'dev-1', key }).begin();
  const op = JSON.parse(told.find(({ id, body }) => id === 'individual-key-mqtt' && body.operationId).text).operationId;
  for (let i = 0; i < 40; i++) {
    const at = performance.now();
    // Sent by hand: the acknowledgement and the answer come as they come.
    device.wire.write(i % 2 ? mqtt.publish(mqtt.statusTopic('9', op), ' ', { id: 9 }) : mqtt.publish(mqtt.registerTopic('9'), '{}', { id: 9 }));
    const [first, second] = [await device.wire.read(mqtt.reader), await device.wire.read(mqtt.reader)];
    const ms = performance.now() - at;
    assert.deepStrictEqual([first.name, first.id, second.name], ['PUBACK', 9, 'PUBLISH']);
    assert.ok(ms >= 10, `${ms} ms`);
    device.wire.write(mqtt.puback(second.id));
  }
  device.wire.close();
});

test('rule 11: MQTT: DISCONNECT closes TCP, and CONNACK never has a session', async () => {
  for (const flags of [0, 2, 0]) {
    const between = await relay('mqtts');
    const device = new mqtt.Device(await Wire.open(between.port), { scope, id: 'dev-1', key });
    device.wire.write(mqtt.connect({ ...device.credentials, flags }));
    assert.deepStrictEqual([...(await device.wire.take(4))], [0x20, 2, 0, 0]);
    await device.subscribe();
    device.wire.write(mqtt.DISCONNECT);
    await between.ended;
    assert.strictEqual((await device.wire.end()).length, 0);
  }
});

test('rule 12: AMQP: the correlation-id with its type, one Data section, the disposition before the answer, both retry-afters', async () => {
  const device = await new amqp.Device(await Wire.open('amqps'), { scope, id: 'dev-1', key }).begin();
  const uuid = Buffer.concat([Buffer.from([0x98]), Buffer.alloc(16, 0xab)]);
  const ids = [amqp.string('6f0c'), amqp.string('x'.repeat(250)), Buffer.from([0x80, 0, 0, 0, 1, 2, 3, 4, 5]), amqp.ulong(7), Buffer.from([0x44]), uuid, amqp.binary([1, 2, 0])];
  for (const correlation of [...ids, undefined]) {
    const { order, settled, outcome, answer, transfer } = await device.register('{}', { correlation });
    assert.deepStrictEqual(order, [amqp.DISPOSITION, amqp.TRANSFER]);
    assert.deepStrictEqual([settled, outcome.descriptor], [true, amqp.ACCEPTED]);
    assert.deepStrictEqual(answer.codes.filter((code) => code !== 0x73), [0x74, 0x75], 'application properties and one Data section');
    if (correlation) assert.deepStrictEqual(answer.correlation, correlation);
    else assert.ok(!answer.correlation || answer.correlation[0] === 0x40);
    assert.notStrictEqual(transfer.fields[4] && transfer.fields[4].value, true, 'unsettled');
    assert.strictEqual(answer.properties['retry-after'], undefined);
  }
  device.wire.close();
  const slow = await new amqp.Device(await Wire.open('amqps'), { scope, id: 'slow-amqp', key }).begin();
  const { answer } = await slow.register();
  assert.strictEqual(JSON.parse(answer.text).status, 'assigning');
  for (const name of ['retry-after', 'Retry-After']) {
    assert.ok([0x54, 0x71].includes(answer.properties[name].type), 'an int');
    assert.strictEqual(answer.properties[name].value, 3);
  }
  slow.wire.close();
});

// A general client: both links of device-api.md 12.2, and a register for each message. Resolves to the answers; all were accepted.
function general(id, options, messages) {
  const address = `${scope}/registrations/${id}`;
  const connection = rhea.create_container().connect({ transport: 'tls', host: 'global.berth.test', port: 5671, ca: fs.readFileSync(path.join(berth.data, 'ca.pem')), reconnect: false, ...options });
  const answers = [];
  let accepted = 0;
  return new Promise((resolve, reject) => {
    const perhapsOver = () => {
      if (answers.length < messages.length || accepted < messages.length) return;
      connection.close();
      resolve(answers);
    };
    connection.open_receiver({ source: address });
    connection.open_sender({ target: address }).once('sendable', ({ sender }) =>
      messages.forEach((message) => sender.send({ application_properties: { 'iotdps-operation-type': 'iotdps-register' }, body: rhea.message.data_section(Buffer.from('{}')), ...message })));
    connection.on('accepted', () => { accepted += 1; perhapsOver(); });
    connection.on('message', ({ message }) => { answers.push(message); perhapsOver(); });
    for (const event of ['rejected', 'disconnected', 'connection_error', 'sender_error', 'receiver_error']) connection.on(event, ({ error }) => reject(error || new Error(event)));
  });
}

test('rules 12 and 13 with rhea, a client that is nobody\'s SDK: with a key, and with a certificate', async () => {
  const ids = ['text', rhea.generate_uuid(), rhea.types.wrap_ulong(7), rhea.types.wrap_uuid(Buffer.alloc(16, 5)), rhea.types.wrap_binary(Buffer.from('bytes'))];
  const token = berth.sas(`${scope}/registrations/dev-1`, key, { name: 'registration' });
  const answers = await general('dev-1', { username: `${scope}/registrations/dev-1`, password: token }, ids.map((correlation_id) => ({ correlation_id })));
  const sorted = (list) => list.map((id) => JSON.stringify(id.value ?? id)).sort();
  assert.deepStrictEqual(sorted(answers.map((answer) => answer.correlation_id)), sorted(ids), 'in whatever order');
  for (const { body } of answers) assert.deepStrictEqual([body.typecode, JSON.parse(body.content).status], [0x75, 'assigned']);
  make('bare-2', '/CN=bare-2', 'root');
  const [{ body }] = await general('bare-2', shown('bare-2'), [{}]);
  assert.strictEqual(JSON.parse(body.content).registrationState.deviceId, 'bare-2');
});

test('rule 13: AMQP: who shows a certificate skips SASL', async () => {
  make('bare-1', '/CN=bare-1', 'root');
  for (const open of [() => Wire.open('amqps', shown('bare-1')), () => websocket.Stream.open({ subprotocol: 'AMQPWSB10', credentials: shown('bare-1') })]) {
    const device = await new amqp.Device(await open(), { scope, id: 'bare-1' }).begin(); // "AMQP 0 1 0 0" both ways
    assert.strictEqual(JSON.parse((await device.register()).answer.text).registrationState.deviceId, 'bare-1');
    device.wire.close();
  }
  const nobody = await Wire.open('amqps');
  nobody.write(amqp.BARE);
  assert.deepStrictEqual((await nobody.end()).subarray(0, 8), amqp.SASL, 'without a certificate it is SASL');
  const withKey = new amqp.Device(await Wire.open('amqps'), { scope, id: 'dev-1', key });
  assert.strictEqual(await withKey.logIn(), 0);
  assert.match(withKey.mechanisms, /PLAIN/);
  assert.doesNotMatch(withKey.mechanisms, /ANONYMOUS|EXTERNAL/, 'a library might take it');
  withKey.wire.close();
});

test('rule 14: the signature is over sr as received, in all seven encodings; skn and order as they come', async (t) => {
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const device = (sr, order, skn) => {
    const parts = { sr, sig: encodeURIComponent(berth.hmac(key, `${sr}\n${expires}`)), se: expires, skn };
    return `SharedAccessSignature ${order.map((name) => `${name}=${parts[name]}`).join('&')}`;
  };
  const usual = ['sr', 'sig', 'se', 'skn'];
  await enroll('Dev:2.a_b-c'); // an ID that has something to encode
  const raw = `${scope}/registrations/Dev:2.a_b-c`;
  const upper = encodeURIComponent(raw);
  const tokens = {
    'C, azure-sdk-for-c: lower-case escapes': device(upper.replace(/%../g, (escape) => escape.toLowerCase()), usual, 'registration'),
    'Node, key: raw, skn before se': device(raw, ['sr', 'sig', 'skn', 'se'], 'registration'),
    'Node, TPM: encodeURIComponent': device(upper, usual, 'registration'),
    'Python: no skn': device(upper, ['sr', 'sig', 'se']),
    '.NET: upper-case escapes': device(upper, usual, 'registration'),
    'Java: raw, an empty skn': device(raw, usual, ''),
    'Edge: raw and lower-cased': device(raw.toLowerCase(), usual, 'registration'),
    'any order': device(raw, ['skn', 'se', 'sig', 'sr'], 'registration'),
  };
  const enter = {
    https: async (token) => {
      const it = new HttpsDevice(await Wire.open('https'), { scope, id: 'Dev:2.a_b-c' });
      it.token = token;
      const { status } = await it.register();
      it.wire.close();
      return status === 202;
    },
    mqtt: async (token) => {
      const it = new mqtt.Device(await Wire.open('mqtts'), { scope, id: 'Dev:2.a_b-c' });
      const code = await it.connect({ password: token });
      it.wire.close();
      return code === 0;
    },
    amqp: async (token) => {
      const it = new amqp.Device(await Wire.open('amqps'), { scope, id: 'Dev:2.a_b-c', token });
      const code = await it.logIn();
      it.wire.close();
      return code === 0;
    },
  };
  for (const [transport, lets] of Object.entries(enter))
    await t.test(transport, async () => {
      for (const [name, token] of Object.entries(tokens)) assert.ok(await lets(token), name);
      assert.ok(!(await lets(tokens['Java: raw, an empty skn'].replace(`sr=${raw}`, `sr=${upper}`))), 'signed over another spelling');
      assert.ok(!(await lets(device(raw, usual, 'iothubowner'))), 'another key\'s name');
    });
});

test('rule 15: WebSockets at every path with any query, in the client\'s spelling of the subprotocol', async () => {
  for (const base of ['/', '/mqtt', '/$iothub/websocket'])
    for (const target of [base, `${base}?iothub-no-client-cert=true`, `https://global.berth.test${base}`])
      for (const subprotocol of ['mqtt', 'MQTT', 'AMQPWSB10']) {
        const wire = await websocket.open({ target, subprotocol });
        assert.strictEqual(wire.head.first, 'HTTP/1.1 101 Switching Protocols');
        assert.ok(wire.head.lines.includes(`Sec-WebSocket-Protocol: ${subprotocol}`), `${target} ${wire.head.lines}`);
        wire.close();
      }
});

test('16.2, check 7: one device registers on every transport at once: one operation, equal answers', async () => {
  // A client ID has one connection of MQTT at a time, plain or in a WebSocket.
  for (const other of ['mqtt', 'mqtt-ws']) {
    const id = `one-${other}`;
    await enroll(id, fixed('hub1.elsewhere.test'));
    const open = Object.entries(transports).filter(([name]) => name !== other);
    assert.strictEqual(open.length, Object.keys(transports).length - 1);
    const devices = await Promise.all(open.map(([, speak]) => speak({ scope, id, key })));
    const answers = await Promise.all(devices.map((device) => device.register()));
    for (const { text } of answers) assert.strictEqual(JSON.parse(text).status, 'assigning');
    const polled = await Promise.all(devices.map((device) => device.poll(JSON.parse(answers[0].text).operationId)));
    for (const list of [answers, polled]) assert.strictEqual(new Set(list.map(({ text }) => text)).size, 1);
    for (const { wire } of devices) wire.close();
  }
});

test('rules 2, 9 and 12 for who has to come back later: 429, and the seconds in each form', async () => {
  fs.writeFileSync(config, 'registrations-per-minute = 1\n');
  process.kill(berth.pid(), 'SIGHUP');
  await berth.eventually(() => berth.logLines().some((line) => line.event === 'reloaded'));
  for (const [transport, open] of Object.entries(transports)) {
    const device = await open({ scope, id: 'dev-1', key });
    const answer = await berth.eventually(async () => {
      const one = await device.register();
      return one.status === 429 && one;
    });
    assert.strictEqual(JSON.parse(answer.text).errorCode, 429001, transport);
    assert.ok(answer.wait >= 1 && answer.wait <= 60, `${transport}: ${answer.wait}`);
    if (answer.topic) assert.strictEqual(answer.topic, `$dps/registrations/res/429/?$rid=1&retry-after=${answer.wait}`);
    if (answer.error) {
      assert.deepStrictEqual([answer.error.value[0].value, answer.error.value[0].type], ['com.microsoft:device-container-throttled', 0xa3]);
      assert.strictEqual(amqp.members(answer.error.value[2])['Retry-After'].value, answer.wait);
    }
    device.wire.close();
  }
});
