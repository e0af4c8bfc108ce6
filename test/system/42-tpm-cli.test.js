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
    [['device', 'tpm', 'show', '--range', 'high', '--persist'], /only RSA keys of the low range/],
    [['device', 'tpm', 'show', '--range', 'middle'], /low or high/],
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

// --- more of what a TPM may have ---

test('the certificate that a manufacturer left is shown and written', async () => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=EK of press-07', '-days', '2', '-keyout', file('ek.key'), '-outform', 'DER', '-out', file('ek.der')], { stdio: 'ignore' });
  const refused = await berth.cli('device', 'tpm', 'show', '--tcti', mine.tcti, '--certificate-out', file('none.pem'));
  assert.strictEqual(refused.status, 1);
  assert.match(refused.stderr, /holds no endorsement certificate/);
  const der = fs.readFileSync(file('ek.der'));
  fs.writeFileSync(file('padded'), Buffer.concat([der, Buffer.alloc(300, 0xff)])); // some leave more room than it takes
  tool('tpm2_nvdefine', '0x1c00002', '-C', 'o', '-s', String(der.length + 300), '-a', 'ownerwrite|authwrite|ownerread|authread|no_da');
  tool('tpm2_nvwrite', '0x1c00002', '-C', 'o', '-i', 'padded');
  const shown = await show(mine, '--certificate-out', file('ek.pem'));
  assert.strictEqual(shown.endorsementCertificate.subject, 'CN=EK of press-07');
  assert.strictEqual(shown.endorsementCertificate.certificate, der.toString('base64'));
  assert.deepStrictEqual(Buffer.from(new crypto.X509Certificate(fs.readFileSync(file('ek.pem'))).raw), der);
  assert.match(await fine('device', 'tpm', 'show', '--tcti', mine.tcti, '--output', 'table'), /certificate +CN=EK of press-07, by CN=EK of press-07, until /);
  const unwritable = await berth.cli('device', 'tpm', 'show', '--tcti', mine.tcti, '--certificate-out', path.join(folder, 'no', 'such'));
  assert.strictEqual(unwritable.status, 1);
  assert.match(unwritable.stderr, /cannot be written: No such file/);
});

test('hierarchies with passwords are opened with them, and refused without', async () => {
  tool('tpm2_changeauth', '-c', 'e', 'maker');
  tool('tpm2_changeauth', '-c', 'o', 'owner');
  try {
    const without = await register(mine, 'https', 'tpm-https');
    assert.strictEqual(without.status, 1);
    assert.match(without.stderr, /has a password: see --owner-auth and --endorsement-auth/);
    assert.doesNotMatch((await register(mine, 'https', 'tpm-https', '--endorsement-auth', 'wrong-one', '--owner-auth', 'owner')).stderr, /wrong-one/);
    fs.writeFileSync(file('auth'), 'maker\n');
    const result = await register(mine, 'https', 'tpm-https', '--endorsement-auth', `@${file('auth')}`, '--owner-auth', 'owner');
    assert.strictEqual(result.status, 0, result.stderr);
  } finally {
    tool('tpm2_changeauth', '-c', 'e', '-p', 'maker');
    tool('tpm2_changeauth', '-c', 'o', '-p', 'owner');
  }
});

test('kept keys are those that a device SDK finds, and nothing else is left behind', async () => {
  const before_ = await show(mine);
  const kept = await show(mine, '--persist');
  assert.strictEqual(kept.endorsementKey, before_.endorsementKey);
  assert.strictEqual(kept.endorsementKeyPersistent, true);
  assert.match(kept.endorsementKeyPlace, /0x81010001/);
  const found = await show(mine);
  assert.strictEqual(found.endorsementKeyPersistent && found.storageRootKeyPersistent, true);
  assert.strictEqual(found.storageRootKey, before_.storageRootKey);
  assert.strictEqual(tool('tpm2_getcap', 'handles-transient').toString() + tool('tpm2_getcap', 'handles-loaded-session').toString(), '');
  const connection = mine.connect();
  const security = new TpmSecurityClient('', connection);
  const ask = (which) => new Promise((resolve, reject) => security[which]((error, it) => (error ? reject(error) : resolve(it))));
  assert.strictEqual((await ask('getEndorsementKey')).toString('base64'), kept.endorsementKey);
  assert.strictEqual(await ask('getRegistrationId'), kept.registrationId);
  connection.device.close();
  const result = await register(mine, 'amqp', 'tpm-amqp', '--hub-token', file('kept.token'));
  assert.strictEqual(result.status, 0, result.stderr);
  await assertHubKey('tpm-amqp', file('kept.token'));
});

