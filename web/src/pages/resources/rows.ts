// Services and hubs as rows of one list.

import type { Overview } from '../../api/types';
import { formatNumber, formatRate, plural } from '../../lib/format';
import type { Rates } from '../../live/reduce';

export interface ResourceRow {
  key: string;
  kind: 'service' | 'hub';
  name: string;
  state: string;
  /** Registered devices of a service, identities of a hub. */
  devices: number;
  enrollments: number;
  belongs: string;
}

export function resourcesOf(overview: Overview): ResourceRow[] {
  const services = overview.services.map(
    (service): ResourceRow => ({
      key: `service ${service.name}`,
      kind: 'service',
      name: service.name,
      state: service.state,
      devices: service.registrations,
      enrollments: service.enrollments + service.enrollmentGroups,
      belongs: service.linkedHubs === 0 ? 'No hub linked' : `Links ${plural(service.linkedHubs, 'hub')}`,
    }),
  );
  const hubs = overview.hubs.map(
    (hub): ResourceRow => ({
      key: `hub ${hub.name}`,
      kind: 'hub',
      name: hub.name,
      state: hub.state,
      devices: hub.devices,
      enrollments: 0,
      belongs: hub.linkedBy.length === 0 ? 'Not linked' : `Linked by ${hub.linkedBy.join(', ')}`,
    }),
  );
  return [...services, ...hubs].sort((a, b) => a.name.localeCompare(b.name));
}

/** Individual ones and groups, of all services. */
export const enrollmentsOf = (rows: readonly ResourceRow[]): number => rows.reduce((n, row) => n + row.enrollments, 0);

export const matches = (row: ResourceRow, text: string, kind: string): boolean =>
  row.name.toLowerCase().includes(text.toLowerCase()) && (kind === '' || row.kind === kind);

const rateOfHub = (name: string, rates: Rates): number =>
  Object.entries(rates.hubs).find(([host]) => host.split('.')[0]?.toLowerCase() === name.toLowerCase())?.[1] ?? 0;

/** "812,340 registered, 1,984 per second". */
export function doingOf(row: ResourceRow, rates: Rates): string {
  const rate = row.kind === 'service' ? (rates.services[row.name] ?? 0) : rateOfHub(row.name, rates);
  const now = rate > 0 ? `, ${formatRate(rate)} per second` : '';
  if (row.kind === 'hub') return `${plural(row.devices, 'device')}${now}`;
  if (row.enrollments === 0) return 'No enrollments yet';
  return `${formatNumber(row.devices)} registered of ${plural(row.enrollments, 'enrollment')}${now}`;
}
