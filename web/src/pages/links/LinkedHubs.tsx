// Linked IoT hubs: which they are, how they are doing, their weight, and whether they take part.

import { Button } from '@fluentui/react-components';
import { Add20Regular, ArrowClockwise20Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../api/keys';
import { readLinkedHubs } from '../../api/service';
import type { LinkedHub } from '../../api/types';
import { paths } from '../../app/paths';
import { labelOf, useMayChange, useSession } from '../../app/session';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { StateOf } from '../../components/State';
import { formatMilliseconds, formatNumber, plural } from '../../lib/format';
import { locationOf } from '../../lib/places';
import { EditLink } from './EditLink';
import styles from './LinkedHubs.module.css';
import { Unlink } from './Unlink';

const whereIs = ({ hosted, location }: LinkedHub): string => [hosted ? 'On this server' : 'Elsewhere', locationOf(location)].filter(Boolean).join(', ');

export default function LinkedHubs({ service }: { service: string }) {
  const session = useSession();
  const mayChange = useMayChange();
  const [editing, setEditing] = useState<LinkedHub>();
  const [unlinking, setUnlinking] = useState<LinkedHub>();
  const links = useQuery({ queryKey: keys.links(service), queryFn: ({ signal }) => readLinkedHubs(service, signal), refetchInterval: 15_000 });

  const columns: Column<LinkedHub>[] = [
    {
      name: 'IoT hub',
      cell: (hub) => {
        const label = hub.hosted ? labelOf(session, hub.name) : undefined;
        return (
          <>
            {label ? <Anchor href={paths.hub(label)}>{hub.name}</Anchor> : hub.name}
            <span className={styles.under}>{whereIs(hub)}</span>
          </>
        );
      },
    },
    {
      name: 'State',
      wrap: true,
      cell: (hub) => (
        <>
          <StateOf word={hub.state} />
          {hub.state !== 'well' && <span className={styles.under}>{hub.sentence}</span>}
          {(hub.waiting ?? 0) > 0 && <span className={styles.under}>{plural(hub.waiting ?? 0, 'registration')} waiting for it</span>}
        </>
      ),
    },
    { name: 'Weight', align: 'end', cell: (hub) => formatNumber(hub.weight ?? 1) },
    { name: 'Takes part', wrap: true, cell: (hub) => (hub.apply === false ? 'Only if an enrollment names it' : 'Yes') },
    { name: 'Devices', align: 'end', cell: (hub) => (hub.devices == null ? 'not known' : formatNumber(hub.devices)) },
    { name: 'Latency', align: 'end', cell: (hub) => (hub.milliseconds == null ? 'not known' : formatMilliseconds(hub.milliseconds)) },
    ...(mayChange
      ? [
          {
            name: 'Commands',
            unseen: true,
            cell: (hub: LinkedHub) => (
              <span className={styles.commands}>
                <Button size="small" onClick={() => setEditing(hub)} aria-label={`Edit ${hub.name}`}>
                  Edit
                </Button>
                <Button size="small" appearance="subtle" onClick={() => setUnlinking(hub)} aria-label={`Unlink ${hub.name}`}>
                  Unlink
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ];

  return (
    <Page
      title="Linked IoT hubs"
      crumbs={[{ name: service, href: paths.service(service) }]}
      lead="The hubs that this provisioning service can register devices on."
      actions={
        <>
          {mayChange && (
            <ButtonLink appearance="subtle" icon={<Add20Regular />} href={paths.newLink(service)}>
              Add
            </ButtonLink>
          )}
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void links.refetch()}>
            Refresh
          </Button>
        </>
      }
    >
      {links.isError && <ErrorView error={links.error} onRetry={() => void links.refetch()} />}
      <Section flush>
        {links.isPending && <Loading />}
        {links.data && links.data.length > 0 && <DataTable label="Linked IoT hubs" rows={links.data} columns={columns} rowKey={(hub) => hub.name} />}
        {links.data?.length === 0 && (
          <Empty
            title="No hub is linked yet"
            actions={
              mayChange && (
                <ButtonLink appearance="primary" href={paths.newLink(service)}>
                  Add link to IoT hub
                </ButtonLink>
              )
            }
          >
            Until one is, every registration fails. Link a hub of this server, or one from elsewhere by its connection string.
          </Empty>
        )}
      </Section>
      {editing && <EditLink service={service} hub={editing} onClose={() => setEditing(undefined)} />}
      {unlinking && <Unlink service={service} hub={unlinking} onClose={() => setUnlinking(undefined)} />}
    </Page>
  );
}
