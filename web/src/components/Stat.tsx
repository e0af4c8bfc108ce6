import type { ReactNode } from 'react';
import { Anchor } from './Anchor';
import styles from './Stat.module.css';

interface StatProps {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  href?: string;
}

/** A number and what it counts; leads to what it counts. */
export function Stat({ label, value, note, href }: StatProps) {
  const inner = (
    <>
      <span className={styles.label}>{label}</span>
      <span className={styles.value}>{value}</span>
      {note && <span className={styles.note}>{note}</span>}
    </>
  );
  return href ? (
    <Anchor href={href} className={styles.stat}>
      {inner}
    </Anchor>
  ) : (
    <div className={styles.stat}>{inner}</div>
  );
}

export function Stats({ children }: { children: ReactNode }) {
  return <div className={styles.stats}>{children}</div>;
}
