import { useEffect } from 'react';
import type { Session } from '../../api/types';
import { SignInForm } from './SignInForm';
import styles from './SignIn.module.css';

export function SignIn({ onEnter }: { onEnter: (session: Session) => void }) {
  useEffect(() => {
    document.title = 'Sign in · Berth';
  }, []);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <img src="/berth.svg" alt="" width="40" height="40" />
          <span>Berth</span>
        </div>
        <h1 className={styles.title}>Sign in</h1>
        <SignInForm onEnter={onEnter} />
        <p className={styles.help}>
          The first start of the server printed the password of <code>admin</code>. Forgotten? On the server, run{' '}
          <code>berth operator set-password admin</code>.
        </p>
      </div>
      <svg className={styles.water} viewBox="0 0 1440 200" preserveAspectRatio="none" aria-hidden="true">
        <path d="M0 90c180-60 360 60 540 20s360-70 540-20 240 40 360 10v100H0z" />
        <path d="M0 130c200-40 400 40 600 10s400-50 600 0 160 20 240 0v60H0z" />
      </svg>
    </main>
  );
}
