// Connections by hand, for what SDKs hide: a test writes the bytes that it likes, and reads all that comes back.
'use strict';
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const berth = require('./berth.js');

const PORTS = { https: 443, mqtts: 8883, amqps: 5671 };
const PATIENCE_MS = 20000; // then a test fails rather than hangs

// Bytes that come in from somewhere, and are read in portions.
class Channel {
  constructor() {
    this.bytes = Buffer.alloc(0);
    this.over = false;
    this.wake = () => {};
  }

  push(part) {
    this.bytes = Buffer.concat([this.bytes, part]);
    this.wake();
  }

  finish() {
    this.over = true;
    this.wake();
  }

  seen() {
    return this.bytes.toString('latin1').slice(0, 200);
  }

  news() {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`nothing came after: ${this.seen()}`)), PATIENCE_MS);
      this.wake = () => {
        clearTimeout(patience);
        this.wake = () => {};
        resolve();
      };
    });
  }

  // What `reader` makes of the bytes: [value, how many bytes it was], or undefined when it needs more.
  async read(reader) {
    for (;;) {
      const found = reader(this.bytes);
      if (found) {
        this.bytes = this.bytes.subarray(found[1]);
        return found[0];
      }
      if (this.over) throw new Error(`it has ended after: ${this.seen()}`);
      await this.news();
    }
  }

  take(n) {
    return this.read((bytes) => (bytes.length >= n ? [bytes.subarray(0, n), n] : undefined));
  }

  // The peer ends it; resolves to what came before that and was not read.
  async end() {
    while (!this.over) await this.news();
    return this.bytes;
  }
}

// Passes one connection on to a door, and ends nothing by itself: `ended` tells that the server has ended TCP, not just TLS.
async function relay(door) {
  const server = net.createServer({ allowHalfOpen: true });
  const ended = new Promise((resolve, reject) => {
    server.once('connection', (near) => {
      const far = net.connect({ port: PORTS[door], host: '127.0.0.1', allowHalfOpen: true });
      const patience = setTimeout(() => reject(new Error('the server does not end the connection')), PATIENCE_MS);
      near.pipe(far, { end: false });
      far.pipe(near, { end: false });
      for (const socket of [near, far]) socket.on('error', () => {});
      far.on('end', () => {
        clearTimeout(patience);
        for (const socket of [near, far]) socket.destroy();
        server.close();
        resolve();
      });
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, ended };
}

// TLS to one of the doors.
class Wire extends Channel {
  // `credentials`: { cert, key }, what the client shows of itself. A door may be a port, too.
  static async open(door, credentials = {}) {
    const wire = new Wire();
    wire.tcp = net.connect(PORTS[door] || door, '127.0.0.1');
    wire.tcp.setNoDelay(true);
    wire.tcp.on('error', () => {});
    wire.tls = tls.connect({ socket: wire.tcp, servername: 'global.berth.test', ca: fs.readFileSync(path.join(berth.data, 'ca.pem')), ...credentials });
    wire.tls.on('data', (part) => wire.push(part));
    for (const event of ['end', 'close', 'error']) wire.tls.on(event, () => wire.finish());
    await new Promise((resolve, reject) => {
      wire.tls.once('secureConnect', resolve);
      wire.tls.once('error', reject);
    });
    wire.tcp.unref(); // a test that failed may leave it open
    return wire;
  }

  // All in one write: as long as it is short, it arrives in one piece.
  write(...parts) {
    this.tls.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
    return this;
  }

  // Every byte is a TLS record of its own.
  async drip(bytes) {
    for (const byte of bytes) await new Promise((resolve) => this.tls.write(Buffer.from([byte]), resolve));
    return this;
  }

  // We have said all, and listen on.
  halfClose() {
    this.tls.end();
    return this;
  }

  // As if somebody pulled the cable out: no goodbye of TLS, and TCP resets.
  cut() {
    this.tcp.resetAndDestroy();
  }

  close() {
    this.tls.destroy();
  }
}

// For read: the head of an HTTP answer.
function httpHead(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, version, status, reason] = /^(HTTP\/\d\.\d) (\d{3}) (.*)$/.exec(first) || [];
  const headers = Object.fromEntries(lines.map((line) => [line.split(':')[0].toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return [{ first, version, status: Number(status), reason, lines, headers }, end + 4];
}

module.exports = { Channel, Wire, relay, httpHead };
