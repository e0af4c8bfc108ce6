// What the portal adds: numbers over time, where devices went and why not, previews and tests.

import type { HistoryEntry, LinkedHub, LinkedHubEntry, Statistics } from '../src/api/types';
import { devicesOf, infoOf } from './devices';
import { hash, ok, record, refuseService, type Asked, type Reply, type Route } from './reply';
import { certificates, hostOf, hubs, services } from './world';

const base = (path: string) => new RegExp(`^/berth/at/([^/]+)${path}$`, 'i');

function overview(): Reply {
  return ok({
    services: [...services.values()].map(({ name, properties }) => ({
      name,
      idScope: properties.idScope,
      enrollments: devicesOf(name).enrollments.total(),
      enrollmentGroups: devicesOf(name).groups.total(),
      registrations: devicesOf(name).registrations.total(),
      linkedHubs: properties.iotHubs?.length ?? 0,
      state: 'Active',
    })),
    hubs: [...hubs.keys()].map((name) => ({
      name,
      devices: name === 'hub-spare' ? 0 : 100_000 + (hash(name) % 300_000),
      linkedBy: [...services.values()].filter((s) => s.properties.iotHubs?.some((hub) => hub.name === hostOf(name))).map((s) => s.name),
      state: 'Active',
    })),
  });
}

const wave = (i: number, seed: string) => Math.sin(i / 7 + (hash(seed) % 7)) + 0.4 * Math.sin(i / 2.3) + (hash(`${seed}${i}`) % 100) / 260;

export function statistics(service: string, minutes: number): Statistics {
  const steps = Math.min(minutes, 288);
  const stepSeconds = Math.max(60, Math.round((minutes * 60) / steps));
  const busy = service === 'harbour';
  const series = (seed: string, height: number) =>
    Array.from({ length: steps }, (_, i) => (busy ? Math.max(0, Math.round(height * (1.6 + wave(i, seed)))) : 0));
  const d = devicesOf(service);
  return {
    from: new Date(Date.now() - minutes * 60_000).toISOString(),
    stepSeconds,
    assigned: series('assigned', 2600),
    refused: series('refused', 14),
    failed: series('failed', 6),
    totals: {
      enrollments: d.enrollments.total(),
      enrollmentGroups: d.groups.total(),
      registrations: d.registrations.total(),
      byStatus: busy ? { assigned: 808_402, failed: 3_850, disabled: 88 } : {},
    },
  };
}

function linkedHubs(service: string): Reply {
  const links = services.get(service)?.properties.iotHubs ?? [];
  return ok(
    links.map((hub): LinkedHub => {
      const hosted = hub.name.endsWith('.berth.test');
      const failing = hub.name === 'quay.example.org';
      return {
        name: hub.name,
        location: hub.location ?? 'local',
        weight: hub.allocationWeight ?? null,
        apply: hub.applyAllocationPolicy ?? null,
        hosted,
        state: failing ? 'failing' : 'well',
        sentence: failing ? 'Three of the last ten requests took longer than 5 seconds. Its registrations wait and are tried again.' : 'Every request of the last minute was answered.',
        devices: failing ? null : hash(hub.name) % 400_000,
        milliseconds: failing ? 842 : hosted ? 0.4 : 31,
      };
    }),
  );
}

function preview(asked: Asked): Reply {
  const { allocationPolicy, iotHubs, devices } = record(asked.body) as { allocationPolicy: string; iotHubs: LinkedHubEntry[]; devices: number };
  const part = iotHubs.filter((hub) => hub.applyAllocationPolicy !== false);
  const weights = part.map((hub) => (allocationPolicy === 'Static' ? 1 : (hub.allocationWeight ?? 1)));
  const counts = part.map(() => 0);
  for (let d = 0; d < devices && part.length > 0; d++) {
    const scores = part.map((hub, i) => -(weights[i] ?? 1) / Math.log((hash(`${d}${hub.name}`) + 0.5) / 2 ** 32));
    const best = allocationPolicy !== 'Static' ? scores.indexOf(Math.max(...scores)) : 0;
    counts[best] = (counts[best] ?? 0) + 1;
  }
  return ok({
    devices,
    hubs: iotHubs.map((hub) => {
      const n = part.includes(hub) ? (counts[part.indexOf(hub)] ?? 0) : 0;
      return { name: hub.name, devices: n, share: n / devices };
    }),
    unplaced: part.length === 0 ? devices : 0,
    sentence:
      part.length === 0
        ? 'No linked hub takes part, so every registration would fail.'
        : allocationPolicy === 'Hashed'
          ? 'Devices spread in proportion to the weights; the same device always gets the same hub.'
          : allocationPolicy === 'GeoLatency'
            ? 'Devices without a place share the hubs that are about as near, in proportion to the weights.'
            : 'Without a hub named in its enrollment, a device goes to the first linked hub.',
  });
}

