// The pulled-plug test's tools: a storm of writes, each noted by the one who wrote it, and the reckoning afterwards.
//
// Every actor does one thing after the other and knows what it was answered. When the plug is pulled at most one of its
// writes is open, which may have happened or not. All that was answered must be there.
'use strict';
const assert = require('node:assert');
const https = require('node:https');
const { isDeepStrictEqual } = require('node:util');
const berth = require('./berth.js');

// Chance that can be repeated (mulberry32).
function dice(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// What one writer knows of one thing: the last answered state, and what was sent since without an answer.
class Thing {
  constructor(name, known) {
    Object.assign(this, { name, known, open: [] });
  }

  async write(next, send) {
    this.open.push(next);
    const answer = await send();
    this.known = next;
    this.open = [];
    return answer;
  }

  reckon(actual) {
    assert.ok([this.known, ...this.open].some((state) => isDeepStrictEqual(state, actual)),
      `${this.name} is ${JSON.stringify(actual)}; answered was ${JSON.stringify(this.known)}, without an answer ${JSON.stringify(this.open)}`);
    this.known = actual;
    this.open = [];
  }
}

async function expect(promise, what, ...statuses) {
  const answer = await promise;
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
  return answer;
}

// --- the world: a service, its linked hubs, and how they are reached ---

class World {
  // hubs: [{host, link, ask(method, target, options)}], link as in the service's iotHubs; the last may be unlinked at times.
  constructor({ service, hubs, seed }) {
    Object.assign(this, { name: service, hubs, chance: dice(seed), ended: false, flaky: false, unlinked: false, lost: 0, answered: 0 });
    this.keepAlive = new https.Agent({ keepAlive: true, maxSockets: 8 });
  }

  pick(list) {
    return list[Math.floor(this.chance() * list.length)];
  }

  hub(host) {
    return this.hubs.find((h) => h.host === host);
  }

  links(weights) {
    return this.hubs.map((h, i) => ({ ...h.link, allocationWeight: weights[i] })).filter((l) => l.allocationWeight > 0);
  }

  async open() {
    const made = await berth.makeService(this.name, { iotHubs: this.links(this.hubs.map(() => 1)) });
    this.scope = made.properties.idScope;
    this.api = await berth.serviceApi(this.name);
    this.groups = {};
    for (const [name, reprovisionPolicy] of [['carry', { updateHubAssignment: true, migrateDeviceData: true }], ['reset', { updateHubAssignment: true, migrateDeviceData: false }]]) {
      await expect(this.api('PUT', `/enrollmentGroups/${name}`,
        { body: { enrollmentGroupId: name, attestation: { type: 'symmetricKey' }, reprovisionPolicy, initialTwin: { tags: { site: 'north' } } } }), name, 200);
      this.groups[name] = (await this.api('POST', `/enrollmentGroups/${name}/attestationmechanism`)).body.symmetricKey.primaryKey;
    }
  }
}

// --- devices ---

class Device {
  constructor(world, id, key, { resets = false } = {}) {
    Object.assign(this, { world, id, key, resets, told: null, open: false, mark: new Thing(`the mark of ${id}`, 0) });
    this.calls = berth.device(world.scope, id, key);
  }

  async register() {
    this.open = true;
    let answer = await expect(this.calls.register(), `register ${this.id}`, 200, 202);
    while (answer.body.status === 'assigning') {
      if (this.world.ended) return;
      await berth.sleep(100);
      answer = await expect(this.calls.poll(answer.body.operationId), `poll ${this.id}`, 200, 202);
    }
    if (answer.body.status === 'failed' && this.world.flaky) return;
    const state = answer.body.registrationState;
    assert.strictEqual(answer.body.status, 'assigned', `${this.id}: ${answer.text}`);
    if (this.told) assert.notStrictEqual(state.substatus, 'initialAssignment', `${this.id} was on ${this.told} before`);
    if (state.substatus === 'deviceDataReset') this.mark = new Thing(this.mark.name, 0);
    this.told = state.assignedHub;
    this.open = false;
  }

  // A tag and a reported property on the hub that it was told: they must travel with it.
  async marks() {
    if (this.told === null || this.open || this.mark.open.length) return;
    const n = this.mark.known + 1;
    const body = [{ id: this.id, importMode: 'updateTwin', tags: { site: 'north', n }, properties: { reported: { n } } }];
    await this.mark.write(n, () => expect(this.world.hub(this.told).ask('POST', '/devices', { body }), `mark ${this.id} on ${this.told}`, 200));
  }

  reckon(places, record, secure) {
    const at = places.get(this.id) || [];
    const what = `${this.id}, told ${this.told}${this.open ? ', registering' : ''}, record ${JSON.stringify(record)}, on ${JSON.stringify(at.map((p) => p.host))}`;
    assert.ok(at.length <= 1, `twice: ${what}`);
    if (record === undefined) {
      assert.ok(this.told === null && at.length === 0, `lost: ${what}`);
      return;
    }
    assert.strictEqual(record.status, 'assigned', what);
    assert.deepStrictEqual(at.map((p) => p.host), [record.assignedHub], what);
    if (this.told && !this.open) assert.strictEqual(record.assignedHub, this.told, what);
    if (this.open && (this.resets || this.world.unlinked)) this.mark.open.push(0);
    this.mark.reckon(at[0].tags.n || 0);
    assert.strictEqual(at[0].reported.n || 0, this.mark.known, `reported and tags went together: ${what}`);
    assert.strictEqual(at[0].tags.site, 'north', what);
    this.told = record.assignedHub;
    this.open = false;
    if (secure) secure.push(this);
  }
}

// Devices of a group, there from the beginning: they register again and again, and move when the weights change.
class Regular extends Device {
  constructor(world, id, group) {
    super(world, id, berth.deriveKey(world.groups[group], id), { resets: group === 'reset' });
  }

  step() {
    return this.told === null || this.open || this.world.chance() < 0.6 ? this.register() : this.marks();
  }
}

// Devices with an enrollment of their own, which says which hub (never the one that is unlinked at times), and whether the
// twin comes along.
class Mover extends Device {
  static async make(world, id) {
    const first = { hub: world.hubs[0].host, migrate: true };
    const made = new Mover(world, id, null, {});
    await expect(made.put(first, {}), id, 200);
    made.plan = new Thing(`the enrollment of ${id}`, first);
    made.key = (await world.api('POST', `/enrollments/${id}/attestationmechanism`)).body.symmetricKey.primaryKey;
    made.calls = berth.device(world.scope, id, made.key);
    return made;
  }

  put(plan, headers) {
    const body = { registrationId: this.id, attestation: { type: 'symmetricKey' }, allocationPolicy: 'hashed', iotHubs: [plan.hub], initialTwin: { tags: { site: 'north' } },
      reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: plan.migrate } };
    return this.world.api('PUT', `/enrollments/${this.id}`, { body, headers });
  }

  async step() {
    const chance = this.world.chance();
    if (chance < 0.45) return this.register();
    if (chance < 0.7 || this.plan.open.length) return this.marks();
    const next = { hub: this.world.pick(this.world.hubs.slice(0, -1)).host, migrate: this.world.chance() < 0.7 };
    await this.plan.write(next, () => expect(this.put(next, { 'If-Match': '*' }), `put ${this.id}`, 200));
    if (!next.migrate) this.resets = true;
    return this.register();
  }

  async readBack() {
    const now = (await expect(this.world.api('GET', `/enrollments/${this.id}`), this.id, 200)).body;
    this.plan.reckon({ hub: now.iotHubs[0], migrate: now.reprovisionPolicy.migrateDeviceData });
    this.resets = !this.plan.known.migrate;
  }
}

