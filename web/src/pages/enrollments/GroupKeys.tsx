import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/keys';
import { readService } from '../../api/manage';
import { readGroupKeys } from '../../api/service';
import { useMayChange } from '../../app/session';
import { Copyable, Secret } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Section } from '../../components/Section';
import { faultOfRegistrationId } from '../../lib/ids';
import { deriveKey } from '../../lib/keys';

function DeviceKey({ groupKey }: { groupKey: string }) {
  const [id, setId] = useState('');
  const fault = id === '' ? undefined : faultOfRegistrationId(id);
  const derived = useQuery({
    queryKey: ['derived', groupKey, id],
    queryFn: () => deriveKey(groupKey, id),
    enabled: id !== '' && fault === undefined,
    gcTime: 0,
  });
  return (
    <>
      <Field
        label="Key of one device"
        hint="Type a registration ID. The key is computed here in the browser; the key of the group must never be put into a device."
        validationState={fault ? 'error' : 'none'}
        validationMessage={fault}
      >
        <Input value={id} onChange={(_, data) => setId(data.value.trim())} placeholder="Registration ID" autoComplete="off" spellCheck={false} />
      </Field>
      {derived.data && !fault && <Secret value={derived.data} label={`key of ${id}`} />}
    </>
  );
}

/** The keys of a symmetric key group, and what each of its devices gets. */
export function GroupKeys({ service, group }: { service: string; group: string }) {
  const mayChange = useMayChange();
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const secrets = useMutation({ mutationFn: () => readGroupKeys(service, group), gcTime: 0 });
  const pair = secrets.data?.symmetricKey;
  return (
    <Section
      title="For the devices"
      actions={
        mayChange &&
        !pair && (
          <Button size="small" onClick={() => secrets.mutate()} icon={secrets.isPending ? <Spinner size="tiny" /> : undefined}>
            Get keys
          </Button>
        )
      }
    >
      {secrets.isError && <ErrorView error={secrets.error} title="The keys were not read" />}
      <Facts
        facts={[
          ['ID scope', <Copyable value={resource.data?.properties.idScope ?? ''} label="ID scope" />],
          pair && ['Primary key', <Secret value={pair.primaryKey ?? ''} label="primary key of the group" />],
          pair && ['Secondary key', <Secret value={pair.secondaryKey ?? ''} label="secondary key of the group" />],
          ['Try it', <Copyable value={`berth device simulate --service ${service} --group ${group} --count 100`} label="command" />],
        ]}
      />
      {pair?.primaryKey && <DeviceKey groupKey={pair.primaryKey} />}
    </Section>
  );
}
