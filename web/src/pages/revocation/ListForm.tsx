// Add a revocation list, or change one: from a file, or from where it is published.

import { Button, Field, Input, Radio, RadioGroup, Spinner, Switch } from '@fluentui/react-components';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { putRevocationList, type RevocationOwner } from '../../api/service';
import type { RevocationList } from '../../api/types';
import { CertificateDrop } from '../../components/CertificateDrop';
import { ErrorView } from '../../components/ErrorView';
import { FileDrop } from '../../components/FileDrop';
import { Form, FormActions } from '../../components/Form';
import { toast } from '../../components/toasts';
import { readRevocationFile } from '../../lib/pem';
import { nameFrom } from '../certificates/names';
import { bodyOf, draftOf, faultOfListName, faultOfUrl, isComplete, type ListDraft } from './draft';
import styles from './RevocationLists.module.css';

interface ListFileProps {
  file: ListDraft['file'];
  hint?: string;
  onChange: (file: ListDraft['file']) => void;
}

function ListFile({ file, hint, onChange }: ListFileProps) {
  const [fault, setFault] = useState<string>();
  const take = async (dropped: File) => {
    try {
      onChange({ pem: readRevocationFile(new Uint8Array(await dropped.arrayBuffer())), name: dropped.name });
      setFault(undefined);
    } catch (e) {
      setFault(e instanceof Error ? e.message : 'The file could not be read.');
    }
  };
  return (
    <Field label="Revocation list" hint={hint} validationState={fault ? 'error' : 'none'} validationMessage={fault}>
      {file ? (
        <div>
          {file.name}{' '}
          <Button size="small" onClick={() => onChange(undefined)}>
            Remove
          </Button>
        </div>
      ) : (
        <FileDrop what="a revocation list (PEM or DER)" accept=".pem,.crl,.der" onFile={(dropped) => void take(dropped)} />
      )}
    </Field>
  );
}

interface ListFormProps {
  owner: RevocationOwner;
  /** The one that is changed; undefined: a new one. */
  was?: RevocationList;
  taken: readonly string[];
  signers: string;
  onClose: () => void;
}

export function ListForm({ owner, was, taken, signers, onClose }: ListFormProps) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(was));
  const change = (part: Partial<ListDraft>) => setDraft((now) => ({ ...now, ...part }));
  const form = useRef<HTMLDivElement>(null);
  // It opens above the list that it changes, which may be far below.
  useEffect(() => {
    form.current?.scrollIntoView({ block: 'nearest' });
    form.current?.querySelector<HTMLElement>('input:checked')?.focus({ preventScroll: true });
  }, []);
  const isReady = isComplete(draft, taken, was);
  const nameFault = faultOfListName(draft.name, taken);
  const urlFault = faultOfUrl(draft.url);
  const save = useMutation({
    mutationFn: () => putRevocationList(owner, draft.name, bodyOf(draft), was?.etag),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: keys.revocation(owner) });
      toast(saved.url ? `The list ${saved.name} is being fetched.` : `The list ${saved.name} counts from now on.`);
      onClose();
    },
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (isReady && !save.isPending) save.mutate();
  };
  const takeFile = (file: ListDraft['file']) => change({ file, name: draft.name || !file ? draft.name : nameFrom(file.name.replace(/\.[^.]*$/, '')) });
  return (
    <div className={styles.inset} ref={form}>
      <Form onSubmit={submit}>
        <Field label="Where is the list?">
          <RadioGroup value={draft.source} onChange={(_, data) => change({ source: data.value as ListDraft['source'] })}>
            <Radio value="address" label="It is published: the server fetches it again and again" />
            <Radio value="file" label="I have it as a file" />
          </RadioGroup>
        </Field>
        {draft.source === 'address' ? (
          <Field label="Address of the list" required validationState={urlFault ? 'error' : 'none'} validationMessage={urlFault}>
            <Input type="url" value={draft.url} onChange={(_, data) => change({ url: data.value.trim() })} placeholder="http://…" autoComplete="off" spellCheck={false} />
          </Field>
        ) : (
          <ListFile file={draft.file} hint={was && !was.url ? 'Until another is given, the one that is known stays.' : undefined} onChange={takeFile} />
        )}
        <Field label="Name of the list" required hint={was ? undefined : 'For you: who publishes it.'} validationState={nameFault ? 'error' : 'none'} validationMessage={nameFault}>
          <Input value={draft.name} disabled={was !== undefined} onChange={(_, data) => change({ name: data.value.trim() })} autoComplete="off" spellCheck={false} />
        </Field>
        <CertificateDrop
          label="Certificate of its issuer"
          hint={`Needed only where it is not signed by ${signers}.${was ? ' One that was given before stays until another is.' : ''}`}
          value={draft.issuer}
          onChange={(issuer) => change({ issuer })}
        />
        <Switch
          label={draft.strict ? 'Strict: without a current list nobody passes' : 'A list that is out of date bars only those on it'}
          checked={draft.strict}
          onChange={(_, data) => change({ strict: data.checked })}
        />
        {save.isError && <ErrorView error={save.error} title={was ? 'The list was not changed' : 'The list was not added'} />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!isReady || save.isPending} icon={save.isPending ? <Spinner size="tiny" /> : undefined}>
            Save list
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </FormActions>
      </Form>
    </div>
  );
}
