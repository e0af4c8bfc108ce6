import { withoutLink } from '../../api/manage';
import type { LinkedHub } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { Confirm } from '../../components/Confirm';
import { toast } from '../../components/toasts';
import { plural } from '../../lib/format';
import { noTrial, writeTrial } from '../allocation/trial';
import { useChangeLinks } from './useChangeLinks';

interface UnlinkProps {
  service: string;
  hub: LinkedHub;
  onClose: () => void;
}

/** Says what unlinking does and what it does not, with the number of devices concerned. */
export function Unlink({ service, hub, onClose }: UnlinkProps) {
  const changeLinks = useChangeLinks(service);
  const there = hub.devices == null ? '' : `${plural(hub.devices, 'device')} ${hub.devices === 1 ? 'is' : 'are'} on this hub now. `;
  const close = (done: boolean) => {
    if (done) toast(`${hub.name} is no longer linked.`);
    onClose();
  };
  return (
    <Confirm
      title={`Unlink ${hub.name}?`}
      action="Unlink"
      typed={hub.hosted ? undefined : hub.name}
      onConfirm={() => changeLinks((links) => withoutLink(links, hub.name))}
      onClose={close}
    >
      <ul>
        <li>{there}Devices stay on the hub, with their identities and twins, and go on working.</li>
        <li>When one of them registers again, it is given another linked hub, as its reprovisioning policy says.</li>
        <li>
          <Anchor href={paths.whatIf(service, writeTrial({ ...noTrial, removed: [hub.name] }))}>See what would move</Anchor> without it, before you decide.
        </li>
        <li>Enrollments that name this hub go on naming it; their devices fail to register until they are edited.</li>
        {!hub.hosted && <li>Its key is forgotten here: linking it again takes its connection string.</li>}
      </ul>
    </Confirm>
  );
}
