import type { ReactNode } from 'react';
import styles from './HubLine.module.css';

/** A hub in a list of pictures: its name, its numbers, and the picture. */
export function HubLine({ name, numbers, children }: { name: string; numbers: ReactNode; children: ReactNode }) {
  return (
    <li>
      <div className={styles.head}>
        <span className={styles.name}>{name}</span>
        <span className={styles.numbers}>{numbers}</span>
      </div>
      {children}
    </li>
  );
}
