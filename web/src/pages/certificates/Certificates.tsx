// The CA certificates of a service, and which certificates end soon.

import { Button, Field, Input, Spinner, Switch } from '@fluentui/react-components';
import { Add20Regular, ArrowClockwise20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { listCertificates, uploadCertificate } from '../../api/manage';
import { listExpiring } from '../../api/service';
import type { CaCertificate, ExpiringCertificate } from '../../api/types';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { Anchor } from '../../components/Anchor';
import { CertificateDrop, type DroppedCertificate } from '../../components/CertificateDrop';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { base64OfText } from '../../lib/pem';
import { plural } from '../../lib/format';
import { RevocationLists } from '../revocation/RevocationLists';
import { wordsOfTpms } from '../revocation/words';
import { EndorsementRoots } from './EndorsementRoots';
import { faultOfCertificateName, nameFrom } from './names';

function Upload({ service, onClose }: { service: string; onClose: () => void }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [file, setFile] = useState<DroppedCertificate>();
  const [trusted, setTrusted] = useState(false);
  const fault = faultOfCertificateName(name);
  const upload = useMutation({
    mutationFn: () => uploadCertificate(service, name, base64OfText(file?.pem ?? ''), trusted),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.certificates(service) });
      onClose();
      navigate(paths.certificate(service, name));
    },
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (file && name && !fault) upload.mutate();
  };
  const take = (dropped: DroppedCertificate | undefined) => {
    setFile(dropped);
    if (dropped?.subject && name === '') setName(nameFrom(dropped.subject));
  };
  return (
    <Section title="Add a CA certificate">
      <Form onSubmit={submit}>
        <CertificateDrop label="Certificate of the CA" value={file} onChange={take} />
        <Field label="Name" required hint="Enrollment groups refer to it by this name." validationState={fault ? 'error' : 'none'} validationMessage={fault}>
          <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" spellCheck={false} />
        </Field>
        <Switch
          label={trusted ? 'Taken as verified: I know that its key is in our hands' : 'Its key is proven to be in our hands step by step, after the upload'}
          checked={trusted}
          onChange={(_, data) => setTrusted(data.checked)}
        />
        {upload.isError && <ErrorView error={upload.error} title="The certificate was not added" />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!file || !name || fault !== undefined || upload.isPending} icon={upload.isPending ? <Spinner size="tiny" /> : undefined}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </FormActions>
      </Form>
    </Section>
  );
}

const kindNames: Record<ExpiringCertificate['kind'], string> = {
  caCertificate: 'CA certificate',
  enrollmentGroup: 'Enrollment group',
  enrollment: 'Individual enrollment',
  device: 'Device',
};

function hrefOf(service: string, one: ExpiringCertificate): string {
  if (one.kind === 'caCertificate') return paths.certificate(service, one.name);
  if (one.kind === 'enrollmentGroup') return paths.group(service, one.name);
  if (one.kind === 'enrollment') return paths.enrollment(service, one.name);
  return paths.registration(service, one.name);
}

export default function Certificates({ service }: { service: string }) {
  const mayChange = useMayChange();
  const [adding, setAdding] = useState(false);
  const list = useQuery({ queryKey: keys.certificates(service), queryFn: ({ signal }) => listCertificates(service, signal) });
  const expiring = useQuery({ queryKey: keys.expiring(service, 60), queryFn: ({ signal }) => listExpiring(service, 60, signal) });

  const columns: Column<CaCertificate>[] = [
    { name: 'Name', cell: (ca) => <Anchor href={paths.certificate(service, ca.name)}>{ca.name}</Anchor> },
    { name: 'Subject', wrap: true, cell: (ca) => ca.properties.subject },
    { name: 'State', cell: (ca) => (ca.properties.isVerified ? <State tone="good">Verified</State> : <State tone="warn">Not verified</State>) },
    { name: 'Ends', cell: (ca) => <Time value={ca.properties.expiry} /> },
    { name: 'Thumbprint', cell: (ca) => <code>{ca.properties.thumbprint}</code> },
  ];
  const expiringColumns: Column<ExpiringCertificate>[] = [
    { name: 'Of', cell: (one) => <Anchor href={hrefOf(service, one)}>{one.name}</Anchor> },
    { name: 'Kind', cell: (one) => `${kindNames[one.kind]}${one.which ? `, ${one.which}` : ''}` },
    { name: 'Left', cell: (one) => (one.daysLeft < 0 ? <State tone="bad">Ended</State> : <State tone="warn">{plural(one.daysLeft, 'day')}</State>) },
    { name: 'Subject', wrap: true, cell: (one) => one.info?.subjectName ?? '' },
  ];

  return (
    <Page
      title="Certificates"
      crumbs={[{ name: service, href: paths.service(service) }]}
      lead="Certificates of CAs whose devices may come. An enrollment group can refer to one once it is verified."
      actions={
        <>
          {mayChange && (
            <Button appearance="subtle" icon={<Add20Regular />} onClick={() => setAdding(true)}>
              Add
            </Button>
          )}
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void list.refetch()}>
            Refresh
          </Button>
        </>
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      <Stack>
        {adding && <Upload service={service} onClose={() => setAdding(false)} />}
        <Section title="CA certificates" flush>
          {list.isPending && <Loading />}
          {list.data && list.data.length > 0 && <DataTable label="CA certificates" rows={list.data} columns={columns} rowKey={(ca) => ca.name} />}
          {list.data?.length === 0 && (
            <Empty
              title="No CA certificate yet"
              actions={
                mayChange &&
                !adding && (
                  <Button appearance="primary" onClick={() => setAdding(true)}>
                    Add a CA certificate
                  </Button>
                )
              }
            >
              Devices with X.509 certificates are let in by the CA that issued them: add its certificate, prove that its key is yours, and refer to it in an
              enrollment group.
            </Empty>
          )}
        </Section>
        <EndorsementRoots service={service} />
        <RevocationLists owner={{ service }} words={wordsOfTpms} />
        {expiring.data && expiring.data.length > 0 && (
          <Section title="Ending within 60 days" flush>
            <DataTable label="Certificates that end within 60 days" rows={expiring.data} columns={expiringColumns} rowKey={(one) => `${one.kind}${one.name}${one.which ?? ''}`} />
          </Section>
        )}
      </Stack>
    </Page>
  );
}
