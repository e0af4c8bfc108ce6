import { Button, Spinner } from '@fluentui/react-components';
import { useMutation, useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { readService } from '../../api/manage';
import { readEnrollmentKeys } from '../../api/service';
import type { IndividualEnrollment } from '../../api/types';
import { useMayChange, useSession } from '../../app/session';
import { Copyable, Secret } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Facts, type Fact } from '../../components/Facts';
import { Section } from '../../components/Section';

/** What has to be put into the device, or typed to act as it. */
export function ForTheDevice({ service, entry }: { service: string; entry: IndividualEnrollment }) {
  const session = useSession();
  const mayChange = useMayChange();
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const secrets = useMutation({ mutationFn: () => readEnrollmentKeys(service, entry.registrationId), gcTime: 0 });
  const pair = secrets.data?.symmetricKey;
  const hasKeys = entry.attestation.type === 'symmetricKey';
  const command = `berth device register ${entry.registrationId} --service ${service}`;
  const facts: Fact[] = [
    ['ID scope', <Copyable value={resource.data?.properties.idScope ?? ''} label="ID scope" />],
    ['Device endpoint', <Copyable value={session.deviceEndpoint} label="device endpoint" />],
    ['Registration ID', <Copyable value={entry.registrationId} label="registration ID" />],
    ...(pair
      ? ([
          ['Primary key', <Secret value={pair.primaryKey ?? ''} label="primary key" />],
          ['Secondary key', <Secret value={pair.secondaryKey ?? ''} label="secondary key" />],
        ] as Fact[])
      : []),
    ...(hasKeys ? ([['Try it', <Copyable value={command} label="command" />]] as Fact[]) : []),
  ];
  return (
    <Section
      title="For the device"
      actions={
        hasKeys &&
        mayChange &&
        !pair && (
          <Button size="small" onClick={() => secrets.mutate()} icon={secrets.isPending ? <Spinner size="tiny" /> : undefined}>
            Get keys
          </Button>
        )
      }
    >
      {secrets.isError && <ErrorView error={secrets.error} title="The keys were not read" />}
      <Facts facts={facts} />
    </Section>
  );
}