// Registers newcomers, one after the other. An ID with capitals has two keys, so only the device can go on with it.
class Newcomers {
  constructor(world, name) {
    Object.assign(this, { world, name, devices: [] });
  }

  async step() {
    const k = this.devices.length;
    const id = `${k % 5 === 4 ? 'New' : 'new'}-${this.name}-${k}`;
    this.devices.push(new Device(this.world, id, berth.deriveKey(this.world.groups.carry, id), {}));
    await this.devices[k].register();
    if (k % 3 === 0) await this.devices[k].marks();
  }
}

// Enrolled on one hub; its record is deleted now and then, and the identity stays (service-api.md 9.4).
class Forgotten {
  static async make(world, id) {
    const made = new Forgotten();
    const body = { registrationId: id, attestation: { type: 'symmetricKey' }, allocationPolicy: 'hashed', iotHubs: [world.hubs[0].host] };
    await expect(world.api('PUT', `/enrollments/${id}`, { body }), id, 200);
    const key = (await world.api('POST', `/enrollments/${id}/attestationmechanism`)).body.symmetricKey.primaryKey;
    return Object.assign(made, { world, id, key, record: new Thing(`the record of ${id}`, 'unassigned'), calls: berth.device(world.scope, id, key) });
  }

  async step() {
    if (this.record.open.length) return berth.sleep(20);
    if (this.record.known === 'unassigned' || this.world.chance() < 0.4) {
      return this.record.write('assigned', async () => {
        const answer = await expect(this.calls.register(), `register ${this.id}`, 200, 202);
        assert.strictEqual(answer.body.status, 'assigned', answer.text);
      });
    }
    return this.record.write('unassigned', () => expect(this.world.api('DELETE', `/registrations/${this.id}`), `forget ${this.id}`, 204));
  }

