import type { ReactNode } from 'react';
import styles from './Empty.module.css';

interface EmptyProps {
  title: string;
  /** What to do first. */
  children?: ReactNode;
  actions?: ReactNode;
}

/** Where nothing is yet, and what would change that. */
export function Empty({ title, children, actions }: EmptyProps) {
  return (
    <div className={styles.empty}>
      <svg viewBox="0 0 96 48" className={styles.picture} aria-hidden="true">
        <path d="M8 34h80M16 34V14m16 20V18m32 16V18m16 16V14" />
        <path className={styles.wave} d="M8 42c5 0 5-3 10-3s5 3 10 3 5-3 10-3 5 3 10 3 5-3 10-3 5 3 10 3 5-3 10-3 5 3 10 3" />
      </svg>
      <h2 className={styles.title}>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
