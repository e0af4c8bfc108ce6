// A device with a TPM by the command line (device-api.md 14): what its TPM shows, how it is enrolled, and how it registers; and the same
// by hand, with the tools that a TPM's maker would use.
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { TpmSecurityClient } = require('azure-iot-security-tpm');
const berth = require('./berth.js');
const { softwareTpm } = require('./software_tpm.js');

const HOST = 'global.berth.test';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-tpm-'));
const file = (name) => path.join(folder, name);
const transports = ['https', 'amqp', 'amqp-ws'];
let mine; // the device's TPM
let other; // that of another one
let scope;
let api;

const fine = async (...args) => {
  const result = await berth.cli(...args);
  assert.strictEqual(result.status, 0, result.stderr);
  return result.stdout;
};
const show = async (tpm, ...more) => JSON.parse(await fine('device', 'tpm', 'show', '--tcti', tpm.tcti, ...more));
const register = (tpm, transport, ...more) => berth.cli('device', 'register', ...more, '--attestation', 'tpm', '--tcti', tpm.tcti, '--transport', transport);
const enroll = async (id, tpm) => fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', (await show(tpm)).endorsementKey);
const attempt = (id, check) =>
  berth.eventually(async () => (await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts.find((a) => a.check === check));
// tpm2-tools, on the device's TPM.
const tool = (name, ...args) => execFileSync(name, args, { cwd: folder, env: { ...process.env, TPM2TOOLS_TCTI: mine.tcti }, stdio: ['ignore', 'pipe', 'pipe'] });

before(async () => {
  mine = await softwareTpm(2321);
  other = await softwareTpm(2331);
  await berth.makeHub('hub1');
  scope = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties.idScope;
  api = await berth.serviceApi('dps1');
});

after(() => {
  mine.stop();
  other.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

// A token that the TPM has signed for its hub is good there: the hub has the same key.
async function assertHubKey(id, tokenFile) {
  const identity = await berth.good((await berth.hubApi('hub1'))('GET', `/devices/${id}`));
  const [, sr, sig, se] = /^SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)$/.exec(fs.readFileSync(tokenFile, 'utf8').trim());
  assert.strictEqual(sr, `hub1.berth.test%2Fdevices%2F${id}`);
  assert.strictEqual(decodeURIComponent(sig), berth.hmac(identity.authentication.symmetricKey.primaryKey, `${sr}\n${se}`));
  assert.strictEqual(fs.statSync(tokenFile).mode & 0o777, 0o600);
}

test('what the TPM shows is the same each time, and its command lets the device in', async () => {
  const shown = await show(mine);
  assert.deepStrictEqual(await show(mine), shown);
  assert.strictEqual(Buffer.from(shown.endorsementKey, 'base64').length, 316);
  assert.strictEqual(Buffer.from(shown.storageRootKey, 'base64').length, 284);
  assert.strictEqual(shown.endorsementKeyPersistent, false);
  assert.strictEqual(shown.endorsementCertificate, undefined);
  assert.notStrictEqual((await show(other)).endorsementKey, shown.endorsementKey);
  const [program, ...words] = shown.enroll.split(' ');
  assert.strictEqual(program, berth.bin);
  await fine(...words);
  const result = await register(mine, 'https');
  assert.strictEqual(result.status, 0, result.stderr);
  assert.strictEqual(JSON.parse(result.stdout).registrationState.registrationId, shown.registrationId);
  assert.match(result.stderr, /has taken in the key for hub1\.berth\.test/);
});

for (const transport of transports) {
  test(`${transport}: the device registers, again and again, and its TPM signs for its hub`, async () => {
    const id = `tpm-${transport}`;
    await enroll(id, mine);
    for (let i = 0; i < 2; i++) {
      const result = await register(mine, transport, id, '--hub-token', file(`${id}.token`));
      assert.strictEqual(result.status, 0, result.stderr);
      assert.strictEqual(JSON.parse(result.stdout).status, 'assigned');
      await assertHubKey(id, file(`${id}.token`));
    }
    assert.deepStrictEqual((await berth.good(api('GET', `/berth/registrations/${id}/attempts`))).attempts, []);
  });

  test(`${transport}: keys on P-256 do as well`, async () => {
    const id = `ecc-${transport}`;
    const shown = await show(mine, '--algorithm', 'ecc');
    await fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', shown.endorsementKey);
    const result = await register(mine, transport, id, '--algorithm', 'ecc', '--hub-token', file(`${id}.token`));
    assert.strictEqual(result.status, 0, result.stderr);
    await assertHubKey(id, file(`${id}.token`));
  });

  test(`${transport}: the TPM of another device is refused, and both sides told`, async () => {
    const id = `other-${transport}`;
    await enroll(id, mine);
    const result = await register(other, transport, id);
    assert.strictEqual(result.status, 1);
    assert.match(result.stderr, new RegExp(`${id} was not assigned: `));
    assert.match(result.stderr, /registration explain/);
    assert.strictEqual((await attempt(id, 'endorsement-key')).errorCode, 401002);
    assert.match(await fine('registration', 'explain', id), /endorsement key/);
  });

  test(`${transport}: a TPM without an enrollment hears so`, async () => {
    const result = await register(mine, transport, `nobody-${transport}`);
    assert.strictEqual(result.status, 1);
    assert.match(result.stderr, new RegExp(`nobody-${transport} was not assigned: `));
    await attempt(`nobody-${transport}`, 'enrollment-found');
  });
}

test('a payload goes along with the keys', async () => {
  await enroll('payload-1', mine);
  const result = await register(mine, 'https', 'payload-1', '--payload', '{"line":7}');
  assert.strictEqual(result.status, 0, result.stderr);
});

test('what cannot be is told before anything is tried', async () => {
  for (const transport of ['mqtt', 'mqtt-ws']) {
    const result = await register(mine, transport, 'tpm-https');
    assert.strictEqual(result.status, 2);
    assert.match(result.stderr, /over https, amqp or amqp-ws/);
  }
  const cases = [
    [['device', 'register', '--attestation', 'magic'], /symmetricKey, x509 or tpm/],
    [['device', 'register'], /ID is missing/],
    [['device', 'register', 'a', '--attestation', 'x509'], /--certificate/],
    [['device', 'tpm', 'show', '--algorithm', 'dsa'], /rsa or ecc/],
    [['device', 'tpm', 'show', '--algorithm', 'ecc', '--persist'], /only RSA/],
    [['device', 'tpm', 'show', '--id', 'not/good'], /not a registration ID/],
    [['device', 'tpm', 'show', '--output', 'yaml'], /json or table/],
  ];
  for (const [words, said] of cases) {
    const result = await berth.cli(...words);
    assert.strictEqual(result.status, 2, words.join(' '));
    assert.match(result.stderr, said);
  }
});

test('a TPM that is not there is told with what to do', async () => {
  const cases = [
    ['device:/dev/no-such-tpm', /there is no TPM at \/dev\/no-such-tpm \(No such file/],
    ['device:/dev/null', /\/dev\/null is no TPM 2\.0/],
    ['swtpm:host=127.0.0.1,port=1', /nothing answers as a TPM.*--ctrl/],
    ['mssim:host=127.0.0.1,port=1', /nothing answers as a TPM/],
    ['nonsense', /names no TPM.*device:\/dev\/tpmrm0/],
  ];
  for (const [tcti, said] of cases) {
    for (const words of [['tpm', 'show'], ['register', 'tpm-https', '--attestation', 'tpm']]) {
      const result = await berth.cli('device', ...words, '--tcti', tcti);
      assert.strictEqual(result.status, 1, tcti);
      assert.match(result.stderr, said);
    }
  }
});
