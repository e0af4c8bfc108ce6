// Manage allocation policy: the choices, what they mean, how the next devices would spread, what would move, and why an address leads where
// it leads.

import { Button, Radio, RadioGroup, Spinner } from '@fluentui/react-components';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { readService, setAllocationPolicy } from '../../api/manage';
import { previewAllocation } from '../../api/service';
import type { ProvisioningService, ServicePolicy } from '../../api/types';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Columns, Section, Stack } from '../../components/Section';
import { toast } from '../../components/toasts';
import { formatNumber } from '../../lib/format';
import styles from './AllocationPolicy.module.css';
import { ExplainAddress } from './ExplainAddress';
import { policies, policyNamed } from './policies';
import { Spread } from './Spread';
import { WhatIf } from './WhatIf';

const devices = 10_000;

/** The preview's devices are made up: they have no address. */
const hintOf = (policy: ServicePolicy, dirty: boolean): string =>
  (dirty ? 'With the policy chosen on this page, before it is saved.' : 'With the policy and the weights of now.') +
  (policy === 'GeoLatency' ? ' They come from no place, so none is nearer: explain an address below to see one that is.' : '');

function Preview({ service, policy, hubs }: { service: string; policy: ServicePolicy; hubs: ProvisioningService['properties']['iotHubs'] }) {
  const asked = (hubs ?? []).map(({ name, allocationWeight, applyAllocationPolicy }) => ({ name, allocationWeight, applyAllocationPolicy }));
  const preview = useQuery({
    queryKey: [...keys.service(service), 'preview', policy, asked],
    queryFn: ({ signal }) => previewAllocation(service, policy, asked, devices, signal),
    placeholderData: keepPreviousData,
    enabled: asked.length > 0,
  });
  if (asked.length === 0)
    return (
      <Empty title="No hub is linked" actions={<ButtonLink href={paths.newLink(service)}>Add link to IoT hub</ButtonLink>}>
        Link a hub to see how devices would spread.
      </Empty>
    );
  if (preview.isError) return <ErrorView error={preview.error} onRetry={() => void preview.refetch()} />;
  if (!preview.data) return <Loading />;
  return <Spread preview={preview.data} />;
}

export default function AllocationPolicy({ service }: { service: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const stored = resource.data?.properties.allocationPolicy ?? 'Hashed';
  const [wanted, setWanted] = useState<ServicePolicy>();
  const policy = wanted ?? stored;
  const dirty = resource.data !== undefined && policy !== stored;
  useLeaveGuard(dirty);

  const put = async (next: ServicePolicy) => {
    client.setQueryData(keys.resource(service), await setAllocationPolicy(service, next));
    setWanted(undefined);
  };
  const save = useMutation({
    mutationFn: put,
    onSuccess: (_, next) => toast(`The allocation policy is ${policyNamed(next).name} now.`, { undo: () => put(stored) }),
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate(policy);
  };

  return (
    <Page
      title="Manage allocation policy"
      crumbs={[{ name: service, href: paths.service(service) }]}
      lead="How devices are given their hub. A change holds for registrations from now on: nobody is moved until the device registers again."
    >
      {resource.isError && <ErrorView error={resource.error} onRetry={() => void resource.refetch()} />}
      {resource.isPending && <Loading />}
      {resource.data && (
        <Stack>
          <Columns least={420}>
            <Section title="Allocation policy">
              <Form onSubmit={submit}>
                <RadioGroup aria-label="Allocation policy" value={policy} onChange={(_, data) => setWanted(data.value as ServicePolicy)} disabled={!mayChange}>
                  {policies.map((choice) => (
                    <Radio
                      key={choice.word}
                      value={choice.word}
                      className={styles.choice}
                      label={
                        <>
                          <strong className={styles.name}>{choice.name}</strong>
                          <span className={styles.meaning}>{choice.meaning}</span>
                        </>
                      }
                    />
                  ))}
                </RadioGroup>
                <p className={styles.note}>
                  An enrollment can have a policy of its own, which then takes the place of this one. Devices can also be placed by a web hook
                  or a rule of yours: choose <em>Custom</em> in the enrollment.
                </p>
                {save.isError && <ErrorView error={save.error} title="The policy was not saved" />}
                {mayChange && (
                  <FormActions>
                    <Button type="submit" appearance="primary" disabled={!dirty || save.isPending} icon={save.isPending ? <Spinner size="tiny" /> : undefined}>
                      Save
                    </Button>
                    <Button disabled={!dirty} onClick={() => setWanted(undefined)}>
                      Discard
                    </Button>
                  </FormActions>
                )}
              </Form>
            </Section>
            <Section
              title={`The next ${formatNumber(devices)} devices`}
              hint={hintOf(policy, dirty)}
            >
              <Preview service={service} policy={policy} hubs={resource.data.properties.iotHubs} />
            </Section>
          </Columns>
          <WhatIf service={service} properties={resource.data.properties} wanted={dirty ? wanted : undefined} />
          <ExplainAddress service={service} />
        </Stack>
      )}
    </Page>
  );
}
