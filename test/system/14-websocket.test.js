// WebSockets on the HTTPS port (device-api.md 11, 13; RFC 6455): as the library `ws` speaks them, and by hand.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const WebSocket = require('ws');
const berth = require('./berth.js');
const mqtt = require('./mqtt_bytes.js');
const websocket = require('./websocket_bytes.js');
const { CA, pem, secret, make } = require('./pki.js');
const { Channel, Wire, httpHead } = require('./wire.js');

const { OPCODES, frame } = websocket;
const PATHS = ['/', '/mqtt', '/$iothub/websocket', '/$iothub/websocket?iothub-no-client-cert=true', '/%24iothub/websocket', '/MQTT?x=y'];
const [BARE, SASL] = [0, 3].map((id) => Buffer.from([...Buffer.from('AMQP'), id, 1, 0, 0]));
let scope;
let key;

const credentials = (id) => ({ scope, id, key: berth.deriveKey(key, id) });
const deviceOn = async (id, options) => new mqtt.Device(await websocket.Stream.open(options), credentials(id));
const assertAssigned = (answer) => assert.deepStrictEqual([answer.status, answer.body.status], [200, 'assigned']);

before(async () => {
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  const api = await berth.serviceApi('dps1');
  const put = (name, attestation) => berth.good(api('PUT', `/enrollmentGroups/${name}`, { body: { enrollmentGroupId: name, attestation } }));
  key = (await put('presses', { type: 'symmetricKey' })).attestation.symmetricKey.primaryKey;
  make('root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  make('mill-1', '/CN=mill-1', 'root');
  await put('mills', { type: 'x509', x509: { signingCertificates: { primary: { certificate: pem('root') } } } });
});

// --- the library ---

// What comes in the messages of a WebSocket of the library.
class Messages extends Channel {
  constructor(socket) {
    super();
    this.socket = socket;
    socket.on('message', (part, binary) => {
      assert.ok(binary);
      this.push(part);
    });
    socket.on('close', () => this.finish());
  }

  write(...parts) {
    this.socket.send(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }
}

const left = [];
after(() => left.forEach((socket) => socket.terminate()));

// An open WebSocket, or the answer that refused it.
function library(target, subprotocol, options = {}) {
  const socket = new WebSocket(`wss://global.berth.test${target}`, subprotocol, { ca: fs.readFileSync(path.join(berth.data, 'ca.pem')), ...options });
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      left.push(socket);
      resolve(socket);
    });
    socket.on('unexpected-response', (request, response) => resolve(response));
    socket.on('error', reject);
  });
}

const closed = (socket) => new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, reason.toString()])));

for (const subprotocol of ['mqtt', 'MQTT', 'AMQPWSB10'])
  test(`ws: ${subprotocol} on every path; the answer has the client's spelling`, async () => {
    for (const [i, target] of PATHS.entries()) {
      const socket = await library(target, subprotocol);
      assert.strictEqual(socket.protocol, subprotocol, target);
      assert.strictEqual(socket.extensions, '', 'none was agreed on, though deflate was offered');
      const messages = new Messages(socket);
      if (subprotocol === 'AMQPWSB10') {
        messages.write(SASL);
        assert.deepStrictEqual(await messages.take(8), SASL, target);
      } else {
        assertAssigned(await (await new mqtt.Device(messages, credentials(`ws-${subprotocol}-${i}`)).begin()).register());
      }
      const end = closed(socket);
      socket.close(3001, 'bye');
      assert.deepStrictEqual(await end, [3001, ''], 'the code comes back');
    }
  });

test('ws: the first subprotocol that we know is chosen; without one there is no WebSocket', async () => {
  assert.strictEqual((await library('/', ['soap', 'MQTT', 'AMQPWSB10'])).protocol, 'MQTT');
  assert.strictEqual((await library('/', ['AMQPWSB10', 'mqtt'])).protocol, 'AMQPWSB10');
  for (const strange of [[], ['soap'], ['mqttv3.1']]) {
    const answer = await library('/', strange);
    assert.strictEqual(answer.statusCode, 400, strange.join());
  }
  assert.strictEqual((await library('/chat', 'mqtt')).statusCode, 404);
});

