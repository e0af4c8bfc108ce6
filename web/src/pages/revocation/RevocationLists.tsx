// Lists of certificates that were withdrawn: of a group, or of a service about certificates of TPMs. Words tell them apart.

import { Button } from '@fluentui/react-components';
import { Add20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/keys';
import { deleteRevocationList, listRevocationLists, refreshRevocationList, type RevocationOwner } from '../../api/service';
import type { RevocationList } from '../../api/types';
import { useMayChange } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Loading } from '../../components/Loading';
import { Section } from '../../components/Section';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { formatNumber } from '../../lib/format';
import { ListForm } from './ListForm';
import { isAwaited, stateOf } from './state';
import styles from './RevocationLists.module.css';

export interface RevocationWords {
  title: string;
  hint: string;
  none: string;
  /** What they are for, where there is none. */
  purpose: string;
  /** Who may have signed one without more being said: "a certificate of the group". */
  signers: string;
  /** What comes of deleting one. */
  deletion: string;
}

const often = 2_000;
const seldom = 10_000;
// The server fetches a list soon after it is asked to; the page looks then too.
const looks = [700, 2_500];

function Name({ list }: { list: RevocationList }) {
  return (
    <div className={styles.words}>
      <span>{list.name}</span>
      {list.strict && <span>Strict</span>}
    </div>
  );
}

function Origin({ list }: { list: RevocationList }) {
  return (
    <div className={styles.words}>
      <span>{list.url ?? 'Given as a file'}</span>
      {list.issuer && <span>issued by {list.issuer}</span>}
    </div>
  );
}

function Standing({ list }: { list: RevocationList }) {
  const { tone, word, sentence } = stateOf(list);
  return (
    <div className={styles.words}>
      <State tone={tone}>{word}</State>
      {sentence && <span>{sentence}</span>}
    </div>
  );
}

const columns: Column<RevocationList>[] = [
  { name: 'Name', cell: (list) => <Name list={list} /> },
  { name: 'From', wrap: true, cell: (list) => <Origin list={list} /> },
  { name: 'Certificates', align: 'end', cell: (list) => (list.issuer ? formatNumber(list.entries ?? 0) : '') },
  { name: 'Next list', cell: (list) => (list.issuer ? <Time value={list.nextUpdateUtc} never="not told" /> : '') },
  { name: 'State', wrap: true, cell: (list) => <Standing list={list} /> },
];

interface RowCommandsProps {
  list: RevocationList;
  onRefresh: () => void;
  onChange: () => void;
  onDelete: () => void;
}

function RowCommands({ list, onRefresh, onChange, onDelete }: RowCommandsProps) {
  return (
    <div className={styles.commands}>
      {list.url && (
        <Button size="small" appearance="subtle" onClick={onRefresh} aria-label={`Fetch now the list ${list.name}`}>
          Fetch now
        </Button>
      )}
      <Button size="small" appearance="subtle" onClick={onChange} aria-label={`Change the list ${list.name}`}>
        Change
      </Button>
      <Button size="small" appearance="subtle" onClick={onDelete} aria-label={`Delete the list ${list.name}`}>
        Delete
      </Button>
    </div>
  );
}

export function RevocationLists({ owner, words }: { owner: RevocationOwner; words: RevocationWords }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [editing, setEditing] = useState<RevocationList | 'new'>();
  const [deleting, setDeleting] = useState<RevocationList>();
  const queryKey = keys.revocation(owner);
  const lists = useQuery({
    queryKey,
    queryFn: ({ signal }) => listRevocationLists(owner, signal),
    refetchInterval: ({ state }) => (state.data?.some(isAwaited) ? often : seldom),
  });
  const reload = () => void client.invalidateQueries({ queryKey });
  const refresh = useMutation({
    mutationFn: (name: string) => refreshRevocationList(owner, name),
    onSuccess: (_, name) => {
      for (const ms of looks) setTimeout(reload, ms);
      toast(`The list ${name} is being fetched.`);
    },
  });
  const commands: Column<RevocationList> = {
    name: 'Commands',
    unseen: true,
    cell: (list) => <RowCommands list={list} onRefresh={() => refresh.mutate(list.name)} onChange={() => setEditing(list)} onDelete={() => setDeleting(list)} />,
  };
  const others = (lists.data ?? []).map((list) => list.name).filter((name) => editing === 'new' || name !== editing?.name);
  const addButton = mayChange && !editing && (
    <Button size="small" icon={<Add20Regular />} onClick={() => setEditing('new')}>
      Add a list
    </Button>
  );

  return (
    <Section title={words.title} hint={words.hint} flush actions={lists.data && lists.data.length > 0 && addButton}>
      {lists.isError && <ErrorView error={lists.error} onRetry={() => void lists.refetch()} />}
      {refresh.isError && (
        <div className={styles.inset}>
          <ErrorView error={refresh.error} title={`The list ${refresh.variables} was not fetched`} />
        </div>
      )}
      {lists.isPending && <Loading />}
      {editing && (
        <ListForm
          key={editing === 'new' ? '' : editing.name}
          owner={owner}
          was={editing === 'new' ? undefined : editing}
          taken={others}
          signers={words.signers}
          onClose={() => setEditing(undefined)}
        />
      )}
      {lists.data && lists.data.length > 0 && (
        <DataTable label={words.title} rows={lists.data} columns={mayChange ? [...columns, commands] : columns} rowKey={(list) => list.name} />
      )}
      {lists.data?.length === 0 && !editing && (
        <Empty title={words.none} actions={addButton}>
          {words.purpose}
        </Empty>
      )}
      {deleting && (
        <Confirm
          title={`Delete the revocation list ${deleting.name}?`}
          action="Delete"
          onConfirm={() => deleteRevocationList(owner, deleting.name)}
          onClose={(done) => {
            setDeleting(undefined);
            if (!done) return;
            if (editing !== 'new' && editing?.name === deleting.name) setEditing(undefined);
            reload();
            toast(`The list ${deleting.name} is deleted.`);
          }}
        >
          {words.deletion}
        </Confirm>
      )}
    </Section>
  );
}
