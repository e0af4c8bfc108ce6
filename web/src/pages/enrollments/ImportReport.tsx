import { Button } from '@fluentui/react-components';
import { useMemo, useState } from 'react';
import { DataTable, type Column } from '../../components/DataTable';
import { Choice } from '../../components/Filters';
import { State, type Tone } from '../../components/State';
import { writeCsv } from '../../lib/csv';
import { download } from '../../lib/download';
import { formatNumber } from '../../lib/format';
import styles from './Import.module.css';
import type { Outcome, Report, ReportRow } from './importRun';

const words: Record<Outcome, [Tone, would: string, did: string]> = {
  created: ['good', 'Would be added', 'Added'],
  updated: ['good', 'Would be changed', 'Changed'],
  skipped: ['off', 'Is there already', 'Was there already'],
  failed: ['bad', 'Would fail', 'Failed'],
};
const order: Outcome[] = ['failed', 'updated', 'created', 'skipped'];
const shown = 100;

/** What became, or would become, of every row; those that fail come first. */
export function ImportReportView({ report, tense }: { report: Report; tense: 'would' | 'did' }) {
  const [only, setOnly] = useState('');
  const word = (outcome: Outcome) => words[outcome][tense === 'would' ? 1 : 2];
  const rows = useMemo(
    () => order.filter((outcome) => only === '' || only === outcome).flatMap((outcome) => report.rows.filter((row) => row.outcome === outcome)),
    [report, only],
  );
  const columns: Column<ReportRow>[] = [
    { name: 'Row', cell: (row) => formatNumber(row.at), width: '64px' },
    { name: 'Registration ID', cell: (row) => row.id || '(none)' },
    { name: 'Result', cell: (row) => <State tone={words[row.outcome][0]}>{word(row.outcome)}</State> },
    { name: 'Why', wrap: true, cell: (row) => row.message ?? '' },
  ];
  const file = () => writeCsv([['row', 'registrationId', 'result', 'why'], ...report.rows.map((row) => [String(row.at), row.id, row.outcome, row.message ?? ''])]);
  return (
    <div className={styles.report} role="group" aria-label="Report">
      <div className={styles.counts}>
        {order.map((outcome) => (
          <span key={outcome}>
            {word(outcome)}: <strong>{formatNumber(report.counts[outcome])}</strong>
          </span>
        ))}
      </div>
      <div className={styles.counts}>
        <Choice label="Show" value={only} options={[['', 'All rows'], ...order.map((outcome) => [outcome, word(outcome)] as const)]} onChange={setOnly} />
        <Button onClick={() => download([file()], 'import-report.csv')}>Download the report</Button>
      </div>
      <DataTable label="Report per row" rows={rows.slice(0, shown)} columns={columns} rowKey={(row) => String(row.at)} />
      {rows.length > shown && <p className={styles.rest}>The first {shown} of {formatNumber(rows.length)} are shown; the report has them all.</p>}
    </div>
  );
}
