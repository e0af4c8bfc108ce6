// The tutorial as steps over the operator's own data: what is done already is known from what is there.

import type { Overview, ProvisioningService, Totals } from '../../api/types';
import { paths } from '../../app/paths';

export interface GuideData {
  overview: Overview;
  service?: ProvisioningService;
  totals?: Totals;
  /** Linked hubs that have devices. */
  hubsWithDevices: number;
}

export interface GuideStep {
  id: 'service' | 'hubs' | 'links' | 'policy' | 'enrollments' | 'register';
  title: string;
  why: string;
  done: boolean;
  /** Where it is done. */
  action?: { text: string; href: string };
}

const linkedHubs = (service: ProvisioningService | undefined): number => service?.properties.iotHubs?.length ?? 0;

export function stepsOf({ overview, service, totals, hubsWithDevices }: GuideData): GuideStep[] {
  const name = service?.name;
  const at = (text: string, href: (service: string) => string) => (name === undefined ? undefined : { text, href: href(name) });
  const elsewhere = (service?.properties.iotHubs ?? []).length - overview.hubs.filter((hub) => name !== undefined && hub.linkedBy.includes(name)).length;
  const hubs = overview.hubs.length + Math.max(0, elsewhere);
  const entries = (totals?.enrollments ?? 0) + (totals?.enrollmentGroups ?? 0);
  const enough = (totals?.enrollments ?? 0) >= 2 || (totals?.enrollmentGroups ?? 0) >= 1;
  return [
    {
      id: 'service',
      title: 'Create a provisioning service',
      why: 'It has the list of devices that may come, checks who they are, and gives each its hub.',
      done: service !== undefined,
      action: { text: 'Create a provisioning service', href: paths.newService },
    },
    {
      id: 'hubs',
      title: 'Create two IoT hubs',
      why: `Devices stay connected to a hub. With two of them, there is something to balance.${hubs === 1 ? ' One is there; one more is needed.' : ''}`,
      done: hubs >= 2,
      action: { text: hubs === 1 ? 'Create the second IoT hub' : 'Create an IoT hub', href: paths.newHub },
    },
    {
      id: 'links',
      title: 'Link both hubs to the provisioning service',
      why: 'So that the service can register devices on them. A hub from elsewhere is linked by its connection string.',
      done: linkedHubs(service) >= 2,
      action: at('Add link to IoT hub', paths.newLink),
    },
    {
      id: 'policy',
      title: 'Set the allocation policy to evenly weighted distribution',
      why: 'Each linked hub is then as likely to get a device as its weight says. The page shows how the next 10,000 devices would spread.',
      done: service?.properties.allocationPolicy === 'Hashed' && linkedHubs(service) >= 2,
      action: at('Manage allocation policy', paths.allocation),
    },
    {
      id: 'enrollments',
      title: 'Add enrollment list entries for two devices',
      why: `An entry tells how a device proves who it is; keys can be generated. A group is one entry for any number of devices.${entries === 1 && !enough ? ' One entry is there; add one for the second device.' : ''}`,
      done: enough,
      action: at('Add enrollment list entry', paths.newEnrollment),
    },
    {
      id: 'register',
      title: 'Let the devices register, and see where they land',
      why: 'They ask the device endpoint with the ID scope of the service; each is told its hub.',
      done: hubsWithDevices >= 2,
      action: at('Live', paths.serviceLive),
    },
  ];
}

export const currentOf = (steps: readonly GuideStep[]): GuideStep | undefined => steps.find((step) => !step.done);