test('ws: pings come back as pongs with the same bytes, also in the middle of a message in fragments', async () => {
  const socket = await library('/mqtt', 'mqtt');
  const pongs = [];
  socket.on('pong', (bytes) => pongs.push(bytes.toString()));
  const d = new mqtt.Device(new Messages(socket), credentials('ping-1'));
  const connect = mqtt.connect(d.credentials);
  socket.send(connect.subarray(0, 5), { fin: false });
  socket.ping('one');
  socket.send(connect.subarray(5, 9), { fin: false });
  socket.send('', { fin: false, binary: true });
  socket.pong('nobody asked');
  socket.send(connect.subarray(9), { fin: true });
  assert.strictEqual((await d.expect('CONNACK')).body[1], 0);
  assert.deepStrictEqual(await d.subscribe(), [1]);
  socket.ping('x'.repeat(125));
  assertAssigned(await d.register());
  await berth.eventually(() => pongs.length === 2);
  assert.deepStrictEqual(pongs, ['one', 'x'.repeat(125)]);
});

// Good packets, together more than a message may hold.
const TOO_MUCH = Buffer.concat([1, 2, 3].map((id) => mqtt.publish(mqtt.registerTopic(id), JSON.stringify({ payload: 'x'.repeat(98000) }), { id })));

test('ws: text is refused with 1003, a message beyond 256 KB with 1009, in one frame or in fragments', async () => {
  const text = await library('/', 'mqtt');
  const refused = closed(text);
  text.send('hello');
  assert.deepStrictEqual((await refused)[0], 1003);
  for (const size of [TOO_MUCH.length, 60000]) {
    const large = await library('/', 'mqtt');
    await new mqtt.Device(new Messages(large), credentials(`large-${size}`)).begin();
    const tooLarge = closed(large);
    for (let at = 0; at < TOO_MUCH.length; at += size) large.send(TOO_MUCH.subarray(at, at + size), { fin: at + size >= TOO_MUCH.length });
    assert.strictEqual((await tooLarge)[0], 1009);
  }
});

test('ws: a certificate in the TLS session says who it is, whatever the query pretends', async () => {
  const socket = await library('/$iothub/websocket?iothub-no-client-cert=true', 'mqtt', { cert: pem('mill-1'), key: secret('mill-1') });
  const d = await new mqtt.Device(new Messages(socket), { scope, id: 'mill-1' }).begin();
  assert.strictEqual((await d.register()).body.registrationState.deviceId, 'mill-1');
  const bare = await library('/$iothub/websocket?iothub-no-client-cert=true', 'AMQPWSB10', { cert: pem('mill-1'), key: secret('mill-1') });
  const messages = new Messages(bare);
  messages.write(BARE);
  assert.deepStrictEqual(await messages.take(8), BARE, 'without SASL');
});

// --- by hand: the handshake ---