test('a TPM that does not open its challenge ends the registration with a reason', async () => {
  tool('tpm2_changeauth', '-c', 'e', 'maker');
  try {
    for (const transport of transports) {
      const result = await register(mine, transport, `tpm-${transport}`);
      assert.strictEqual(result.status, 1);
      assert.match(result.stderr, /was not assigned: TPM2_ActivateCredential .* fails: .*see --owner-auth and --endorsement-auth/);
    }
  } finally {
    tool('tpm2_changeauth', '-c', 'e', '-p', 'maker');
  }
});

// --- the same with the tools of others ---

const wire = (id, keys, authorization) =>
  berth.ask('PUT', HOST, `/${scope}/registrations/${id}/register?api-version=2019-03-31`,
    { headers: authorization ? { Authorization: authorization } : {}, body: { registrationId: id, tpm: keys } });

// The structures of an authenticationKey (device-api.md 14.5), each with its two bytes of size.
function parts(blob) {
  const all = [];
  for (let at = 0; at < blob.length; at += 2 + blob.readUInt16BE(at)) all.push(blob.subarray(at, at + 2 + blob.readUInt16BE(at)));
  return all;
}

// Keys as the tools make them: files ek.ctx, srk.ctx and their public areas.
function toolKeys() {
  tool('tpm2_createek', '-G', 'rsa', '-c', 'ek.ctx', '-u', 'ek.pub');
  tool('tpm2_createprimary', '-C', 'o', '-G', 'rsa2048:aes128cfb', '-g', 'sha256', '-c', 'srk.ctx',
    '-a', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt');
  tool('tpm2_readpublic', '-c', 'srk.ctx', '-o', 'srk.pub');
  tool('tpm2_flushcontext', '-t');
  return { endorsementKey: fs.readFileSync(file('ek.pub')).toString('base64'), storageRootKey: fs.readFileSync(file('srk.pub')).toString('base64') };
}

// The key in it, loaded as key.ctx: TPM2_ActivateCredential, TPM2_Import, TPM2_Load.
function toolActivate(blob) {
  const [credential, seed, duplicate, duplicateSeed, area] = parts(blob);
  // What tpm2-tools put before the two: a magic number and a version.
  fs.writeFileSync(file('credential'), Buffer.concat([Buffer.from('badcc0de00000001', 'hex'), credential, seed]));
  fs.writeFileSync(file('duplicate'), duplicate);
  fs.writeFileSync(file('seed'), duplicateSeed);
  fs.writeFileSync(file('area'), area);
  tool('tpm2_startauthsession', '--policy-session', '-S', 'session');
  try {
    tool('tpm2_policysecret', '-S', 'session', '-c', 'e');
    tool('tpm2_activatecredential', '-c', 'srk.ctx', '-C', 'ek.ctx', '-i', 'credential', '-o', 'inner', '-P', 'session:session');
  } finally {
    tool('tpm2_flushcontext', 'session');
    tool('tpm2_flushcontext', '-t');
  }
  tool('tpm2_import', '-C', 'srk.ctx', '-i', 'duplicate', '-s', 'seed', '-k', 'inner', '-u', 'area', '-r', 'own', '-G', 'keyedhash');
  tool('tpm2_flushcontext', '-t');
  tool('tpm2_load', '-C', 'srk.ctx', '-u', 'area', '-r', 'own', '-c', 'key.ctx');
  tool('tpm2_flushcontext', '-t');
}

function toolToken(resource, name) {
  const sr = encodeURIComponent(resource);
  const se = berth.inAnHour();
  fs.writeFileSync(file('text'), `${sr}\n${se}`);
  tool('tpm2_hmac', '-c', 'key.ctx', '-o', 'mac', 'text');
  tool('tpm2_flushcontext', '-t');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(fs.readFileSync(file('mac')).toString('base64'))}&se=${se}${name ? `&skn=${name}` : ''}`;
}

test('tpm2-tools register a device: challenge, key, token, and the key for the hub', async () => {
  const keys = toolKeys();
  assert.strictEqual(keys.endorsementKey, (await show(mine)).endorsementKey, 'the standard template gives every tool the same key');
  await fine('enrollment', 'create', 'tools-1', '--attestation', 'tpm', '--endorsement-key', keys.endorsementKey);
  const challenge = await wire('tools-1', keys);
  assert.strictEqual(challenge.status, 401);
  toolActivate(Buffer.from(challenge.body.authenticationKey, 'base64'));
  const authorization = toolToken(`${scope}/registrations/tools-1`, 'registration');
  let answer = await wire('tools-1', keys, authorization);
  while (answer.status === 202 && answer.body.status === 'assigning') {
    await berth.sleep(500);
    answer = await berth.ask('GET', HOST, `/${scope}/registrations/tools-1/operations/${answer.body.operationId}?api-version=2019-03-31`, { headers: { Authorization: authorization } });
  }
  assert.strictEqual(answer.body.status, 'assigned', answer.text);
  toolActivate(Buffer.from(answer.body.registrationState.tpm.authenticationKey, 'base64'));
  fs.writeFileSync(file('tools.token'), toolToken(`hub1.berth.test/devices/tools-1`), { mode: 0o600 });
  await assertHubKey('tools-1', file('tools.token'));
});

test('a token from one challenge is good for its device alone, and a damaged challenge for nobody', async () => {
  const keys = toolKeys();
  for (const id of ['tools-2', 'tools-3']) await fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', keys.endorsementKey);
  const blob = Buffer.from((await wire('tools-2', keys)).body.authenticationKey, 'base64');
  toolActivate(blob);
  // The same TPM, but the key was made for another registration ID.
  const replayed = await wire('tools-3', keys, toolToken(`${scope}/registrations/tools-3`, 'registration'));
  assert.strictEqual(replayed.status, 401);
  assert.strictEqual(replayed.body.errorCode, 401002);
  await attempt('tools-3', 'token-signature');
  const other_ = await wire('tools-3', keys, toolToken(`${scope}/registrations/tools-2`, 'registration'));
  assert.strictEqual(other_.status, 401);
  assert.strictEqual((await wire('tools-2', keys, toolToken(`${scope}/registrations/tools-2`, 'registration'))).status, 202);
  const damaged = Buffer.from(blob);
  damaged[20] ^= 1; // in the credential
  assert.throws(() => toolActivate(damaged));
});

test('keys that were cut short on their way are refused with a reason', async () => {
  const keys = toolKeys();
  await fine('enrollment', 'create', 'cut-1', '--attestation', 'tpm', '--endorsement-key', keys.endorsementKey);
  const cut = (key, n) => Buffer.from(key, 'base64').subarray(0, n).toString('base64');
  for (const n of [2, 10, 60, 315]) {
    assert.strictEqual((await wire('cut-1', { ...keys, endorsementKey: cut(keys.endorsementKey, n) })).body.errorCode, 401002, `endorsement key of ${n} bytes`);
    assert.strictEqual((await wire('cut-1', { ...keys, storageRootKey: cut(keys.storageRootKey, Math.min(n, 283)) })).body.errorCode, 401002, `storage root key of ${n} bytes`);
  }
  assert.match((await attempt('cut-1', 'storage-root-key')).reason, /TPM2B_PUBLIC/);
});

// --- endorsement keys that others have kept ---

// In place of the one at 0x81010001; gives the enrollment of a device with it.
async function keepAnother(id, ...how) {
  keepAt('0x81010001', 'rsa2048:aes128cfb', ...how);
  const shown = await show(mine);
  assert.strictEqual(shown.endorsementKeyPersistent, true);
  await fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', shown.endorsementKey);
}

function keepAt(place, algorithm, ...how) {
  if (tool('tpm2_getcap', 'handles-persistent').toString().includes(place)) tool('tpm2_evictcontrol', '-C', 'o', '-c', place);
  tool('tpm2_createprimary', '-C', 'e', '-G', algorithm, '-g', 'sha256', '-c', 'another.ctx', ...how);
  tool('tpm2_evictcontrol', '-C', 'o', '-c', 'another.ctx', place);
  tool('tpm2_flushcontext', '-t');
}

test('an endorsement key without a policy is used, and one under another policy told', async () => {
  await keepAnother('open-ek', '-a', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt');
  const result = await register(mine, 'https', 'open-ek', '--hub-token', file('open.token'));
  assert.strictEqual(result.status, 0, result.stderr);
  await assertHubKey('open-ek', file('open.token'));
  fs.writeFileSync(file('policy'), crypto.randomBytes(32));
  await keepAnother('closed-ek', '-L', 'policy', '-a', 'fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt');
  const refused = await register(mine, 'https', 'closed-ek');
  assert.strictEqual(refused.status, 1);
  assert.match(refused.stderr, /bound to another policy/);
});

// --- endorsement keys of the high range (TCG EK Credential Profile B.4) ---

const POLICY_B = 'ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0';
const HIGH = 'fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt';
const high = [
  { algorithm: 'rsa', template: 'rsa2048:aes128cfb', kept: '0x81010012', certificate: '0x1c00012' },
  { algorithm: 'ecc', template: 'ecc256:aes128cfb', kept: '0x81010014', certificate: '0x1c00014' },
];

for (const { algorithm, template, kept, certificate } of high) {
  test(`${algorithm}: a key of the high range is made, found where others keep it, and registers`, async () => {
    const range = ['--algorithm', algorithm, '--range', 'high'];
    const made = await show(mine, ...range);
    assert.match(made.endorsementKeyPlace, /template of the high range/);
    assert.notStrictEqual(made.endorsementKey, (await show(mine, '--algorithm', algorithm)).endorsementKey);
    fs.writeFileSync(file('policy-b'), Buffer.from(POLICY_B, 'hex'));
    keepAt(kept, template, '-L', 'policy-b', '-a', `userwithauth|${HIGH}`);
    const found = await show(mine, ...range);
    assert.strictEqual(found.endorsementKeyPlace, `at ${kept}`);
    assert.strictEqual(found.endorsementKey, made.endorsementKey, 'the tools make the same key of the template');
    for (const transport of ['https', 'amqp']) {
      const id = `high-${algorithm}-${transport}`;
      await fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', found.endorsementKey);
      const result = await register(mine, transport, id, ...range, '--hub-token', file('high.token'));
      assert.strictEqual(result.status, 0, result.stderr);
      await assertHubKey(id, file('high.token'));
    }
  });

  test(`${algorithm}: the certificate of the high range is shown with its key, and hinted at with the other`, async () => {
    const der = fs.readFileSync(file('ek.der'));
    tool('tpm2_nvdefine', certificate, '-C', 'o', '-s', String(der.length), '-a', 'ownerwrite|authwrite|ownerread|authread|no_da');
    tool('tpm2_nvwrite', certificate, '-C', 'o', '-i', 'ek.der');
    const shown = await show(mine, '--algorithm', algorithm, '--range', 'high');
    assert.strictEqual(shown.endorsementCertificate.certificate, der.toString('base64'));
    if (algorithm === 'rsa') return; // whose low range has one, by a test above
    assert.match(await fine('device', 'tpm', 'show', '--tcti', mine.tcti, '--algorithm', 'ecc', '--output', 'table'), /none in this TPM; .*--range high/);
    const refused = await berth.cli('device', 'tpm', 'show', '--tcti', mine.tcti, '--algorithm', 'ecc', '--certificate-out', file('none.pem'));
    assert.match(refused.stderr, /nothing to write to .*none\.pem; .*--range high/);
  });

  test(`${algorithm}: a key of that policy is used under it where it has no password, wherever it is kept`, async () => {
    keepAt('0x81010001', template, '-L', 'policy-b', '-a', HIGH);
    const shown = await show(mine, '--algorithm', algorithm);
    assert.strictEqual(shown.endorsementKeyPlace, 'at 0x81010001');
    tool('tpm2_changeauth', '-c', 'e', 'maker');
    try {
      for (const transport of ['https', 'amqp']) {
        const id = `policy-b-${algorithm}-${transport}`;
        await fine('enrollment', 'create', id, '--attestation', 'tpm', '--endorsement-key', shown.endorsementKey);
        const without = await register(mine, transport, id, '--algorithm', algorithm);
        assert.match(without.stderr, /see --owner-auth and --endorsement-auth/);
        const result = await register(mine, transport, id, '--algorithm', algorithm, '--endorsement-auth', 'maker', '--hub-token', file('b.token'));
        assert.strictEqual(result.status, 0, result.stderr);
        await assertHubKey(id, file('b.token'));
      }
    } finally {
      tool('tpm2_changeauth', '-c', 'e', '-p', 'maker');
    }
  });

  test(`${algorithm}: a key of another kind in that place is not taken for it`, async () => {
    const range = ['--algorithm', algorithm, '--range', 'high'];
    const before_ = await show(mine, ...range);
    keepAt(kept, template, '-a', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt');
    const shown = await show(mine, ...range);
    assert.match(shown.endorsementKeyPlace, /made from/);
    assert.strictEqual(shown.endorsementKey, before_.endorsementKey);
  });
}
