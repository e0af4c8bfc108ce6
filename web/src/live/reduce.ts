// What a stream of events adds up to: counters, rates over the last seconds, who landed last and who was refused.

export interface Landed {
  id: string;
  hub: string;
  ms: number;
  protocol: string;
  service: string;
}

export interface Refused {
  id: string;
  code: number | string;
  sentence: string;
  service: string;
  at: string;
}

export interface Batch {
  at: string;
  service: string;
  assigned: number;
  refused: number;
  failed: number;
  hubs?: Record<string, number>;
  sample?: Omit<Landed, 'service'>[];
  refusals?: Omit<Refused, 'service' | 'at'>[];
}

interface Beat {
  at: number;
  service: string;
  assigned: number;
  refused: number;
  hubs: Record<string, number>;
}

export interface LiveState {
  /** Since the page began to listen. */
  assigned: number;
  refused: number;
  failed: number;
  /** All there are, by service, as the server counted last, plus what came since. */
  registrations: Record<string, number>;
  hubs: Record<string, number>;
  beats: readonly Beat[];
  landed: readonly Landed[];
  refusals: readonly Refused[];
}

export const quiet: LiveState = { assigned: 0, refused: 0, failed: 0, registrations: {}, hubs: {}, beats: [], landed: [], refusals: [] };

/** Rates are those of so many milliseconds. */
export const window = 5_000;
const landedKept = 12;
const refusalsKept = 30;

const added = (to: Record<string, number>, more: Record<string, number>): Record<string, number> => {
  const sum = { ...to };
  for (const [name, n] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + n;
  return sum;
};

export function onBatch(state: LiveState, batch: Batch, now: number): LiveState {
  const { service } = batch;
  const hubs = batch.hubs ?? {};
  const landed = (batch.sample ?? []).map((one) => ({ ...one, service }));
  const refusals = (batch.refusals ?? []).map((one) => ({ ...one, service, at: batch.at }));
  return {
    assigned: state.assigned + batch.assigned,
    refused: state.refused + batch.refused,
    failed: state.failed + batch.failed,
    registrations: state.registrations,
    hubs: added(state.hubs, hubs),
    beats: [
      ...state.beats.filter((beat) => now - beat.at < window),
      { at: now, service, assigned: batch.assigned, refused: batch.refused, hubs },
    ],
    landed: landed.length > 0 ? [...landed.reverse(), ...state.landed].slice(0, landedKept) : state.landed,
    refusals: refusals.length > 0 ? [...refusals.reverse(), ...state.refusals].slice(0, refusalsKept) : state.refusals,
  };
}

/** The server's own count is the truth. */
export const onState = (state: LiveState, service: string, registrations: number): LiveState => ({
  ...state,
  registrations: { ...state.registrations, [service]: registrations },
});

export interface Rates {
  assigned: number;
  refused: number;
  hubs: Record<string, number>;
  services: Record<string, number>;
}

/** Per second. A stream that has just begun is not averaged over time before it. */
export function ratesOf(state: LiveState, now: number, since = 0): Rates {
  const span = Math.max(1_000, Math.min(window, now - since)) / 1000;
  const rates: Rates = { assigned: 0, refused: 0, hubs: {}, services: {} };
  for (const beat of state.beats) {
    if (now - beat.at >= window) continue;
    rates.assigned += beat.assigned / span;
    rates.refused += beat.refused / span;
    rates.services[beat.service] = (rates.services[beat.service] ?? 0) + beat.assigned / span;
    for (const [hub, n] of Object.entries(beat.hubs)) rates.hubs[hub] = (rates.hubs[hub] ?? 0) + n / span;
  }
  return rates;
}
