// The frame around all pages: bar, navigation, page.

import { Button } from '@fluentui/react-components';
import { Navigation24Regular } from '@fluentui/react-icons';
import { Suspense, useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { Anchor } from '../components/Anchor';
import { ErrorBoundary } from '../components/ErrorBoundary';
import { Loading } from '../components/Loading';
import { GuideBar } from '../pages/guide/GuideBar';
import { AccountMenu } from './AccountMenu';
import { GoTo } from './GoTo';
import { Nav } from './Nav';
import { paths } from './paths';
import { Routes } from './routes';
import styles from './Shell.module.css';

export function Shell() {
  const [open, setOpen] = useState(false);
  const [path] = useLocation();
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    if (!open) return;
    const close = (e: KeyboardEvent) => e.key === 'Escape' && setOpen(false);
    window.addEventListener('keydown', close);
    return () => window.removeEventListener('keydown', close);
  }, [open]);

  return (
    <div className={styles.shell}>
      <a href="#content" className={styles.skip}>
        Skip to content
      </a>
      <header className={styles.bar}>
        <Button
          className={styles.burger}
          appearance="transparent"
          icon={<Navigation24Regular />}
          aria-label={open ? 'Close navigation' : 'Open navigation'}
          aria-expanded={open}
          aria-controls="navigation"
          onClick={() => setOpen(!open)}
        />
        <Anchor href={paths.resources} className={styles.brand} aria-label="Berth: all resources">
          <img src="/berth.svg" alt="" width="26" height="26" />
          <span className={styles.name}>Berth</span>
        </Anchor>
        <GoTo />
        <AccountMenu />
      </header>
      <div className={styles.middle}>
        <div className={styles.side} id="navigation" data-open={open || undefined}>
          <Nav />
        </div>
        {open && <div className={styles.veil} onClick={() => setOpen(false)} />}
        <main className={styles.main} id="content" tabIndex={-1}>
          <GuideBar />
          <ErrorBoundary key={path}>
            <Suspense fallback={<div className={styles.wait}><Loading rows={6} /></div>}>
              <Routes />
            </Suspense>
          </ErrorBoundary>
        </main>
      </div>
    </div>
  );
}
