// What the portal adds: numbers, pages of lists, previews, tests.

import type { CertificateInfo } from './enrollments';
import type { RegistrationStatus } from './registrations';

export interface Page<Item> {
  items: Item[];
  more: boolean;
  /** Undefined: each would have to be looked at. */
  total?: number;
}

export interface Overview {
  services: {
    name: string;
    idScope: string;
    enrollments: number;
    enrollmentGroups: number;
    registrations: number;
    linkedHubs: number;
    state: string;
  }[];
  hubs: { name: string; devices: number; linkedBy: string[]; state: string }[];
}

export interface Totals {
  enrollments: number;
  enrollmentGroups: number;
  registrations: number;
  byStatus: Partial<Record<RegistrationStatus, number>>;
}

export interface Statistics {
  from: string;
  stepSeconds: number;
  assigned: number[];
  refused: number[];
  failed: number[];
  totals: Totals;
}

export interface LinkedHub {
  name: string;
  location: string;
  weight?: number | null;
  apply?: boolean | null;
  hosted: boolean;
  state: 'well' | 'failing' | 'brokenOff';
  sentence: string;
  /** Undefined: it was not asked yet, or does not tell. */
  devices?: number | null;
  milliseconds?: number | null;
  /** Registrations that wait for it. */
  waiting?: number;
}

export interface LinkTest {
  reachable: boolean;
  milliseconds: number;
  devices?: number | null;
  sentence: string;
}

export interface Preview {
  devices: number;
  hubs: { name: string; devices: number; share: number }[];
  unplaced: number;
  sentence: string;
}

export interface ExpiringCertificate {
  kind: 'caCertificate' | 'enrollmentGroup' | 'enrollment' | 'device';
  name: string;
  which?: 'primary' | 'secondary';
  daysLeft: number;
  info?: CertificateInfo;
}

export interface RevocationList {
  name: string;
  url?: string;
  refreshMinutes?: number;
  strict: boolean;
  issuer?: string;
  entries?: number;
  nextUpdateUtc?: string;
  lastFetchedUtc?: string;
  lastError?: string;
  etag: string;
}
