// The command line as an operator uses it: every noun, both outputs, mistakes told in words, completion in real shells, a fleet, the demo.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const { execFile, execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const berth = require('./berth.js');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'berth-cli-'));
const fine = async (...args) => {
  const result = await berth.cli(...args);
  assert.strictEqual(result.status, 0, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result.stdout;
};
const json = async (...args) => JSON.parse(await fine(...args, '--output', 'json'));
const table = (...args) => fine(...args, '--output', 'table');
const bad = async (status, words, ...args) => {
  const result = await berth.cli(...args);
  assert.strictEqual(result.status, status, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  assert.match(result.stderr, words, args.join(' '));
  assert.strictEqual(result.stdout, '', 'complaints go to stderr');
};

before(async () => {
  await fine('hub', 'create', 'hub1');
  await fine('hub', 'create', 'hub2', '--location', 'east');
  await fine('service', 'create', 'dps1');
  await fine('linked-hub', 'create', 'hub1');
});

test('every verb has --help, and it says how it is called', async () => {
  const all = await fine('--help');
  const verbs = all.split('\n').map((line) => /^ {2}([a-z][a-z -]*?)(?: [A-Z[].*?)? {2,}/.exec(line)).filter(Boolean).map((m) => m[1]).filter((v) => v !== 'serve');
  assert.ok(verbs.length > 40, `${verbs.length}`);
  for (const verb of verbs) {
    const help = await fine(...verb.split(' '), '--help');
    assert.match(help, new RegExp(`usage: \\S+ ${verb}`), verb);
    assert.match(help, /--output/, verb);
  }
  assert.match(await fine('serve', '--help'), /--https-port/);
});

test('services and hubs: create, list, show, update, delete, connection strings', async () => {
  assert.match(await table('hub', 'list'), /hub1 +hub1\.berth\.test[\s\S]*hub2/);
  assert.strictEqual((await json('hub', 'show', 'hub2')).location, 'east');
  await fine('service', 'create', 'temp', '--location', 'west');
  assert.strictEqual((await json('service', 'show', 'TEMP')).name, 'temp');
  assert.strictEqual((await json('service', 'update', 'temp', '--tags', '{"a":"b"}')).tags.a, 'b');
  assert.match((await json('service', 'connection-string', 'show', 'temp')).connectionString, /^HostName=temp\.berth\.test;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey=.+/);
  assert.match((await json('hub', 'connection-string', 'show', 'hub1', '--policy', 'service')).connectionString, /SharedAccessKeyName=service;/);
  assert.strictEqual((await json('service', 'check-name', 'temp')).nameAvailable, false);
  await fine('service', 'delete', 'temp');
  await bad(1, /no provisioning service called temp/, 'service', 'show', 'temp');
  await bad(1, /already/, 'hub', 'create', 'hub1');
});

test('links, policies, access', async () => {
  await fine('linked-hub', 'create', 'hub2', '--weight', '3');
  assert.strictEqual((await json('linked-hub', 'show', 'hub2')).allocationWeight, 3);
  await fine('linked-hub', 'update', 'hub2', '--weight', '5', '--apply', 'false');
  const changed = await json('linked-hub', 'show', 'hub2');
  assert.deepStrictEqual([changed.allocationWeight, changed.applyAllocationPolicy], [5, false]);
  const string = (await json('hub', 'connection-string', 'show', 'hub2', '--policy', 'iothubowner')).connectionString;
  await fine('linked-hub', 'delete', 'hub2');
  await fine('linked-hub', 'create', '--connection-string', string);
  assert.match(await table('linked-hub', 'list'), /hub2\.berth\.test/);
  assert.strictEqual((await json('allocation-policy', 'update', 'Static')).properties.allocationPolicy, 'Static');
  await bad(1, /Hashed|allocationPolicy/, 'allocation-policy', 'update', 'Magic');
  await fine('allocation-policy', 'update', 'Hashed');
  await fine('access-policy', 'create', 'reader', '--rights', 'EnrollmentRead');
  assert.strictEqual((await json('access-policy', 'show', 'reader')).rights, 'EnrollmentRead');
  await fine('access-policy', 'delete', 'reader');
  await bad(1, /weight|1000/i, 'linked-hub', 'update', 'hub1', '--weight', '5000');
});

test('enrollments and groups: keys on demand, odd IDs, files, disabling', async () => {
  const made = await json('enrollment', 'create', 'a:b', '--device-id', 'pump-(1)', '--initial-twin', '{"tags":{"x":1}}');
  assert.strictEqual(made.deviceId, 'pump-(1)');
  assert.ok(!(await table('enrollment', 'list')).includes(made.attestation.symmetricKey.primaryKey), 'no keys unless asked');
  assert.ok(!JSON.stringify(await json('enrollment', 'show', 'a:b')).includes(made.attestation.symmetricKey.primaryKey));
  fs.writeFileSync(path.join(folder, 'twin.json'), '{"tags":{"from":"file"}}');
  assert.strictEqual((await json('enrollment', 'update', 'a:b', '--initial-twin', `@${path.join(folder, 'twin.json')}`)).initialTwin.tags.from, 'file');
  assert.strictEqual((await json('enrollment', 'update', 'a:b', '--provisioning-status', 'disabled')).provisioningStatus, 'disabled');
  await bad(1, /registrationId/i, 'enrollment', 'create', 'a b');
  await bad(1, /already/i, 'enrollment', 'create', 'a:b');
  await fine('enrollment', 'delete', 'a:b');
  await bad(1, /not found/i, 'enrollment', 'show', 'a:b');
  await fine('enrollment-group', 'create', 'presses');
  assert.match(await table('enrollment-group', 'list'), /presses/);
  const key = await fine('enrollment-group', 'compute-device-key', 'presses', 'press-1');
  assert.match(key, /[A-Za-z0-9+/]{43}=/);
  for (let i = 0; i < 12; i++) {
    const entries = Array.from({ length: 10 }, (_, k) => ({ registrationId: `many-${i}-${k}`, attestation: { type: 'symmetricKey' } }));
    await berth.good((await berth.serviceApi('dps1'))('POST', '/enrollments', { body: { mode: 'create', enrollments: entries } }));
  }
  assert.strictEqual((await json('enrollment', 'list')).length, 120, 'a list is longer than a page');
});

test('mistakes: status 2 for usage, 1 for refusals, and what to do next', async () => {
  await bad(2, /frobnicate/, 'frobnicate');
  await bad(2, /service frobnicate|frobnicate/, 'service', 'frobnicate');
  await bad(2, /NAME is missing/, 'service', 'create');
  await bad(2, /one word too many/, 'service', 'create', 'a', 'b');
  await bad(2, /colour/, 'service', 'list', '--colour', 'red');
  await bad(1, /token|administrator|401/i, 'service', 'list', '--token', 'wrong');
  const env = { ...process.env };
  delete env.BERTH_DATA;
  const lost = await new Promise((resolve) => {
    execFile(berth.bin, ['service', 'list', '--data', path.join(folder, 'nowhere')], { env }, (error, stdout, stderr) => resolve({ status: error ? error.code : 0, stderr }));
  });
  assert.strictEqual(lost.status, 1);
  assert.match(lost.stderr, /--data|--server|server\.json/);
  await bad(1, /connect|reach|refused/i, 'service', 'list', '--server', 'https://127.0.0.1:4', '--token', 'x');
  fs.writeFileSync(path.join(folder, 'ca.pem'), '');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=other', '-days', '1', '-keyout', path.join(folder, 'ca.key'), '-out', path.join(folder, 'ca.pem')], { stdio: 'ignore' });
  await bad(1, /certificate|--ca/i, 'service', 'list', '--server', 'https://portal.berth.test', '--token', 'x', '--ca', path.join(folder, 'ca.pem'));
});

test('device register says where it belongs, or why not; explain tells the operator', async () => {
  const told = await json('device', 'register', 'press-2', '--group', 'presses');
  assert.match(JSON.stringify(told), /"assigned"/);
  assert.match(await table('registration', 'show', 'press-2'), /press-2[\s\S]*berth\.test/);
  assert.match(await table('registration', 'list', 'presses'), /press-2/);
  const refused = await berth.cli('device', 'register', 'press-3', '--key', Buffer.alloc(32).toString('base64'));
  assert.strictEqual(refused.status, 1);
  await berth.sleep(200);
  assert.match(await table('registration', 'explain', 'press-3'), /no symmetric key group gave it the key/);
  await bad(2, /no transport "pigeon"; there are https, mqtt, mqtt-ws, amqp, amqp-ws/, 'device', 'register', 'press-2', '--transport', 'pigeon');
  await fine('registration', 'delete', 'press-2');
  await bad(1, /No device has registered|not found/i, 'registration', 'show', 'press-2');
});

test('device register shows a certificate in place of a key', async () => {
  const file = (name) => path.join(folder, name);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=leaf-1', '-days', '2', '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth', '-keyout', file('leaf.key'), '-out', file('leaf.pem')], { stdio: 'ignore' });
  fs.writeFileSync(file('ca-both.pem'), fs.readFileSync(file('ca.key'), 'utf8') + fs.readFileSync(file('ca.pem'), 'utf8'));
  fs.writeFileSync(file('both.pem'), fs.readFileSync(file('leaf.key'), 'utf8') + fs.readFileSync(file('leaf.pem'), 'utf8'));
  await fine('enrollment', 'create', 'leaf-1', '--attestation', 'x509', '--client-primary', file('leaf.pem'));
  assert.strictEqual((await json('device', 'register', 'leaf-1', '--certificate', file('leaf.pem'), '--private-key', file('leaf.key'))).status, 'assigned');
  assert.strictEqual((await json('device', 'register', 'leaf-1', '--certificate', file('both.pem'))).status, 'assigned');
  await bad(1, /leaf\.pem and .*ca\.key: the key is not that of the certificate/, 'device', 'register', 'leaf-1', '--certificate', file('leaf.pem'), '--private-key', file('ca.key'));
  await bad(1, /leaf\.pem: there is no private key/, 'device', 'register', 'leaf-1', '--certificate', file('leaf.pem'));
  await bad(1, /nowhere\.pem cannot be read/, 'device', 'register', 'leaf-1', '--certificate', file('nowhere.pem'));
});

const transports = ['https', 'mqtt', 'mqtt-ws', 'amqp', 'amqp-ws'];

for (const transport of transports)
  test(`device register over ${transport}: a key, a certificate, and what goes wrong`, async () => {
    const register = (id, ...more) => ['device', 'register', id, '--transport', transport, ...more];
    const protocol = async (id) => berth.logLines().filter((line) => line.event === 'assigned' && line.device === id).map((line) => line.protocol);
    const id = `press-${transport}`;
    const told = await json(...register(id, '--group', 'presses', '--payload', '{"a":1}'));
    assert.strictEqual(told.status, 'assigned');
    assert.strictEqual(told.registrationState.deviceId, id);
    assert.deepStrictEqual(await protocol(id), [transport]);
    assert.strictEqual((await json(...register('leaf-1', '--certificate', path.join(folder, 'both.pem')))).status, 'assigned');
    const wrong = await berth.cli(...register(id, '--key', Buffer.alloc(32).toString('base64')));
    assert.strictEqual(wrong.status, 1);
    assert.match(wrong.stderr, /Unauthorized|does not let the device in/);
    const unknown = await berth.cli(...register('stranger', '--certificate', path.join(folder, 'ca-both.pem')));
    assert.strictEqual(unknown.status, 1);
    assert.match(unknown.stderr, /stranger was not assigned: (Invalid certificate|the service does not let the device in)/);
    const elsewhere = await berth.cli(...register(id, '--group', 'presses', '--host', 'nowhere.test'));
    assert.strictEqual(elsewhere.status, 1);
    assert.match(elsewhere.stderr, /does not name nowhere\.test|nowhere\.test.*not match|no alternative certificate subject name/i);
  });

test('device register tells a server that is not there', async () => {
  await bad(1, /press-2 was not assigned: no connection to 127\.0\.0\.1, port 4: Connection refused/, 'device', 'register', 'press-2', '--group', 'presses', '--transport', 'mqtt', '--mqtts-port', '4');
  await bad(1, /port 4: Connection refused/, 'device', 'register', 'press-2', '--group', 'presses', '--transport', 'amqp', '--amqps-port', '4');
});

test('device simulate: a fleet takes its transports in turn', async () => {
  const told = await fine('device', 'simulate', '--group', 'presses', '--count', '200', '--prefix', 'mixed-', '--transport', transports.join());
  assert.match(told, /200 assigned, 0 not/);
  const used = new Map();
  for (const line of berth.logLines()) if (line.event === 'assigned' && /^mixed-/.test(line.device)) used.set(line.protocol, (used.get(line.protocol) || 0) + 1);
  assert.deepStrictEqual([...used].sort(), transports.map((t) => [t, 40]).sort());
  await bad(2, /no transport "smoke signals"/, 'device', 'simulate', '--group', 'presses', '--transport', 'https,smoke signals');
});

test('device simulate: thousands of devices at a rate, a progress line on a terminal, a summary with latencies', { timeout: 120000 }, async () => {
  const piped = await berth.cli('device', 'simulate', '--group', 'presses', '--count', '1000', '--rate', '500');
  assert.strictEqual(piped.status, 0, piped.stderr + piped.stdout);
  assert.match(piped.stdout, /1000 devices in .*1000 assigned, 0 not/);
  assert.match(piped.stdout, /median .* ms, 90 % .* ms, 99 % .* ms/);
  assert.match(piped.stdout, /hub1\.berth\.test .*\d+ \(\d+ %\)/);
  assert.ok(!/\r/.test(piped.stdout + piped.stderr), 'no progress line where there is no terminal');
  const terminal = execFileSync('script', ['-qec', `${berth.bin} device simulate --group presses --count 300 --rate 150`, '/dev/null'], { env: { ...process.env, BERTH_DATA: berth.data, TERM: 'xterm' }, encoding: 'utf8' });
  assert.match(terminal, /\r[^\n]*\d+/, 'a progress line');
  const wrong = await berth.cli('device', 'simulate', '--group', 'nobody', '--count', '5');
  assert.strictEqual(wrong.status, 1);
});

test('completion: bash and zsh complete nouns, verbs and options', async (t) => {
  const script = path.join(folder, 'completion.bash');
  fs.writeFileSync(script, await fine('completion', 'bash'));
  const bash = (line) => execFileSync('bash', ['-c', `source ${script}; COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); f=$(complete -p berth | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $f berth "\${COMP_WORDS[COMP_CWORD]}" ""; printf '%s\\n' "\${COMPREPLY[@]}"`], { encoding: 'utf8' }).split('\n').map((w) => w.trim());
  assert.ok(bash('berth enr').includes('enrollment-group'));
  assert.ok(bash('berth enrollment cr').includes('create'));
  assert.ok(bash('berth enrollment create --dev').includes('--device-id'));
  assert.ok(bash('berth device tp').includes('tpm'));
  assert.ok(bash('berth device tpm sh').includes('show'));
  assert.ok(bash('berth device tpm show --tc').includes('--tcti'));
  assert.ok(bash('berth device register --att').includes('--attestation'));
  assert.ok(bash('berth certificate dev-ca i').includes('issue'));
  let zsh = true;
  try {
    execFileSync('zsh', ['--version'], { stdio: 'ignore' });
  } catch {
    zsh = false;
  }
  if (!zsh) return t.skip('zsh is not on this machine');
  fs.writeFileSync(path.join(folder, 'completion.zsh'), await fine('completion', 'zsh'));
  const said = execFileSync('zsh', ['-fc', `autoload -Uz compinit && compinit -u -d ${folder}/dump; source ${folder}/completion.zsh; whence -w _berth; print $_comps[berth]`], { encoding: 'utf8' });
  assert.match(said, /_berth: function/);
  assert.match(said, /_berth\s*$/);
  return undefined;
});

const typing = (text, program, ...args) => new Promise((resolve) => {
  const child = execFile(program, args, { env: { ...process.env, BERTH_DATA: berth.data } }, (error, stdout, stderr) =>
    resolve({ status: error ? error.code : 0, stdout, stderr }));
  child.stdin.on('error', () => {});
  child.stdin.end(text);
});
const signIn = (name, password, ca) => berth.ask('POST', 'portal.berth.test', '/berth/session', { body: { name, password }, ca }).then((answer) => answer.status);

// A person at a terminal, who types a line when he is asked.
const atTerminal = (lines, ...args) => new Promise((resolve) => {
  const child = spawn('script', ['-qec', [berth.bin, ...args].join(' '), '/dev/null'], { env: { ...process.env, BERTH_DATA: berth.data } });
  const left = [...lines];
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
    if (/: $/.test(text) && left.length) child.stdin.write(`${left.shift()}\n`);
  });
  child.on('close', () => resolve(text));
});

test('operators: the password comes from standard input, and never from the command line', async () => {
  const made = await typing('a long password\nand more\n', berth.bin, 'operator', 'create', 'ada', '--role', 'reader', '--output', 'json');
  assert.strictEqual(made.status, 0, made.stderr);
  assert.strictEqual(JSON.parse(made.stdout).role, 'reader');
  assert.strictEqual(await signIn('ada', 'a long password'), 200);
  assert.match(await table('operator', 'list'), /name +role +created +last-sign-in|ada +reader/);
  assert.strictEqual((await json('operator', 'update', 'ADA', '--role', 'administrator')).role, 'administrator');
  assert.strictEqual((await typing('quite another one', berth.bin, 'operator', 'set-password', 'ada')).status, 0);
  assert.strictEqual(await signIn('ada', 'quite another one'), 200);
  const complaint = async (text, words, ...args) => {
    const result = await typing(text, berth.bin, 'operator', ...args);
    assert.notStrictEqual(result.status, 0);
    assert.match(result.stderr, words);
  };
  await complaint('a long password\n', /already/, 'create', 'Ada');
  await complaint('a long password\n', /no operator called bob/, 'set-password', 'bob');
  await complaint('', /standard input/, 'set-password', 'ada');
  await complaint('short\n', /12 to 128 characters/, 'set-password', 'ada');
  await complaint('a long password\n', /role/, 'create', 'eve', '--role', 'king');
  await bad(1, /no operator called bob/, 'operator', 'update', 'bob', '--role', 'reader');
  await bad(2, /nothing to change/, 'operator', 'update', 'ada');
  await bad(2, /no option --password/, 'operator', 'create', 'eve', '--password', 'a long password');
  await fine('operator', 'delete', 'ada');
  await bad(1, /no operator/, 'operator', 'delete', 'ada');
  await bad(1, /last administrator/, 'operator', 'delete', 'admin');
});

test('operators: at a terminal the password is asked for twice and not shown', async () => {
  const create = (name, ...lines) => atTerminal(lines, 'operator', 'create', name, '--output', 'json');
  const shown = await create('typist', 'typed by hand 1', 'typed by hand 1');
  assert.match(shown, /New password: [\s\S]*Once more: [\s\S]*"typist"/);
  assert.ok(!shown.includes('typed by hand'), shown);
  assert.strictEqual(await signIn('typist', 'typed by hand 1'), 200);
  assert.match(await create('other', 'typed by hand 1', 'typed by hand 2'), /the two differ/);
});

test('berth demo --once is the tutorial, and tells by its status whether all devices arrived', { timeout: 60000 }, async () => {
  await berth.killServer('SIGTERM');
  const run = (...args) => new Promise((resolve) => {
    execFile(berth.bin, ['demo', '--once', ...args], { env: { ...process.env, BERTH_DATA: '' } }, (error, stdout, stderr) => resolve({ status: error ? error.code : 0, stdout, stderr }));
  });
  const demo = await run('--devices', '30');
  assert.strictEqual(demo.status, 0, demo.stderr + demo.stdout);
  for (let step = 1; step <= 7; step++) assert.match(demo.stdout, new RegExp(`^${step}\\. `, 'm'));
  assert.strictEqual((demo.stdout.match(/^ {2}(device|press)-\S+ +[a-z-]+ +contoso-(east|west)\.berth\.test +[\d.]+ ms$/gm) || []).length, 30);
  assert.match(demo.stdout, /30 assigned, 0 not/);
  for (const transport of transports) assert.strictEqual((demo.stdout.match(new RegExp(`^ {2}\\S+ +${transport} +contoso-`, 'gm')) || []).length, 6, transport);
  assert.match(demo.stdout, /contoso-east\.berth\.test █+ \d+ \(\d+ %\)/);
  assert.ok(demo.stdout.split('\n').every((line) => [...line].length <= 120));
  const folderOf = /everything is in (\S+)/.exec(demo.stdout)[1];
  assert.ok(!fs.existsSync(folderOf), 'it cleans up after itself');
});

test('berth demo goes on until it is interrupted', { timeout: 60000 }, async () => {
  const demo = spawn(berth.bin, ['demo', '--devices', '3'], { env: { ...process.env, BERTH_DATA: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  demo.stdout.on('data', (part) => { text += part; });
  for (let i = 0; i < 400 && !/goes on until Ctrl-C/.test(text); i++) await berth.sleep(50);
  const data = /export BERTH_DATA=(\S+)/.exec(text)[1];
  assert.match(text, /The portal is at https:\/\/127\.0\.0\.1/);
  assert.strictEqual(await signIn('admin', /Sign in as admin with the password (\S+)/.exec(text)[1], fs.readFileSync(path.join(data, 'ca.pem'))), 200);
  const shown = execFileSync(berth.bin, ['enrollment', 'list', '--output', 'json'], { env: { ...process.env, BERTH_DATA: data }, encoding: 'utf8' });
  assert.strictEqual(JSON.parse(shown).length, 2);
  demo.kill('SIGINT');
  assert.strictEqual(await new Promise((resolve) => demo.on('exit', resolve)), 0);
  assert.ok(!fs.existsSync(data));
  await berth.startServer();
});

test('entries from a file: a table, an array, one object a line; rehearsed first, and what is wrong is told with its line', async () => {
  const file = (name, text) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const table_ = file('list.csv', 'registrationId;deviceId;provisioningStatus;initialTwin\r\nin-1;one;enabled;"{""tags"":{""site"":""a;b""}}"\r\nin 2;;;\r\nin-3;;disabled;\r\n');
  const rehearsal = await berth.cli('enrollment', 'import', table_, '--dry-run', '--output', 'json');
  assert.strictEqual(rehearsal.status, 1);
  assert.deepStrictEqual(JSON.parse(rehearsal.stdout), { created: 2, updated: 0, skipped: 0, failed: 1 });
  assert.match(rehearsal.stderr, /^3: /m);
  await bad(1, /not found/i, 'enrollment', 'show', 'in-1');
  assert.strictEqual((await berth.cli('enrollment', 'import', table_)).status, 1);
  const one = await json('enrollment', 'show', 'in-1');
  assert.strictEqual(one.deviceId, 'one');
  assert.strictEqual(one.initialTwin.tags.site, 'a;b');
  assert.strictEqual((await json('enrollment', 'show', 'in-3')).provisioningStatus, 'disabled');
  const many = Array.from({ length: 1200 }, (_, i) => ({ registrationId: `file-${i}`, attestation: { type: 'symmetricKey' } }));
  assert.strictEqual((await json('enrollment', 'import', file('list.json', JSON.stringify(many)))).created, 1200);
  const again = file('list.ndjson', `${many.slice(0, 3).map((e) => JSON.stringify(e)).join('\n')}\n`);
  assert.strictEqual((await json('enrollment', 'import', again, '--existing', 'skip')).skipped, 3);
  assert.strictEqual((await json('enrollment', 'import', again)).updated, 3);
  assert.match((await berth.cli('enrollment', 'import', file('odd.csv', 'nonsense\n1\n'))).stderr, /"nonsense" is no member/);
  assert.match((await berth.cli('enrollment', 'import', path.join(folder, 'nothing-there'))).stderr, /cannot be read/);
  assert.strictEqual((await json('enrollment-group', 'import', file('groups.json', '[{"enrollmentGroupId":"from-file","attestation":{"type":"symmetricKey"}}]'))).created, 1);
});
