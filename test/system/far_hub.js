// An IoT hub elsewhere, as far as a link needs one (hub-api.md 4.1-4.6, 4.10), that misbehaves when told to.
// Its mood is a function (request, response, act) that answers in place of the hub; act() does what was asked all the same.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const hmac = (key, text) => crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');

// A certificate that speaks for these names, its own root.
function certificate(folder, label, names) {
  const [key, cert] = ['key', 'pem'].map((end) => path.join(folder, `${label}.${end}`));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${label}`,
    '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
}

class FarHub {
  constructor(name, port, credentials) {
    Object.assign(this, { name, port, credentials, key: crypto.randomBytes(32).toString('base64'), devices: new Map(), made: 0, requests: 0, mood: null });
  }

  connectionString() {
    return `HostName=${this.name}:${this.port};SharedAccessKeyName=iothubowner;SharedAccessKey=${this.key}`;
  }

  async open() {
    this.sockets = new Set();
    this.server = https.createServer(this.credentials, (request, response) => this.hear(request, response));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server.on('tlsClientError', () => {});
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.2', resolve));
    return this;
  }

  async close() {
    if (!this.server) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    this.server = undefined;
    await closed;
  }

  async hear(request, response) {
    this.requests += 1;
    request.on('error', () => {});
    response.on('error', () => {});
    const parts = [];
    try {
      for await (const part of request) parts.push(part);
    } catch {
      return;
    }
    const act = () => this.act(request, Buffer.concat(parts).toString());
    if (this.mood) {
      this.mood(request, response, act);
      return;
    }
    FarHub.say(response, act());
  }

  static say(response, [status, body]) {
    const text = body === undefined ? '' : JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  }

  static no(status, code) {
    return [status, { Message: `ErrorCode:${code};the hub says no.`, ExceptionMessage: '' }];
  }

  // hub-api.md 3.3: the token must be the policy's, for this host, and not be over.
  admits(authorization = '') {
    const field = Object.fromEntries(authorization.replace(/^SharedAccessSignature /, '').split('&').map((pair) => pair.split(/=(.*)/s)));
    return decodeURIComponent(field.sr || '') === this.name && field.skn === 'iothubowner' && Number(field.se) > Date.now() / 1000 &&
      decodeURIComponent(field.sig || '') === hmac(this.key, `${field.sr}\n${field.se}`);
  }

  act(request, text) {
    const { pathname, searchParams } = new URL(request.url, 'https://hub');
    const [, kind, id] = pathname.split('/').map(decodeURIComponent);
    if (!this.admits(request.headers.authorization)) return FarHub.no(401, 'IotHubUnauthorized');
    if (searchParams.get('api-version') !== '2021-04-12') return FarHub.no(400, 'InvalidProtocolVersion');
    const device = this.devices.get(id);
    if (request.method === 'POST' && kind === 'devices') return this.bulk(JSON.parse(text));
    if (!device) return FarHub.no(404, 'DeviceNotFound');
    if (kind === 'twins') return [200, { deviceId: id, tags: device.tags, properties: { desired: { ...device.desired, $version: 3, $metadata: {} }, reported: { ...device.reported, $version: 2, $metadata: {} } } }];
    const wanted = (request.headers['if-match'] || '"*"').replace(/"/g, '');
    if (wanted !== '*' && wanted !== device.etag) return FarHub.no(412, 'PreconditionFailed');
    if (request.method === 'DELETE') {
      this.devices.delete(id);
      return [204];
    }
    if (request.method === 'PUT') Object.assign(device, { authentication: JSON.parse(text).authentication, etag: `${device.etag}x` });
    return [200, { deviceId: id, etag: device.etag, status: 'enabled', authentication: device.authentication }];
  }

  bulk(entries) {
    const errors = [];
    for (const entry of entries) {
      const code = entry.importMode !== 'create' ? 'ArgumentInvalid' : this.devices.has(entry.id) ? 'DeviceAlreadyExists' : this.refuses?.(entry);
      if (code) {
        errors.push({ deviceId: entry.id, errorCode: code, errorStatus: 'The hub says no.', operation: 'create' });
        continue;
      }
      this.made += 1;
      this.devices.set(entry.id, {
        etag: crypto.randomUUID(), authentication: entry.authentication, tags: entry.tags || {},
        desired: entry.properties?.desired || {}, reported: entry.properties?.reported || {},
      });
    }
    return [errors.length ? 400 : 200, { isSuccessful: errors.length === 0, errors, warnings: [] }];
  }
}

// Ways to misbehave.
const plain = (status, text, headers = {}) => (request, response) => {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(text), ...headers });
  response.end(text);
};
const moods = {
  silent: () => {},
  late: (ms) => (request, response, act) => setTimeout(() => FarHub.say(response, act()), ms),
  drips: (request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100000 });
    const drip = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(drip));
  },
  throttles: (seconds) => plain(429, '{"Message":"ErrorCode:ThrottlingException;slow down"}', { 'Retry-After': String(seconds) }),
  breaks: plain(500, '{"Message":"ErrorCode:ServerError;oh"}'),
  unavailable: plain(503, 'upstream is away'),
  html: plain(200, '<html><body>It works!</body></html>', { 'Content-Type': 'text/html' }),
  truncated: (request, response, act) => {
    const [status, body] = act();
    plain(status, JSON.stringify(body ?? {}).slice(0, -5))(request, response);
  },
  shapeless: plain(200, '{"isSuccessful":false,"errors":[],"warnings":[]}'),
  huge: (request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(Buffer.alloc(6 << 20, 32));
  },
  cutsOff: (request, response, act) => {
    act();
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 500 });
    response.write('{"isSuccessful":', () => response.socket?.destroy());
  },
};

module.exports = { FarHub, certificate, moods };
