// Every page's address, in one place.

import { withQuery } from '../api/http';

const id = encodeURIComponent;
const service = (name: string) => `/services/${id(name)}`;
const hub = (name: string) => `/hubs/${id(name)}`;

export const paths = {
  resources: '/resources',
  live: '/live',
  guide: '/first-steps',
  account: '/account',
  operators: '/operators',
  newService: '/resources/new-service',
  newHub: '/resources/new-hub',
  service: (name: string) => `${service(name)}/overview`,
  serviceLive: (name: string) => `${service(name)}/live`,
  enrollments: (name: string) => `${service(name)}/enrollments`,
  enrollment: (name: string, entry: string) => `${service(name)}/enrollments/entry/${id(entry)}`,
  newEnrollment: (name: string) => `${service(name)}/enrollments/add`,
  importEnrollments: (name: string) => `${service(name)}/enrollments/import`,
  groups: (name: string) => `${service(name)}/enrollment-groups`,
  group: (name: string, group: string) => `${service(name)}/enrollment-groups/group/${id(group)}`,
  newGroup: (name: string) => `${service(name)}/enrollment-groups/add`,
  allocation: (name: string) => `${service(name)}/allocation-policy`,
  /** With a change to be tried, as `writeTrial` spells it. */
  whatIf: (name: string, query: Record<string, string | undefined>) => withQuery(`${service(name)}/allocation-policy`, query),
  /** Why a device at this address gets the hub that it gets. */
  explainAddress: (name: string, address: string, entry: string) => withQuery(`${service(name)}/allocation-policy`, { address, id: entry }),
  links: (name: string) => `${service(name)}/linked-hubs`,
  newLink: (name: string) => `${service(name)}/linked-hubs/add`,
  certificates: (name: string) => `${service(name)}/certificates`,
  certificate: (name: string, certificate: string) => `${service(name)}/certificates/${id(certificate)}`,
  servicePolicies: (name: string) => `${service(name)}/access-policies`,
  registrations: (name: string) => `${service(name)}/registrations`,
  registration: (name: string, entry: string) => `${service(name)}/registrations/${id(entry)}`,
  explain: (name: string, entry?: string) => `${service(name)}/explain${entry ? `?id=${id(entry)}` : ''}`,
  hub: (name: string) => `${hub(name)}/overview`,
  devices: (name: string) => `${hub(name)}/devices`,
  device: (name: string, device: string) => `${hub(name)}/devices/${id(device)}`,
  hubPolicies: (name: string) => `${hub(name)}/access-policies`,
};