  async reckon(places) {
    const at = places.get(this.id) || [];
    const record = (await expect(this.world.api('GET', `/registrations/${this.id}`), this.id, 200)).body;
    this.record.reckon(record.status);
    assert.ok(at.length <= 1, `twice: ${this.id} on ${JSON.stringify(at)}`);
    if (record.status === 'assigned') assert.deepStrictEqual(at.map((p) => p.host), [record.assignedHub], this.id);
  }
}

// --- writes ---

// An individual enrollment (or a group) that is made, changed under its etag, and deleted.
class Entry {
  constructor(world, kind, id) {
    Object.assign(this, { world, kind, id, at: `/${kind}/${id}`, thing: new Thing(`${kind}/${id}`, 0), version: 0, etag: undefined });
  }

  document(v) {
    const name = this.kind === 'enrollments' ? 'registrationId' : 'enrollmentGroupId';
    return { [name]: this.id, attestation: { type: 'symmetricKey' }, provisioningStatus: 'disabled', initialTwin: { tags: { v } } };
  }

  async step() {
    const { thing, world } = this;
    if (thing.open.length) return berth.sleep(20);
    if (thing.known !== 0 && world.chance() < 0.3) {
      return thing.write(0, () => expect(world.api('DELETE', this.at, { headers: { 'If-Match': this.etag } }), `delete ${this.at}`, 204));
    }
    const v = ++this.version;
    const headers = thing.known === 0 ? {} : { 'If-Match': this.etag };
    const answer = await thing.write(v, () => expect(world.api('PUT', this.at, { headers, body: this.document(v) }), `put ${this.at}`, 200));
    this.etag = answer.body.etag;
  }

  async reckon() {
    const answer = await expect(this.world.api('GET', this.at), this.at, 200, 404);
    this.etag = answer.status === 200 ? answer.body.etag : undefined;
    this.thing.reckon(answer.status === 200 ? answer.body.initialTwin.tags.v : 0);
  }
}

// Ten individual enrollments at a time.
class Bulk {
  constructor(world, name) {
    Object.assign(this, { world, entries: [...Array(10).keys()].map((i) => new Entry(world, 'enrollments', `bulk-${name}-${i}`)) });
  }

  async step() {
    const mine = this.entries.filter((e) => e.thing.open.length === 0);
    const kind = this.world.pick(['create', 'update', 'delete']);
    const chosen = mine.filter((e) => (e.thing.known === 0) === (kind === 'create'));
    if (chosen.length === 0) return berth.sleep(5);
    const next = chosen.map((e) => (kind === 'delete' ? 0 : ++e.version));
    const body = { mode: kind, enrollments: chosen.map((e, i) => ({ ...e.document(next[i]), etag: kind === 'create' ? undefined : e.etag })) };
    chosen.forEach((e, i) => e.thing.open.push(next[i]));
    const answer = await expect(this.world.api('POST', '/enrollments', { body }), `bulk ${kind}`, 200);
    assert.strictEqual(answer.body.isSuccessful, true, answer.text);
    for (const [i, e] of chosen.entries()) {
      e.thing.known = next[i];
      e.thing.open = [];
      if (kind !== 'delete') e.etag = (await expect(this.world.api('GET', e.at), e.at, 200)).body.etag;
    }
  }

  async reckon() {
    for (const e of this.entries) await e.reckon();
  }
}

// A back end that keeps an identity and its twin on a hub, without any provisioning.
class Identity {
  constructor(world, hub, id) {
    Object.assign(this, { world, hub, id, thing: new Thing(`${hub.host}/${id}`, null), version: 0 });
  }

