// AMQP 1.0 as bytes: values, frames, messages; and a device that speaks in them, as device-api.md 12 has it.
'use strict';
const assert = require('node:assert');
const berth = require('./berth.js');

// --- values out ---

const sized = (small, large, width, bytes, count) => {
  const n = bytes.length + (count === undefined ? 0 : width);
  const numbers = count === undefined ? [n] : [n, count];
  const head = Buffer.alloc(1 + numbers.length * width);
  head[0] = width === 1 ? small : large;
  numbers.forEach((number, i) => head.writeUIntBE(number, 1 + i * width, width));
  return Buffer.concat([head, bytes]);
};
const wide = (n) => (n < 255 ? 1 : 4);
const nothing = Buffer.from([0x40]);
const bool = (b) => Buffer.from([b ? 0x41 : 0x42]);
const ubyte = (n) => Buffer.from([0x50, n]);
const uint = (n) => Buffer.from(n === 0 ? [0x43] : n < 256 ? [0x52, n] : [0x70, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
const ulong = (n) => Buffer.from([0x53, n]);
const binary = (bytes) => sized(0xa0, 0xb0, wide(bytes.length), Buffer.from(bytes));
const string = (text) => sized(0xa1, 0xb1, wide(Buffer.byteLength(text)), Buffer.from(text));
const symbol = (text) => sized(0xa3, 0xb3, wide(text.length), Buffer.from(text));
const list = (...items) => {
  const bytes = Buffer.concat(items);
  return items.length ? sized(0xc0, 0xd0, wide(bytes.length + 1), bytes, items.length) : Buffer.from([0x45]);
};
const map = (pairs) => {
  const bytes = Buffer.concat(pairs.flat());
  return sized(0xc1, 0xd1, wide(bytes.length + 1), bytes, 2 * pairs.length);
};
const described = (code, value) => Buffer.concat([Buffer.from([0, 0x53, code]), value]);

// --- values in: { type, value, raw }, with `descriptor` where there is one ---

const WIDTHS = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 };

function several(bytes, count, at) {
  const items = [];
  for (let i = 0; i < count; i++) {
    const item = read(bytes, at);
    items.push(item);
    at += item.raw.length;
  }
  return items;
}

function valueOf(type, bytes, count) {
  const n = bytes.length;
  switch (type) {
    case 0x40: return null;
    case 0x41: return true;
    case 0x42: return false;
    case 0x43: case 0x44: return 0;
    case 0x45: return [];
    case 0x54: case 0x55: return bytes.readInt8(0);
    case 0x71: return bytes.readInt32BE(0);
    case 0xa0: case 0xb0: case 0x98: return bytes;
    case 0xa1: case 0xa3: case 0xb1: case 0xb3: return bytes.toString('utf8');
    case 0xc0: case 0xd0: return several(bytes, count, 0);
    case 0xc1: case 0xd1: return several(bytes, count, 0);
    case 0xe0: case 0xf0: return bytes; // an array: by its bytes
    default: return n === 8 ? Number(bytes.readBigUInt64BE(0)) : bytes.readUIntBE(0, n);
  }
}

function read(bytes, at = 0) {
  if (bytes[at] === 0) {
    const descriptor = read(bytes, at + 1);
    const inner = read(bytes, at + 1 + descriptor.raw.length);
    return { ...inner, descriptor: descriptor.value, raw: bytes.subarray(at, at + 1 + descriptor.raw.length + inner.raw.length) };
  }
  const type = bytes[at];
  const kind = type >> 4;
  if (WIDTHS[kind] !== undefined) {
    const raw = bytes.subarray(at, at + 1 + WIDTHS[kind]);
    return { type, value: valueOf(type, raw.subarray(1)), raw };
  }
  const width = kind % 2 === 0 ? 1 : 4; // a, c, e: one byte; b, d, f: four
  const size = bytes.readUIntBE(at + 1, width);
  const raw = bytes.subarray(at, at + 1 + width + size);
  const compound = kind >= 0xc;
  const count = compound ? bytes.readUIntBE(at + 1 + width, width) : undefined;
  return { type, value: valueOf(type, raw.subarray(1 + width + (compound ? width : 0)), count), raw };
}

// A map of strings or symbols, as an object of values.
const members = ({ value }) => Object.fromEntries(Array.from({ length: value.length / 2 }, (_, i) => [value[2 * i].value, value[2 * i + 1]]));

// --- frames ---

const OPEN = 0x10, BEGIN = 0x11, ATTACH = 0x12, FLOW = 0x13, TRANSFER = 0x14, DISPOSITION = 0x15, DETACH = 0x16, CLOSE = 0x18;
const ACCEPTED = 0x24, REJECTED = 0x25, MECHANISMS = 0x40, INIT = 0x41, OUTCOME = 0x44;
const header = (id) => Buffer.from([...Buffer.from('AMQP'), id, 1, 0, 0]);
const [BARE, SASL] = [header(0), header(3)];

function frame(code, fields, { type = 0, channel = 0, payload = Buffer.alloc(0) } = {}) {
  const body = Buffer.concat([described(code, list(...fields)), payload]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head[4] = 2;
  head[5] = type;
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, body]);
}

