// The pages for who is signed in, and the sign-in page for who is not. Signing in again keeps page and input where they were.

import { Spinner } from '@fluentui/react-components';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { asFault } from '../api/fault';
import { keepCsrf, whenSignedOut } from '../api/http';
import { keys } from '../api/keys';
import { readSession } from '../api/session';
import type { Session } from '../api/types';
import { ErrorView } from '../components/ErrorView';
import { SignIn } from '../pages/signin/SignIn';
import { SignInAgain } from '../pages/signin/SignInAgain';
import { SessionContext } from './session';
import styles from './SessionGate.module.css';

export function SessionGate({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [expired, setExpired] = useState(false);
  const session = useQuery({ queryKey: keys.session, queryFn: ({ signal }) => readSession(signal), staleTime: Infinity, refetchOnWindowFocus: false });

  useEffect(() => whenSignedOut(() => setExpired(true)), []);

  const enter = (entered: Session) => {
    keepCsrf(entered.csrf);
    const another = session.data !== undefined && session.data.name !== entered.name;
    if (another) client.clear();
    client.setQueryData(keys.session, entered);
    setExpired(false);
    void client.invalidateQueries({ predicate: (query) => query.queryKey !== keys.session && query.queryKey[0] !== 'session' });
  };

  if (session.isPending)
    return (
      <div className={styles.wait}>
        <Spinner label="One moment" />
      </div>
    );
  if (session.data === undefined) {
    const fault = asFault(session.error);
    if (fault.status !== 401)
      return (
        <main className={styles.wait}>
          <ErrorView error={fault} onRetry={() => void session.refetch()} />
        </main>
      );
    return <SignIn onEnter={enter} />;
  }
  keepCsrf(session.data.csrf);
  return (
    <SessionContext.Provider value={session.data}>
      {children}
      {expired && <SignInAgain name={session.data.name} onEnter={enter} />}
    </SessionContext.Provider>
  );
}
