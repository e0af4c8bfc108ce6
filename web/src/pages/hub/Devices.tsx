// The devices of a hub.

import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { Add20Regular, ArrowClockwise20Regular } from '@fluentui/react-icons';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { createDevice, queryTwins } from '../../api/hub';
import { keys } from '../../api/keys';
import type { Twin } from '../../api/types';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { Anchor } from '../../components/Anchor';
import { DataTable, type Column } from '../../components/DataTable';
import { Dialog } from '../../components/Dialog';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Choice, Filters, SearchField } from '../../components/Filters';
import { Form } from '../../components/Form';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';
import { usePlace } from '../../components/usePlace';
import { plural } from '../../lib/format';
import { faultOfDeviceId } from '../../lib/ids';
import { filtered } from '../../lib/paging';
import styles from './Devices.module.css';
import { whereOf } from './where';

const size = 100;
const filterNames = ['prefix', 'status', 'connection'];
const states = [
  ['', 'Any state'],
  ['enabled', 'Enabled'],
  ['disabled', 'Disabled'],
] as const;
const connections = [
  ['', 'Connected or not'],
  ['Connected', 'Connected'],
  ['Disconnected', 'Disconnected'],
] as const;
const authentications: Record<string, string> = { sas: 'Symmetric key', selfSigned: 'X.509', certificateAuthority: 'X.509 CA', none: 'None' };

function AddDevice({ hub, onClose }: { hub: string; onClose: () => void }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [id, setId] = useState('');
  const fault = faultOfDeviceId(id);
  const create = useMutation({
    mutationFn: () => createDevice(hub, id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.hub(hub) });
      navigate(paths.device(hub, id));
    },
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (id && !fault) create.mutate();
  };
  const form = useId();
  return (
    <Dialog
      title="Add a device by hand"
      onClose={onClose}
      actions={
        <>
          <Button
            type="submit"
            form={form}
            appearance="primary"
            disabled={!id || fault !== undefined || create.isPending}
            icon={create.isPending ? <Spinner size="tiny" /> : undefined}
          >
            Add
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <p>A provisioning service adds devices by itself. By hand, a device is added to this hub only, with keys that are generated.</p>
      <Form id={form} onSubmit={submit}>
        <Field label="Device ID" required validationState={fault ? 'error' : 'none'} validationMessage={fault}>
          <Input value={id} onChange={(_, data) => setId(data.value.trim())} autoFocus autoComplete="off" spellCheck={false} />
        </Field>
      </Form>
      {create.isError && <ErrorView error={create.error} title="The device was not added" />}
    </Dialog>
  );
}

export default function Devices({ hub }: { hub: string }) {
  const mayChange = useMayChange();
  const [place, go] = usePlace(filterNames);
  const [adding, setAdding] = useState(false);
  const where = whereOf(place.filters);
  const list = useInfiniteQuery({
    queryKey: keys.hubDevices(hub, where),
    queryFn: ({ pageParam, signal }) => queryTwins(hub, where, size, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  });
  const twins = list.data?.pages.flatMap((page) => page.twins) ?? [];
  const isFiltered = where !== '';
  const columns: Column<Twin>[] = [
    { name: 'Device ID', cell: (twin) => <Anchor href={paths.device(hub, twin.deviceId)}>{twin.deviceId}</Anchor> },
    { name: 'Connection', cell: (twin) => <StateOf word={twin.connectionState ?? 'Disconnected'} /> },
    { name: 'State', cell: (twin) => <StateOf word={twin.status} /> },
    { name: 'Authentication', cell: (twin) => authentications[twin.authenticationType ?? ''] ?? '' },
    { name: 'Last activity', cell: (twin) => <Time value={twin.lastActivityTime} /> },
  ];
  return (
    <Page
      title="Devices"
      crumbs={[{ name: hub, href: paths.hub(hub) }]}
      actions={
        <>
          {mayChange && (
            <Button appearance="subtle" icon={<Add20Regular />} onClick={() => setAdding(true)}>
              Add device
            </Button>
          )}
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void list.refetch()}>
            Refresh
          </Button>
        </>
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      <Section flush>
        {(isFiltered || twins.length > 0) && (
          <Filters>
            <SearchField label="Device ID begins with" value={place.filters['prefix'] ?? ''} onChange={(prefix) => go(filtered(place, { prefix }), true)} />
            <Choice label="State" value={place.filters['status'] ?? ''} options={states} onChange={(status) => go(filtered(place, { status }))} />
            <Choice label="Connection" value={place.filters['connection'] ?? ''} options={connections} onChange={(connection) => go(filtered(place, { connection }))} />
          </Filters>
        )}
        {list.isPending && <Loading rows={8} />}
        {twins.length > 0 && <DataTable label="Devices" rows={twins} columns={columns} rowKey={(twin) => twin.deviceId} stale={list.isPlaceholderData} />}
        {list.data && twins.length === 0 && !isFiltered && (
          <Empty title="No device is here yet">Devices appear when a provisioning service gives them to this hub.</Empty>
        )}
        {list.data && twins.length === 0 && isFiltered && (
          <Empty title="No device fits" actions={<Button onClick={() => go({ filters: {}, order: 'asc', page: 1 })}>Show all</Button>} />
        )}
        {twins.length > 0 && (
          <div className={styles.more}>
            <span role="status">{plural(twins.length, 'device')} shown</span>
            {list.hasNextPage && (
              <Button onClick={() => void list.fetchNextPage()} disabled={list.isFetchingNextPage} icon={list.isFetchingNextPage ? <Spinner size="tiny" /> : undefined}>
                Show more
              </Button>
            )}
          </div>
        )}
      </Section>
      {adding && <AddDevice hub={hub} onClose={() => setAdding(false)} />}
    </Page>
  );
}