test('the answer as Java wants it: absolute form, lists in Connection, every line with a value', async () => {
  const wire = await websocket.open({ target: 'https://global.berth.test/$iothub/websocket?iothub-no-client-cert=true', subprotocol: 'AMQPWSB10',
    headers: { Upgrade: 'WebSocket', Connection: 'keep-alive,Upgrade' } });
  assert.strictEqual(wire.head.first, 'HTTP/1.1 101 Switching Protocols');
  for (const line of wire.head.lines) assert.match(line, /^[A-Za-z-]+: \S/);
  for (const line of ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${websocket.ACCEPT}`, 'Sec-WebSocket-Protocol: AMQPWSB10'])
    assert.ok(wire.head.lines.includes(line), line);
  assert.strictEqual(wire.head.headers['sec-websocket-extensions'], undefined);
  assert.strictEqual(wire.bytes.length, 0, 'nothing behind the head');
  wire.close();
});

test('what is no request for a WebSocket of ours is refused in HTTP, and the connection closed', async (t) => {
  const cases = {
    'another path': [404, { target: '/chat' }],
    'a path below': [404, { target: '/mqtt/x' }],
    'another version': [426, { headers: { 'Sec-WebSocket-Version': '8' } }],
    'no version': [426, { headers: { 'Sec-WebSocket-Version': undefined } }],
    'no key': [400, { headers: { 'Sec-WebSocket-Key': undefined } }],
    'a key of 15 bytes': [400, { headers: { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') } }],
    'two keys': [400, { headers: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } }],
    'no subprotocol': [400, { subprotocol: undefined, headers: { 'Sec-WebSocket-Protocol': undefined } }],
    'an unknown subprotocol': [400, { subprotocol: 'soap' }],
    'POST': [400, { method: 'POST' }],
    'a body': [400, { headers: { 'Content-Length': '2' }, body: '{}' }],
    'no Connection': [400, { headers: { Connection: 'keep-alive' } }],
    'no host': [400, { headers: { Host: undefined } }],
  };
  for (const [name, [status, options]] of Object.entries(cases))
    await t.test(name, async () => {
      const wire = await Wire.open('https');
      wire.write(websocket.upgrade(options));
      const head = await wire.read(httpHead);
      assert.strictEqual(head.status, status);
      assert.ok(head.reason);
      if (status === 426) assert.deepStrictEqual([head.headers['sec-websocket-version'], head.headers.upgrade], ['13', 'websocket']);
      const body = await wire.end();
      assert.strictEqual(body.length, Number(head.headers['content-length']));
      assert.strictEqual(Math.floor(JSON.parse(body).errorCode / 1000), status);
    });
  await t.test('HTTP/1.0 knows no upgrades: an ordinary request', async () => {
    const wire = await Wire.open('https');
    wire.write(websocket.upgrade({ version: 'HTTP/1.0', target: '/mqtt' }));
    assert.notStrictEqual((await wire.read(httpHead)).status, 101);
    wire.close();
  });
});

test('a WebSocket may come after ordinary requests, and its frames right behind the handshake', async () => {
  const wire = await Wire.open('https');
  wire.write('GET /nothing/here HTTP/1.1\r\nHost: global.berth.test\r\n\r\n');
  await wire.take(Number((await wire.read(httpHead)).headers['content-length']));
  const d = new mqtt.Device(undefined, credentials('early-1'));
  wire.write(websocket.upgrade(), frame('binary', mqtt.connect(d.credentials)));
  assert.strictEqual((await wire.read(httpHead)).status, 101);
  d.wire = new websocket.Stream(wire);
  assert.strictEqual((await d.expect('CONNACK')).body[1], 0);
  wire.close();
});

// --- by hand: frames ---

test('packets split over frames and packed into them: the same answers, in plain frames', async () => {
  const split = await deviceOn('split-1');
  const packed = await deviceOn('packed-1');
  const words = (d) => Buffer.concat([mqtt.connect(d.credentials), mqtt.subscribe(77, [mqtt.ANSWERS, 1]), mqtt.publish(mqtt.registerTopic('w'), '{}', { id: 9 })]);
  for (const byte of words(split)) split.wire.write([byte]);
  packed.wire.write(words(packed));
  for (const d of [split, packed]) {
    for (const name of ['CONNACK', 'SUBACK', 'PUBACK']) await d.expect(name);
    assertAssigned(await d.answer());
    for (const { first, masked } of d.wire.frames) assert.deepStrictEqual([first, masked], [0x82, false], 'whole, binary, not masked, no reserved bit');
    d.wire.close();
  }
});

test('a large register in many fragments, with control frames between them', async () => {
  const d = await (await deviceOn('pieces-1')).begin();
  const { wire } = d.wire;
  const packet = mqtt.publish(mqtt.registerTopic('1'), JSON.stringify({ payload: 'x'.repeat(98000) }), { id: 5 });
  for (let at = 0; at < packet.length; at += 10000) {
    const last = at + 10000 >= packet.length;
    wire.write(frame(at === 0 ? 'binary' : 'continuation', packet.subarray(at, at + 10000), { fin: last }), frame('pong', 'so'), frame('ping', `${at}`));
  }
  assert.strictEqual((await d.expect('PUBACK')).id, 5);
  assertAssigned(await d.answer());
  const pongs = d.wire.frames.filter(({ opcode }) => opcode === OPCODES.pong).map(({ payload }) => payload.toString());
  assert.strictEqual(pongs.pop(), '90000', 'the last ping is answered; of those that came before it, as many as there was time for');
  wire.close();
});

test('frames that the standard forbids: the close says why, and the connection ends', async (t) => {
  const cases = {
    'text': [1003, frame('text', 'hello')],
    'empty text': [1003, frame('text', '')],
    'not masked': [1002, frame('binary', 'hello', { masked: false })],
    'a ping that is not masked': [1002, frame('ping', '', { masked: false })],
    'a reserved bit': [1002, frame('binary', 'hello', { reserved: 4 })],
    'a reserved opcode': [1002, frame(3, 'hello')],
    'a reserved control opcode': [1002, frame(11, '')],
    'a ping in fragments': [1002, frame('ping', 'a', { fin: false })],
    'a ping of 126 bytes': [1002, frame('ping', 'x'.repeat(126))],
    'a length that is not the shortest': [1002, frame('binary', 'hello', { width: 2 })],
    'the same with 8 bytes': [1002, frame('binary', 'hello', { width: 8 })],
    'a continuation of nothing': [1002, frame('continuation', 'hello')],
    'a message within a message': [1002, Buffer.concat([frame('binary', 'a', { fin: false }), frame('binary', 'b')])],
    'a close of one byte': [1002, frame('close', 'x')],
    'a close with a code that is never sent': [1002, frame('close', websocket.closeWith(1005))],
    'a close with a code of nobody\'s': [1002, frame('close', websocket.closeWith(999))],
    'a close whose reason is not UTF-8': [1007, frame('close', Buffer.from([0x03, 0xe8, 0xc3, 0x28]))],
  };
  for (const subprotocol of ['mqtt', 'AMQPWSB10'])
    for (const [name, [code, bytes]] of Object.entries(cases))
      await t.test(`${subprotocol}: ${name}`, async () => {
        const wire = await websocket.open({ subprotocol });
        wire.write(subprotocol === 'mqtt' ? frame('binary', mqtt.connect(credentialsOnly('bad-1'))) : frame('binary', SASL));
        await wire.read(websocket.reader); // it is up
        wire.write(bytes);
        let last = await wire.read(websocket.reader);
        while (last.opcode === OPCODES.binary) last = await wire.read(websocket.reader);
        assert.deepStrictEqual([last.first, last.masked, last.code], [0x88, false, code]);
        assert.strictEqual((await wire.end()).length, 0, 'nothing behind the close');
      });
});

const credentialsOnly = (id) => new mqtt.Device(undefined, credentials(id)).credentials;

test('a close is returned with its code, or without one, and then the connection ends', async () => {
  for (const payload of [websocket.closeWith(1000, 'done'), websocket.closeWith(1001), websocket.closeWith(4999), Buffer.alloc(0)]) {
    const wire = await websocket.open();
    wire.write(frame('close', payload), frame('binary', 'behind it'));
    const answer = await wire.read(websocket.reader);
    assert.deepStrictEqual([answer.first, answer.payload], [0x88, payload.subarray(0, 2)]);
    assert.strictEqual((await wire.end()).length, 0);
  }
});

test('what was asked before the close is still answered; DISCONNECT ends in a close of ours', async () => {
  const d = await (await deviceOn('late-1')).begin();
  d.wire.wire.write(frame('binary', Buffer.concat([mqtt.PINGREQ, mqtt.PINGREQ])), frame('close', websocket.closeWith(1000)));
  for (let i = 0; i < 2; i++) await d.expect('PINGRESP');
  await d.wire.end();
  assert.strictEqual(d.wire.frames.pop().opcode, OPCODES.close);
  const polite = await (await deviceOn('polite-1')).begin();
  polite.wire.write(mqtt.DISCONNECT);
  await polite.wire.end();
  assert.deepStrictEqual([polite.wire.frames.pop().code], [1000]);
  for (const rude of ['halfClose', 'cut']) (await (await deviceOn('rude-1')).begin()).wire.wire[rude]();
  const again = await (await deviceOn('rude-1')).begin();
  assertAssigned(await again.register());
  again.wire.close();
});
