// One CA certificate, and the proof step by step that its key is in the operator's hands.

import { Button } from '@fluentui/react-components';
import { Delete20Regular } from '@fluentui/react-icons';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { deleteCertificate, listCertificates } from '../../api/manage';
import type { CaCertificate } from '../../api/types';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { Copyable } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { NotFound } from '../NotFound';
import { Proof } from './Proof';

export default function CertificatePage({ service, name }: { service: string; name: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const list = useQuery({ queryKey: keys.certificates(service), queryFn: ({ signal }) => listCertificates(service, signal) });
  const ca = list.data?.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (list.data && !ca) return <NotFound />;

  const keep = (next: CaCertificate) =>
    client.setQueryData(keys.certificates(service), (all: CaCertificate[] | undefined) => all?.map((one) => (one.name === next.name ? next : one)));

  return (
    <Page
      narrow
      title={name}
      kind="CA certificate"
      crumbs={[
        { name: service, href: paths.service(service) },
        { name: 'Certificates', href: paths.certificates(service) },
      ]}
      aside={ca && (ca.properties.isVerified ? <State tone="good">Verified</State> : <State tone="warn">Not verified</State>)}
      actions={
        mayChange && (
          <Button appearance="subtle" icon={<Delete20Regular />} disabled={!ca} onClick={() => setDeleting(true)}>
            Delete
          </Button>
        )
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Loading />}
      {ca && (
        <Stack>
          <Section title="Certificate">
            <Facts
              facts={[
                ['Subject', ca.properties.subject],
                ['Thumbprint (SHA-1)', <Copyable value={ca.properties.thumbprint} label="thumbprint" />],
                ['Ends', <Time value={ca.properties.expiry} as="moment" />],
                ['Added', <Time value={ca.properties.created} as="moment" />],
                ['Changed', <Time value={ca.properties.updated} as="moment" />],
              ]}
            />
          </Section>
          {!ca.properties.isVerified && mayChange && <Proof service={service} ca={ca} onChange={keep} />}
        </Stack>
      )}
      {deleting && ca && (
        <Confirm
          title={`Delete ${ca.name}?`}
          action="Delete"
          onConfirm={() => deleteCertificate(service, ca.name, ca.etag)}
          onClose={(done) => {
            setDeleting(false);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.certificates(service) });
            toast(`${ca.name} is deleted.`);
            navigate(paths.certificates(service));
          }}
        >
          Devices below it that are not assigned yet can no longer register. A certificate that an enrollment group refers to is not deleted: change the group
          first.
        </Confirm>
      )}
    </Page>
  );
}
