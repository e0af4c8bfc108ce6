// A hub at a glance.

import { Button } from '@fluentui/react-components';
import { ArrowClockwise20Regular, Delete20Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { readHubStatistics } from '../../api/hub';
import { keys } from '../../api/keys';
import { readHub } from '../../api/manage';
import { readOverview } from '../../api/service';
import { paths } from '../../app/paths';
import { hostOf, useMayChange, useSession } from '../../app/session';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { Copyable } from '../../components/Copy';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { Stat, Stats } from '../../components/Stat';
import { StateOf } from '../../components/State';
import { formatNumber } from '../../lib/format';
import { DeleteResource } from '../resources/DeleteResource';

export default function HubOverview({ hub }: { hub: string }) {
  const session = useSession();
  const mayChange = useMayChange();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const resource = useQuery({ queryKey: keys.hubResource(hub), queryFn: ({ signal }) => readHub(hub, signal) });
  const statistics = useQuery({ queryKey: keys.hubStatistics(hub), queryFn: ({ signal }) => readHubStatistics(hub, signal), refetchInterval: 10_000 });
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal) });
  const linkedBy = overview.data?.hubs.find((one) => one.name.toLowerCase() === hub.toLowerCase())?.linkedBy ?? [];
  const numbers = statistics.data;
  return (
    <Page
      title={hub}
      kind="IoT hub"
      crumbs={[{ name: 'All resources', href: paths.resources }]}
      aside={resource.data && <StateOf word={resource.data.properties.state ?? 'Active'} />}
      actions={
        <>
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void statistics.refetch()}>
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
      {statistics.isError && !resource.isError && <ErrorView error={statistics.error} onRetry={() => void statistics.refetch()} />}
      {resource.isPending && <Loading />}
      <Stack>
        {numbers && (
          <Stats>
            <Stat label="Devices" value={formatNumber(numbers.totalDeviceCount)} href={paths.devices(hub)} />
            <Stat label="Connected now" value={formatNumber(numbers.connectedDeviceCount)} href={`${paths.devices(hub)}?connection=Connected`} />
            <Stat label="Disabled" value={formatNumber(numbers.disabledDeviceCount)} href={`${paths.devices(hub)}?status=disabled`} />
          </Stats>
        )}
        {resource.data && (
          <Section title="Essentials">
            <Facts
              facts={[
                ['Host name', <Copyable value={resource.data.properties.hostName ?? hostOf(session, hub)} label="host name" />],
                ['Location', resource.data.location],
                ['Ports', `HTTPS ${session.ports.https}, MQTT ${session.ports.mqtts}, AMQP ${session.ports.amqps}`],
                linkedBy.length > 0 && [
                  'Linked by',
                  <span>
                    {linkedBy.map((name, i) => (
                      <span key={name}>
                        {i > 0 && ', '}
                        <Anchor href={paths.service(name)}>{name}</Anchor>
                      </span>
                    ))}
                  </span>,
                ],
              ]}
            />
          </Section>
        )}
        {numbers?.totalDeviceCount === 0 && (
          <Section>
            <Empty
              title="No device is here yet"
              actions={
                linkedBy[0] ? (
                  <ButtonLink href={paths.enrollments(linkedBy[0])}>Manage enrollments</ButtonLink>
                ) : (
                  <ButtonLink href={paths.resources}>Choose a provisioning service to link it</ButtonLink>
                )
              }
            >
              {linkedBy.length > 0
                ? 'Devices appear when a provisioning service that links this hub gives them to it.'
                : 'Link this hub to a provisioning service: then devices can be given to it.'}
            </Empty>
          </Section>
        )}
      </Stack>
      {deleting && (
        <DeleteResource
          row={{ kind: 'hub', name: hub, devices: numbers?.totalDeviceCount ?? 0, enrollments: 0 }}
          onClose={(done) => {
            setDeleting(false);
            if (done) navigate(paths.resources);
          }}
        />
      )}
    </Page>
  );
}
