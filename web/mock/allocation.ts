// Rules that are tried.

import type { LinkedHubEntry, RuleTest } from '../src/api/types';
import { hash, ok, record, type Asked, type Reply, type Route } from './reply';
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

export const allocationRoutes: Route[] = [['POST', base('/berth/allocation/rule/test'), tryRule]];
