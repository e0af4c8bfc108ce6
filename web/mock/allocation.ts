// Rules that are tried, addresses that are explained, and changes whose moves are foretold.

import type { ServerResponse } from 'node:http';
import type { LinkedHubEntry, PlaceQuestion, RuleTest, WeighedHub, WhatIfChange, WhatIfSummary } from '../src/api/types';
import { devicesOf } from './devices';
import { hash, ok, record, refuseService, type Asked, type Reply, type Route } from './reply';
import { services } from './world';

type Weighed = Pick<LinkedHubEntry, 'name' | 'allocationWeight'>;
const base = (path: string) => new RegExp(`^/berth/at/([^/]+)${path}$`, 'i');
const linksOf = (service: string): LinkedHubEntry[] => services.get(service)?.properties.iotHubs ?? [];
const partOf = (service: string) => linksOf(service).filter((hub) => hub.applyAllocationPolicy !== false);

/** Weighted rendezvous, as the server has it. */
function hashed(id: string, hubs: readonly Weighed[]): string | undefined {
  let best: { name: string; score: number } | undefined;
  for (const hub of hubs) {
    const score = -(hub.allocationWeight ?? 1) / Math.log((hash(`${id}/${hub.name}`) + 0.5) / 2 ** 32);
    if (!best || score > best.score) best = { name: hub.name, score };
  }
  return best?.name;
}

// --- rules: of Lua, as much as the pictures need ---

