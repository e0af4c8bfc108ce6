// What the tests of the portal share: Debian's Chromium, somebody who signs in, and an eye on what their browser complains of.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { execFileSync } = require('node:child_process');
const { test, before, after } = require('node:test');
const { chromium } = require('playwright-core');
const berth = require('./berth.js');
const { CA, make, pem } = require('./pki.js');

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const home = 'https://portal.berth.test';
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = fs.existsSync(executablePath) ? false : `there is no browser at ${executablePath}: install Debian's chromium, or set CHROMIUM`;
const password = 'the harbour is open';
const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];

let browser;
let visitors = [];

// How a browser says that it did not want the answer any more: the page was left.
const wasLeft = (request) => request.failure()?.errorText === 'net::ERR_ABORTED';
// Said for every answer that is an error; those are judged by themselves.
const isEcho = (text) => text.startsWith('Failed to load resource');

// One browser window with cookies of its own. Whatever goes wrong in it fails the test, unless it was announced (`expect`).
class Visitor {
  constructor(context, page) {
    Object.assign(this, { context, page, troubles: [], announced: [], asked: [], pending: new Set() });
    page.on('console', (message) => message.type() === 'error' && !isEcho(message.text()) && this.trouble(`console: ${message.text()}`));
    page.on('pageerror', (error) => this.trouble(`page: ${error}`));
    page.on('request', (request) => this.request(request));
    for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => this.pending.delete(request));
    page.on('framenavigated', () => this.pending.clear()); // of what the page before asked, nothing is told any more
    page.on('requestfailed', (request) => !wasLeft(request) && this.trouble(`${request.failure().errorText} ${Visitor.spell(request)}`));
    page.on('response', (response) => response.status() >= 400 && this.trouble(`${response.status()} ${Visitor.spell(response.request())}`));
  }

  static spell(request) {
    return `${request.method()} ${request.url().replace(home, '')}`;
  }

  trouble(text) {
    this.troubles.push(text);
  }

  request(request) {
    const { host, protocol } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && host !== new URL(home).host) this.trouble(`a request to another host: ${request.url()}`);
    this.asked.push(Visitor.spell(request));
    if (protocol === 'https:' && !request.url().includes('/berth/events')) this.pending.add(request);
  }

  // What the next steps will call forth: "409 PUT ...". It has to come.
  expect(...patterns) {
    this.announced.push(...patterns);
  }

  // What was asked that changes something, since the last time.
  changes() {
    const all = this.asked.filter((line) => !/^(GET|HEAD) /.test(line));
    this.asked = [];
    return all;
  }

  async signIn(name = 'admin', secret = password) {
    const answer = await this.context.request.post(`${home}/berth/session`, { data: { name, password: secret } });
    assert.strictEqual(answer.status(), 200, await answer.text());
    this.csrf = (await answer.json()).csrf;
    return this;
  }

  async open(path) {
    await this.page.goto(home + path);
    await this.heading();
    return this;
  }

  // Until everything that was asked is answered, and shown.
  async settled() {
    for (let i = 0, still = 0; i < 250; i++) {
      await berth.sleep(40);
      still = this.pending.size === 0 ? still + 1 : 0;
      if (still === 3) return this;
    }
    throw new Error(`never answered: ${[...this.pending].map(Visitor.spell).join(', ')}`);
  }

  heading(name) {
    return this.page.getByRole('heading', name === undefined ? { level: 1 } : { level: 1, name, exact: true }).waitFor();
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  field(name) {
    return this.page.getByRole('textbox', { name, exact: true });
  }

  // Through the navigation at the side.
  async go(name) {
    await this.page.getByRole('navigation').getByRole('link', { name, exact: true }).first().click();
    await this.heading(name);
  }

  async choose(menu, entry) {
    await this.button(menu).click();
    await this.page.getByRole('menuitem', { name: entry }).click();
  }

  note(text) {
    return this.page.getByRole('region', { name: 'Notes' }).getByText(text).first().waitFor();
  }

  row(table, text) {
    return this.page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: text });
  }

  // A file let go over the place for it.
  async drop(place, name, content) {
    const files = await this.page.evaluateHandle(([called, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], called));
      return transfer;
    }, [name, content]);
    await place.dispatchEvent('dragover', { dataTransfer: files });
    await place.dispatchEvent('drop', { dataTransfer: files });
  }

  // The sentence that a field says is wrong with it.
  async fault(field) {
    await this.page.waitForFunction((input) => input.getAttribute('aria-invalid') === 'true', await field.elementHandle());
    return field.evaluate((input) => input.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' '));
  }

  verdict() {
    const fits = (pattern) => this.troubles.some((line) => pattern.test(line));
    const unexpected = this.troubles.filter((line) => !this.announced.some((pattern) => pattern.test(line)));
    const missing = this.announced.filter((pattern) => !fits(pattern)).map((pattern) => `never came: ${pattern}`);
    return [...unexpected, ...missing];
  }
}

// Somebody at a computer of their own; not signed in yet.
async function visitor(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: home });
  context.setDefaultTimeout(30_000);
  const one = new Visitor(context, await context.newPage());
  visitors.push(one);
  return one;
}

const signedIn = async (name, secret) => (await visitor()).signIn(name, secret);

function setPassword(name, secret) {
  execFileSync(berth.bin, ['operator', 'set-password', name], { input: `${secret}\n`, env: { ...process.env, BERTH_DATA: berth.data } });
}

