// What the system tests share: the running server's address, its management API, raw HTTPS, devices.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { execFile, spawn } = require('node:child_process');

// Debian 12's Node 18 keeps Web Crypto in its module; the management SDK looks for it among the globals.
if (globalThis.crypto === undefined) globalThis.crypto = crypto.webcrypto;

const data = process.env.BERTH_DATA;
const bin = process.env.BERTH_BIN;
const server = () => JSON.parse(fs.readFileSync(path.join(data, 'server.json'), 'utf8'));
const token = () => fs.readFileSync(path.join(data, 'admin.token'), 'utf8').trim();
const subscription = '00000000-0000-0000-0000-000000000000';
const arm = `/subscriptions/${subscription}/resourceGroups/berth/providers/Microsoft.Devices`;

// One request. Resolves to {status, reason, headers, rawHeaders, text, body}. `agent` undefined: a connection of its own; `from`: an
// address to come from; `ca`: who is trusted, if that is not this server's.
function ask(method, host, target, { headers = {}, body, agent = false, from, ca } = {}) {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const all = { ...headers };
    if (text !== undefined && all['Content-Type'] === undefined) all['Content-Type'] = 'application/json; charset=utf-8';
    if (text !== undefined && all['Transfer-Encoding'] === undefined) all['Content-Length'] = Buffer.byteLength(text);
    const request = https.request({ method, host, port: server().httpsPort, path: target, headers: all, agent, localAddress: from, ca }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(parts).toString('utf8');
        let parsed;
        try {
          parsed = answer === '' ? undefined : JSON.parse(answer);
        } catch {
          parsed = undefined;
        }
        resolve({
          status: response.statusCode, reason: response.statusMessage, headers: response.headers,
          rawHeaders: response.rawHeaders, text: answer, body: parsed,
        });
      });
    });
    request.on('error', reject);
    request.end(text);
  });
}

const manage = (method, target, body) =>
  ask(method, 'portal.berth.test', `${target}${target.includes('?') ? '&' : '?'}api-version=2022-12-12`,
    { headers: { Authorization: `Bearer ${token()}` }, body });

async function good(promise) {
  const answer = await promise;
  assert.ok(answer.status >= 200 && answer.status < 300, `${answer.status} ${answer.text}`);
  return answer.body;
}

const sku = { name: 'S1', capacity: 1 };
const makeHub = (name) => good(manage('PUT', `${arm}/IotHubs/${name}`, { location: 'local', sku, properties: {} }));
const makeService = (name, properties = {}) => good(manage('PUT', `${arm}/provisioningServices/${name}`, { location: 'local', sku, properties }));
const keysOf = async (kind, name) => (await good(manage('POST', `${arm}/${kind}/${name}/listkeys`))).value;

async function connectionString(kind, name, policy) {
  const keys = await keysOf(kind, name);
  const key = policy ? keys.find((k) => k.keyName === policy) : keys[0];
  return `HostName=${name}.berth.test;SharedAccessKeyName=${key.keyName};SharedAccessKey=${key.primaryKey}`;
}

// --- tokens ---

const hmac = (key, text) => crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

// The resource is signed as it is given: encode it first if it is to be encoded.
function sas(resource, key, { name, expires = inAnHour() } = {}) {
  const sig = encodeURIComponent(hmac(key, `${resource}\n${expires}`));
  return `SharedAccessSignature sr=${resource}&sig=${sig}&se=${expires}${name === undefined ? '' : `&skn=${name}`}`;
}

const deriveKey = (groupKey, id) => hmac(groupKey, id);

// The service API of `name` with its owner's token.
async function serviceApi(name) {
  const [owner] = await keysOf('provisioningServices', name);
  const host = `${name}.berth.test`;
  return (method, target, { headers = {}, body } = {}) =>
    ask(method, host, `${target}${target.includes('?') ? '&' : '?'}api-version=2021-10-01`,
      { headers: { Authorization: sas(host, owner.primaryKey, { name: owner.keyName }), ...headers }, body });
}