  async step() {
    const { thing, world, hub, id } = this;
    if (thing.open.length) return berth.sleep(20);
    const v = ++this.version;
    const headers = { 'If-Match': '"*"' };
    if (thing.known === null) return thing.write({ v, t: 0 }, () => expect(hub.ask('PUT', `/devices/${id}`, { body: this.document(v) }), id, 200));
    const chance = world.chance();
    if (chance < 0.2) return thing.write(null, () => expect(hub.ask('DELETE', `/devices/${id}`, { headers }), id, 204));
    if (chance < 0.5) return thing.write({ ...thing.known, v }, () => expect(hub.ask('PUT', `/devices/${id}`, { headers, body: this.document(v) }), id, 200));
    return thing.write({ ...thing.known, t: v }, () => expect(hub.ask('PATCH', `/twins/${id}`, { headers, body: { tags: { t: v }, properties: { desired: { t: v } } } }), id, 200));
  }

  document(v) {
    return { deviceId: this.id, status: 'disabled', statusReason: `v${v}` };
  }

  async reckon() {
    const answer = await expect(this.hub.ask('GET', `/devices/${this.id}`), this.id, 200, 404);
    if (answer.status === 404) return this.thing.reckon(null);
    const twin = (await expect(this.hub.ask('GET', `/twins/${this.id}`), this.id, 200)).body;
    const t = (twin.tags || {}).t || 0;
    assert.strictEqual(twin.properties.desired.t || 0, t, `half a twin patch: ${this.id}`);
    return this.thing.reckon({ v: Number(answer.body.statusReason.slice(1)), t });
  }
}

// A hub or a provisioning service that is made, changed and deleted through the management API.
class Resource {
  constructor(world, kind, name) {
    Object.assign(this, { world, at: `${berth.arm}/${kind}/${name}`, thing: new Thing(`${kind}/${name}`, null), version: 0 });
  }

  async step() {
    const { thing, world, at } = this;
    if (thing.open.length) return berth.sleep(20);
    if (thing.known !== null && world.chance() < 0.4) return thing.write(null, () => expect(berth.manage('DELETE', at), at, 200, 202, 204));
    const v = String(++this.version);
    await thing.write(v, () => expect(berth.manage('PUT', at, { location: 'local', sku: berth.sku, tags: { v }, properties: {} }), at, 200, 201));
    return berth.sleep(20);
  }

  async reckon() {
    const answer = await expect(berth.manage('GET', this.at), this.at, 200, 404);
    this.thing.reckon(answer.status === 200 ? answer.body.tags.v : null);
  }
}

// Changes the weights, so that devices move, and unlinks the last hub for a moment.
class Weights {
  constructor(world) {
    Object.assign(this, { world, thing: new Thing('the weights', world.hubs.map(() => 1)) });
  }

  put(weights) {
    return expect(berth.manage('PUT', `${berth.arm}/provisioningServices/${this.world.name}`,
      { location: 'local', sku: berth.sku, properties: { iotHubs: this.world.links(weights) } }), 'links', 200);
  }

  async step() {
    const { world } = this;
    if (this.thing.open.length) return berth.sleep(20);
    const heavy = Math.floor(world.chance() * world.hubs.length);
    const weights = world.hubs.map((h, i) => (i === heavy ? 1000 : 1));
    if (heavy !== world.hubs.length - 1 && world.chance() < 0.2) {
      weights[world.hubs.length - 1] = 0;
      world.unlinked = true;
    }
    await this.thing.write(weights, () => this.put(weights));
    return berth.sleep(30 + 150 * world.chance());
  }

  // Afterwards all are linked again.
  async reckon() {
    const now = (await berth.good(berth.manage('GET', `${berth.arm}/provisioningServices/${this.world.name}`))).properties.iotHubs;
    this.thing.reckon(this.world.hubs.map((h) => (now.find((l) => l.name === h.host) || { allocationWeight: 0 }).allocationWeight));
    const even = this.world.hubs.map(() => 1);
    await this.thing.write(even, () => this.put(even));
  }
}

// --- storm and reckoning ---

