import { Button, Field, ProgressBar, Radio, RadioGroup } from '@fluentui/react-components';
import { useEffect, useRef, useState } from 'react';
import { listEnrollments, listGroups, type ListQuery } from '../../api/service';
import type { EnrollmentGroup, IndividualEnrollment } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { ErrorView } from '../../components/ErrorView';
import { download } from '../../lib/download';
import { formatNumber } from '../../lib/format';
import type { Kind } from './draft';
import { csvOf } from './table';

type Entry = IndividualEnrollment | EnrollmentGroup;

interface ExportProps {
  service: string;
  kind: Kind;
  query: ListQuery;
  /** Undefined: it is counted while it is written. */
  total?: number;
  onClose: () => void;
}

const pageSize = 1000;
const idOf = (entry: Entry): string => ('registrationId' in entry ? entry.registrationId : entry.enrollmentGroupId);

/** What the filters show, as a file: fetched page by page, and it can be stopped. */
export function Export({ service, kind, query, total, onClose }: ExportProps) {
  const [format, setFormat] = useState('csv');
  const [done, setDone] = useState<number>();
  const [error, setError] = useState<unknown>();
  const stop = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    stop.current = controller;
    return () => controller.abort();
  }, []);

  const run = async () => {
    setError(undefined);
    setDone(0);
    const { signal } = stop.current;
    const parts: string[] = [];
    let after: string | undefined;
    let count = 0;
    try {
      for (;;) {
        const asked = { ...query, after, limit: pageSize };
        const page: { items: Entry[]; more: boolean } = await (kind === 'group' ? listGroups(service, asked, signal) : listEnrollments(service, asked, signal));
        const last = page.items.at(-1);
        if (format === 'csv') parts.push(csvOf(page.items, count === 0));
        else parts.push(page.items.map((entry, i) => (count + i > 0 ? ',\n' : '[\n') + JSON.stringify(entry)).join(''));
        count += page.items.length;
        setDone(count);
        if (!page.more || !last) break;
        after = idOf(last);
      }
      if (format === 'json') parts.push(count === 0 ? '[]\n' : '\n]\n');
      download(parts, `${service}-${kind === 'group' ? 'groups' : 'enrollments'}.${format}`);
      onClose();
    } catch (e) {
      if (signal.aborted) return;
      setError(e);
      setDone(undefined);
    }
  };

  return (
    <Dialog
      title="Export"
      onClose={onClose}
      actions={
        <>
          <Button appearance="primary" disabled={done !== undefined} onClick={() => void run()}>
            Export
          </Button>
          <Button onClick={onClose}>{done === undefined ? 'Cancel' : 'Stop'}</Button>
        </>
      }
    >
      <p>
        {total === undefined ? 'All' : formatNumber(total)} {kind === 'group' ? 'groups' : 'enrollments'}, as the filters show them. Keys are not exported.
      </p>
      <Field label="As">
        <RadioGroup value={format} onChange={(_, data) => setFormat(data.value)} disabled={done !== undefined}>
          <Radio value="csv" label="CSV, for a spreadsheet" />
          <Radio value="json" label="JSON, with everything" />
        </RadioGroup>
      </Field>
      {done !== undefined && (
        <Field label={total === undefined ? `${formatNumber(done)} written` : `${formatNumber(done)} of ${formatNumber(total)}`}>
          <ProgressBar value={total ? done / total : undefined} />
        </Field>
      )}
      {error !== undefined && <ErrorView error={error} title="The export ended early" />}
    </Dialog>
  );
}