// A hub's REST API with iothubowner's token.
async function hubApi(name) {
  const keys = await keysOf('IotHubs', name);
  const owner = keys.find((k) => k.keyName === 'iothubowner');
  const host = `${name}.berth.test`;
  return (method, target, { headers = {}, body } = {}) =>
    ask(method, host, `${target}${target.includes('?') ? '&' : '?'}api-version=2021-04-12`,
      { headers: { Authorization: sas(host, owner.primaryKey, { name: owner.keyName }), ...headers }, body });
}

// --- devices, by hand: what SDKs hide ---

function device(scope, id, key, { version = '2019-03-31', host = 'global.berth.test', authorization } = {}) {
  const auth = () => authorization || sas(`${scope}%2Fregistrations%2F${encodeURIComponent(id)}`, key, { name: 'registration' });
  const at = `/${scope}/registrations/${encodeURIComponent(id)}`;
  const call = (method, target, body) => ask(method, host, `${target}?api-version=${version}`, { headers: { Authorization: auth() }, body });
  return {
    register: (body = { registrationId: id }) => call('PUT', `${at}/register`, body),
    poll: (operation) => call('GET', `${at}/operations/${operation}`),
    status: () => call('POST', at, { registrationId: id }),
    // Until it is no longer assigning.
    async settle(seconds = 60) {
      let answer = await call('PUT', `${at}/register`, { registrationId: id });
      const until = Date.now() + seconds * 1000;
      while (answer.body && answer.body.status === 'assigning' && Date.now() < until) {
        await sleep(500);
        answer = await call('GET', `${at}/operations/${answer.body.operationId}`);
      }
      return answer;
    },
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What becomes true in a while: the first answer of `probe` that is something.
async function eventually(probe) {
  for (let i = 0; i < 600; i++) {
    const found = await probe();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`it never became true: ${probe}`);
}

const metrics = () => fetch('http://127.0.0.1:9464/metrics').then((response) => response.text());

// Nothing that a device reads may be null (device-api.md 2, rule 3).
function assertNoNull(value, where = 'answer') {
  assert.notStrictEqual(value, null, `${where} is null`);
  if (typeof value === 'object') for (const [name, inner] of Object.entries(value)) assertNoNull(inner, `${where}.${name}`);
}

// --- the command line and the server's process ---

function cli(...args) {
  return new Promise((resolve) => {
    execFile(bin, args, { env: { ...process.env, BERTH_DATA: data }, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }));
  });
}

const pid = () => Number(fs.readFileSync(path.join(data, 'server.pid'), 'utf8'));

async function waitUntilGone(which) {
  for (let i = 0; i < 1200; i++) {
    try {
      process.kill(which, 0);
      if (fs.readFileSync(`/proc/${which}/stat`, 'utf8').split(') ')[1][0] === 'Z') return;
    } catch {
      return;
    }
    await sleep(25);
  }
  throw new Error(`process ${which} does not end`);
}

// Start the server again on the same data; its pid goes on file, so that it is ended with the test.
async function startServer(...flags) {
  fs.rmSync(path.join(data, 'server.json'), { force: true });
  const log = fs.openSync(path.join(data, 'server.log'), 'a');
  const child = spawn(bin, ['serve', '--data', data, '--https-port', '443', '--log-format', 'json', ...flags],
    { stdio: ['ignore', 'ignore', log], detached: true });
  child.unref();
  fs.closeSync(log);
  fs.writeFileSync(path.join(data, 'server.pid'), String(child.pid));
  for (let i = 0; i < 1200; i++) {
    if (fs.existsSync(path.join(data, 'server.json'))) return child;
    assert.strictEqual(child.exitCode, null, 'the server ended at once');
    await sleep(25);
  }
  throw new Error('the server does not start');
}

async function killServer(signal = 'SIGKILL') {
  const which = pid();
  process.kill(which, signal);
  await waitUntilGone(which);
}

const logLines = () => fs.readFileSync(path.join(data, 'server.log'), 'utf8').split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));

module.exports = {
  data, bin, server, token, subscription, arm, ask, manage, good, sku, makeHub, makeService, keysOf, connectionString, hmac, sas, deriveKey,
  serviceApi, hubApi, device, sleep, eventually, metrics, assertNoNull, cli, pid, startServer, killServer, logLines, inAnHour,
};
