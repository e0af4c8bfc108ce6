import { Button, Field, Input, Spinner, Switch } from '@fluentui/react-components';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { deleteRevocationList, listRevocationLists, putRevocationList } from '../../api/service';
import type { RevocationList } from '../../api/types';
import { useMayChange } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { DataTable, type Column } from '../../components/DataTable';
import { ErrorView } from '../../components/ErrorView';
import { FileDrop } from '../../components/FileDrop';
import { Form, FormActions, Pair } from '../../components/Form';
import { Section } from '../../components/Section';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { formatNumber } from '../../lib/format';
import { faultOfRegistrationId } from '../../lib/ids';
import { readRevocationFile } from '../../lib/pem';

function AddList({ onAdd, busy, error, onClose }: { onAdd: (name: string, body: { list?: string; url?: string; strict: boolean }) => void; busy: boolean; error: unknown; onClose: () => void }) {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [list, setList] = useState<{ pem: string; file: string }>();
  const [fault, setFault] = useState<string>();
  const [strict, setStrict] = useState(false);
  const nameFault = name === '' ? undefined : faultOfRegistrationId(name);
  const take = async (file: File) => {
    try {
      setList({ pem: readRevocationFile(new Uint8Array(await file.arrayBuffer())), file: file.name });
      setFault(undefined);
    } catch (e) {
      setFault(e instanceof Error ? e.message : 'The file could not be read.');
    }
  };
  const ready = name !== '' && !nameFault && (list !== undefined || url.trim() !== '') && !busy;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (ready) onAdd(name, { ...(list ? { list: list.pem } : { url: url.trim() }), strict });
  };
  return (
    <Form onSubmit={submit}>
      <Pair>
        <Field label="Name" required validationState={nameFault ? 'error' : 'none'} validationMessage={nameFault}>
          <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" />
        </Field>
        <Field label="Address it is published at" hint="It is fetched again and again. Or drop the list itself.">
          <Input type="url" value={url} onChange={(_, data) => setUrl(data.value)} disabled={list !== undefined} placeholder="http://…" />
        </Field>
      </Pair>
      <Field label="Revocation list" validationState={fault ? 'error' : 'none'} validationMessage={fault}>
        {list ? (
          <div>
            {list.file} <Button size="small" onClick={() => setList(undefined)}>Remove</Button>
          </div>
        ) : (
          <FileDrop what="a revocation list (PEM or DER)" accept=".pem,.crl" onFile={(file) => void take(file)} />
        )}
      </Field>
      <Switch label={strict ? 'Strict: without a current list nobody passes' : 'A list that is out of date bars only those on it'} checked={strict} onChange={(_, data) => setStrict(data.checked)} />
      {error !== null && error !== undefined && <ErrorView error={error} title="The list was not added" />}
      <FormActions>
        <Button type="submit" appearance="primary" disabled={!ready} icon={busy ? <Spinner size="tiny" /> : undefined}>
          Save list
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </FormActions>
    </Form>
  );
}

/** Which certificates below a group were withdrawn. */
export function RevocationLists({ service, group }: { service: string; group: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<string>();
  const queryKey = keys.revocation(service, group);
  const lists = useQuery({ queryKey, queryFn: ({ signal }) => listRevocationLists(service, group, signal) });
  const add = useMutation({
    mutationFn: ([name, body]: [string, { list?: string; url?: string; strict: boolean }]) => putRevocationList(service, group, name, body),
    onSuccess: () => {
      setAdding(false);
      void client.invalidateQueries({ queryKey });
    },
  });
  const columns: Column<RevocationList>[] = [
    { name: 'Name', cell: (one) => one.name },
    { name: 'Issuer', wrap: true, cell: (one) => one.issuer ?? '' },
    { name: 'Certificates', align: 'end', cell: (one) => formatNumber(one.entries ?? 0) },
    { name: 'Next', cell: (one) => <Time value={one.nextUpdateUtc} never="not told" /> },
    { name: 'State', cell: (one) => (one.lastError ? <State tone="warn">{one.lastError}</State> : <State tone="good">Current</State>) },
    ...(mayChange
      ? [{ name: 'Commands', unseen: true, cell: (one: RevocationList) => <Button size="small" onClick={() => setDeleting(one.name)} aria-label={`Delete ${one.name}`}>Delete</Button> }]
      : []),
  ];
  return (
    <Section
      title="Revocation lists"
      hint="A device whose certificate is on a list is refused. Without a list, every certificate of the CA passes until it ends."
      actions={
        mayChange &&
        !adding && (
          <Button size="small" onClick={() => setAdding(true)}>
            Add a list
          </Button>
        )
      }
    >
      {lists.isError && <ErrorView error={lists.error} onRetry={() => void lists.refetch()} />}
      {lists.data && lists.data.length > 0 && <DataTable label="Revocation lists" rows={lists.data} columns={columns} rowKey={(one) => one.name} />}
      {lists.data?.length === 0 && !adding && <p>There is none.</p>}
      {adding && <AddList busy={add.isPending} error={add.error} onAdd={(name, body) => add.mutate([name, body])} onClose={() => setAdding(false)} />}
      {deleting && (
        <Confirm
          title={`Delete the revocation list ${deleting}?`}
          action="Delete"
          onConfirm={() => deleteRevocationList(service, group, deleting)}
          onClose={(done) => {
            setDeleting(undefined);
            if (!done) return;
            void client.invalidateQueries({ queryKey });
            toast('The list is deleted.');
          }}
        >
          Certificates that are on this list alone are let in again.
        </Confirm>
      )}
    </Section>
  );
}
