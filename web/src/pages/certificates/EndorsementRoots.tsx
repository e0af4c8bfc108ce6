// Manufacturers of TPMs: their root certificates, and whether a TPM must show that it was made by one of them.

import { Button, Field, Input, Spinner, Switch } from '@fluentui/react-components';
import { Add20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { readService, setEndorsementCertificates } from '../../api/manage';
import { deleteEndorsementRoot, listEndorsementRoots, putEndorsementRoot } from '../../api/service';
import type { EndorsementCertificates, EndorsementRoot } from '../../api/types';
import { useMayChange } from '../../app/session';
import { CertificateDrop, type DroppedCertificate } from '../../components/CertificateDrop';
import { Confirm } from '../../components/Confirm';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { Loading } from '../../components/Loading';
import { Section } from '../../components/Section';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { faultOfCertificateName, nameFrom } from './names';
import styles from './EndorsementRoots.module.css';

function AddRoot({ service, taken, onClose }: { service: string; taken: string[]; onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [file, setFile] = useState<DroppedCertificate>();
  const isTaken = taken.some((other) => other.toLowerCase() === name.toLowerCase());
  const fault = isTaken ? 'There is a root of this name.' : faultOfCertificateName(name);
  const add = useMutation({
    mutationFn: () => putEndorsementRoot(service, name, file?.pem ?? ''),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.endorsementRoots(service) });
      toast(`TPMs that ${name} vouches for are believed.`);
      onClose();
    },
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (file && name && !fault) add.mutate();
  };
  const take = (dropped: DroppedCertificate | undefined) => {
    setFile(dropped);
    if (dropped && name === '') setName(nameFrom(dropped.subject));
  };
  return (
    <div className={styles.add}>
      <Form onSubmit={submit}>
        <CertificateDrop label="Root certificate of the manufacturer" value={file} onChange={take} />
        <Field label="Name of the root" required hint="For you: the manufacturer, and which of its roots." validationState={fault ? 'error' : 'none'} validationMessage={fault}>
          <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" spellCheck={false} />
        </Field>
        {add.isError && <ErrorView error={add.error} title="The root was not added" />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!file || !name || fault !== undefined || add.isPending} icon={add.isPending ? <Spinner size="tiny" /> : undefined}>
            Add root
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </FormActions>
      </Form>
    </div>
  );
}

/** Takes effect at once, as its label says what it is now; it can be undone from the note. */
function Demand({ service, roots }: { service: string; roots: number }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const now = resource.data?.properties.endorsementCertificates ?? 'optional';
  const put = async (next: EndorsementCertificates) => client.setQueryData(keys.resource(service), await setEndorsementCertificates(service, next));
  const save = useMutation({
    mutationFn: put,
    onSuccess: (_, next) => toast(`Endorsement certificates are ${next} now.`, { undo: async () => void (await put(now)) }),
  });
  if (!resource.data) return null;
  const isRequired = (save.isPending ? save.variables : now) === 'required';
  return (
    <div className={styles.demand}>
      <Switch
        label={isRequired ? 'Endorsement certificate: required' : 'Endorsement certificate: optional'}
        checked={isRequired}
        disabled={!mayChange || save.isPending}
        onChange={(_, data) => save.mutate(data.checked ? 'required' : 'optional')}
      />
      <p>
        {isRequired
          ? `An enrollment with a TPM must bring one, and a device without is refused.${roots === 0 ? ' No root is given yet, so every TPM is refused.' : ''}`
          : 'An enrollment with a TPM may bring one; if it does, it is judged.'}
      </p>
      {save.isError && <ErrorView error={save.error} title="It was not changed" />}
    </div>
  );
}

export function EndorsementRoots({ service }: { service: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<EndorsementRoot>();
  const roots = useQuery({ queryKey: keys.endorsementRoots(service), queryFn: ({ signal }) => listEndorsementRoots(service, signal) });

  const columns: Column<EndorsementRoot>[] = [
    { name: 'Name', cell: (root) => root.name },
    { name: 'Subject', wrap: true, cell: (root) => root.subject },
    { name: 'Ends', cell: (root) => <Time value={root.notAfter} /> },
    { name: 'Thumbprint', cell: (root) => <code>{root.thumbprint}</code> },
    ...(mayChange
      ? [
          {
            name: 'Commands',
            unseen: true,
            cell: (root: EndorsementRoot) => (
              <Button size="small" appearance="subtle" onClick={() => setDeleting(root)} aria-label={`Delete ${root.name}`}>
                Delete
              </Button>
            ),
          },
        ]
      : []),
  ];
  const addButton = mayChange && !adding && (
    <Button size="small" icon={<Add20Regular />} onClick={() => setAdding(true)}>
      Add a root
    </Button>
  );

  return (
    <Section
      title="TPM manufacturers"
      hint="Root certificates of those who make TPMs. An enrollment’s endorsement certificate must lead to one of them: so it is known that its key is in a chip."
      flush
      actions={roots.data && roots.data.length > 0 && addButton}
    >
      {roots.isError && <ErrorView error={roots.error} onRetry={() => void roots.refetch()} />}
      {roots.isPending && <Loading />}
      {roots.data && <Demand service={service} roots={roots.data.length} />}
      {adding && <AddRoot service={service} taken={(roots.data ?? []).map((root) => root.name)} onClose={() => setAdding(false)} />}
      {roots.data && roots.data.length > 0 && <DataTable label="Roots of TPM manufacturers" rows={roots.data} columns={columns} rowKey={(root) => root.name} />}
      {roots.data?.length === 0 && !adding && (
        <Empty title="No root of a manufacturer yet" actions={addButton}>
          Whoever makes a TPM signs a certificate for its endorsement key, and publishes the root. Devices with a TPM register without it too, unless certificates are
          required.
        </Empty>
      )}
      {deleting && (
        <Confirm
          title={`Delete the root ${deleting.name}?`}
          action="Delete"
          onConfirm={() => deleteEndorsementRoot(service, deleting.name)}
          onClose={(done) => {
            setDeleting(undefined);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.endorsementRoots(service) });
            toast(`The root ${deleting.name} is deleted.`);
          }}
        >
          Devices whose endorsement certificate leads to this root alone are refused at their next registration. Where they are now they stay, and go on working.
        </Confirm>
      )}
    </Section>
  );
}
