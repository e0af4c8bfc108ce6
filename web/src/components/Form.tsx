import type { FormEventHandler, ReactNode } from 'react';
import styles from './Form.module.css';

export function Form({ id, children, onSubmit }: { id?: string; children: ReactNode; onSubmit: FormEventHandler }) {
  return (
    <form id={id} className={styles.form} onSubmit={onSubmit} noValidate>
      {children}
    </form>
  );
}

export function FormActions({ children }: { children: ReactNode }) {
  return <div className={styles.actions}>{children}</div>;
}

/** Save and cancel, in sight however long the form is. */
export function StickyActions({ children }: { children: ReactNode }) {
  return (
    <div className={styles.actions} data-sticky>
      {children}
    </div>
  );
}

export function Pair({ children }: { children: ReactNode }) {
  return <div className={styles.pair}>{children}</div>;
}
