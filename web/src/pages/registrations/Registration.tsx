// One registration record: where the device is, and how it got there.

import { Button } from '@fluentui/react-components';
import { Delete20Regular, QuestionCircle20Regular } from '@fluentui/react-icons';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { asFault } from '../../api/fault';
import { keys } from '../../api/keys';
import { deleteRegistration, explain, readHistory, readRegistration } from '../../api/service';
import { paths } from '../../app/paths';
import { labelOf, useMayChange, useSession } from '../../app/session';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { Confirm } from '../../components/Confirm';
import { Copyable } from '../../components/Copy';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { JsonEditor } from '../../components/JsonEditor';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { prettyJson } from '../../lib/json';
import { CertificateFacts } from './CertificateFacts';
import { History } from './History';
import { substatusName } from './words';

export default function Registration({ service, id }: { service: string; id: string }) {
  const session = useSession();
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const record = useQuery({ queryKey: keys.registration(service, id), queryFn: ({ signal }) => readRegistration(service, id, signal), refetchInterval: 10_000 });
  const history = useQuery({ queryKey: keys.history(service, id), queryFn: ({ signal }) => readHistory(service, id, signal) });
  const explained = useQuery({ queryKey: keys.explain(service, id), queryFn: ({ signal }) => explain(service, id, signal) });
  const group = explained.data?.enrollmentGroupId;
  const address = explained.data?.sourceAddress;
  const isMissing = record.isError && asFault(record.error).status === 404;
  const one = record.data;
  const hub = one?.assignedHub ? labelOf(session, one.assignedHub) : undefined;

  return (
    <Page
      narrow
      title={one?.registrationId ?? id}
      kind="Registration record"
      crumbs={[
        { name: service, href: paths.service(service) },
        { name: 'Registration records', href: paths.registrations(service) },
      ]}
      aside={one && <StateOf word={one.status} />}
      actions={
        <>
          <ButtonLink appearance="subtle" icon={<QuestionCircle20Regular />} href={paths.explain(service, id)}>
            Explain refusals
          </ButtonLink>
          {mayChange && one && one.status !== 'unassigned' && (
            <Button appearance="subtle" icon={<Delete20Regular />} onClick={() => setDeleting(true)}>
              Delete record
            </Button>
          )}
        </>
      }
    >
      {record.isError && !isMissing && <ErrorView error={record.error} onRetry={() => void record.refetch()} />}
      {record.isPending && <Loading />}
      <Stack>
        {isMissing && (
          <Section>
            <Empty title={`${id} has not registered`} actions={<ButtonLink href={paths.explain(service, id)}>Explain</ButtonLink>}>
              Either it has never asked, or it was refused. Explain shows every refusal and what would have passed.
            </Empty>
          </Section>
        )}
        {one && (
          <Section title="Where it is">
            <Facts
              facts={[
                ['IoT hub', one.assignedHub ? <Copyable plain value={one.assignedHub} label="host name of the hub" /> : 'none'],
                one.deviceId && ['Device ID', hub ? <Anchor href={paths.device(hub, one.deviceId)}>{one.deviceId}</Anchor> : one.deviceId],
                one.substatus && ['How it came there', substatusName(one.substatus)],
                one.errorMessage && ['Why', `${one.errorMessage}${one.errorCode ? ` (${one.errorCode})` : ''}`],
                ['First registration', <Time value={one.createdDateTimeUtc} as="moment" />],
                ['Last change', <Time value={one.lastUpdatedDateTimeUtc} as="moment" />],
                address && [
                  'Last address',
                  <>
                    <code>{address}</code> <Anchor href={paths.explainAddress(service, address, id)}>Explain this address</Anchor>
                  </>,
                ],
                group !== undefined && ['Enrollment group', <Anchor href={paths.group(service, group)}>{group}</Anchor>],
                explained.data?.enrolled && ['Enrollment', <Anchor href={paths.enrollment(service, id)}>{id}</Anchor>],
              ]}
            />
          </Section>
        )}
        {one?.x509?.certificateInfo && (
          <Section title="Certificate it showed">
            <CertificateFacts info={one.x509.certificateInfo} />
          </Section>
        )}
        {one?.payload !== undefined && (
          <Section title="Payload of custom allocation">
            <JsonEditor label="What the web hook, or the rule, has for the device" value={prettyJson(one.payload)} />
          </Section>
        )}
        <Section title="History">
          {history.isError && <ErrorView error={history.error} onRetry={() => void history.refetch()} />}
          {history.isPending && <Loading />}
          {history.data && <History entries={history.data} />}
        </Section>
      </Stack>
      {deleting && (
        <Confirm
          title={`Delete the record of ${id}?`}
          action="Delete record"
          onConfirm={() => deleteRegistration(service, id)}
          onClose={(done) => {
            setDeleting(false);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.service(service) });
            toast(`The record of ${id} is deleted.`);
            navigate(paths.registrations(service));
          }}
        >
          It is forgotten where the device was. When it registers again, it is given a hub as if for the first time. Its identity on the hub stays, and it goes
          on working there.
        </Confirm>
      )}
    </Page>
  );
}
