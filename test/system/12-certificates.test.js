// The command line's certificates: a CA for development, its upload and proof, a chain judged before it is flashed, certificates that end
// soon. Statuses 0, 1 and 2, tables and JSON; what is made is what openssl makes of it.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const berth = require('./berth.js');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-certificates-'));
const dir = path.join(folder, 'ca');
const at = (name) => path.join(dir, name);
const read = (name) => fs.readFileSync(at(name), 'utf8');
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
const blocks = (pem) => pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/g);
const write = (name, text) => {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};

const fine = async (...args) => {
  const result = await berth.cli('certificate', ...args);
  assert.strictEqual(result.status, 0, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result.stdout;
};
const json = async (...args) => JSON.parse(await fine(...args, '--output', 'json'));
const table = (...args) => fine(...args, '--output', 'table');
const bad = async (status, words, ...args) => {
  const result = await berth.cli('certificate', ...args);
  assert.strictEqual(result.status, status, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  assert.match(result.stderr, words, args.join(' '));
  assert.strictEqual(result.stdout, '', 'complaints go to stderr');
};

const moment = (days) => new Date(Date.now() + days * 86400e3).toISOString().replace(/[-:T]|\.\d+/g, '');

// A certificate by the development CA's intermediate that the command line would not make, with that one behind it: the path of the file.
function issueOddly(name, subject, days) {
  write('ca.conf', '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n');
  write('index.txt', '');
  write('serial', '07\n');
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
  openssl('ca', '-batch', '-config', 'ca.conf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-cert', at('intermediate.pem'), '-keyfile', at('intermediate.key'),
    '-startdate', moment(days - 30), '-enddate', moment(days), '-notext', '-preserveDN');
  return write(`${name}-chain.pem`, fs.readFileSync(path.join(folder, `${name}.pem`), 'utf8') + read('intermediate.pem'));
}

before(async () => {
  await berth.makeHub('hub1');
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] });
  await fine('dev-ca', 'create', '--dir', dir, '--name', 'Plant');
});

test('dev-ca create: a root and an intermediate that openssl agrees with, keys that nobody else reads, nothing written over', async () => {
  assert.deepStrictEqual(fs.readdirSync(dir).sort(), ['intermediate.key', 'intermediate.pem', 'root.key', 'root.pem']);
  for (const key of ['root.key', 'intermediate.key']) assert.strictEqual(fs.statSync(at(key)).mode & 0o777, 0o600, key);
  assert.match(openssl('x509', '-in', at('root.pem'), '-noout', '-subject', '-ext', 'basicConstraints,keyUsage'), /CN = Plant root[\s\S]*critical[\s\S]*CA:TRUE[\s\S]*Certificate Sign/);
  assert.match(openssl('x509', '-in', at('intermediate.pem'), '-noout', '-subject', '-issuer'), /CN = Plant intermediate\nissuer=CN = Plant root/);
  assert.match(openssl('verify', '-x509_strict', '-CAfile', at('root.pem'), at('intermediate.pem')), /OK/);
  const before_ = read('root.key') + read('root.pem');
  await bad(1, /root\.key cannot be written: File exists/, 'dev-ca', 'create', '--dir', dir);
  assert.strictEqual(read('root.key') + read('root.pem'), before_);
  await bad(1, /cannot be made/, 'dev-ca', 'create', '--dir', '/proc/nowhere');
  await bad(2, /at most 51 characters/, 'dev-ca', 'create', '--dir', path.join(folder, 'long'), '--name', 'x'.repeat(52));
  assert.ok(!fs.existsSync(path.join(folder, 'long')));
});

