import { useId, type ReactNode } from 'react';
import styles from './Section.module.css';

interface SectionProps {
  title?: string;
  hint?: ReactNode;
  actions?: ReactNode;
  /** Content goes to the edges: for tables. */
  flush?: boolean;
  children: ReactNode;
}

/** A card: one topic of a page. */
export function Section({ title, hint, actions, flush, children }: SectionProps) {
  const id = useId();
  return (
    <section className={styles.section} data-flush={flush || undefined} aria-labelledby={title ? id : undefined}>
      {(title || actions) && (
        <header className={styles.head}>
          {title && (
            <h2 id={id} className={styles.title}>
              {title}
            </h2>
          )}
          {actions && <div className={styles.actions}>{actions}</div>}
        </header>
      )}
      {hint && <p className={styles.hint}>{hint}</p>}
      <div className={styles.body}>{children}</div>
    </section>
  );
}

/** Cards side by side as far as there is room. */
export function Columns({ children, least = 320 }: { children: ReactNode; least?: number }) {
  return (
    <div className={styles.columns} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(${least}px, 100%), 1fr))` }}>
      {children}
    </div>
  );
}

/** Cards one below the other. */
export function Stack({ children }: { children: ReactNode }) {
  return <div className={styles.stack}>{children}</div>;
}
