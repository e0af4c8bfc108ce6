import type { RegistrationRecord } from '../../api/types';
import { paths } from '../../app/paths';
import { labelOf, useSession } from '../../app/session';
import { Anchor } from '../../components/Anchor';
import { Facts } from '../../components/Facts';
import { Section } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';

/** Where the device of an enrollment is now. */
export function WhereItIs({ service, record }: { service: string; record?: RegistrationRecord }) {
  const session = useSession();
  if (!record) return null;
  const hub = record.assignedHub ? labelOf(session, record.assignedHub) : undefined;
  return (
    <Section title="Registration" actions={record.status !== 'unassigned' && <Anchor href={paths.registration(service, record.registrationId)}>Record and history</Anchor>}>
      <Facts
        facts={[
          ['State', <StateOf word={record.status} />],
          record.assignedHub && ['IoT hub', hub && record.deviceId ? <Anchor href={paths.device(hub, record.deviceId)}>{record.assignedHub}</Anchor> : record.assignedHub],
          record.deviceId && ['Device ID', record.deviceId],
          record.errorMessage && ['Why', record.errorMessage],
          record.lastUpdatedDateTimeUtc && ['Last change', <Time value={record.lastUpdatedDateTimeUtc} />],
        ]}
      />
    </Section>
  );
}
