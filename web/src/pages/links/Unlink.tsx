import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { withoutLink } from '../../api/manage';
import { listRegistrations } from '../../api/service';
import type { LinkedHub } from '../../api/types';
import { Confirm } from '../../components/Confirm';
import { toast } from '../../components/toasts';
import { plural } from '../../lib/format';
import { useChangeLinks } from './useChangeLinks';

interface UnlinkProps {
  service: string;
  hub: LinkedHub;
  onClose: () => void;
}

/** Says what unlinking does and what it does not, with the number of devices concerned. */
export function Unlink({ service, hub, onClose }: UnlinkProps) {
  const changeLinks = useChangeLinks(service);
  const query = { hub: hub.name, limit: 1 };
  const placed = useQuery({ queryKey: keys.registrations(service, query), queryFn: ({ signal }) => listRegistrations(service, query, signal) });
  const ours = placed.data?.total;
  // The service may not know how many are its own; the hub knows how many there are.
  const there =
    ours !== undefined ? `${plural(ours, 'device')} of this service are there` : hub.devices != null ? `${plural(hub.devices, 'device')} are on this hub` : '';
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
        <li>
          {there && `${there} now. `}They stay on the hub, with their identities and twins, and go on working.
        </li>
        <li>When one of them registers again, it is given another linked hub, as its reprovisioning policy says.</li>
        <li>Enrollments that name this hub go on naming it; their devices fail to register until they are edited.</li>
        {!hub.hosted && <li>Its key is forgotten here: linking it again takes its connection string.</li>}
      </ul>
    </Confirm>
  );
}
