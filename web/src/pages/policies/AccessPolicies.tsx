// Shared access policies of a service or a hub: who has which rights, with keys to reveal, copy and regenerate.

import { Button } from '@fluentui/react-components';
import { Add20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { listHubKeys, listServiceKeys, putHubPolicies, putServicePolicies } from '../../api/manage';
import type { AccessPolicy } from '../../api/types';
import { paths } from '../../app/paths';
import { hostOf, useMayChange, useSession } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { Copyable, Secret } from '../../components/Copy';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { toast } from '../../components/toasts';
import { NewPolicy } from './NewPolicy';
import { rightsOf } from './rights';

interface AccessPoliciesProps {
  owner: 'service' | 'hub';
  name: string;
}

type Pending = { kind: 'regenerate'; policy: AccessPolicy; which: 'primaryKey' | 'secondaryKey' } | { kind: 'delete'; policy: AccessPolicy };

const words = { primaryKey: 'primary key', secondaryKey: 'secondary key' };
const without = (policy: AccessPolicy, which: 'primaryKey' | 'secondaryKey'): AccessPolicy => {
  const rest = { ...policy };
  delete rest[which];
  return rest;
};

export default function AccessPolicies({ owner, name }: AccessPoliciesProps) {
  const session = useSession();
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [pending, setPending] = useState<Pending>();
  const queryKey = [owner, name, 'keys'];
  const list = useQuery({
    queryKey,
    queryFn: () => (owner === 'service' ? listServiceKeys(name) : listHubKeys(name)),
    enabled: mayChange,
    gcTime: 0,
  });
  const write = async (next: AccessPolicy[]) => {
    await (owner === 'service' ? putServicePolicies(name, next) : putHubPolicies(name, next));
    await client.invalidateQueries({ queryKey });
  };
  const add = useMutation({
    mutationFn: (policy: AccessPolicy) => write([...(list.data ?? []), policy]),
    onSuccess: (_, policy) => {
      setAdding(false);
      toast(`The policy ${policy.keyName} is there.`);
    },
  });
  const carryOut = async ({ kind, policy, ...rest }: Pending) => {
    const all = list.data ?? [];
    if (kind === 'delete') return write(all.filter((one) => one.keyName !== policy.keyName));
    const which = 'which' in rest ? rest.which : 'primaryKey';
    return write(all.map((one) => (one.keyName === policy.keyName ? without(one, which) : one)));
  };
  const stringOf = (policy: AccessPolicy) => `HostName=${hostOf(session, name)};SharedAccessKeyName=${policy.keyName};SharedAccessKey=${policy.primaryKey ?? ''}`;

  return (
    <Page
      narrow
      title="Shared access policies"
      crumbs={[{ name, href: owner === 'service' ? paths.service(name) : paths.hub(name) }]}
      lead="Programs sign in with the key of a policy and may do what its rights say. Either key is good, so that one can be changed while the other is in use."
      actions={
        mayChange && (
          <Button appearance="subtle" icon={<Add20Regular />} onClick={() => setAdding(true)}>
            Add
          </Button>
        )
      }
    >
      {!mayChange && <Empty title="Keys are for administrators">Your role is reader: you can look at everything but keys. Ask an administrator for one.</Empty>}
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      {mayChange && list.isPending && <Loading />}
      <Stack>
        {adding && (
          <NewPolicy owner={owner} taken={(list.data ?? []).map((p) => p.keyName)} error={add.error} busy={add.isPending} onAdd={(policy) => add.mutate(policy)} onClose={() => setAdding(false)} />
        )}
        {list.data?.map((policy) => (
          <Section
            key={policy.keyName}
            title={policy.keyName}
            actions={
              <>
                <Button size="small" onClick={() => setPending({ kind: 'regenerate', policy, which: 'primaryKey' })} aria-label={`Regenerate primary key of ${policy.keyName}`}>
                  Regenerate primary
                </Button>
                <Button size="small" onClick={() => setPending({ kind: 'regenerate', policy, which: 'secondaryKey' })} aria-label={`Regenerate secondary key of ${policy.keyName}`}>
                  Regenerate secondary
                </Button>
                {list.data.length > 1 && (
                  <Button size="small" appearance="subtle" onClick={() => setPending({ kind: 'delete', policy })} aria-label={`Delete ${policy.keyName}`}>
                    Delete
                  </Button>
                )}
              </>
            }
          >
            <Facts
              facts={[
                ['Rights', rightsOf(owner, policy.rights)],
                ['Primary key', <Secret value={policy.primaryKey ?? ''} label={`primary key of ${policy.keyName}`} />],
                ['Secondary key', <Secret value={policy.secondaryKey ?? ''} label={`secondary key of ${policy.keyName}`} />],
                ['Connection string', <Secret value={stringOf(policy)} label={`connection string of ${policy.keyName}`} />],
                ['Host name', <Copyable value={hostOf(session, name)} label="host name" />],
              ]}
            />
          </Section>
        ))}
      </Stack>
      {pending && (
        <Confirm
          title={pending.kind === 'delete' ? `Delete ${pending.policy.keyName}?` : `Regenerate the ${words[pending.which]} of ${pending.policy.keyName}?`}
          action={pending.kind === 'delete' ? 'Delete' : 'Regenerate'}
          onConfirm={() => carryOut(pending)}
          onClose={(done) => {
            if (done) toast(pending.kind === 'delete' ? `${pending.policy.keyName} is deleted.` : 'There is a new key.');
            setPending(undefined);
          }}
        >
          {pending.kind === 'delete'
            ? 'Programs that use this policy are refused from now on. This cannot be undone.'
            : 'Programs that use the old key are refused from now on. Let them use the other key first. This cannot be undone.'}
        </Confirm>
      )}
    </Page>
  );
}