test('dev-ca issue: a device\'s certificate with those above it, for as many days as asked', async () => {
  assert.match(await fine('dev-ca', 'issue', 'press-07', '--dir', dir), /press-07\.pem has the device's certificate and those above it/);
  const chain = blocks(read('press-07.pem'));
  assert.strictEqual(chain.length, 3);
  assert.deepStrictEqual(chain.slice(1), [read('intermediate.pem'), read('root.pem')]);
  assert.strictEqual(fs.statSync(at('press-07.key')).mode & 0o777, 0o600);
  assert.match(openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', at('root.pem'), '-untrusted', at('intermediate.pem'), at('press-07.pem')), /OK/);
  assert.throws(() => openssl('verify', '-purpose', 'sslserver', '-CAfile', at('root.pem'), '-untrusted', at('intermediate.pem'), at('press-07.pem')));
  assert.match(openssl('x509', '-in', at('press-07.pem'), '-noout', '-subject'), /CN = press-07$/m);
  assert.strictEqual(openssl('pkey', '-in', at('press-07.key'), '-pubout'), openssl('x509', '-in', at('press-07.pem'), '-noout', '-pubkey'));
  const days = (name) => Math.round((Date.parse(openssl('x509', '-in', at(`${name}.pem`), '-noout', '-enddate').split('=')[1]) - Date.now()) / 86400e3);
  assert.strictEqual(days('press-07'), 365);
  await fine('dev-ca', 'issue', 'press-05', '--dir', dir, '--days', '5');
  assert.strictEqual(days('press-05'), 5);
  await bad(1, /press-07\.key cannot be written/, 'dev-ca', 'issue', 'press-07', '--dir', dir);
  assert.deepStrictEqual(blocks(read('press-07.pem')), chain);
});

test('dev-ca issue: what cannot be is refused before anything is written', async () => {
  await bad(2, /name the device/, 'dev-ca', 'issue', '--dir', dir);
  await bad(2, /1 to 64 letters/, 'dev-ca', 'issue', 'a b', '--dir', dir);
  await bad(2, /1 to 64 letters/, 'dev-ca', 'issue', 'x'.repeat(65), '--dir', dir);
  await bad(2, /1 to 64 letters/, 'dev-ca', 'issue', '../press', '--dir', dir);
  for (const days of ['0', '-1', 'soon', '99999']) await bad(2, /days/, 'dev-ca', 'issue', 'press-01', '--dir', dir, '--days', days);
  await bad(1, /intermediate\.pem cannot be read/, 'dev-ca', 'issue', 'press-01', '--dir', path.join(folder, 'nowhere'));
  assert.ok(!fs.existsSync(at('press-01.key')) && !fs.existsSync(at('press-01.pem')));
  const broken = path.join(folder, 'broken');
  fs.cpSync(dir, broken, { recursive: true });
  fs.writeFileSync(path.join(broken, 'intermediate.key'), 'no key');
  await bad(1, /cannot be made/, 'dev-ca', 'issue', 'press-01', '--dir', broken);
});

test('create, list, show, update, delete: a CA certificate in tables and in JSON', async () => {
  const made = await json('create', 'plant', '--certificate', at('root.pem'));
  assert.deepStrictEqual([made.name, made.properties.subject, made.properties.isVerified, made.properties.certificate], ['plant', 'Plant root', false, null]);
  assert.match(await table('list'), /^name +subject +verified +expiry +thumbprint\nplant +Plant root +no +\S.* GMT +[0-9A-F]{40}\n$/);
  assert.strictEqual((await json('list')).length, 1);
  assert.match(await table('show', 'PLANT'), /\nplant +Plant root +no /);
  openssl('x509', '-in', at('root.pem'), '-outform', 'DER', '-out', 'root.der');
  const other = await json('update', 'plant', '--certificate', path.join(folder, 'root.der'), '--verified');
  assert.strictEqual(other.properties.isVerified, true, 'DER is taken, and an operator may vouch for it');
  assert.strictEqual(other.properties.thumbprint, made.properties.thumbprint);
  assert.strictEqual((await json('update', 'plant', '--certificate', at('intermediate.pem'))).properties.isVerified, false, 'another one has proven nothing');
  assert.strictEqual(await fine('delete', 'plant'), '');
  assert.deepStrictEqual(await json('list'), []);
  assert.match(await table('list'), /^name +subject.*\n$/);
});

test('create and verify: mistakes are told in words', async () => {
  await bad(2, /--certificate/, 'create', 'plant');
  await bad(2, /NAME is missing/, 'create', '--certificate', at('root.pem'));
  await bad(2, /json or table/, 'list', '--output', 'xml');
  await bad(1, /cannot be read: No such file/, 'create', 'plant', '--certificate', path.join(folder, 'nowhere.pem'));
  await bad(1, /it must be PEM text/, 'create', 'plant', '--certificate', write('rubbish.pem', 'rubbish'));
  await bad(1, /no CA's/, 'create', 'plant', '--certificate', at('press-07.pem'));
  for (const verb of ['show', 'delete', 'generate-verification-code']) await bad(1, /no CA certificate nobody/, verb, 'nobody');
  for (const verb of ['update', 'verify']) await bad(1, /no CA certificate nobody/, verb, 'nobody', '--certificate', at('root.pem'));
  await bad(2, /--certificate/, 'verify', 'plant');
  await fine('create', 'plant', '--certificate', at('root.pem'));
  await bad(1, /called plant already.*certificate update/, 'create', 'plant', '--certificate', at('root.pem'));
  await bad(1, /No verification code is open/, 'verify', 'plant', '--certificate', at('press-07.pem'));
});

test('a proof: only the answer to the latest code, signed by the CA itself', async () => {
  const first = (await json('generate-verification-code', 'plant')).properties.verificationCode;
  const told = await table('generate-verification-code', 'plant');
  const code = /\nplant +([0-9A-F]{48})\n/.exec(told)[1];
  assert.notStrictEqual(first, code);
  const answer = async (which, by) => {
    fs.rmSync(at('verification.pem'), { force: true });
    await fine('dev-ca', 'issue', '--verification-code', which, '--dir', dir, ...(by ? ['--by', by] : []));
  };
  await answer(first);
  await bad(1, /must be the latest verification code/, 'verify', 'plant', '--certificate', at('verification.pem'));
  await answer(code, 'intermediate');
  await bad(1, /not signed with the key of CN=Plant root/, 'verify', 'plant', '--certificate', at('verification.pem'));
  await answer(code);
  assert.match(await table('verify', 'plant', '--certificate', at('verification.pem')), /plant +Plant root +yes/);
  await bad(1, /No verification code is open/, 'verify', 'plant', '--certificate', at('verification.pem'));
  await bad(1, /verification\.pem cannot be written/, 'dev-ca', 'issue', '--verification-code', code, '--dir', dir);
});

const check = (chain, id, output) => berth.cli('certificate', 'check', '--chain', chain, '--registration-id', id, '--output', output);

// Status, what the table says, and what the JSON says: of one chain that is refused.
async function refused(chain, id, words, expected) {
  const told = await check(chain, id, 'table'), document = await check(chain, id, 'json');
  assert.deepStrictEqual([told.status, document.status], [1, 1], told.stdout + told.stderr + document.stderr);
  assert.match(told.stdout, new RegExp(`^${id} would be refused with 401002\\.\n`));
  assert.match(told.stdout, words);
  const judged = JSON.parse(document.stdout);
  for (const [name, value] of Object.entries({ registrationId: id, attested: false, errorCode: 401002, ...expected })) assert.strictEqual(judged[name], value, name);
  assert.match(told.stdout, new RegExp(`\n  check +${judged.check}\n`));
  return judged;
}

test('check: a chain that would be let in, and by whom', async () => {
  await refused(at('press-07.pem'), 'press-07', /why +The chain ends at the root CN=Plant root[\s\S]*nearest +CA certificate plant \(CN=Plant root\) is verified, but no enrollment group refers to it\./, { check: 'certificate-known' });
  assert.strictEqual((await berth.cli('enrollment-group', 'create', 'presses', '--attestation', 'x509', '--ca-primary', 'plant')).status, 0);
  const told = await check(at('press-07.pem'), 'press-07', 'table');
  assert.deepStrictEqual([told.status, told.stdout, told.stderr], [0, 'press-07 would be let in by enrollment group presses.\n', '']);
  const document = await check(at('press-07.pem'), 'press-07', 'json');
  assert.strictEqual(document.status, 0);
  assert.deepStrictEqual(JSON.parse(document.stdout), { registrationId: 'press-07', attested: true, enrollmentGroupId: 'presses' });
  assert.strictEqual((await check(write('short.pem', blocks(read('press-07.pem')).slice(0, 2).join('')), 'press-07', 'table')).status, 0, 'the root need not be sent');
  assert.strictEqual((await berth.cli('registration', 'show', 'press-07')).status, 1, 'nothing is left behind');
});

test('check: every fault has its words, in the table and in JSON', async () => {
  await refused(at('press-07.pem'), 'press-08', /why +The leaf is CN=press-07, but the device registers as press-08: its CN must be the registration ID\.\n  check .*\n  seen +CN=press-07\n  expected +CN=press-08\n/, { check: 'certificate-common-name', seen: 'CN=press-07', expected: 'CN=press-08' });
  await refused(write('leaf.pem', blocks(read('press-07.pem'))[0]), 'press-07', /is signed by CN=Plant intermediate, which no enrollment group names and which the device did not send/, { check: 'certificate-known' });
  await refused(issueOddly('late', '/CN=press-99', -3.01), 'press-99', /The leaf expired at .*, 3 days ago by this server's clock/, { check: 'certificate-validity' });
  await refused(issueOddly('early', '/CN=press-96', 33.01), 'press-96', /The leaf is not valid until .*, 3 days from now by this server's clock/, { check: 'certificate-validity' });
  await refused(issueOddly('two', '/CN=press-98/CN=press-97', 3), 'press-98', /has 2 common names/, { check: 'certificate-common-name' });
  assert.strictEqual((await berth.cli('enrollment-group', 'update', 'presses', '--provisioning-status', 'disabled')).status, 0);
  const off = await check(at('press-07.pem'), 'press-07', 'table');
  assert.deepStrictEqual([off.status, /refused with 401003[\s\S]*enrollment group presses is disabled/.test(off.stdout)], [1, true], off.stdout);
  assert.strictEqual((await berth.cli('enrollment-group', 'update', 'presses', '--provisioning-status', 'enabled')).status, 0);
});

test('check: an individual enrollment speaks before the group', async () => {
  assert.strictEqual((await berth.cli('enrollment', 'create', 'press-05', '--attestation', 'x509', '--client-primary', at('press-05.pem'))).status, 0);
  assert.strictEqual((await check(at('press-05.pem'), 'press-05', 'table')).stdout, 'press-05 would be let in by enrollment press-05.\n');
  await refused(issueOddly('again', '/CN=press-05', 3), 'press-05', /neither the primary nor the secondary certificate of enrollment press-05/, { check: 'certificate-match' });
});

test('check: what is no chain', async () => {
  await bad(2, /--chain/, 'check', '--registration-id', 'press-07');
  await bad(2, /--registration-id/, 'check', '--chain', at('press-07.pem'));
  await bad(2, /json or table/, 'check', '--chain', at('press-07.pem'), '--registration-id', 'press-07', '--output', 'xml');
  await bad(1, /cannot be read/, 'check', '--chain', path.join(folder, 'nowhere.pem'), '--registration-id', 'press-07');
  await bad(1, /there is no PEM certificate in it/, 'check', '--chain', write('nothing.pem', 'nothing'), '--registration-id', 'press-07');
  await bad(1, /the PEM text ends in the middle/, 'check', '--chain', write('cut.pem', read('press-07.pem').slice(0, 1400)), '--registration-id', 'press-07');
  await bad(1, /there are too many certificates/, 'check', '--chain', write('many.pem', read('root.pem').repeat(17)), '--registration-id', 'press-07');
  await bad(1, /is no PEM text/, 'check', '--chain', write('bytes.pem', Buffer.from([0xff, 0xfe, 0x30])), '--registration-id', 'press-07');
});

test('expiring: what ends within so many days, the rest not', async () => {
  const soon = await json('expiring', '--days', '6');
  assert.deepStrictEqual(soon.map((c) => [c.kind, c.name, c.which, c.info.subjectName]), [['enrollment', 'press-05', 'primary', 'CN=press-05']]);
  assert.ok(soon[0].daysLeft === 4 || soon[0].daysLeft === 5, String(soon[0].daysLeft));
  assert.match(await table('expiring', '--days', '6'), /^kind +name +which +daysLeft +ends +subject *\nenrollment +press-05 +primary +[45] +\d{4}-\d\d-\d\dT\S+Z +CN=press-05\n$/);
  assert.strictEqual((await json('expiring')).length, 1, 'thirty days, if nothing is said');
  assert.deepStrictEqual(await json('expiring', '--days', '3'), []);
  assert.match(await table('expiring', '--days', '0'), /^kind +name[^\n]*\n$/);
  assert.deepStrictEqual((await json('expiring', '--days', '36500')).map((c) => c.kind).sort(), ['caCertificate', 'enrollment']);
  for (const days of ['-1', 'soon', '36501']) await bad(2, /days/, 'expiring', '--days', days);
});

test('a CA that an enrollment needs is not deleted, and then it is', async () => {
  await bad(1, /in use by enrollment group presses/, 'delete', 'plant');
  assert.strictEqual((await berth.cli('enrollment-group', 'delete', 'presses')).status, 0);
  await fine('delete', 'plant');
  await bad(1, /no CA certificate plant/, 'delete', 'plant');
});
