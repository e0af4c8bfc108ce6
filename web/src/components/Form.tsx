import type { FormEventHandler, ReactNode } from 'react';
import styles from './Form.module.css';

interface FormProps {
  id?: string;
  /** It is shown to somebody who may not change it. */
  readOnly?: boolean;
  children: ReactNode;
  onSubmit: FormEventHandler;
}

export function Form({ id, readOnly = false, children, onSubmit }: FormProps) {
  return (
    <form id={id} onSubmit={onSubmit} noValidate>
      <fieldset className={styles.form} disabled={readOnly}>
        {children}
      </fieldset>
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