function history(id: string): HistoryEntry[] {
  const at = (hours: number) => new Date(Date.now() - hours * 36e5).toISOString();
  return [
    { at: at(2), what: 'assigned', hub: 'hub-north.berth.test', operationId: '5.7d3c0f6e3a5e4f9d', protocol: 'mqtt' },
    { at: at(26), what: 'moved', hub: 'hub-north.berth.test', reason: 'hub-west.berth.test no longer takes part.', protocol: 'https' },
    { at: at(27), what: 'refused', reason: `The signature was made with another key than ${id} has.`, protocol: 'amqp' },
    { at: at(400), what: 'assigned', hub: 'hub-west.berth.test', operationId: '5.1b2c3d4e5f607182', protocol: 'https' },
  ];
}

function explain(service: string, id: string): Reply {
  const enrolled = devicesOf(service).enrollments.get(id) !== undefined;
  const at = (minutes: number) => new Date(Date.now() - minutes * 6e4).toISOString();
  const chain = [infoOf(id, 'Line 9 CA', 200), infoOf('Line 9 CA', 'Old plant root', 900)];
  return ok({
    registrationId: id,
    enrolled,
    registrationState: devicesOf(service).registrations.get(id),
    sourceAddress: `203.0.113.${hash(id) % 250}`,
    attempts: [
      {
        dateTimeUtc: at(3), registrationId: id, operation: 'register', protocol: 'mqtt', callerIpAddress: '192.0.2.17', errorCode: 401002,
        check: 'certificate-known', seen: 'CN=Line 9 CA, issued by CN=Old plant root', expected: 'a chain that ends in CN=Plant root or CN=Line 6 CA',
        reason: 'No certificate of the chain is one that an enrollment group names. The issuer Line 9 CA is not known here.', enrollment: 'line-6', trackingId: '2f0c7a31-55a7-4b0e-9a2e-0d6a3a6f7f10',
        presented: chain, nearest: ['line-6: same root name, other key', 'plant: disabled'],
      },
      {
        dateTimeUtc: at(64), registrationId: id, operation: 'register', protocol: 'https', callerIpAddress: '192.0.2.17', errorCode: 401002, check: 'token-expired',
        seen: '2026-03-04T09:11:02Z', expected: 'a time after 2026-03-04T10:00:00Z', reason: 'The token ended 49 minutes before it was used. The clock of the device may be wrong.', trackingId: '9d1e7c20-aa01-4f5e-8f6b-3b0f8d1c2e33',
      },
    ],
  });
}

function linkTest({ body }: Asked): Reply {
  const given = record(body) as { connectionString?: string; name?: string };
  const host = given.name ?? /HostName=([^;]+)/.exec(given.connectionString ?? '')?.[1] ?? '';
  if (given.connectionString !== undefined && !/SharedAccessKey=.{20}/.test(given.connectionString))
    return ok({ reachable: false, milliseconds: 0, devices: null, sentence: 'The connection string has no SharedAccessKey.' });
  if (/nowhere/.test(host)) return ok({ reachable: false, milliseconds: 3002, devices: null, sentence: `${host} was not found: no address has that name.` });
  return ok({ reachable: true, milliseconds: 12.4, devices: 1207, sentence: `${host} answered, and the key may create devices.` });
}

function expiring(service: string): Reply {
  return ok(
    (certificates.get(service) ?? []).length === 0
      ? []
      : [
          { kind: 'caCertificate', name: 'line-6', daysLeft: 19, info: infoOf('Line 6 CA', 'Plant root', 19) },
          { kind: 'enrollmentGroup', name: 'line-6', which: 'primary', daysLeft: 19, info: infoOf('Line 6 CA', 'Plant root', 19) },
        ],
  );
}

export const insightRoutes: Route[] = [
  ['GET', /^\/berth\/overview$/, overview],
  ['POST', /^\/berth\/linkTest$/, linkTest],
  ['GET', base('/berth/statistics'), ({ query }, [s = '']) => (services.has(s) ? ok(statistics(s, Number(query.get('minutes') ?? 60))) : refuseService(404, 404000, `There is no provisioning service ${s}.`))],
  ['GET', base('/berth/linkedHubs'), (_, [s = '']) => linkedHubs(s)],
  ['POST', base('/berth/allocation/preview'), preview],
  ['GET', base('/berth/certificates/expiring'), (_, [s = '']) => expiring(s)],
  ['GET', base('/berth/registrations/([^/]+)/history'), (_, [s = '', id = '']) => ok(devicesOf(s).registrations.get(id) ? history(id) : [])],
  ['GET', base('/berth/registrations/([^/]+)/attempts'), (_, [s = '', id = '']) => explain(s, id)],
  [
    'POST',
    base('/berth/registrations/([^/]+)/check'),
    () => ok({ attested: false, errorCode: 401002, check: 'certificate-known', reason: 'No certificate of the chain is one that an enrollment group names.', seen: 'CN=Line 9 CA', expected: 'CN=Line 6 CA' }),
  ],
];