// All actors, until `world.ended`. A connection that breaks before that is a fault, unless the world is flaky.
async function storm(world, actors) {
  world.ended = false;
  world.unlinked = false;
  await Promise.all(actors.map(async (actor) => {
    while (!world.ended) {
      try {
        await actor.step();
        world.answered++;
      } catch (error) {
        if (error instanceof assert.AssertionError || (!world.ended && !world.flaky)) {
          world.ended = true;
          throw error;
        }
        world.lost++;
        if (world.flaky) await berth.sleep(20);
      }
    }
  }));
}

async function pages(ask, target, body) {
  const all = [];
  let token;
  do {
    const headers = { 'x-ms-max-item-count': '1000', ...(token && { 'x-ms-continuation': token }) };
    const answer = await expect(ask('POST', target, { body, headers }), target, 200);
    all.push(...answer.body);
    token = answer.headers['x-ms-continuation'];
  } while (token);
  return all;
}

function unique(list, name, what) {
  assert.strictEqual(new Set(list.map((item) => item[name])).size, list.length, `something is twice in ${what}`);
  return list;
}

// Who is where: device -> [{host, tags, reported}].
async function placesOf(world) {
  const places = new Map();
  for (const hub of world.hubs) {
    for (const twin of unique(await pages(hub.ask, '/devices/query', { query: 'SELECT * FROM devices' }), 'deviceId', hub.host)) {
      if (!places.has(twin.deviceId)) places.set(twin.deviceId, []);
      places.get(twin.deviceId).push({ host: hub.host, tags: twin.tags || {}, reported: twin.properties.reported });
    }
  }
  return places;
}

async function recordsOf(world, devices) {
  const records = new Map();
  for (const group of Object.keys(world.groups)) {
    for (const record of unique(await pages(world.api, `/registrations/${group}/query`, {}), 'registrationId', group)) records.set(record.registrationId, record);
  }
  for (const device of devices.filter((d) => d instanceof Mover)) {
    const record = (await expect(world.api('GET', `/registrations/${device.id}`), device.id, 200)).body;
    if (record.status !== 'unassigned') records.set(device.id, record);
  }
  return records;
}

const devicesOf = (actors) => actors.flatMap((a) => (a instanceof Newcomers ? a.devices : a instanceof Device ? [a] : []));

// What was begun is finished by the server itself, except for IDs with capitals: these devices ask again.
async function settled(world, devices, seconds) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const places = await placesOf(world);
    const records = await recordsOf(world, devices);
    let restless = 0;
    for (const device of devices) {
      const record = records.get(device.id);
      const assigning = record && record.status === 'assigning';
      const twice = (places.get(device.id) || []).length > 1;
      const failed = record && record.status === 'failed' && world.flaky;
      restless += assigning || twice || failed ? 1 : 0;
      /* A hub that was not linked could not be asked to forget: the next registration sees to it. */
      if ((assigning && device.id !== device.id.toLowerCase()) || (twice && world.unlinked) || failed) {
        const { open } = device;
        await device.register();
        device.open ||= open; /* what happened before this answer is still not known */
      }
    }
    if (restless === 0 || Date.now() > until) return { places, records };
    await berth.sleep(250);
  }
}

async function reckoning(world, actors, seconds = 60) {
  const devices = devicesOf(actors);
  world.ended = false;
  for (const actor of actors.filter((a) => a instanceof Weights)) await actor.reckon();
  for (const actor of actors.filter((a) => a instanceof Mover)) await actor.readBack();
  const { places, records } = await settled(world, devices, seconds);
  const there = [];
  for (const device of devices) device.reckon(places, records.get(device.id), there);
  for (const actor of actors) if (!(actor instanceof Device || actor instanceof Weights || actor instanceof Newcomers)) await actor.reckon(places);
  unique(await pages(world.api, '/enrollments/query', { query: 'SELECT *' }), 'registrationId', 'enrollments');
  unique(await pages(world.api, '/enrollmentGroups/query', { query: 'SELECT *' }), 'enrollmentGroupId', 'groups');
  /* The keys of some. */
  for (let i = 0; i < 10 && there.length; i++) {
    const device = world.pick(there);
    const identity = (await expect(world.hub(device.told).ask('GET', `/devices/${device.id}`), device.id, 200)).body;
    assert.strictEqual(identity.authentication.symmetricKey.primaryKey, device.key, `the key of ${device.id}`);
  }
  return { devices: devices.length, assigned: there.length };
}

module.exports = { World, Regular, Mover, Newcomers, Forgotten, Entry, Bulk, Identity, Resource, Weights, storm, reckoning, dice, expect };
