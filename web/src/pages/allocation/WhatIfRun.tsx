// A what-if while it runs, and what has come of it: how many would move, between which hubs, and which devices they are.

import { Button } from '@fluentui/react-components';
import { ArrowDownload20Regular } from '@fluentui/react-icons';
import type { WhatIfMove, WhatIfSummary } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { DataTable, type Column } from '../../components/DataTable';
import { ErrorView } from '../../components/ErrorView';
import { Stack } from '../../components/Section';
import { download } from '../../lib/download';
import { formatNumber, plural } from '../../lib/format';
import { Flows } from './Flows';
import { shownMost, type Moves } from './moves';
import type { Run } from './useWhatIf';
import styles from './WhatIf.module.css';

function Counting({ run, registered }: { run: Run; registered?: number }) {
  const all = registered === undefined ? undefined : Math.max(registered, run.done);
  return (
    <div className={styles.counting}>
      <progress aria-label="Devices looked at" max={all ?? 1} value={all === undefined ? undefined : run.done} />
      <p>
        <strong>{formatNumber(run.done)}</strong>
        {all !== undefined && ` of ${formatNumber(all)}`} devices looked at; {formatNumber(run.moving)} of them would move.
      </p>
    </div>
  );
}

const pairColumns: Column<WhatIfSummary['moves'][number]>[] = [
  { name: 'From', cell: (move) => move.from },
  { name: 'To', cell: (move) => move.to },
  { name: 'Devices', align: 'end', cell: (move) => formatNumber(move.devices) },
];
const reasonColumns: Column<WhatIfSummary['reasons'][number]>[] = [
  { name: 'Why', wrap: true, cell: (reason) => reason.sentence },
  { name: 'Devices', align: 'end', cell: (reason) => formatNumber(reason.devices) },
];

function Numbers({ summary }: { summary: WhatIfSummary }) {
  const others: [n: number, one: string, many: string][] = [
    [summary.stay, 'stays where it is', 'stay where they are'],
    [summary.undecided, 'cannot be foretold', 'cannot be foretold'],
    [summary.refused, 'would be refused', 'would be refused'],
  ];
  return (
    <div role="status">
      <p className={styles.verdict}>
        {formatNumber(summary.move)} of {plural(summary.devices, 'device')} would move
      </p>
      <p className={styles.quiet}>
        When they register again; until then everybody stays.{' '}
        {others
          .filter(([n]) => n > 0)
          .map(([n, one, many]) => `${formatNumber(n)} ${n === 1 ? one : many}.`)
          .join(' ')}
      </p>
    </div>
  );
}

function Devices({ service, moves }: { service: string; moves: Moves }) {
  const columns: Column<WhatIfMove>[] = [
    { name: 'Device', cell: (move) => <Anchor href={paths.registration(service, move.registrationId)}>{move.registrationId}</Anchor> },
    { name: 'From', cell: (move) => move.from },
    { name: 'To', cell: (move) => move.to },
  ];
  const first = moves.first();
  if (first.length === 0) return null;
  return (
    <div className={styles.whole}>
      <div className={styles.devicesHead}>
        <h3>{moves.count() > shownMost ? `The first ${shownMost} of ${formatNumber(moves.count())} that would move` : 'Devices that would move'}</h3>
        <Button size="small" icon={<ArrowDownload20Regular />} onClick={() => download(moves.file(), `${service}-what-would-move.csv`)}>
          Download all as CSV
        </Button>
      </div>
      <div className={styles.devices} tabIndex={0} role="group" aria-label="Devices that would move">
        <DataTable label="Devices that would move" rows={first} columns={columns} rowKey={(move) => move.registrationId} />
      </div>
    </div>
  );
}

const mostFirst = <Counted extends { devices: number }>(all: readonly Counted[]): Counted[] => [...all].sort((a, b) => b.devices - a.devices);

/** What has come of it, hub by hub, reason by reason, device by device. */
export function WhatIfDetails({ service, run }: { service: string; run?: Run }) {
  const { summary, moves } = run ?? {};
  if (!summary || (summary.moves.length === 0 && summary.reasons.length === 0)) return null;
  return (
    <div className={styles.details}>
      {summary.moves.length > 0 && (
        <DataTable label="Moves from hub to hub" rows={mostFirst(summary.moves)} columns={pairColumns} rowKey={(move) => `${move.from} ${move.to}`} />
      )}
      {summary.reasons.length > 0 && <DataTable label="Reasons" rows={mostFirst(summary.reasons)} columns={reasonColumns} rowKey={(reason) => reason.sentence} />}
      {moves && <Devices service={service} moves={moves} />}
    </div>
  );
}

interface WhatIfRunProps {
  run?: Run;
  /** The change on the page is another by now. */
  isStale: boolean;
  /** Devices there are, if known. */
  registered?: number;
  onRetry: () => void;
}

export function WhatIfRun({ run, isStale, registered, onRetry }: WhatIfRunProps) {
  if (!run)
    return (
      <p className={styles.quiet}>
        Every registered device is asked about, as if it registered again with the change made. With nothing changed, it shows who would move by themselves: because
        of a change made before, for example.
      </p>
    );
  const { phase, summary } = run;
  return (
    <Stack>
      {phase === 'running' && <Counting run={run} registered={registered} />}
      {phase === 'stopped' && (
        <p role="status">
          Stopped after {plural(run.done, 'device')}, of which {formatNumber(run.moving)} would move. Of the others nothing is known.
        </p>
      )}
      {phase === 'failed' && <ErrorView error={run.error} title="It could not be foretold" onRetry={onRetry} />}
      {phase === 'done' && isStale && <p className={styles.stale}>This is what came of the change before; try again for the one on this page.</p>}
      {phase === 'done' && summary && (
        <>
          <Numbers summary={summary} />
          {summary.devices > 0 && <Flows summary={summary} />}
        </>
      )}
    </Stack>
  );
}
