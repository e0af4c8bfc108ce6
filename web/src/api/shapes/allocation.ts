// Rules of a custom allocation tried out, why an address leads to a hub, and what a change would move.

import type { ServicePolicy } from './resources';

export interface RuleTest {
  rule: string;
  registrationId: string;
  payload?: unknown;
  /** Of which the rule is; neither: of none that is stored yet. */
  enrollment?: string;
  group?: string;
  /** Undefined: all that are linked and take part. */
  iotHubs?: string[];
}

export interface RuleVerdict {
  hub: string | null;
  sentence: string;
  instructions: number;
  /** Bytes. */
  memory: number;
  error?: { line: number; message: string };
}

export interface PlaceQuestion {
  address?: string;
  registrationId?: string;
  enrollment?: string;
  group?: string;
  allocationPolicy?: string;
}

export interface WeighedHub {
  name: string;
  location?: string;
  latitude?: number;
  longitude?: number;
  distanceKm?: number;
  roundTripMs?: number;
  weight: number;
  eligible: boolean;
  reason: string;
}

export interface PlaceAnswer {
  policy: string;
  hub: string | null;
  sentence: string;
  address?: string;
  place: { latitude: number; longitude: number; source: 'database'; name?: string } | null;
  /** A sentence, where the place is null. */
  placeReason?: string;
  hubs: WeighedHub[];
}

export interface HubChange {
  name: string;
  allocationWeight?: number;
  location?: string;
}

/** What would be changed; what is not named stays. */
export interface WhatIfChange {
  allocationPolicy?: ServicePolicy;
  iotHubs?: { add?: HubChange[]; remove?: string[]; weights?: Record<string, number> };
}

export interface WhatIfMove {
  registrationId: string;
  from: string;
  to: string;
}

export interface WhatIfSummary {
  devices: number;
  stay: number;
  move: number;
  /** Decided elsewhere, as by a web hook, when they register. */
  undecided: number;
  refused: number;
  hubs: { name: string; now: number; then: number }[];
  moves: { from: string; to: string; devices: number }[];
  reasons: { sentence: string; devices: number }[];
}

/** One line of the answer. */
export type WhatIfLine = { progress: { done: number } } | { summary: WhatIfSummary } | { error: unknown } | WhatIfMove;