// Starts the browser once for a file; `prepare` runs after it.
function withBrowser(prepare = () => undefined) {
  if (skip) return;
  before(async () => {
    assert.strictEqual((await berth.ask('GET', 'portal.berth.test', '/', { headers: { Accept: 'text/html' } })).status, 200, 'the server was built without web/dist');
    setPassword('admin', password);
    browser = await chromium.launch({ executablePath, args: [...sandbox, '--disable-dev-shm-usage'] });
    await prepare();
  });
  after(() => browser?.close());
}

// A test whose visitors must have met nothing unexpected.
function story(name, run) {
  test(name, { skip }, async (t) => {
    visitors = [];
    try {
      await run(t);
      assert.deepStrictEqual(visitors.flatMap((one) => one.verdict()), []);
    } catch (error) {
      for (const one of visitors) {
        t.diagnostic(`at ${one.page.url()}; ${one.verdict().join('; ')}`);
        if (process.env.BERTH_SHOTS) await one.page.screenshot({ path: `${process.env.BERTH_SHOTS}/${name.replace(/\W+/g, '-')}.png`, fullPage: true }).catch(() => undefined);
      }
      throw error;
    } finally {
      await Promise.all(visitors.map((one) => one.context.close()));
    }
  });
}

// --- what axe finds ---

const grave = (rules) =>
  window.axe
    .run(document, { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) })
    .then(({ violations }) => violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.any[0]?.message ?? ''})`).join(', ')}`));
const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

// Width is the shape of a page, the theme only its colours: these alone are judged again. Nothing moves meanwhile.
async function judge(who, name) {
  const found = [];
  await who.page.evaluate(axe);
  for (const [width, theme, rules] of [[1280, 'light'], [1280, 'dark', ['color-contrast']], [390, 'dark', ['color-contrast']], [390, 'light']]) {
    await who.page.setViewportSize({ width, height: 844 });
    await who.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await who.page.waitForFunction((dark) => document.documentElement.dataset.dark === dark && !document.getAnimations().some((it) => it instanceof CSSTransition), String(theme === 'dark'), { polling: 100 });
    found.push(...(await who.page.evaluate(grave, rules)).map((line) => `${name}, ${theme}, ${width}: ${line}`));
  }
  await who.page.setViewportSize({ width: 360, height: 740 });
  const sideways = await who.page.evaluate(overflow);
  if (sideways > 0) found.push(`${name} scrolls sideways by ${sideways} px at 360`);
  await who.page.setViewportSize({ width: 1280, height: 844 });
  await who.page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  return found;
}

// --- pages ---

// Every page there is, where service dps1, hub1, entry press-1, group presses, CA certificate plant-root and device press-1 exist.
const addresses = {
  resources: '/resources', 'new service': '/resources/new-service', 'new hub': '/resources/new-hub', 'live, all': '/live', guide: '/first-steps',
  account: '/account', operators: '/operators', overview: '/services/dps1/overview', live: '/services/dps1/live', enrollments: '/services/dps1/enrollments',
  'new enrollment': '/services/dps1/enrollments/add', import: '/services/dps1/enrollments/import', enrollment: '/services/dps1/enrollments/entry/press-1',
  groups: '/services/dps1/enrollment-groups', 'new group': '/services/dps1/enrollment-groups/add', group: '/services/dps1/enrollment-groups/group/presses',
  allocation: '/services/dps1/allocation-policy', links: '/services/dps1/linked-hubs', 'new link': '/services/dps1/linked-hubs/add',
  certificates: '/services/dps1/certificates', certificate: '/services/dps1/certificates/plant-root', policies: '/services/dps1/access-policies',
  registrations: '/services/dps1/registrations', registration: '/services/dps1/registrations/press-1', explain: '/services/dps1/explain?id=stranger',
  hub: '/hubs/hub1/overview', devices: '/hubs/hub1/devices', device: '/hubs/hub1/devices/press-1', 'hub policies': '/hubs/hub1/access-policies',
  'not found': '/nowhere',
};

// What those pages are about.
async function furnish() {
  for (const hub of ['hub1', 'hub2']) await berth.makeHub(hub);
  const { idScope } = (await berth.makeService('dps1', { iotHubs: [{ name: 'hub1' }] })).properties;
  const api = await berth.serviceApi('dps1');
  const enroll = (kind, id, name) => berth.good(api('PUT', `/${kind}/${id}`, { body: { [name]: id, attestation: { type: 'symmetricKey' } } }));
  const { attestation } = await enroll('enrollments', 'press-1', 'registrationId');
  await enroll('enrollmentGroups', 'presses', 'enrollmentGroupId');
  assert.strictEqual((await berth.device(idScope, 'press-1', attestation.symmetricKey.primaryKey).settle()).body.status, 'assigned');
  await berth.device(idScope, 'stranger', attestation.symmetricKey.primaryKey).register();
  make('plant-root', '/CN=Plant root', undefined, { extensions: CA.replace('authorityKeyIdentifier=keyid\n', '') });
  const body = { properties: { certificate: Buffer.from(pem('plant-root')).toString('base64') } };
  await berth.good(berth.manage('PUT', `${berth.arm}/provisioningServices/dps1/certificates/plant-root`, body));
  return { api, scope: idScope };
}

module.exports = {
  addresses, furnish, home, judge, password, setPassword, signedIn, skip, story, visitor, withBrowser,
};
