// One what-if at a time: begun, followed while it runs, stopped, and what has come of it.

import { useCallback, useEffect, useRef, useState } from 'react';
import { whatIf } from '../../api/allocation';
import type { WhatIfChange, WhatIfMove, WhatIfSummary } from '../../api/types';
import { collectMoves, type Moves } from './moves';

export interface Run {
  phase: 'running' | 'stopped' | 'failed' | 'done';
  change: WhatIfChange;
  /** Devices looked at, and those among them that would move. */
  done: number;
  moving: number;
  first: WhatIfMove[];
  moves?: Moves;
  summary?: WhatIfSummary;
  error?: unknown;
}

/** Lines come by the thousand; the page is drawn again this often, in milliseconds. */
const beat = 200;

export function useWhatIf(service: string) {
  const [run, setRun] = useState<Run>();
  const stop = useRef<() => void>(() => undefined);

  const start = useCallback(
    async (change: WhatIfChange) => {
      stop.current();
      const abort = new AbortController();
      const moves = collectMoves();
      let done = 0;
      const now = (phase: Run['phase'], more: Partial<Run> = {}) =>
        setRun({ phase, change, done, moving: moves.count(), first: moves.first(), ...more });
      now('running');
      const timer = setInterval(() => now('running'), beat);
      let isLeft = false;
      stop.current = () => {
        isLeft = true;
        clearInterval(timer);
        abort.abort();
      };
      try {
        const listener = { onProgress: (n: number) => void (done = n), onMove: moves.add };
        const summary = await whatIf(service, change, listener, abort.signal);
        if (!isLeft) now('done', { summary, moves });
      } catch (error) {
        if (!isLeft) now('failed', { error });
      } finally {
        clearInterval(timer);
      }
    },
    [service],
  );
  useEffect(() => () => stop.current(), []);

  return {
    run,
    start,
    stop() {
      stop.current();
      setRun((now) => now && { ...now, phase: 'stopped' });
    },
    drop() {
      stop.current();
      setRun(undefined);
    },
  };
}
