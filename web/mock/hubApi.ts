// A hub's registry and twins.

import type { DeviceIdentity, Twin } from '../src/api/types';
import { hash, nothing, ok, record, refuseHub, type Asked, type Reply, type Route } from './reply';
import { hubs, keyOf } from './world';

interface Held {
  identity: DeviceIdentity;
  twin: Twin;
}

const count = 240;
const stores = new Map<string, Map<string, Held>>();

function make(hub: string, deviceId: string): Held {
  const h = hash(hub + deviceId);
  const connected = h % 3 !== 0;
  const at = new Date(Date.now() - (h % 9e6)).toISOString();
  const identity: DeviceIdentity = {
    deviceId,
    generationId: '639000000000000001',
    etag: 'MTAwMDAwMDE=',
    connectionState: connected ? 'Connected' : 'Disconnected',
    status: h % 41 === 0 ? 'disabled' : 'enabled',
    statusReason: h % 41 === 0 ? 'Taken out for repair' : null,
    connectionStateUpdatedTime: at,
    statusUpdatedTime: '0001-01-01T00:00:00Z',
    lastActivityTime: connected ? at : '0001-01-01T00:00:00Z',
    cloudToDeviceMessageCount: 0,
    authentication: { type: 'sas', symmetricKey: { primaryKey: keyOf(deviceId), secondaryKey: keyOf(`${deviceId}2`) }, x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null } },
    capabilities: { iotEdge: false },
  };
  const meta = { $lastUpdated: at };
  return {
    identity,
    twin: {
      deviceId,
      etag: 'AAAAAAAAAAM=',
      status: identity.status,
      connectionState: identity.connectionState,
      lastActivityTime: identity.lastActivityTime,
      authenticationType: 'sas',
      version: 5,
      tags: { line: h % 12, plant: 'north' },
      properties: {
        desired: { interval: 30, units: 'bar', $metadata: meta, $version: 2 },
        reported: { firmware: `1.${h % 7}.0`, pressure: (h % 900) / 100, $metadata: meta, $version: 9 },
      },
    },
  };
}

function storeOf(hub: string): Map<string, Held> {
  let found = stores.get(hub);
  if (!found) {
    const ids = hub === 'hub-spare' ? [] : Array.from({ length: count }, (_, i) => `press-${String(i * 37).padStart(7, '0')}`);
    found = new Map(ids.map((id) => [id, make(hub, id)]));
    stores.set(hub, found);
  }
  return found;
}

function queryTwins(hub: string, { body, request }: Asked): Reply {
  const text = String(record(body)['query']);
  const prefix = /STARTSWITH\(deviceId, '([^']*)'\)/i.exec(text)?.[1] ?? '';
  const status = /status = '(\w+)'/.exec(text)?.[1];
  const connection = /connectionState = '(\w+)'/.exec(text)?.[1];
  const all = [...storeOf(hub).values()]
    .map((held) => held.twin)
    .filter((twin) => twin.deviceId.startsWith(prefix) && (!status || twin.status === status) && (!connection || twin.connectionState === connection));
  const size = Number(request.headers['x-ms-max-item-count'] ?? 100);
  const from = Number(request.headers['x-ms-continuation'] ?? 0);
  const more: Record<string, string> = from + size < all.length ? { 'x-ms-continuation': String(from + size) } : {};
  return ok(all.slice(from, from + size), { 'x-ms-item-type': 'Twin', ...more });
}

function putTwin(hub: string, id: string, { body }: Asked): Reply {
  const held = storeOf(hub).get(id);
  if (!held) return refuseHub(404, 'DeviceNotFound', `There is no device ${id}.`);
  const given = record(body) as Partial<Twin>;
  if (given.tags) held.twin.tags = given.tags;
  if (given.properties) {
    const version = Number(held.twin.properties.desired['$version'] ?? 1) + 1;
    held.twin.properties.desired = { ...given.properties.desired, $metadata: { $lastUpdated: new Date().toISOString() }, $version: version };
  }
  held.twin.etag = Buffer.from(String(Date.now())).toString('base64');
  return ok(held.twin);
}

function putDevice(hub: string, id: string, { body, request }: Asked): Reply {
  const store = storeOf(hub);
  const held = store.get(id);
  if (held && !request.headers['if-match']) return refuseHub(409, 'DeviceAlreadyExists', `A device with ID '${id}' is already registered.`);
  const next = held ?? make(hub, id);
  next.identity = { ...next.identity, ...(held ? (body as DeviceIdentity) : {}), etag: Buffer.from(String(Date.now())).toString('base64') };
  next.twin.status = next.identity.status;
  store.set(id, next);
  return ok(next.identity);
}

function statistics(hub: string): Reply {
  const all = [...storeOf(hub).values()];
  const disabled = all.filter((held) => held.identity.status === 'disabled').length;
  return ok({ totalDeviceCount: all.length, enabledDeviceCount: all.length - disabled, disabledDeviceCount: disabled });
}

const base = (path: string) => new RegExp(`^/berth/at/([^/]+)${path}$`, 'i');
const seen = (value: unknown, id: string): Reply => (value ? ok(value) : refuseHub(404, 'DeviceNotFound', `There is no device ${id}.`));

export const hubRoutes: Route[] = [
  ['POST', base('/devices/query'), (asked, [hub = '']) => (hubs.has(hub) ? queryTwins(hub, asked) : refuseHub(404, 'IotHubNotFound', `There is no hub ${hub}.`))],
  ['GET', base('/statistics/devices'), (_, [hub = '']) => statistics(hub)],
  ['GET', base('/statistics/service'), (_, [hub = '']) => ok({ connectedDeviceCount: [...storeOf(hub).values()].filter((h) => h.identity.connectionState === 'Connected').length })],
  ['GET', base('/devices/([^/]+)'), (_, [hub = '', id = '']) => seen(storeOf(hub).get(id)?.identity, id)],
  ['PUT', base('/devices/([^/]+)'), (asked, [hub = '', id = '']) => putDevice(hub, id, asked)],
  ['DELETE', base('/devices/([^/]+)'), (_, [hub = '', id = '']) => (storeOf(hub).delete(id), nothing)],
  ['GET', base('/twins/([^/]+)'), (_, [hub = '', id = '']) => seen(storeOf(hub).get(id)?.twin, id)],
  ['PUT', base('/twins/([^/]+)'), (asked, [hub = '', id = '']) => putTwin(hub, id, asked)],
  [
    'POST',
    base('/twins/([^/]+)/methods'),
    (asked, [hub = '', id = '']) =>
      storeOf(hub).get(id)?.identity.connectionState === 'Connected'
        ? ok({ status: 200, payload: { done: true, echo: record(asked.body)['payload'] ?? null } })
        : { status: 404, body: { Message: JSON.stringify({ errorCode: 404103, message: 'Timed out waiting for device to connect.' }), ExceptionMessage: '' } },
  ],
];
