// MQTT 3.1.1 packets as bytes, also such as no library would send; and a device that speaks in them.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');

const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const text = (s) => Buffer.concat([u16(Buffer.byteLength(s)), Buffer.from(s)]);

function remainingLength(n) {
  const bytes = [];
  do {
    bytes.push((n % 128) | (n >= 128 ? 128 : 0));
    n = Math.floor(n / 128);
  } while (n > 0);
  return Buffer.from(bytes);
}

// A packet with that first byte.
function packet(first, ...parts) {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), remainingLength(body.length), body]);
}

function connect({ id, user, password, protocol = 'MQTT', level = 4, keepAlive = 60, flags = 2, will }) {
  const parts = [text(id)];
  if (will) parts.push(text(will.topic), text(will.message));
  if (user !== undefined) parts.push(text(user));
  if (password !== undefined) parts.push(text(password));
  flags |= (will ? 4 : 0) | (user !== undefined ? 128 : 0) | (password !== undefined ? 64 : 0);
  return packet(0x10, text(protocol), Buffer.from([level, flags]), u16(keepAlive), ...parts);
}

const subscribe = (id, ...filters) => packet(0x82, u16(id), ...filters.flatMap(([filter, qos]) => [text(filter), Buffer.from([qos])]));
const unsubscribe = (id, ...filters) => packet(0xa2, u16(id), ...filters.map(text));

function publish(topic, payload, { qos = 1, id = 1, dup = false, retain = false } = {}) {
  return packet(0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), text(topic), ...(qos ? [u16(id)] : []), Buffer.from(payload));
}

const puback = (id) => packet(0x40, u16(id));
const PINGREQ = packet(0xc0);
const DISCONNECT = packet(0xe0);

const NAMES = { 2: 'CONNACK', 3: 'PUBLISH', 4: 'PUBACK', 9: 'SUBACK', 11: 'UNSUBACK', 13: 'PINGRESP' };

function understand(first, body) {
  const found = { name: NAMES[first >> 4], flags: first & 15, body };
  if (found.name === 'PUBLISH') {
    const n = body.readUInt16BE(0);
    found.qos = (first >> 1) & 3;
    found.topic = body.toString('utf8', 2, 2 + n);
    if (found.qos) found.id = body.readUInt16BE(2 + n);
    found.payload = body.toString('utf8', 2 + n + (found.qos ? 2 : 0));
  } else if (found.name !== 'CONNACK' && body.length >= 2) {
    found.id = body.readUInt16BE(0);
  }
  return found;
}

// For Wire.read: the packet at the start of the bytes.
function reader(bytes) {
  let n = 0;
  for (let i = 1, unit = 1; i < bytes.length && i < 5; i++, unit *= 128) {
    n += (bytes[i] & 127) * unit;
    if (bytes[i] >= 128) continue;
    return bytes.length >= i + 1 + n ? [understand(bytes[0], bytes.subarray(i + 1, i + 1 + n)), i + 1 + n] : undefined;
  }
  return undefined;
}

// The topics of device-api.md 10.3.
const ANSWERS = '$dps/registrations/res/#';
const registerTopic = (rid) => `$dps/registrations/PUT/iotdps-register/?$rid=${rid}`;
const statusTopic = (rid, operation) => `$dps/registrations/GET/iotdps-get-operationstatus/?$rid=${rid}&operationId=${operation}`;

// A device on a wire: what device-api.md 10.1 to 10.5 has it say, step by step.
class Device {
  constructor(wire, { scope, id, key }) {
    this.wire = wire;
    const user = `${scope}/registrations/${id}/api-version=2019-03-31`;
    const token = key && { password: berth.sas(`${scope}/registrations/${id}`, key, { name: 'registration' }) };
    this.credentials = { id, user, ...token };
    this.requests = 0;
  }

  // The packet that comes next, which must be one of that name.
  async expect(name) {
    const found = await this.wire.read(reader);
    assert.strictEqual(found.name, name);
    return found;
  }

  // The code of the CONNACK.
  async connect(changes = {}) {
    this.wire.write(connect({ ...this.credentials, ...changes }));
    const ack = await this.expect('CONNACK');
    assert.strictEqual(ack.body[0], 0, 'no session was there before');
    return ack.body[1];
  }

  // The codes of the SUBACK.
  async subscribe(...filters) {
    this.wire.write(subscribe(77, ...(filters.length ? filters : [[ANSWERS, 1]])));
    const ack = await this.expect('SUBACK');
    assert.strictEqual(ack.id, 77);
    return [...ack.body.subarray(2)];
  }

  // Connected and listening.
  async begin() {
    assert.strictEqual(await this.connect(), 0);
    assert.deepStrictEqual(await this.subscribe(), [1]);
    return this;
  }

  // Sent, and acknowledged.
  async send(topic, payload) {
    this.requests += 1;
    this.wire.write(publish(topic, payload, { id: this.requests }));
    assert.strictEqual((await this.expect('PUBACK')).id, this.requests);
  }

  async answer() {
    const { topic, payload, id, qos } = await this.expect('PUBLISH');
    if (qos) this.wire.write(puback(id));
    const [, status, rid, retryAfter] = /^\$dps\/registrations\/res\/(\d{3})\/\?\$rid=([^&$]*)(?:&retry-after=(\d+))?$/.exec(topic) || assert.fail(topic);
    return { status: Number(status), rid, retryAfter: retryAfter && Number(retryAfter), body: JSON.parse(payload) };
  }

  async register(rid = '1') {
    await this.send(registerTopic(rid), JSON.stringify({ registrationId: this.credentials.id }));
    return this.answer();
  }

  async poll(operation, rid = '2') {
    await this.send(statusTopic(rid, operation), ' ');
    return this.answer();
  }

  // The answer of that operation once it is no longer assigning; or of a new one.
  async settle(operation) {
    let answer = operation ? await this.poll(operation) : await this.register();
    while (answer.body.status === 'assigning') {
      await berth.sleep(200);
      answer = await this.poll(answer.body.operationId);
    }
    return answer;
  }
}

module.exports = { text, packet, connect, subscribe, unsubscribe, publish, puback, PINGREQ, DISCONNECT, reader, ANSWERS, registerTopic, statusTopic, Device };
