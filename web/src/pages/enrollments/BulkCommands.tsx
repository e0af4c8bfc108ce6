// What can be done with several enrollments at once: enable, disable (both with a way back), delete.

import { Button, ProgressBar } from '@fluentui/react-components';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { asFault } from '../../api/fault';
import { keys } from '../../api/keys';
import { deleteEnrollment, deleteGroup, putEnrollment, putGroup, readEnrollment, readGroup } from '../../api/service';
import type { EnrollmentGroup, IndividualEnrollment } from '../../api/types';
import { Confirm } from '../../components/Confirm';
import { toast } from '../../components/toasts';
import { plural } from '../../lib/format';
import { inTurn } from '../../lib/inTurn';
import styles from './BulkCommands.module.css';
import type { Kind } from './draft';

type Entry = IndividualEnrollment | EnrollmentGroup;

interface BulkCommandsProps {
  service: string;
  kind: Kind;
  chosen: ReadonlySet<string>;
  entries: readonly Entry[];
  onDone: () => void;
  deleting: boolean;
  onDeleting: (on: boolean) => void;
}

const statusOf = (entry: Entry) => entry.provisioningStatus ?? 'enabled';
const idOf = (entry: Entry): string => ('registrationId' in entry ? entry.registrationId : entry.enrollmentGroupId);

async function setStatus(service: string, kind: Kind, id: string, provisioningStatus: 'enabled' | 'disabled'): Promise<void> {
  if (kind === 'group') {
    const now = await readGroup(service, id);
    await putGroup(service, { ...now, provisioningStatus }, now.etag);
  } else {
    const now = await readEnrollment(service, id);
    await putEnrollment(service, { ...now, provisioningStatus }, now.etag);
  }
}

export function BulkCommands({ service, kind, chosen, entries, onDone, deleting, onDeleting }: BulkCommandsProps) {
  const client = useQueryClient();
  const [progress, setProgress] = useState<number>();
  const ids = [...chosen];
  const count = plural(ids.length, kind === 'group' ? 'group' : 'enrollment');

  const refresh = () => client.invalidateQueries({ queryKey: kind === 'group' ? keys.groups(service) : keys.enrollments(service) });
  const forAll = async (names: string[], each: (id: string) => Promise<void>) => {
    setProgress(0);
    const failures = await inTurn(names, each, (done) => setProgress(done / names.length));
    setProgress(undefined);
    await refresh();
    void client.invalidateQueries({ queryKey: keys.overview });
    const first = failures[0];
    if (first) toast(`${plural(failures.length, 'one', 'of them')} could not be changed. ${first.item}: ${asFault(first.error).message}`, { intent: 'error' });
    return names.length - failures.length;
  };
  const switchTo = async (wanted: 'enabled' | 'disabled') => {
    const known = entries.filter((entry) => chosen.has(idOf(entry)));
    const changing = ids.filter((id) => known.every((entry) => idOf(entry) !== id || statusOf(entry) !== wanted));
    const done = await forAll(changing, (id) => setStatus(service, kind, id, wanted));
    onDone();
    const other = wanted === 'enabled' ? 'disabled' : 'enabled';
    toast(`${plural(done, kind === 'group' ? 'group' : 'enrollment')} ${wanted}.`, {
      undo: done > 0 ? () => forAll(changing, (id) => setStatus(service, kind, id, other)).then(() => undefined) : undefined,
    });
  };

  return (
    <>
      {ids.length > 0 && (
        <div className={styles.bar} role="group" aria-label="With those that are chosen">
          <strong>{count} chosen</strong>
          <Button size="small" disabled={progress !== undefined} onClick={() => void switchTo('enabled')}>
            Enable
          </Button>
          <Button size="small" disabled={progress !== undefined} onClick={() => void switchTo('disabled')}>
            Disable
          </Button>
          <Button size="small" disabled={progress !== undefined} onClick={() => onDeleting(true)}>
            Delete
          </Button>
          <Button size="small" appearance="subtle" onClick={onDone}>
            Choose none
          </Button>
          {progress !== undefined && <ProgressBar value={progress} aria-label="Progress" className={styles.progress} />}
        </div>
      )}
      {deleting && (
        <Confirm
          title={`Delete ${count}?`}
          action="Delete"
          typed={ids.length > 1 ? String(ids.length) : undefined}
          onConfirm={() => forAll(ids, (id) => (kind === 'group' ? deleteGroup(service, id) : deleteEnrollment(service, id)))}
          onClose={(done) => {
            onDeleting(false);
            if (!done) return;
            toast(`${count} deleted.`);
            onDone();
          }}
        >
          {kind === 'group'
            ? 'None of their devices can register any more. Registration records and what the devices have on their hubs stay.'
            : 'These devices can no longer register, and their registration records go too. What they have on their hubs stays.'}{' '}
          To bar devices for a while, disable them instead. This cannot be undone.
        </Confirm>
      )}
    </>
  );
}
