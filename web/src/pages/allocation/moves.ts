// The devices that would move, as they are told of: the first of them for the page, all of them for a file.

import type { WhatIfMove, WhatIfSummary } from '../../api/types';
import { writeCsv } from '../../lib/csv';

/** So many are shown; the file has all. */
export const shownMost = 100;
const perPiece = 10_000;

export interface Moves {
  add: (move: WhatIfMove) => void;
  count: () => number;
  first: () => WhatIfMove[];
  /** CSV with a heading. */
  file: () => BlobPart[];
}

/** Text is handed to the browser in pieces, which may keep them on disk. */
export function collectMoves(): Moves {
  const first: WhatIfMove[] = [];
  const pieces: BlobPart[] = [writeCsv([['registrationId', 'from', 'to']])];
  let held: string[][] = [];
  let count = 0;
  return {
    add(move) {
      count++;
      if (first.length < shownMost) first.push(move);
      held.push([move.registrationId, move.from, move.to]);
      if (held.length < perPiece) return;
      pieces.push(new Blob([writeCsv(held)]));
      held = [];
    },
    count: () => count,
    first: () => [...first],
    file: () => (held.length > 0 ? [...pieces, writeCsv(held)] : [...pieces]),
  };
}

export interface HubFlow {
  name: string;
  now: number;
  then: number;
  stay: number;
  come: number;
  go: number;
}

/** For each hub, who stays, who comes and who goes. */
export function flowsOf({ hubs, moves }: Pick<WhatIfSummary, 'hubs' | 'moves'>): HubFlow[] {
  const sum = (end: 'from' | 'to', name: string) => moves.filter((move) => move[end] === name).reduce((n, move) => n + move.devices, 0);
  return hubs.map(({ name, now, then }) => {
    const go = sum('from', name);
    return { name, now, then, go, come: sum('to', name), stay: Math.max(0, now - go) };
  });
}

/** So many squares of each kind that together they are `all` of `devices`; what is there at all gets one. */
export const squaresOf = (part: number, devices: number, all: number): number => (part === 0 ? 0 : Math.max(1, Math.round((part * all) / Math.max(1, devices))));
