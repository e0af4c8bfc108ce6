// Under which names answers are kept, so that a change drops what it made stale. All of a service begins with
// ['service', name], all of a hub with ['hub', name].

import type { ListQuery, RevocationOwner } from './service';

export const keys = {
  session: ['session'] as const,
  operators: ['operators'] as const,
  overview: ['overview'] as const,
  service: (name: string) => ['service', name] as const,
  resource: (name: string) => ['service', name, 'resource'] as const,
  statistics: (name: string, minutes: number) => ['service', name, 'statistics', minutes] as const,
  links: (name: string) => ['service', name, 'links'] as const,
  certificates: (name: string) => ['service', name, 'certificates'] as const,
  endorsementRoots: (name: string) => ['service', name, 'endorsement roots'] as const,
  expiring: (name: string, days: number) => ['service', name, 'expiring', days] as const,
  enrollments: (name: string, query?: ListQuery) => ['service', name, 'enrollments', ...(query ? [query] : [])] as const,
  enrollment: (name: string, id: string) => ['service', name, 'enrollment', id] as const,
  groups: (name: string, query?: ListQuery) => ['service', name, 'groups', ...(query ? [query] : [])] as const,
  group: (name: string, id: string) => ['service', name, 'group', id] as const,
  revocation: ({ service, group }: RevocationOwner) => ['service', service, ...(group === undefined ? ['endorsement'] : ['group', group]), 'revocation'] as const,
  registrations: (name: string, query?: ListQuery) => ['service', name, 'registrations', ...(query ? [query] : [])] as const,
  registration: (name: string, id: string) => ['service', name, 'registration', id] as const,
  history: (name: string, id: string) => ['service', name, 'registration', id, 'history'] as const,
  explain: (name: string, id: string) => ['service', name, 'explain', id] as const,
  hub: (name: string) => ['hub', name] as const,
  hubResource: (name: string) => ['hub', name, 'resource'] as const,
  hubStatistics: (name: string) => ['hub', name, 'statistics'] as const,
  hubDevices: (name: string, where?: string) => ['hub', name, 'devices', ...(where === undefined ? [] : [where])] as const,
  hubDevice: (name: string, id: string) => ['hub', name, 'device', id] as const,
  hubTwin: (name: string, id: string) => ['hub', name, 'twin', id] as const,
};
