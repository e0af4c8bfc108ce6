import { Checkmark16Filled } from '@fluentui/react-icons';
import type { ReactNode } from 'react';
import styles from './Steps.module.css';

export function Steps({ children }: { children: ReactNode }) {
  return <ol className={styles.steps}>{children}</ol>;
}

interface StepProps {
  title: string;
  state: 'done' | 'now' | 'later';
  children?: ReactNode;
}

const spoken = { done: 'Done', now: 'To do now', later: 'To do later' };

export function Step({ title, state, children }: StepProps) {
  return (
    <li className={styles.step} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
      <h3 className={styles.title}>
        {title}
        <span className="unseen">, {spoken[state]}</span>
      </h3>
      <span className={styles.mark} aria-hidden="true">
        {state === 'done' && <Checkmark16Filled />}
      </span>
      {children && <div className={styles.body}>{children}</div>}
    </li>
  );
}
