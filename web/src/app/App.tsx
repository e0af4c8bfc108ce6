// What everything stands in: theme, data, session, routes.

import { FluentProvider } from '@fluentui/react-components';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Router } from 'wouter';
import { asFault } from '../api/fault';
import { Toasts } from '../components/Toasts';
import { LeaveGuard, guardNavigation } from '../components/LeaveGuard';
import { useIsDark } from './appearance';
import { SessionGate } from './SessionGate';
import { Shell } from './Shell';
import { dark, light } from './theme';

// The server may well be reached where there is no internet: it is always asked, whatever the browser thinks of the line.
const networkMode = 'always';

/** Only what may pass by itself is asked again. */
const again = (failures: number, error: unknown): boolean => {
  const { status } = asFault(error);
  return failures < 2 && (status === 0 || status >= 500);
};

const client = new QueryClient({
  defaultOptions: { queries: { networkMode, retry: again, staleTime: 5_000, refetchOnWindowFocus: true }, mutations: { networkMode, retry: false } },
});

export function App() {
  const isDark = useIsDark();
  useEffect(() => {
    document.documentElement.dataset['dark'] = String(isDark);
  }, [isDark]);
  return (
    <FluentProvider theme={isDark ? dark : light} applyStylesToPortals>
      <QueryClientProvider client={client}>
        <Router aroundNav={guardNavigation}>
          <SessionGate>
            <Shell />
          </SessionGate>
          <LeaveGuard />
        </Router>
        <Toasts />
      </QueryClientProvider>
    </FluentProvider>
  );
}
