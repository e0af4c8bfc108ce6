// Listens to the server's events for as long as a page wants them.

import { useEffect, useRef, useState } from 'react';
import { withQuery } from '../api/http';
import { readOverview } from '../api/service';
import type { Totals } from '../api/types';
import { onBatch, onState, quiet, ratesOf, type Batch, type LiveState, type Rates } from './reduce';

export interface Live {
  state: LiveState;
  rates: Rates;
  connected: boolean;
}

type StateEvent = Partial<Totals> & { service: string; totals?: Totals };

const again = 4_000;

/** `onEach` hears every batch as it comes; what is returned changes a few times a second. `services` undefined: all. */
export function useLive(services: string | undefined, onEach?: (batch: Batch) => void): Live {
  const [live, setLive] = useState<Live>({ state: quiet, rates: ratesOf(quiet, 0), connected: false });
  const each = useRef(onEach);
  each.current = onEach;

  useEffect(() => {
    let state = quiet;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let since = performance.now();
    let connected = false;
    const show = () => {
      const now = performance.now();
      setLive({ state, rates: ratesOf(state, now, since), connected });
    };

    const connect = () => {
      source = new EventSource(withQuery('/berth/events', { services }));
      source.onopen = () => {
        connected = true;
        since = performance.now();
        show();
      };
      source.onerror = () => {
        connected = false;
        show();
        // The browser tries again by itself unless the server refused it.
        if (source?.readyState !== EventSource.CLOSED) return;
        void readOverview().catch(() => undefined); // says so if the session has ended
        timer = setTimeout(connect, again);
      };
      source.addEventListener('batch', (e: MessageEvent<string>) => {
        const batch = JSON.parse(e.data) as Batch;
        state = onBatch(state, batch, performance.now());
        each.current?.(batch);
      });
      source.addEventListener('state', (e: MessageEvent<string>) => {
        const told = JSON.parse(e.data) as StateEvent;
        state = onState(state, told.service, told.totals?.registrations ?? told.registrations ?? 0);
      });
    };

    connect();
    const beat = setInterval(show, 250);
    return () => {
      clearInterval(beat);
      clearTimeout(timer);
      source?.close();
    };
  }, [services]);

  return live;
}
