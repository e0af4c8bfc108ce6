// A provisioning service at a glance: what devices need to know of it, how many there are, and what went wrong.

import { Button } from '@fluentui/react-components';
import { ArrowClockwise20Regular, Delete20Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { readService } from '../../api/manage';
import { readStatistics } from '../../api/service';
import { paths } from '../../app/paths';
import { useMayChange, useSession } from '../../app/session';
import { Copyable } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Choice } from '../../components/Filters';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Columns, Section, Stack } from '../../components/Section';
import { Stat, Stats } from '../../components/Stat';
import { StateOf } from '../../components/State';
import { TimeChart } from '../../components/TimeChart';
import { usePlace } from '../../components/usePlace';
import { formatNumber, plural } from '../../lib/format';
import { filtered } from '../../lib/paging';
import { DeleteResource } from '../resources/DeleteResource';
import { policyNamed } from '../allocation/policies';
import { Attention } from './Attention';

const spans = [
  ['', 'Last hour'],
  ['1440', 'Last day'],
  ['10080', 'Last 7 days'],
] as const;
const filterNames = ['minutes'];
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export default function ServiceOverview({ service }: { service: string }) {
  const session = useSession();
  const mayChange = useMayChange();
  const [, navigate] = useLocation();
  const [place, go] = usePlace(filterNames);
  const [deleting, setDeleting] = useState(false);
  const minutes = Number(place.filters['minutes'] ?? 60);
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const statistics = useQuery({
    queryKey: keys.statistics(service, minutes),
    queryFn: ({ signal }) => readStatistics(service, minutes, signal),
    refetchInterval: 30_000,
  });
  const properties = resource.data?.properties;
  const numbers = statistics.data;
  const totals = numbers?.totals;

  return (
    <Page
      title={service}
      kind="Provisioning service"
      crumbs={[{ name: 'All resources', href: paths.resources }]}
      aside={properties && <StateOf word={properties.state ?? 'Active'} />}
      actions={
        <>
          <Button
            appearance="subtle"
            icon={<ArrowClockwise20Regular />}
            onClick={() => {
              void resource.refetch();
              void statistics.refetch();
            }}
          >
            Refresh
          </Button>
          {mayChange && (
            <Button appearance="subtle" icon={<Delete20Regular />} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
        </>
      }
    >
      {resource.isError && <ErrorView error={resource.error} onRetry={() => void resource.refetch()} />}
      <Stack>
        {resource.isPending && <Loading />}
        {properties && <Attention service={service} linked={properties.iotHubs?.length ?? 0} totals={totals} />}
        {totals && (
          <Stats>
            <Stat
              label="Enrollments"
              value={formatNumber(totals.enrollments)}
              note={`and ${plural(totals.enrollmentGroups, 'group')}`}
              href={paths.enrollments(service)}
            />
            <Stat label="Registration records" value={formatNumber(totals.registrations)} href={paths.registrations(service)} />
            <Stat label="Assigned" value={formatNumber(totals.byStatus.assigned ?? 0)} href={`${paths.registrations(service)}?status=assigned`} />
            <Stat label="Failed" value={formatNumber(totals.byStatus.failed ?? 0)} href={`${paths.registrations(service)}?status=failed`} />
            <Stat label="Refused in this time" value={formatNumber(sum(numbers?.refused ?? []))} note="see Explain" href={paths.explain(service)} />
          </Stats>
        )}
        {properties && (
          <Section title="Essentials">
            <Columns least={340}>
              <Facts
                facts={[
                  ['ID scope', <Copyable value={properties.idScope ?? ''} label="ID scope" />],
                  ['Device endpoint', <Copyable value={properties.deviceProvisioningHostName ?? session.deviceEndpoint} label="device endpoint" />],
                  ['Service endpoint', <Copyable value={properties.serviceOperationsHostName ?? ''} label="service endpoint" />],
                ]}
              />
              <Facts
                facts={[
                  ['Allocation policy', policyNamed(properties.allocationPolicy ?? 'Hashed').name],
                  ['Linked IoT hubs', formatNumber(properties.iotHubs?.length ?? 0)],
                  ['Ports', `HTTPS ${session.ports.https}, MQTT ${session.ports.mqtts}, AMQP ${session.ports.amqps}`],
                ]}
              />
            </Columns>
          </Section>
        )}
        <Section
          title="Registrations over time"
          actions={<Choice label="Time" value={place.filters['minutes'] ?? ''} options={spans} onChange={(value) => go(filtered(place, { minutes: value }))} />}
        >
          {statistics.isError && <ErrorView error={statistics.error} onRetry={() => void statistics.refetch()} />}
          {statistics.isPending && <Loading />}
          {numbers && (
            <TimeChart
              label="Registrations"
              from={new Date(numbers.from)}
              stepSeconds={numbers.stepSeconds}
              series={[
                { name: 'Assigned', tone: 'brand', values: numbers.assigned },
                { name: 'Refused', tone: 'bad', values: numbers.refused },
                { name: 'Failed', tone: 'warn', values: numbers.failed },
              ]}
            />
          )}
        </Section>
      </Stack>
      {deleting && (
        <DeleteResource
          row={{ kind: 'service', name: service, devices: totals?.registrations ?? 0, enrollments: (totals?.enrollments ?? 0) + (totals?.enrollmentGroups ?? 0) }}
          onClose={(done) => {
            setDeleting(false);
            if (done) navigate(paths.resources);
          }}
        />
      )}
    </Page>
  );
}
