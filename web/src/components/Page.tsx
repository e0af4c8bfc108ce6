// The frame of a page: where it is, what it is called, what can be done, and its content.

import { ChevronRight16Regular } from '@fluentui/react-icons';
import { Suspense, useEffect, useRef, type ReactNode } from 'react';
import { Anchor } from './Anchor';
import { Loading } from './Loading';
import styles from './Page.module.css';

export interface Crumb {
  name: string;
  href: string;
}

interface PageProps {
  title: string;
  /** What kind of thing the title names: "Provisioning service". */
  kind?: string;
  lead?: ReactNode;
  crumbs?: Crumb[];
  /** Beside the title: a state, for example. */
  aside?: ReactNode;
  actions?: ReactNode;
  narrow?: boolean;
  children: ReactNode;
}

let firstPage = true;

export function Page({ title, kind, lead, crumbs = [], aside, actions, narrow, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const place = crumbs.at(-1)?.name;
  useEffect(() => {
    document.title = `${title}${place ? ` · ${place}` : ''} · Berth`;
  }, [title, place]);
  // Whoever listens hears where a link has led; the first page is announced by the browser.
  useEffect(() => {
    if (!firstPage && !document.activeElement?.closest('main')?.querySelector('form')) heading.current?.focus({ preventScroll: true });
    firstPage = false;
  }, []);
  return (
    <article className={styles.page} data-narrow={narrow || undefined}>
      {crumbs.length > 0 && (
        <nav aria-label="Breadcrumb" className={styles.crumbs}>
          <ol>
            {crumbs.map((crumb) => (
              <li key={crumb.href}>
                <Anchor href={crumb.href}>{crumb.name}</Anchor>
                <ChevronRight16Regular aria-hidden />
              </li>
            ))}
          </ol>
        </nav>
      )}
      <header className={styles.head}>
        <h1 ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </h1>
        {aside}
        {kind && <span className={styles.kind}>{kind}</span>}
      </header>
      {lead && <p className={styles.lead}>{lead}</p>}
      {actions && (
        <div className={styles.actions} role="group" aria-label="Commands">
          {actions}
        </div>
      )}
      <Suspense fallback={<Loading />}>{children}</Suspense>
    </article>
  );
}
