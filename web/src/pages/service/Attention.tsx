import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { listExpiring, readLinkedHubs } from '../../api/service';
import type { Totals } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { Stack } from '../../components/Section';
import { plural } from '../../lib/format';

const soon = 30;

/** What somebody should look at: nothing linked, a hub that fails, certificates that end. */
export function Attention({ service, linked, totals }: { service: string; linked: number; totals?: Totals }) {
  const links = useQuery({ queryKey: keys.links(service), queryFn: ({ signal }) => readLinkedHubs(service, signal), enabled: linked > 0 });
  const expiring = useQuery({ queryKey: keys.expiring(service, soon), queryFn: ({ signal }) => listExpiring(service, soon, signal) });
  const failing = (links.data ?? []).filter((hub) => hub.state !== 'well');
  const first = expiring.data?.[0];
  const nothingEnrolled = totals !== undefined && totals.enrollments + totals.enrollmentGroups === 0;
  return (
    <Stack>
      {linked === 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>No hub is linked.</MessageBarTitle> Devices that register now fail, for there is nowhere to send them.{' '}
            <Anchor href={paths.newLink(service)}>Add link to IoT hub</Anchor>
          </MessageBarBody>
        </MessageBar>
      )}
      {linked > 0 && nothingEnrolled && (
        <MessageBar intent="info" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>No device may come yet.</MessageBarTitle> Add a device, or a group of them, to the enrollment list.{' '}
            <Anchor href={paths.newEnrollment(service)}>Add enrollment list entry</Anchor>
          </MessageBarBody>
        </MessageBar>
      )}
      {failing.map((hub) => (
        <MessageBar key={hub.name} intent={hub.state === 'brokenOff' ? 'error' : 'warning'} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{hub.name}</MessageBarTitle> {hub.sentence} <Anchor href={paths.links(service)}>Linked IoT hubs</Anchor>
          </MessageBarBody>
        </MessageBar>
      ))}
      {first && (
        <MessageBar intent={first.daysLeft < 0 ? 'error' : 'warning'} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{plural(expiring.data?.length ?? 0, 'certificate')} end within 30 days.</MessageBarTitle> The first is {first.name}
            {first.daysLeft < 0 ? ', which has ended' : `, in ${plural(first.daysLeft, 'day')}`}.{' '}
            <Anchor href={paths.certificates(service)}>Certificates</Anchor>
          </MessageBarBody>
        </MessageBar>
      )}
    </Stack>
  );
}
