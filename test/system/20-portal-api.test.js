// The portal's server side (PORTAL contract; docs/decisions/0008): sessions, roles, what a foreign page cannot do, other hosts' APIs.
'use strict';
const { test, before } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const berth = require('./berth.js');

const { arm, good } = berth;
const portal = 'portal.berth.test';
const firstPassword = () => /Sign in as admin with the password (\S+)/.exec(fs.readFileSync(path.join(berth.data, 'server.log'), 'utf8'))[1];

let browsers = 0;

// A browser on a machine of its own: it keeps its cookie, and says what its pages know.
class Browser {
  constructor(host = portal) {
    browsers++;
    Object.assign(this, { host, cookie: undefined, csrf: undefined, origin: `https://${host}`, from: `127.1.${browsers >> 8}.${browsers & 255}` });
  }

  async ask(method, target, { body, headers = {} } = {}) {
    const all = { ...headers };
    if (this.cookie && all.Cookie === undefined) all.Cookie = this.cookie;
    if (method !== 'GET' && method !== 'HEAD') {
      if (this.csrf && all['X-Berth-CSRF'] === undefined) all['X-Berth-CSRF'] = this.csrf;
      if (all.Origin === undefined) all.Origin = this.origin;
    }
    for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
    const answer = await berth.ask(method, this.host, target, { headers: all, body, from: this.from });
    for (const set of answer.headers['set-cookie'] || []) this.cookie = set.startsWith('__Host-berth=;') ? undefined : set.split(';')[0];
    return answer;
  }

  async signIn(name, password) {
    const answer = await this.ask('POST', '/berth/session', { body: { name, password } });
    if (answer.status === 200) this.csrf = answer.body.csrf;
    return answer;
  }
}

const signedIn = async (name, password, host) => {
  const browser = new Browser(host);
  const answer = await browser.signIn(name, password);
  assert.strictEqual(answer.status, 200, answer.text);
  return browser;
};
const byToken = (method, target, body) => berth.ask(method, portal, target, { headers: { Authorization: `Bearer ${berth.token()}` }, body });
const makeOperator = async (name, role, password = `${name}'s long password`) => {
  const answer = await byToken('PUT', `/berth/operators/${name}`, { role, password });
  assert.ok(answer.status === 200 || answer.status === 201, answer.text);
  return password;
};
const refused = (answer, status, code, words) => {
  assert.strictEqual(answer.status, status, answer.text);
  if (code) assert.strictEqual(answer.body.code, code);
  if (words) assert.match(answer.text, words);
};

const dps = `${arm}/provisioningServices/dps1?api-version=2022-12-12`;
const hub = `${arm}/IotHubs/hub1`;
const v = 'api-version=2021-10-01';
const hv = 'api-version=2021-04-12';

before(async () => {
  await berth.makeHub('hub1');
  await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] });
  const service = await berth.serviceApi('dps1');
  await good(service('PUT', '/enrollments/press-1', { body: { attestation: { type: 'symmetricKey' }, registrationId: 'press-1' } }));
  await good(service('PUT', '/enrollmentGroups/presses', { body: { attestation: { type: 'symmetricKey' }, enrollmentGroupId: 'presses' } }));
  const hubs = await berth.hubApi('hub1');
  await good(hubs('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } }));
});

// --- signing in ---

test('the first start made an administrator whose password was said once, and not in the log', async () => {
  const password = firstPassword();
  assert.strictEqual(password.length, 23);
  assert.ok(berth.logLines().every((line) => !JSON.stringify(line).includes(password)), 'not in an event of the log');
  const answer = await new Browser().signIn('admin', password);
  assert.strictEqual(answer.status, 200, answer.text);
  const { csrf, ...session } = answer.body;
  assert.match(csrf, /^[0-9a-f]{64}$/);
  assert.deepStrictEqual(session, {
    name: 'admin', role: 'administrator', domain: 'berth.test', version: '0.1.0', deviceEndpoint: 'global.berth.test',
    ports: { https: 443, mqtts: 8883, amqps: 5671 },
  });
});

