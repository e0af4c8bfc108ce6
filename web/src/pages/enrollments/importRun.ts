// An import in portions: what becomes of every row, in the order of the file.

import { asFault } from '../../api/fault';
import { importEnrollments } from '../../api/service';
import type { ImportReport } from '../../api/types';
import type { ImportRow } from './table';

export type Outcome = 'created' | 'updated' | 'skipped' | 'failed';

export interface ReportRow {
  at: number;
  id: string;
  outcome: Outcome;
  message?: string;
}

export interface Report {
  rows: ReportRow[];
  counts: Record<Outcome, number>;
}

type Send = (entries: NonNullable<ImportRow['entry']>[]) => Promise<ImportReport>;

export const portion = 500;

/** Rows that could not be read are part of the report; a portion that fails as a whole fails row by row. */
export async function importRows(rows: readonly ImportRow[], send: Send, onProgress: (done: number) => void): Promise<Report> {
  const report: ReportRow[] = [];
  for (let from = 0; from < rows.length; from += portion) {
    const part = rows.slice(from, from + portion);
    const good = part.filter((row) => row.entry !== undefined);
    const told = await sendPart(good, send);
    const outcomes = new Map(good.map((row, i) => [row, told[i]]));
    for (const row of part) {
      const outcome = outcomes.get(row);
      report.push({ at: row.at, id: row.id, outcome: outcome?.outcome ?? 'failed', message: row.fault ?? outcome?.message });
    }
    onProgress(report.length);
  }
  const counts: Report['counts'] = { created: 0, updated: 0, skipped: 0, failed: 0 };
  for (const row of report) counts[row.outcome]++;
  return { rows: report, counts };
}

async function sendPart(rows: readonly ImportRow[], send: Send): Promise<{ outcome: Outcome; message?: string }[]> {
  if (rows.length === 0) return [];
  try {
    const answer = await send(rows.flatMap((row) => row.entry ?? []));
    const byIndex = new Map(answer.rows.map((row) => [row.index, row]));
    return rows.map((_, i) => {
      const told = byIndex.get(i);
      return { outcome: told?.result ?? 'failed', message: told?.message ?? (told ? undefined : 'The server said nothing about this row.') };
    });
  } catch (e) {
    const fault = asFault(e);
    if (fault.status === 401 || fault.status === 403) throw e;
    return rows.map(() => ({ outcome: 'failed' as const, message: fault.message }));
  }
}

export const sender =
  (service: string, dryRun: boolean, signal: AbortSignal): Send =>
  (entries) =>
    importEnrollments(service, entries, dryRun, signal);
