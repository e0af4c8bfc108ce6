// WebSockets as bytes (RFC 6455), also such as no library would send; and a channel in one, for who speaks MQTT or AMQP.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const { Channel, Wire, httpHead } = require('./wire.js');

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // of section 1.3, as is its answer
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

// A request for a WebSocket. `headers` change the usual ones: undefined takes one away, a list writes it several times.
function upgrade({ method = 'GET', target = '/$iothub/websocket', version = 'HTTP/1.1', subprotocol = 'mqtt', headers = {}, body = '' } = {}) {
  const all = {
    Host: 'global.berth.test:443', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': subprotocol, ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`)));
  return `${method} ${target} ${version}\r\n${lines.join('')}\r\n${body}`;
}

function lengthOf(n, width) {
  if (width === 0) return Buffer.from([n]);
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = width === 2 ? 126 : 127;
  if (width === 2) bytes.writeUInt16BE(n, 1);
  else bytes.writeBigUInt64BE(BigInt(n), 1);
  return bytes;
}

// A frame of a client. `width`: bytes of the extended length, when it is not to be the shortest.
function frame(opcode, payload = '', { fin = true, reserved = 0, masked = true, width } = {}) {
  const data = Buffer.from(payload);
  const length = lengthOf(data.length, width ?? (data.length < 126 ? 0 : data.length < 65536 ? 2 : 8));
  const mask = masked ? crypto.randomBytes(4) : Buffer.alloc(0);
  if (masked) {
    length[0] |= 128;
    for (let i = 0; i < data.length; i++) data[i] ^= mask[i % 4];
  }
  return Buffer.concat([Buffer.from([(fin ? 128 : 0) | (reserved << 4) | (OPCODES[opcode] ?? opcode)]), length, mask, data]);
}

const closeWith = (code, reason = '') => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

// For read: a frame of the server.
function reader(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 127;
  const at = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < at) return undefined;
  const n = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const payload = bytes.subarray(at, at + n);
  if (payload.length < n) return undefined;
  return [{ first: bytes[0], masked: bytes[1] > 127, opcode: bytes[0] & 15, payload, code: n >= 2 ? payload.readUInt16BE(0) : undefined }, at + n];
}

// A wire that has become a WebSocket, by hand.
async function open(options = {}) {
  const wire = await Wire.open('https', options.credentials);
  wire.write(upgrade(options));
  const head = await wire.read(httpHead);
  assert.strictEqual(head.status, 101, head.first);
  wire.head = head;
  return wire;
}

// What is in the frames of such a wire; every write is a frame.
class Stream extends Channel {
  static async open(options) {
    return new Stream(await open(options));
  }

  constructor(wire) {
    super();
    this.wire = wire;
    this.frames = [];
    this.pump();
  }

  async pump() {
    for (;;) {
      const next = await this.wire.read(reader).catch(() => undefined);
      if (!next) break;
      this.frames.push(next);
      if (next.opcode === OPCODES.binary) this.push(next.payload);
    }
    this.finish();
  }

  write(...parts) {
    this.wire.write(frame('binary', Buffer.concat(parts.map((part) => Buffer.from(part)))));
    return this;
  }

  close() {
    this.wire.close();
  }
}

module.exports = { OPCODES, ACCEPT, upgrade, frame, closeWith, reader, open, Stream };
