// The named choices of the allocation policy, and what they mean.

import type { EnrollmentPolicy, ServicePolicy } from '../../api/types';

export interface NamedPolicy<Word> {
  word: Word;
  name: string;
  meaning: string;
}

export const policies: readonly NamedPolicy<ServicePolicy>[] = [
  {
    word: 'GeoLatency',
    name: 'Lowest latency',
    meaning: 'A device goes to the linked hub nearest to its address; where that has no known place, to the one that answers this server soonest. Hubs about as near share by weight.',
  },
  {
    word: 'Hashed',
    name: 'Evenly weighted distribution',
    meaning:
      'Linked hubs are equally likely to get a device, or as likely as their weights say. This is the default; keep it if there is only one hub.',
  },
  {
    word: 'Static',
    name: 'Static configuration via the enrollment list',
    meaning: 'The hub that an enrollment names takes priority. An enrollment that names none sends its devices to the first linked hub.',
  },
];

export const policyNamed = (word: ServicePolicy): NamedPolicy<ServicePolicy> =>
  policies.find((policy) => policy.word === word) ?? (policies[1] as NamedPolicy<ServicePolicy>);

/** What one enrollment can say about it; undefined: nothing, so that the service's policy holds. */
export const enrollmentPolicies: readonly NamedPolicy<EnrollmentPolicy | ''>[] = [
  { word: '', name: 'As the service has it', meaning: 'Follows the allocation policy of the provisioning service, also when that changes.' },
  { word: 'hashed', name: 'Evenly weighted distribution', meaning: 'Over the hubs chosen here, as their weights say.' },
  { word: 'geoLatency', name: 'Lowest latency', meaning: 'The one of the hubs chosen here that is nearest to the device.' },
  { word: 'static', name: 'Static configuration', meaning: 'Always the one hub chosen here.' },
  { word: 'custom', name: 'Custom', meaning: 'A web hook of yours, or a rule written here, names the hub of every device.' },
];

/** The name of a policy, however it is spelled: services and enrollments do it in two ways. */
export const policyOf = (word: string): string =>
  [...policies, ...enrollmentPolicies].find((policy) => policy.word !== '' && policy.word.toLowerCase() === word.toLowerCase())?.name ?? word;
