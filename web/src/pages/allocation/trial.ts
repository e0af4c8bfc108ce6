// A change of the allocation that is tried and not made: as a form holds it, as an address says it, and as the server takes it.

import type { LinkedHubEntry, ServicePolicy, WhatIfChange } from '../../api/types';
import { faultOfWeight } from '../../lib/ids';
import { faultOfLocation } from '../../lib/places';

export interface Trial {
  /** Undefined: as it is. */
  policy?: ServicePolicy;
  removed: string[];
  /** As typed, by hub. */
  weights: Record<string, string>;
  added: AddedHub[];
}

/** As typed; a location that is empty was not given. */
export interface AddedHub {
  name: string;
  weight: string;
  location: string;
}

export const noTrial: Trial = { removed: [], weights: {}, added: [] };

export const trialNames = ['policy', 'remove', 'weight', 'add'] as const;
const words: readonly string[] = ['Hashed', 'GeoLatency', 'Static'];

// Names of hosts have neither commas nor, but before a port, colons: "hub1.example.org:3,hub2.example.org:2".
const listOf = (text: string | null): string[] => (text ?? '').split(',').filter((part) => part !== '');
const pairOf = (text: string): { name: string; weight: string } => {
  const [, name = text, weight = '1'] = /^(.*):(\d+)$/.exec(text) ?? [];
  return { name, weight };
};
const spell = (name: string, weight: string): string => `${name}:${weight}`;
// ... with where it stands behind an @, in which a comma is spelt %2C once more: "hub3.example.org:2@47.38%2C8.54".
const addedOf = (text: string): AddedHub => {
  const [pair = '', location = ''] = text.split('@');
  return { ...pairOf(pair), location: decoded(location) };
};
const spellAdded = ({ name, weight, location }: AddedHub): string => spell(name, weight) + (location ? `@${encodeURIComponent(location)}` : '');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function readTrial(given: URLSearchParams): Trial {
  const policy = given.get('policy') ?? '';
  return {
    ...(words.includes(policy) ? { policy: policy as ServicePolicy } : {}),
    removed: listOf(given.get('remove')),
    weights: Object.fromEntries(listOf(given.get('weight')).map(pairOf).map(({ name, weight }) => [name, weight])),
    added: listOf(given.get('add')).map(addedOf),
  };
}

/** Undefined: not said. */
export function writeTrial({ policy, removed, weights, added }: Trial): Record<(typeof trialNames)[number], string | undefined> {
  const said = (parts: string[]) => (parts.length > 0 ? parts.join(',') : undefined);
  return {
    policy,
    remove: said(removed),
    weight: said(Object.entries(weights).map(([name, weight]) => spell(name, weight))),
    add: said(added.map(spellAdded)),
  };
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
export const isRemoved = (trial: Trial, name: string): boolean => trial.removed.some((other) => same(other, name));
export const weightIn = (trial: Trial, hub: LinkedHubEntry): string =>
  Object.entries(trial.weights).find(([name]) => same(name, hub.name))?.[1] ?? String(hub.allocationWeight ?? 1);

/** What is different from now; empty: nothing is. */
export function changeOf(trial: Trial, links: readonly LinkedHubEntry[], stored: ServicePolicy): WhatIfChange {
  const remove = links.filter((hub) => isRemoved(trial, hub.name)).map((hub) => hub.name);
  const weights = links
    .filter((hub) => !isRemoved(trial, hub.name) && weightIn(trial, hub) !== String(hub.allocationWeight ?? 1))
    .map((hub): [string, number] => [hub.name, Number(weightIn(trial, hub))]);
  const add = trial.added
    .filter(({ name }) => !links.some((hub) => same(hub.name, name)))
    .map(({ name, weight, location }) => ({ name, allocationWeight: Number(weight), ...(location.trim() ? { location: location.trim() } : {}) }));
  const iotHubs = {
    ...(add.length > 0 ? { add } : {}),
    ...(remove.length > 0 ? { remove } : {}),
    ...(weights.length > 0 ? { weights: Object.fromEntries(weights) } : {}),
  };
  return {
    ...(trial.policy && trial.policy !== stored ? { allocationPolicy: trial.policy } : {}),
    ...(Object.keys(iotHubs).length > 0 ? { iotHubs } : {}),
  };
}

export const isChange = (change: WhatIfChange): boolean => Object.keys(change).length > 0;

/** Why it cannot be tried; undefined: it can. */
export function faultOfTrial(trial: Trial, links: readonly LinkedHubEntry[]): string | undefined {
  const weights = [...links.filter((hub) => !isRemoved(trial, hub.name)).map((hub) => weightIn(trial, hub)), ...trial.added.map(({ weight }) => weight)];
  return [...weights.map(faultOfWeight), ...trial.added.map(({ location }) => faultOfLocation(location.trim()))].find((fault) => fault !== undefined);
}
