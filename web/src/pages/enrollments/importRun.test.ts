import { expect, test } from 'vitest';
import { Fault } from '../../api/fault';
import type { ImportReport } from '../../api/types';
import { importRows } from './importRun';
import type { ImportRow } from './table';

const good = (id: string, at: number): ImportRow => ({ at, id, entry: { registrationId: id, attestation: { type: 'symmetricKey' } } });
const all = (n: number) => Array.from({ length: n }, (_, i) => good(`d${i}`, i + 2));
const created = (entries: { registrationId: string }[]): ImportReport => ({
  created: entries.length,
  updated: 0,
  failed: 0,
  rows: entries.map((entry, index) => ({ index, id: entry.registrationId, result: 'created' })),
});

test('a long file goes in portions, and progress is told', async () => {
  const sizes: number[] = [];
  const progress: number[] = [];
  const report = await importRows(all(1200), async (entries) => (sizes.push(entries.length), created(entries)), (done) => progress.push(done));
  expect(sizes).toEqual([500, 500, 200]);
  expect(progress).toEqual([500, 1000, 1200]);
  expect(report.counts).toEqual({ created: 1200, updated: 0, skipped: 0, failed: 0 });
});

test('rows that could not be read are not sent, and keep their place in the report', async () => {
  const rows: ImportRow[] = [good('a', 2), { at: 3, id: 'b b', fault: 'No blanks.' }, good('c', 4)];
  const report = await importRows(
    rows,
    async (entries) => ({ ...created(entries), rows: [{ index: 0, id: 'a', result: 'updated' }, { index: 1, id: 'c', result: 'failed', message: 'Bad key.' }] }),
    () => undefined,
  );
  expect(report.rows).toEqual([
    { at: 2, id: 'a', outcome: 'updated', message: undefined },
    { at: 3, id: 'b b', outcome: 'failed', message: 'No blanks.' },
    { at: 4, id: 'c', outcome: 'failed', message: 'Bad key.' },
  ]);
});

test('a portion that fails as a whole does not stop the next', async () => {
  let calls = 0;
  const report = await importRows(
    all(501),
    async (entries) => {
      if (calls++ === 0) throw new Fault(500, '500', 'The disk is full.');
      return created(entries);
    },
    () => undefined,
  );
  expect(report.counts).toMatchObject({ failed: 500, created: 1 });
  expect(report.rows[0]?.message).toBe('The disk is full.');
});

test('who may not import hears it once', async () => {
  await expect(importRows(all(3), async () => Promise.reject(new Fault(403, 'x', 'You may not do this.')), () => undefined)).rejects.toThrow('You may not');
});
