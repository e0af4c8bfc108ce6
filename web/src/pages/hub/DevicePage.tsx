// A device on its hub: identity, connection, twin.

import { Button, Switch } from '@fluentui/react-components';
import { ArrowClockwise20Regular, Delete20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { deleteDevice, readDevice, readTwin, updateDevice } from '../../api/hub';
import { keys } from '../../api/keys';
import { paths } from '../../app/paths';
import { hostOf, useMayChange, useSession } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { Copyable, Secret } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Facts, type Fact } from '../../components/Facts';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import type { DeviceIdentity } from '../../api/types';
import { MethodCall } from './MethodCall';
import { TwinEditor } from './TwinEditor';

function credentialsOf(device: DeviceIdentity, host: string): Fact[] {
  const { type, symmetricKey, x509Thumbprint } = device.authentication;
  if (type === 'sas')
    return [
      ['Primary key', <Secret value={symmetricKey?.primaryKey ?? ''} label="primary key" />],
      ['Secondary key', <Secret value={symmetricKey?.secondaryKey ?? ''} label="secondary key" />],
      ['Connection string', <Secret value={`HostName=${host};DeviceId=${device.deviceId};SharedAccessKey=${symmetricKey?.primaryKey ?? ''}`} label="connection string" />],
    ];
  if (type === 'selfSigned')
    return [
      ['Primary thumbprint', <Copyable value={x509Thumbprint?.primaryThumbprint ?? ''} label="primary thumbprint" />],
      ['Secondary thumbprint', x509Thumbprint?.secondaryThumbprint ? <Copyable value={x509Thumbprint.secondaryThumbprint} label="secondary thumbprint" /> : 'none'],
    ];
  return [['Authentication', type]];
}

function Identity({ hub, id }: { hub: string; id: string }) {
  const session = useSession();
  const mayChange = useMayChange();
  const client = useQueryClient();
  const device = useQuery({ queryKey: keys.hubDevice(hub, id), queryFn: ({ signal }) => readDevice(hub, id, signal), refetchInterval: 10_000 });
  const put = async (status: DeviceIdentity['status']) => {
    const now = await readDevice(hub, id);
    client.setQueryData(keys.hubDevice(hub, id), await updateDevice(hub, { ...now, status }));
    void client.invalidateQueries({ queryKey: keys.hubDevices(hub) });
  };
  const change = useMutation({
    mutationFn: put,
    onSuccess: (_, status) => {
      const before = status === 'enabled' ? 'disabled' : 'enabled';
      toast(status === 'enabled' ? `${id} may connect again.` : `${id} is disabled, and was cut off.`, { undo: () => put(before) });
    },
  });
  if (device.isError) return <ErrorView error={device.error} onRetry={() => void device.refetch()} />;
  if (!device.data) return <Loading />;
  const one = device.data;
  return (
    <Section title="Identity">
      <Facts
        facts={[
          ['Connection', <StateOf word={one.connectionState} />],
          ['Connected or left', <Time value={one.connectionStateUpdatedTime} />],
          ['Last activity', <Time value={one.lastActivityTime} />],
          [
            'May connect',
            <Switch
              checked={one.status === 'enabled'}
              disabled={change.isPending || !mayChange}
              label={one.status === 'enabled' ? 'Enabled' : `Disabled${one.statusReason ? `: ${one.statusReason}` : ''}`}
              onChange={(_, data) => change.mutate(data.checked ? 'enabled' : 'disabled')}
            />,
          ],
          ['Host name of the hub', <Copyable value={hostOf(session, hub)} label="host name" />],
          ...credentialsOf(one, hostOf(session, hub)),
          ['IoT Edge', one.capabilities?.iotEdge ? 'Yes' : 'No'],
        ]}
      />
      {change.isError && <ErrorView error={change.error} title="The state was not changed" />}
    </Section>
  );
}

export default function DevicePage({ hub, id }: { hub: string; id: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const twin = useQuery({ queryKey: keys.hubTwin(hub, id), queryFn: ({ signal }) => readTwin(hub, id, signal), refetchInterval: 10_000 });
  return (
    <Page
      title={id}
      kind="Device"
      crumbs={[
        { name: hub, href: paths.hub(hub) },
        { name: 'Devices', href: paths.devices(hub) },
      ]}
      aside={twin.data && <StateOf word={twin.data.connectionState ?? 'Disconnected'} />}
      actions={
        <>
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void client.invalidateQueries({ queryKey: keys.hub(hub) })}>
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
      <Stack>
        {mayChange ? (
          <Identity hub={hub} id={id} />
        ) : (
          twin.data && (
            <Section title="Identity">
              <Facts
                facts={[
                  ['Connection', <StateOf word={twin.data.connectionState ?? 'Disconnected'} />],
                  ['State', <StateOf word={twin.data.status} />],
                  ['Last activity', <Time value={twin.data.lastActivityTime} />],
                ]}
              />
            </Section>
          )
        )}
        {twin.isError && <ErrorView error={twin.error} onRetry={() => void twin.refetch()} />}
        {twin.isPending && <Loading />}
        {twin.data && <TwinEditor hub={hub} twin={twin.data} />}
        {mayChange && twin.data && <MethodCall hub={hub} device={id} isConnected={twin.data.connectionState === 'Connected'} />}
      </Stack>
      {deleting && (
        <Confirm
          title={`Delete ${id} from ${hub}?`}
          action="Delete"
          onConfirm={() => deleteDevice(hub, id)}
          onClose={(done) => {
            setDeleting(false);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.hub(hub) });
            toast(`${id} is deleted from ${hub}.`);
            navigate(paths.devices(hub));
          }}
        >
          Its identity and twin are deleted, and it is cut off. If its enrollment is enabled, it comes back when it registers again: disable that first to retire
          the device. This cannot be undone.
        </Confirm>
      )}
    </Page>
  );
}
