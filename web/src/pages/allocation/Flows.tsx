import type { WhatIfSummary } from '../../api/types';
import { formatNumber } from '../../lib/format';
import { HubLine } from './HubLine';
import { flowsOf, squaresOf, type HubFlow } from './moves';
import styles from './Flows.module.css';

const perRow = 40;
const size = 8;
/** So many squares are all devices. */
const squares = 400;

const kinds = [
  ['stay', 'stays'],
  ['come', 'comes'],
  ['go', 'goes'],
] as const;

function Squares({ flow, devices }: { flow: HubFlow; devices: number }) {
  const all = kinds.flatMap(([kind]) => Array<(typeof kinds)[number][0]>(squaresOf(flow[kind], devices, squares)).fill(kind));
  const rows = Math.max(1, Math.ceil(all.length / perRow));
  return (
    <svg className={styles.squares} viewBox={`0 0 ${perRow * size} ${rows * size}`} aria-hidden="true">
      {all.map((kind, i) => (
        <rect key={i} data-kind={kind} x={(i % perRow) * size + 0.5} y={Math.floor(i / perRow) * size + 0.5} width={size - 3} height={size - 3} rx="1" />
      ))}
      {all.length === 0 && <rect width={perRow * size - 2} height="1" y={size / 2} data-kind="none" />}
    </svg>
  );
}

const difference = ({ now, then }: HubFlow): string => (then === now ? 'no change' : `${then > now ? '+' : '−'}${formatNumber(Math.abs(then - now))}`);

/** Each hub's devices as squares: who stays, who comes, who goes. */
export function Flows({ summary }: { summary: WhatIfSummary }) {
  return (
    <div className={styles.flows}>
      <ul className={styles.legend} aria-hidden="true">
        {kinds.map(([kind, word]) => (
          <li key={kind}>
            <svg viewBox="0 0 8 8">
              <rect x="1" y="1" width="6" height="6" rx="1" data-kind={kind} />
            </svg>
            {word}
          </li>
        ))}
      </ul>
      <ul className={styles.hubs}>
        {flowsOf(summary).map((flow) => (
          <HubLine
            key={flow.name}
            name={flow.name}
            numbers={
              <>
                {formatNumber(flow.now)} <span aria-hidden="true">→</span>
                <span className="unseen">now, then</span> <strong>{formatNumber(flow.then)}</strong> {difference(flow)}
              </>
            }
          >
            <Squares flow={flow} devices={summary.devices} />
          </HubLine>
        ))}
      </ul>
    </div>
  );
}
