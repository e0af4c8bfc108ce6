// Who is signed in, for every page to ask.

import { createContext, useContext } from 'react';
import type { Session } from '../api/types';

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('There is no session outside of SessionGate.');
  return session;
}

/** Readers see everything but keys, and change nothing. */
export const useMayChange = (): boolean => useSession().role === 'administrator';

export const hostOf = (session: Session, label: string): string => `${label}.${session.domain}`;

/** The label of a name of this server: "hub1" of hub1.berth.test. Undefined: it is another's. */
export const labelOf = (session: Session, host: string): string | undefined => {
  const tail = `.${session.domain.toLowerCase()}`;
  return host.toLowerCase().endsWith(tail) ? host.slice(0, -tail.length) : undefined;
};