// For Wire.read.
function reader(bytes) {
  if (bytes.length < 8 || bytes.length < bytes.readUInt32BE(0)) return undefined;
  const size = bytes.readUInt32BE(0);
  const whole = bytes.subarray(0, size);
  if (size === 8) return [{ type: whole[5], whole }, size];
  const performative = read(whole, whole[4] * 4);
  return [{ type: whole[5], code: performative.descriptor, fields: performative.value, payload: whole.subarray(whole[4] * 4 + performative.raw.length), whole }, size];
}

// --- messages ---

// `correlation` and `body` are encoded already; a property is encoded, too.
function message({ correlation, properties = {}, body = Buffer.alloc(0) }) {
  return Buffer.concat([
    ...(correlation ? [described(0x73, list(nothing, nothing, nothing, nothing, nothing, correlation))] : []),
    described(0x74, map(Object.entries(properties).map(([name, value]) => [string(name), value]))),
    body,
  ]);
}
const data = (text) => described(0x75, binary(text));
const amqpValue = (value) => described(0x77, value);

// Its sections, in their order.
function sections(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; at += found[found.length - 1].raw.length) found.push(read(bytes, at));
  return found;
}

// What an answer says.
function understand(bytes) {
  const all = sections(bytes);
  const one = (code) => all.find(({ descriptor }) => descriptor === code);
  const properties = one(0x73);
  return {
    codes: all.map(({ descriptor }) => descriptor),
    correlation: properties && properties.value[5] && properties.value[5].raw,
    properties: one(0x74) ? members(one(0x74)) : {},
    text: one(0x75).value.toString(),
  };
}

// --- a device ---

class Device {
  constructor(wire, { scope, id, key, token }) {
    this.wire = wire;
    this.name = `${scope}/registrations/${id}`;
    this.token = token || (key && berth.sas(this.name, key, { name: 'registration' }));
    this.deliveries = 0;
  }

  async expect(code) {
    const found = await this.wire.read(reader);
    assert.strictEqual(found.code, code, `frame ${found.whole.toString('hex').slice(0, 80)}`);
    return found;
  }

  // The code of the outcome.
  async logIn() {
    this.wire.write(SASL);
    assert.deepStrictEqual(await this.wire.take(8), SASL);
    this.mechanisms = (await this.expect(MECHANISMS)).whole.toString('latin1');
    this.wire.write(frame(INIT, [symbol('PLAIN'), binary(`\0${this.name}\0${this.token}`)], { type: 1 }));
    return (await this.expect(OUTCOME)).fields[0].value;
  }

  // A session and both links, with or without SASL before them.
  async begin({ address = this.name, credit = 100 } = {}) {
    if (this.token) assert.strictEqual(await this.logIn(), 0);
    this.wire.write(BARE);
    assert.deepStrictEqual(await this.wire.take(8), BARE);
    const terminus = (code) => described(code, list(string(address)));
    this.wire.write(
      frame(OPEN, [string('device'), string('global.berth.test')]),
      frame(BEGIN, [nothing, uint(0), uint(2048), uint(2048)]),
      frame(ATTACH, [string('in'), uint(0), bool(true), nothing, nothing, terminus(0x28), nothing]),
      frame(FLOW, [uint(0), uint(2048), uint(0), uint(2048), uint(0), uint(0), uint(credit)]),
      frame(ATTACH, [string('out'), uint(1), bool(false), nothing, nothing, nothing, terminus(0x29), nothing, nothing, uint(0)]),
    );
    for (const code of [OPEN, BEGIN, ATTACH, ATTACH, FLOW]) await this.expect(code);
    return this;
  }

  send(content) {
    const id = this.deliveries++;
    this.wire.write(frame(TRANSFER, [uint(1), uint(id), binary([id]), uint(0), bool(false), bool(false)], { payload: message(content) }));
    return id;
  }

  // What comes back, in its order: the outcome of our message, and the answer unless it was rejected.
  async ask(content) {
    const id = this.send(content);
    const order = [];
    const found = {};
    while (!found.outcome || (found.outcome.descriptor === ACCEPTED && !found.answer)) {
      const next = await this.wire.read(reader);
      if (next.code === DISPOSITION) {
        assert.deepStrictEqual(next.fields.slice(0, 2).map(({ value }) => value), [true, id], 'of the receiver, for this message');
        found.settled = next.fields[3].value;
        found.outcome = next.fields[4];
      } else if (next.code === TRANSFER) {
        found.transfer = next;
        found.answer = understand(next.payload);
        this.wire.write(frame(DISPOSITION, [bool(true), next.fields[1].raw, nothing, bool(true), described(ACCEPTED, list())]));
      } else {
        assert.strictEqual(next.code, FLOW, `frame ${next.whole.toString('hex').slice(0, 80)}`);
      }
      order.push(next.code);
    }
    return { ...found, order: order.filter((code) => code !== FLOW) };
  }

  register(body = '{}', more = {}) {
    return this.ask({ body: data(body), properties: { 'iotdps-operation-type': string('iotdps-register'), 'iotdps-forceRegistration': bool(false) }, ...more });
  }

  poll(operation, more = {}) {
    return this.ask({ body: amqpValue(string('')), properties: { 'iotdps-operation-type': string('iotdps-get-operationstatus'), 'iotdps-operation-id': string(operation) }, ...more });
  }
}

module.exports = {
  nothing, bool, ubyte, uint, ulong, binary, string, symbol, list, map, described, read, members, frame, reader, message, data, amqpValue, understand, Device,
  BARE, SASL, OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, CLOSE, ACCEPTED, REJECTED, MECHANISMS, INIT, OUTCOME,
};
