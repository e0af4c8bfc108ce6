import { Fragment, type ReactNode } from 'react';
import styles from './Facts.module.css';

export type Fact = [label: string, value: ReactNode];

/** Labels and what stands behind them. Facts that are undefined are left out. */
export function Facts({ facts }: { facts: (Fact | undefined | false | '')[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(
        (fact) =>
          fact && (
            <Fragment key={fact[0]}>
              <dt>{fact[0]}</dt>
              <dd>{fact[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
}