test('the cookie is kept from scripts, from plain HTTP, from other sites and from caches', async () => {
  const answer = await new Browser().signIn('Admin', firstPassword());
  assert.strictEqual(answer.headers['set-cookie'].length, 1);
  const [pair, ...attributes] = answer.headers['set-cookie'][0].split('; ');
  assert.match(pair, /^__Host-berth=[0-9a-f]{64}$/);
  assert.deepStrictEqual(attributes.sort(), ['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
  assert.strictEqual(answer.headers['cache-control'], 'no-store');
  assert.ok(!answer.text.includes(pair.split('=')[1]), 'the page does not learn it');
});

test('who am I: the same answer as signing in; 401 when signed out', async () => {
  const browser = new Browser();
  refused(await browser.ask('GET', '/berth/session'), 401, 'SignedOut');
  const first = await browser.signIn('admin', firstPassword());
  assert.deepStrictEqual((await browser.ask('GET', '/berth/session')).body, first.body);
  for (const host of ['localhost', '127.0.0.1']) assert.strictEqual((await signedIn('admin', firstPassword(), host)).host, host);
});

test('two browsers of one operator have sessions of their own', async () => {
  const [one, two] = [await signedIn('admin', firstPassword()), await signedIn('admin', firstPassword())];
  assert.notStrictEqual(one.cookie, two.cookie);
  assert.notStrictEqual(one.csrf, two.csrf);
  assert.strictEqual((await one.ask('DELETE', '/berth/session')).status, 204);
  refused(await one.ask('GET', '/berth/session'), 401);
  assert.strictEqual((await two.ask('GET', '/berth/session')).status, 200);
});

test('a wrong password and an unknown name sound alike', async () => {
  await makeOperator('wrong', 'reader');
  const [one, two] = [await new Browser().signIn('wrong', 'not the password'), await new Browser().signIn('nobody', 'not the password')];
  refused(one, 401, 'SignInFailed');
  assert.deepStrictEqual(one.body, two.body);
  assert.strictEqual(one.headers['set-cookie'], undefined);
  const reasons = berth.logLines().filter((line) => line.operation === 'SignIn').map((line) => line.reason);
  assert.ok(reasons.includes('the password is wrong') && reasons.includes('there is no operator of that name'), 'the log tells them apart');
});

test('a body that is none is told in a sentence', async () => {
  for (const body of ['', '{', '[]', '"x"', '{"name":"admin"}', '{"name":1,"password":"x"}', '{"name":"admin","password":null}']) {
    refused(await new Browser().ask('POST', '/berth/session', { body }), 400, 'ArgumentInvalid', /./);
  }
  refused(await new Browser().ask('POST', '/berth/session', { body: { name: 'admin', password: 'x'.repeat(20000) } }), 413);
  refused(await new Browser().ask('PATCH', '/berth/session', { body: {} }), 405);
});

test('after five wrong passwords for a name the right one must wait too, wherever it comes from', async () => {
  const password = await makeOperator('guessed', 'reader');
  let guesses = 0;
  while ((await new Browser().signIn('guessed', `guess number ${guesses}`)).status === 401) guesses++;
  assert.ok(guesses >= 5, `${guesses}`);
  const answer = await new Browser().signIn('GUESSED', password);
  refused(answer, 429, 'TooManyRequests', /Too many wrong passwords/);
  assert.match(answer.headers['retry-after'], /^[1-9][0-9]?$/);
  await signedIn('admin', firstPassword());
  await berth.eventually(async () => (await new Browser().signIn('guessed', password)).status === 200);
});

test('after five wrong passwords from an address nobody signs in from there for a while', async () => {
  const browser = new Browser();
  while ((await browser.signIn(`nobody-${browsers}`, 'not the password')).status === 401) browsers++;
  refused(await browser.signIn('admin', firstPassword()), 429);
  await signedIn('admin', firstPassword());
  for (let i = 0; i < 20; i++) await signedIn('admin', firstPassword());
});

test('five wrong passwords at one moment are not ten', async () => {
  const browser = new Browser();
  const statuses = (await Promise.all(Array.from({ length: 10 }, (_, i) => browser.signIn(`many-${i}`, 'not the password')))).map((a) => a.status);
  assert.deepStrictEqual(statuses.sort(), [401, 401, 401, 401, 401, 429, 429, 429, 429, 429]);
});

// --- changing the password, ending sessions ---

test('signing out everywhere ends all sessions of this operator and no others', async () => {
  const password = await makeOperator('everywhere', 'reader');
  const other = await signedIn('admin', firstPassword());
  const [one, two] = [await signedIn('everywhere', password), await signedIn('everywhere', password)];
  const answer = await one.ask('DELETE', '/berth/session?everywhere=true');
  assert.strictEqual(answer.status, 204);
  refused(await two.ask('GET', '/berth/session'), 401);
  assert.strictEqual((await other.ask('GET', '/berth/session')).status, 200);
});

test('signing out takes the cookie away', async () => {
  const browser = await signedIn('admin', firstPassword());
  const kept = browser.cookie;
  const answer = await browser.ask('DELETE', '/berth/session');
  assert.match(answer.headers['set-cookie'][0], /^__Host-berth=; .*Max-Age=0/);
  assert.strictEqual(browser.cookie, undefined);
  browser.cookie = kept;
  refused(await browser.ask('GET', '/berth/session'), 401);
});

test('a new password ends all other sessions, and the old one is no good any more', async () => {
  const password = await makeOperator('changing', 'reader');
  const [one, two] = [await signedIn('changing', password), await signedIn('changing', password)];
  const put = (current, fresh) => one.ask('PUT', '/berth/session/password', { body: { current, new: fresh } });
  refused(await put(password, 'too short'), 400, undefined, /12 to 128 characters/);
  refused(await put(password, 'x'.repeat(129)), 400, undefined, /12 to 128 characters/);
  refused(await put('not the current', 'another long password'), 403, 'WrongPassword');
  assert.strictEqual((await two.ask('GET', '/berth/session')).status, 200);
  assert.strictEqual((await put(password, 'another löng password')).status, 204);
  refused(await two.ask('GET', '/berth/session'), 401);
  assert.strictEqual((await one.ask('GET', '/berth/session')).status, 200, 'the one that asked goes on');
  refused(await new Browser().signIn('changing', password), 401);
  await signedIn('changing', 'another löng password');
});

test('no more than twenty sessions of an operator: the oldest makes room', async () => {
  const password = await makeOperator('many', 'reader');
  const first = await signedIn('many', password);
  const second = await signedIn('many', password);
  for (let i = 0; i < 19; i++) await signedIn('many', password);
  refused(await first.ask('GET', '/berth/session'), 401);
  assert.strictEqual((await second.ask('GET', '/berth/session')).status, 200);
});

// --- what a foreign page cannot do ---

test('a change by cookie needs the token of this session', async () => {
  const [browser, other] = [await signedIn('admin', firstPassword()), await signedIn('admin', firstPassword())];
  const put = (headers) => browser.ask('PUT', hub.replace('hub1', 'hub2') + '?api-version=2022-12-12', { headers, body: { location: 'local', sku: berth.sku, properties: {} } });
  for (const csrf of [null, '', 'x', other.csrf, browser.csrf.slice(1), browser.csrf.toUpperCase(), browser.cookie.split('=')[1]]) {
    refused(await put({ 'X-Berth-CSRF': csrf }), 403, undefined, /X-Berth-CSRF/);
  }
  for (const [method, target] of [['DELETE', '/berth/session'], ['PUT', '/berth/session/password'], ['PUT', '/berth/operators/x'], ['DELETE', '/berth/operators/x'],
    ['DELETE', `/berth/at/dps1/enrollments/press-1?${v}`], ['POST', `/berth/at/dps1/enrollments/query?${v}`], ['PUT', `/berth/at/hub1/devices/x?${hv}`]]) {
    refused(await browser.ask(method, target, { headers: { 'X-Berth-CSRF': null }, body: {} }), 403, undefined, /X-Berth-CSRF/);
  }
  assert.strictEqual((await put({})).status, 201);
});

test('a change that another origin asks for is refused, token or not', async () => {
  const browser = await signedIn('admin', firstPassword());
  const query = (headers) => browser.ask('POST', `/berth/at/dps1/enrollments/query?${v}`, { headers, body: { query: 'SELECT * FROM enrollments' } });
  for (const origin of ['https://evil.test', 'http://portal.berth.test', 'https://portal.berth.test:8443', 'https://portal.berth.test.evil.test',
    'https://xportal.berth.test', 'https://dps1.berth.test', 'null', '', 'portal.berth.test', 'https://localhost']) {
    refused(await query({ Origin: origin }), 403, undefined, /another origin/);
  }
  for (const origin of ['https://portal.berth.test', 'https://portal.berth.test:443', 'https://PORTAL.berth.test', null]) {
    assert.strictEqual((await query({ Origin: origin })).status, 200, origin);
  }
});

test('signing in for somebody else from another site is refused', async () => {
  const answer = await new Browser().ask('POST', '/berth/session', { headers: { Origin: 'https://evil.test' }, body: { name: 'admin', password: firstPassword() } });
  refused(answer, 403, 'CsrfRefused');
  assert.strictEqual(answer.headers['set-cookie'], undefined);
});

test('a cookie that is not exactly one of ours is none', async () => {
  const browser = await signedIn('admin', firstPassword());
  const value = browser.cookie.split('=')[1];
  const show = (cookie) => browser.ask('GET', '/berth/session', { headers: { Cookie: cookie } });
  for (const cookie of [`__Host-berth="${value}"`, `__Host-berth=${value}0`, `__Host-berth=${value.slice(1)}`, `__Host-berth=${value.toUpperCase()}`,
    `berth=${value}`, `__host-berth=${value}`, `__Host-berth=${'0'.repeat(64)}`, `__Host-berth=${value}; __Host-berth=${value}`, `__Host-berth=`]) {
    refused(await show(cookie), 401, 'SignedOut');
  }
  assert.strictEqual((await show(`theme=dark; ${browser.cookie}; odd; x="a;b"`)).status, 200);
});

test('an Authorization header counts, and the cookie beside it does not', async () => {
  const browser = await signedIn('admin', firstPassword());
  refused(await browser.ask('GET', '/berth/operators', { headers: { Authorization: 'Bearer wrong' } }), 401);
  refused(await browser.ask('GET', '/berth/session', { headers: { Authorization: `Bearer ${berth.token()}` } }), 401, 'SignedOut', /bearer/);
  refused(await browser.ask('GET', `/berth/at/dps1/enrollments/press-1?${v}`, { headers: { Authorization: 'SharedAccessSignature sr=x&sig=x&se=1&skn=x' } }), 401);
});

// --- roles ---

const reading = [
  ['GET', dps], ['GET', `${arm}/provisioningServices?api-version=2022-12-12`], ['GET', `${hub}?api-version=2022-12-12`],
  ['GET', `${arm}/IotHubs?api-version=2022-12-12`], ['GET', dps.replace('?', '/certificates?')],
  ['POST', `/subscriptions/${berth.subscription}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability?api-version=2022-12-12`, { name: 'free' }],
  ['GET', `/berth/at/dps1/enrollments/press-1?${v}`], ['POST', `/berth/at/dps1/enrollments/query?${v}`, { query: 'SELECT * FROM enrollments' }],
  ['GET', `/berth/at/dps1/enrollmentGroups/presses?${v}`], ['POST', `/berth/at/dps1/enrollmentGroups/query?${v}`, { query: 'SELECT * FROM enrollments' }],
  ['GET', `/berth/at/dps1/registrations/press-1?${v}`], ['POST', `/berth/at/dps1/registrations/presses/query?${v}`],
  ['GET', `/berth/at/dps1/berth/registrations/press-1/attempts?${v}`], ['GET', `/berth/at/dps1/berth/certificates/expiring?${v}`],
  ['GET', `/berth/at/hub1/twins/pump-1?${hv}`], ['POST', `/berth/at/hub1/devices/query?${hv}`, { query: 'SELECT * FROM devices' }],
  ['GET', `/berth/at/hub1/statistics/devices?${hv}`], ['GET', '/berth/session'],
];
const notForReaders = [
  ['POST', dps.replace('?', '/listkeys?')], ['POST', dps.replace('?', '/keys/provisioningserviceowner/listkeys?')], ['POST', `${hub}/listkeys?api-version=2022-12-12`],
  ['POST', `${hub}/IotHubKeys/iothubowner/listkeys?api-version=2022-12-12`],
  ['POST', `/berth/at/dps1/enrollments/press-1/attestationmechanism?${v}`], ['POST', `/berth/at/dps1/enrollmentGroups/presses/attestationmechanism?${v}`],
  ['GET', `/berth/at/hub1/devices/pump-1?${hv}`], ['GET', `/berth/at/hub1/devices?${hv}`],
  ['PUT', dps, { location: 'local', sku: berth.sku, properties: {} }], ['PATCH', dps, { tags: {} }], ['DELETE', dps], ['DELETE', `${hub}?api-version=2022-12-12`],
  ['PUT', dps.replace('?', '/certificates/ca?'), {}], ['POST', dps.replace('?', '/certificates/ca/generateVerificationCode?')],
  ['PUT', `/berth/at/dps1/enrollments/new?${v}`, { attestation: { type: 'symmetricKey' } }], ['POST', `/berth/at/dps1/enrollments?${v}`, { mode: 'create', enrollments: [] }],
  ['DELETE', `/berth/at/dps1/enrollments/press-1?${v}`], ['DELETE', `/berth/at/dps1/registrations/press-1?${v}`],
  ['PUT', `/berth/at/dps1/berth/enrollmentGroups/presses/revocationLists/l?${v}`, {}],
  ['PUT', `/berth/at/dps1/berth/endorsementRevocationLists/l?${v}`, {}], ['POST', `/berth/at/dps1/berth/endorsementRevocationLists/l/refresh?${v}`],
  ['PUT', `/berth/at/hub1/devices/new?${hv}`, {}], ['DELETE', `/berth/at/hub1/devices/pump-1?${hv}`], ['POST', `/berth/at/hub1/devices?${hv}`, []],
  ['PATCH', `/berth/at/hub1/twins/pump-1?${hv}`, { tags: { x: 1 } }], ['POST', `/berth/at/hub1/twins/pump-1/methods?${hv}`, { methodName: 'x' }],
  ['GET', '/berth/operators'], ['PUT', '/berth/operators/new', { role: 'administrator', password: 'a long password' }], ['DELETE', '/berth/operators/admin'],
];

test('a reader reads, and neither changes anything nor sees a key', async () => {
  const reader = await signedIn('looking', await makeOperator('looking', 'reader'));
  const service = await berth.serviceApi('dps1');
  const keys = (await good(service('POST', '/enrollments/press-1/attestationmechanism'))).symmetricKey;
  for (const [method, target, body] of reading) {
    const answer = await reader.ask(method, target, { body });
    assert.ok(answer.status === 200, `${method} ${target}: ${answer.status} ${answer.text}`);
    for (const key of [...Object.values(keys), ...(await berth.keysOf('IotHubs', 'hub1')).map((k) => k.primaryKey)]) assert.ok(!answer.text.includes(key), target);
  }
  for (const [method, target, body] of notForReaders) {
    const answer = await reader.ask(method, target, { body });
    refused(answer, 403, undefined, /The role reader does not allow this/);
  }
});

test('an administrator may do all of that', async () => {
  const browser = await signedIn('admin', firstPassword());
  for (const [method, target, body] of reading) assert.strictEqual((await browser.ask(method, target, { body })).status, 200, target);
  for (const [method, target, body] of notForReaders.filter(([m]) => m !== 'DELETE')) {
    const { status, text } = await browser.ask(method, target, { body });
    assert.ok(status !== 401 && status !== 403, `${method} ${target}: ${status} ${text}`);
  }
});

test('every surface says no in its own form', async () => {
  const reader = await signedIn('forms', await makeOperator('forms', 'reader'));
  assert.strictEqual((await reader.ask('DELETE', dps)).body.error.code, 'AuthorizationFailed');
  assert.strictEqual((await reader.ask('DELETE', `/berth/at/dps1/enrollments/press-1?${v}`)).body.errorCode, 403000);
  assert.match((await reader.ask('DELETE', `/berth/at/hub1/devices/pump-1?${hv}`)).body.Message, /^ErrorCode:Forbidden;The role/);
  assert.strictEqual((await reader.ask('GET', '/berth/operators')).body.code, 'Forbidden');
  const nobody = new Browser();
  assert.strictEqual((await nobody.ask('GET', dps)).body.error.code, 'AuthenticationFailed');
  assert.strictEqual((await nobody.ask('GET', `/berth/at/dps1/enrollments/press-1?${v}`)).body.errorCode, 401002);
  assert.match((await nobody.ask('GET', `/berth/at/hub1/devices/pump-1?${hv}`)).body.Message, /^ErrorCode:IotHubUnauthorizedAccess/);
  assert.strictEqual((await nobody.ask('GET', '/berth/operators')).body.code, 'SignedOut');
});

// --- operators ---

test('operators: made, listed, changed, deleted', async () => {
  const browser = await signedIn('admin', firstPassword());
  const at = '/berth/operators/Ada.L';
  const made = await browser.ask('PUT', at, { body: { role: 'reader', password: 'a long password' } });
  assert.strictEqual(made.status, 201);
  assert.deepStrictEqual([made.body.name, made.body.role, made.body.lastSignIn], ['Ada.L', 'reader', null]);
  assert.ok(!/hash|password/i.test(made.text));
  await signedIn('ada.l', 'a long password');
  const listed = (await browser.ask('GET', '/berth/operators')).body;
  const ada = listed.find((o) => o.name === 'Ada.L');
  assert.deepStrictEqual(Object.keys(ada), ['name', 'role', 'created', 'lastSignIn']);
  assert.ok(Date.parse(ada.lastSignIn) >= Date.parse(ada.created));
  assert.ok(listed.some((o) => o.name === 'admin'));
  assert.strictEqual((await browser.ask('PUT', at, { body: { role: 'administrator' } })).status, 200);
  assert.strictEqual((await (await signedIn('ada.l', 'a long password')).ask('GET', '/berth/operators')).status, 200);
  assert.strictEqual((await browser.ask('DELETE', at)).status, 204);
  refused(await browser.ask('DELETE', at), 404, 'NotFound');
  refused(await new Browser().signIn('ada.l', 'a long password'), 401);
});

test('operators: what is wrong is told', async () => {
  refused(await byToken('PUT', '/berth/operators/newone', { role: 'reader' }), 400, undefined, /role .* and password/);
  refused(await byToken('PUT', '/berth/operators/newone', { password: 'a long password' }), 400, undefined, /role/);
  refused(await byToken('PUT', '/berth/operators/newone', { role: 'king', password: 'a long password' }), 400, undefined, /role/);
  refused(await byToken('PUT', '/berth/operators/newone', { role: 'reader', password: 'short' }), 400, 'PasswordUnfit');
  refused(await byToken('PUT', '/berth/operators/newone', { role: 'reader', password: 12 }), 400, 'PasswordUnfit');
  refused(await byToken('PUT', '/berth/operators/newone', []), 400);
  for (const name of ['-x', 'a%20b', 'a%2Fb', 'x'.repeat(65), '%C3%A4']) refused(await byToken('PUT', `/berth/operators/${name}`, { role: 'reader', password: 'a long password' }), 400, undefined, /name of an operator/);
});

test('a change of role or password ends the sessions of that operator', async () => {
  const password = await makeOperator('promoted', 'reader');
  const browser = await signedIn('promoted', password);
  await good(byToken('PUT', '/berth/operators/promoted', { role: 'administrator' }));
  refused(await browser.ask('GET', '/berth/session'), 401);
  const again = await signedIn('promoted', password);
  await good(byToken('PUT', '/berth/operators/promoted', { password: 'quite another one' }));
  refused(await again.ask('GET', '/berth/session'), 401);
  const last = await signedIn('promoted', 'quite another one');
  await good(byToken('DELETE', '/berth/operators/promoted'));
  refused(await last.ask('GET', '/berth/session'), 401);
});

test('the last administrator stays, whoever asks', async () => {
  const admins = (await good(byToken('GET', '/berth/operators'))).filter((o) => o.role === 'administrator' && o.name !== 'admin');
  for (const { name } of admins) await good(byToken('DELETE', `/berth/operators/${name}`));
  const browser = await signedIn('admin', firstPassword());
  for (const ask of [byToken, (method, target, body) => browser.ask(method, target, { body })]) {
    refused(await ask('DELETE', '/berth/operators/admin'), 409, 'LastAdministrator');
    refused(await ask('PUT', '/berth/operators/admin', { role: 'reader' }), 409, 'LastAdministrator');
  }
  assert.strictEqual((await browser.ask('GET', '/berth/session')).status, 200, 'nothing has happened');
  // Two who depose each other at one moment: one of them stays.
  for (let i = 0; i < 10; i++) {
    await makeOperator('rival', 'administrator');
    const answers = await Promise.all(['admin', 'rival'].map((name) => byToken('PUT', `/berth/operators/${name}`, { role: 'reader' })));
    assert.deepStrictEqual(answers.map((a) => a.status).sort(), [200, 409]);
    const left = (await good(byToken('GET', '/berth/operators'))).filter((o) => o.role === 'administrator').map((o) => o.name);
    assert.deepStrictEqual(left, [answers[0].status === 409 ? 'admin' : 'rival']);
    await good(byToken('PUT', '/berth/operators/admin', { role: 'administrator' }));
  }
});

// --- other hosts' APIs ---

test('/berth/at is the request at that host, with its errors, bodies and headers', async () => {
  const browser = await signedIn('admin', firstPassword());
  const service = await berth.serviceApi('dps1');
  const here = await browser.ask('GET', `/berth/at/dps1/enrollments/press-1?${v}`);
  const there = await service('GET', '/enrollments/press-1');
  assert.deepStrictEqual(here.body, there.body);
  assert.strictEqual((await browser.ask('GET', `/berth/at/DPS1/enrollments/press-1?${v}`)).status, 200);
  const page = await browser.ask('POST', `/berth/at/dps1/enrollments/query?${v}`, { headers: { 'x-ms-max-item-count': '1' }, body: { query: 'SELECT * FROM enrollments' } });
  assert.strictEqual(page.headers['x-ms-item-type'], 'Enrollment');
  const odd = encodeURIComponent("odd:(1)+%_#*?!,=@;$'");
  assert.strictEqual((await browser.ask('PUT', `/berth/at/hub1/devices/${odd}?${hv}`, { body: { deviceId: decodeURIComponent(odd) } })).status, 200);
  assert.strictEqual((await browser.ask('GET', `/berth/at/hub1/devices/${odd}?${hv}`)).body.deviceId, decodeURIComponent(odd));
  refused(await browser.ask('GET', `/berth/at/hub1/devices/a%2Fb?${hv}`), 400);
  refused(await browser.ask('GET', `/berth/at/hub1/devices/%zz?${hv}`), 400);
  refused(await browser.ask('PUT', `/berth/at/dps1/enrollments/big?${v}`, { body: 'x'.repeat(1024 * 1024 + 1) }), 413);
});

test('/berth/at: what is not there is 404 for who is signed in, and 401 for everybody else', async () => {
  const browser = await signedIn('admin', firstPassword());
  refused(await browser.ask('GET', `/berth/at/dps9/enrollments/x?${v}`), 404, undefined, /no provisioning service called dps9/);
  refused(await browser.ask('GET', `/berth/at/dps1/devices/x?${hv}`), 404, undefined, /no hub called dps1/);
  refused(await browser.ask('GET', `/berth/at/dps1/nothing/here?${v}`), 404);
  refused(await new Browser().ask('GET', `/berth/at/dps9/enrollments/x?${v}`), 401);
  refused(await new Browser().ask('GET', `/berth/at/dps1/enrollments/x?${v}`), 401);
});

test('/berth/at leads to services and hubs, once, and nowhere else', async () => {
  const browser = await signedIn('admin', firstPassword());
  for (const target of ['/berth/at', '/berth/at/', '/berth/at/dps1', '/berth/at/dps1/', '/berth/at//enrollments/press-1', '/berth/at/portal/berth/session',
    '/berth/at/portal/enrollments/press-1', '/berth/at/global/x/registrations/y', `/berth/at/dps1${dps}`, '/berth/at/dps1/berth/session',
    '/berth/at/dps1/berth/at/dps1/enrollments/press-1', '/berth/at/dps1/x/registrations/y', '/berth/at/evil.test/enrollments/press-1',
    '/berth/at/dps1%2eberth%2etest/enrollments/press-1', '/berth/at/dps1.berth.test/enrollments/press-1', '/berth/at/dps1@evil.test/enrollments/x']) {
    refused(await browser.ask('GET', target), 404);
  }
  // At the host of a service there is no portal.
  refused(await berth.ask('GET', 'dps1.berth.test', `/berth/at/dps1/enrollments/press-1?${v}`, { headers: { Authorization: `Bearer ${berth.token()}` } }), 404);
  refused(await berth.ask('GET', 'dps1.berth.test', '/berth/session', { headers: { Cookie: browser.cookie } }), 404);
});

test('/berth/at: a token of the host is judged as there, the bearer token too', async () => {
  const [owner] = await berth.keysOf('provisioningServices', 'dps1');
  const at = (resource, target = '/enrollments/press-1') =>
    berth.ask('GET', portal, `/berth/at/dps1${target}?${v}`, { headers: { Authorization: berth.sas(resource, owner.primaryKey, { name: owner.keyName }) } });
  assert.strictEqual((await at('dps1.berth.test')).status, 200);
  assert.strictEqual((await at('dps1.berth.test/enrollments')).status, 200);
  refused(await at('dps1.berth.test/enrollmentGroups'), 401);
  refused(await at('portal.berth.test'), 401);
  refused(await at('portal.berth.test/berth/at/dps1'), 401);
  assert.strictEqual((await byToken('GET', `/berth/at/dps1/enrollments/press-1?${v}`)).status, 200);
});

test('a session is let in at the services\' and hubs\' own hosts as well', async () => {
  const browser = await signedIn('admin', firstPassword());
  browser.host = 'dps1.berth.test';
  assert.strictEqual((await browser.ask('GET', `/enrollments/press-1?${v}`)).status, 200);
});

// --- pages ---

const browse = (target, headers = {}, method = 'GET', host = portal) =>
  berth.ask(method, host, target, { headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'Accept-Encoding': 'gzip, deflate, br', ...headers } });
// Whether web/ was built before the server; ./check always does so, once there is a web/.
const built = async (t) => {
  const there = (await browse('/')).status === 200;
  if (!there) t.skip('this server was built without the portal\'s pages');
  return there;
};

test('pages: shut in, whether they were built or not', async () => {
  for (const target of ['/', '/services/dps1/overview', '/live']) {
    const { headers, status, text } = await browse(target, { 'Accept-Encoding': 'identity' });
    assert.match(headers['content-type'], /^text\/html/);
    assert.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-[^']+'; .*frame-ancestors 'none'; base-uri 'none'$/);
    assert.ok(!headers['content-security-policy'].includes('unsafe'));
    assert.strictEqual(headers['x-frame-options'], 'DENY');
    assert.strictEqual(headers['referrer-policy'], 'no-referrer');
    assert.strictEqual(headers['x-content-type-options'], 'nosniff');
    assert.strictEqual(headers['cross-origin-opener-policy'], 'same-origin');
    assert.strictEqual(headers['cross-origin-resource-policy'], 'same-origin');
    assert.match(headers['permissions-policy'], /camera=\(\)/);
    assert.strictEqual(headers['cache-control'], 'no-cache');
    assert.strictEqual(headers['set-cookie'], undefined);
    if (status === 404) assert.match(text, /not built/);
  }
});

test('pages are at the portal\'s host, and no API is hidden by them', async () => {
  for (const host of ['localhost', '127.0.0.1', 'berth.test']) {
    if (host !== 'berth.test') assert.match((await browse('/', {}, 'GET', host)).headers['content-type'], /^text\/html/);
  }
  for (const host of ['dps1.berth.test', 'hub1.berth.test', 'global.berth.test']) refused(await browse('/', {}, 'GET', host), 404);
  refused(await browse('/berth/nothing'), 404, 'NotFound');
  assert.match((await browse('/berth/session')).headers['content-type'], /^application\/json/);
  assert.match((await browse(dps)).headers['content-type'], /^application\/json/);
  refused(await berth.ask('GET', portal, '/services/dps1', { headers: { Accept: 'application/json' } }), 404);
  refused(await browse('/assets/gone-00000000.js'), 404);
  refused(await browse('/', {}, 'POST'), 404);
});

test('pages: every address of the portal is the same document; the browser asks whether it is the one it has', async (t) => {
  if (!(await built(t))) return;
  const { headers, text } = await browse('/', { 'Accept-Encoding': 'identity' });
  assert.match(text, /<div id="root">/);
  for (const target of ['/index.html', '/services/dps1/enrollments/entry/a%2Fb?tab=keys', '/operators', '/services/registrations/x']) {
    assert.strictEqual((await browse(target, { 'Accept-Encoding': 'identity' })).text, text);
  }
  const known = await browse('/live', { 'If-None-Match': headers.etag });
  assert.deepStrictEqual([known.status, known.text, known.headers.etag, known.headers['content-length']], [304, '', headers.etag, undefined]);
  assert.strictEqual((await browse('/', { 'If-None-Match': 'W/"other"' })).status, 200);
  const head = await browse('/', { 'Accept-Encoding': 'identity' }, 'HEAD');
  assert.deepStrictEqual([head.status, head.text, head.headers['content-length'], head.headers.etag], [200, '', headers['content-length'], headers.etag]);
});

test('pages: their files are kept for ever, and come in the form that the client takes', async (t) => {
  if (!(await built(t))) return;
  const { text } = await browse('/', { 'Accept-Encoding': 'identity' });
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(text)[1];
  const fetched = async (coding) => {
    const answer = await fetch(`https://${portal}${script}`, { headers: { 'Accept-Encoding': coding } });
    return { answer, content: await answer.text() };
  };
  const plain = await fetched('identity');
  assert.strictEqual(plain.answer.headers.get('content-encoding'), null);
  assert.strictEqual(plain.answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.match(plain.answer.headers.get('content-type'), /^text\/javascript/);
  for (const coding of ['gzip', 'br']) {
    const { answer, content } = await fetched(coding);
    assert.strictEqual(answer.headers.get('content-encoding'), coding);
    assert.strictEqual(answer.headers.get('vary'), 'Accept-Encoding');
    assert.ok(content === plain.content, 'the same content');
  }
});

test('sessions outlive the server, and the second start makes no operator', async () => {
  const browser = await signedIn('admin', firstPassword());
  await berth.killServer('SIGTERM');
  await berth.startServer();
  assert.strictEqual((await browser.ask('GET', '/berth/session')).status, 200);
  assert.strictEqual(fs.readFileSync(path.join(berth.data, 'server.log'), 'utf8').match(/Sign in as/g).length, 1);
});