function tryRule({ body }: Asked, [service = '']: string[]): Reply {
  const { rule, registrationId, payload, iotHubs } = body as RuleTest;
  const lines = rule.split('\n');
  const asked = lines.findIndex((line) => line.includes('?'));
  const cost = { instructions: 40 + (hash(rule) % 60), memory: 9_000 + (hash(rule) % 4000) };
  if (asked >= 0) {
    const message = 'Lua has no "? :". It writes: condition and "hub-a" or "hub-b".';
    return ok({ hub: null, sentence: 'The rule could not be read.', ...cost, error: { line: asked + 1, message } });
  }
  const hubs = partOf(service).filter((hub) => !iotHubs || iotHubs.includes(hub.name));
  const model = /payload\.model == "([^"]*)" and "([^"]*)"/.exec(rule);
  if (model && record(payload)['model'] === model[1]) return ok({ hub: model[2], sentence: `The rule chose ${model[2]}.`, ...cost });
  if (/^\s*(return )?nil\s*$/.test(rule)) return ok({ hub: null, sentence: 'The rule gave nil: the device is turned away.', ...cost });
  const hub = hashed(registrationId, hubs) ?? null;
  return ok({ hub, sentence: hub ? `The rule spread ${registrationId} over ${hubs.length} hubs by weight.` : 'No linked hub takes part.', ...cost });
}

// --- addresses ---

const cities: Record<string, [latitude: number, longitude: number]> = { rotterdam: [51.92, 4.48], 'West Europe': [52.37, 4.9], 'East US': [37.37, -79.82] };
const far = ([a, b]: [number, number], [c, d]: [number, number]): number => {
  const rad = Math.PI / 180;
  const h = Math.sin(((c - a) * rad) / 2) ** 2 + Math.cos(a * rad) * Math.cos(c * rad) * Math.sin(((d - b) * rad) / 2) ** 2;
  return 12742 * Math.asin(Math.sqrt(h));
};

function explain({ body }: Asked, [service = '']: string[]): Reply {
  const { address, allocationPolicy, enrollment } = body as PlaceQuestion;
  if (enrollment && !devicesOf(service).enrollments.get(enrollment)) return refuseService(404, 404201, `There is no enrollment ${enrollment}.`);
  const isPrivate = !address || /^(10|127|192\.168)\.|^(::1|fe80|fd)/.test(address);
  const here: [number, number] = [47.38, 8.54];
  const hubs = linksOf(service).map((hub, i): WeighedHub => {
    const at = cities[hub.location ?? ''];
    const takesPart = hub.applyAllocationPolicy !== false;
    return {
      name: hub.name,
      location: hub.location,
      ...(at ? { latitude: at[0], longitude: at[1] } : {}),
      ...(at && !isPrivate ? { distanceKm: far(here, at) } : {}),
      ...(i === 1 ? {} : { roundTripMs: 0.4 + i * 9.7 }),
      weight: hub.allocationWeight ?? 1,
      eligible: takesPart,
      reason: !takesPart ? 'It gets devices only from enrollments that name it.' : at ? 'Its location is known.' : 'Its location is no region that is known here, nor coordinates.',
    };
  });
  const [first] = hubs.filter((hub) => hub.eligible).sort((a, b) => (a.distanceKm ?? a.roundTripMs ?? 1e9) - (b.distanceKm ?? b.roundTripMs ?? 1e9));
  return ok({
    policy: allocationPolicy ?? services.get(service)?.properties.allocationPolicy ?? 'Hashed',
    hub: first?.name ?? null,
    sentence: !first
      ? 'No linked hub takes part, so the registration would fail.'
      : isPrivate
        ? `The address is private and has no place, so the shortest round trip decides: ${first.name}.`
        : `${first.name} is nearest to Zurich, CH: ${Math.round(first.distanceKm ?? 0)} km.`,
    address,
    ...(isPrivate ? { placeReason: address ? `${address} is an address of a private network, which has no place.` : 'No address was given, and none is known of a registration of the device.' } : {}),
    place: isPrivate ? null : { latitude: here[0], longitude: here[1], source: 'database', name: 'Zurich, CH' },
    hubs,
  });
}

// --- what would move ---

function changed(service: string, { iotHubs }: WhatIfChange): Weighed[] {
  const kept = partOf(service).filter((hub) => !iotHubs?.remove?.includes(hub.name));
  return [...kept.map((hub) => ({ ...hub, allocationWeight: iotHubs?.weights?.[hub.name] ?? hub.allocationWeight })), ...(iotHubs?.add ?? [])];
}

const perTurn = 20_000;
const turn = 60;

/** A million devices within some seconds, in turns as the server has them. */
export async function streamWhatIf(response: ServerResponse, service: string, change: WhatIfChange): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-store' });
  const before = partOf(service);
  const after = changed(service, change);
  const devices = devicesOf(service).registrations.total();
  const counts = { stay: 0, move: 0, undecided: 0, refused: 0 };
  const now = new Map<string, number>();
  const then = new Map<string, number>();
  const moves = new Map<string, number>();
  const more = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + 1);
  const judge = (i: number): string => {
    const registrationId = `press-${String(i).padStart(7, '0')}`;
    const from = hashed(registrationId, before) ?? '';
    const to = change.allocationPolicy === 'Static' ? after[0]?.name : hashed(registrationId, after);
    more(now, from);
    if (i % 211 === 0) return counts.refused++, more(then, from), '';
    if (i % 503 === 0) return counts.undecided++, more(then, from), '';
    if (!to) return counts.refused++, more(then, from), '';
    more(then, to);
    if (to === from) return counts.stay++, '';
    counts.move++;
    more(moves, `${from} ${to}`);
    return `${JSON.stringify({ registrationId, from, to })}\n`;
  };
  for (let done = 0; done < devices && !response.destroyed; ) {
    let text = '';
    for (const end = Math.min(devices, done + perTurn); done < end; done++) text += judge(done);
    response.write(`${text}${JSON.stringify({ progress: { done } })}\n`);
    await new Promise((resolve) => setTimeout(resolve, turn));
  }
  const names = [...new Set([...linksOf(service).map((hub) => hub.name), ...after.map((hub) => hub.name)])];
  const summary: WhatIfSummary = {
    devices,
    ...counts,
    hubs: names.map((name) => ({ name, now: now.get(name) ?? 0, then: then.get(name) ?? 0 })),
    moves: [...moves].map(([pair, n]) => ({ from: pair.split(' ')[0] ?? '', to: pair.split(' ')[1] ?? '', devices: n })),
    reasons: [
      { sentence: 'The enrollment is disabled.', devices: counts.refused },
      { sentence: 'A web hook decides when the device registers.', devices: counts.undecided },
    ].filter((reason) => reason.devices > 0),
  };
  response.end(`${JSON.stringify({ summary })}\n`);
}

export const whatIfPath = base('/berth/allocation/whatif');

export const allocationRoutes: Route[] = [
  ['POST', base('/berth/allocation/rule/test'), tryRule],
  ['POST', base('/berth/allocation/explain'), explain],
];
