// The service API of one provisioning service, and what the portal adds to it.

import { ask, at } from './http';
import type {
  Attestation,
  EndorsementRoot,
  EnrollmentGroup,
  ExpiringCertificate,
  Explanation,
  HistoryEntry,
  ImportReport,
  IndividualEnrollment,
  Judgement,
  LinkedHub,
  LinkedHubEntry,
  LinkTest,
  Overview,
  Page,
  Preview,
  RegistrationRecord,
  RevocationList,
  ServicePolicy,
  Statistics,
} from './types';

const version = '2021-10-01';
const id = encodeURIComponent;

/** How enrollments are listed: by ID, in pages that begin after or end before one. */
export interface ListQuery {
  prefix?: string;
  status?: string;
  attestation?: string;
  hub?: string;
  group?: string;
  after?: string;
  before?: string;
  limit?: number;
  order?: 'asc' | 'desc';
}

const list = <Item>(service: string, path: string, query: ListQuery, signal?: AbortSignal) =>
  ask<Page<Item>>('GET', at(service, `/berth${path}`, version, { ...query }), { signal });

const ifMatch = (etag: string | undefined): Record<string, string> => (etag ? { 'If-Match': etag } : {});

// --- individual enrollments ---

export const listEnrollments = (service: string, query: ListQuery, signal?: AbortSignal) =>
  list<IndividualEnrollment>(service, '/enrollments', query, signal);
export const readEnrollment = (service: string, name: string, signal?: AbortSignal) =>
  ask<IndividualEnrollment>('GET', at(service, `/enrollments/${id(name)}`, version), { signal });
/** Without an etag it must be new. */
export const putEnrollment = (service: string, entry: IndividualEnrollment, etag?: string) =>
  ask<IndividualEnrollment>('PUT', at(service, `/enrollments/${id(entry.registrationId)}`, version), { body: entry, headers: ifMatch(etag) });
export const deleteEnrollment = (service: string, name: string, etag?: string) =>
  ask<void>('DELETE', at(service, `/enrollments/${id(name)}`, version), { headers: ifMatch(etag) });
export const readEnrollmentKeys = (service: string, name: string) =>
  ask<Attestation>('POST', at(service, `/enrollments/${id(name)}/attestationmechanism`, version));
export const importEnrollments = (service: string, entries: IndividualEnrollment[], dryRun: boolean, signal?: AbortSignal) =>
  ask<ImportReport>('POST', at(service, '/berth/enrollments/import', version, { dryRun }), { body: { entries }, signal });

// --- enrollment groups ---

export const listGroups = (service: string, query: ListQuery, signal?: AbortSignal) =>
  list<EnrollmentGroup>(service, '/enrollmentGroups', query, signal);
export const readGroup = (service: string, name: string, signal?: AbortSignal) =>
  ask<EnrollmentGroup>('GET', at(service, `/enrollmentGroups/${id(name)}`, version), { signal });
export const putGroup = (service: string, group: EnrollmentGroup, etag?: string) =>
  ask<EnrollmentGroup>('PUT', at(service, `/enrollmentGroups/${id(group.enrollmentGroupId)}`, version), { body: group, headers: ifMatch(etag) });
export const deleteGroup = (service: string, name: string, etag?: string) =>
  ask<void>('DELETE', at(service, `/enrollmentGroups/${id(name)}`, version), { headers: ifMatch(etag) });
export const readGroupKeys = (service: string, name: string) =>
  ask<Attestation>('POST', at(service, `/enrollmentGroups/${id(name)}/attestationmechanism`, version));

// --- revocation lists ---

/** Of an enrollment group, about its devices; without a group of the service, about certificates of TPMs. */
export interface RevocationOwner {
  service: string;
  group?: string;
}
/** What is left out stays as it was. */
export interface RevocationPut {
  list?: string;
  url?: string;
  strict?: boolean;
  issuerCertificate?: string;
}

const listPath = ({ service, group }: RevocationOwner, rest = '') =>
  at(service, `/berth/${group === undefined ? 'endorsementRevocationLists' : `enrollmentGroups/${id(group)}/revocationLists`}${rest}`, version);
export const listRevocationLists = (owner: RevocationOwner, signal?: AbortSignal) => ask<RevocationList[]>('GET', listPath(owner), { signal });
export const putRevocationList = (owner: RevocationOwner, name: string, body: RevocationPut, etag?: string) =>
  ask<RevocationList>('PUT', listPath(owner, `/${id(name)}`), { body, headers: ifMatch(etag) });
/** Is fetched soon after; the answer is the list as it was. */
export const refreshRevocationList = (owner: RevocationOwner, name: string) => ask<RevocationList>('POST', listPath(owner, `/${id(name)}/refresh`));
export const deleteRevocationList = (owner: RevocationOwner, name: string) => ask<void>('DELETE', listPath(owner, `/${id(name)}`));

// --- manufacturers of TPMs ---

const rootPath = (service: string, name = '') => at(service, `/berth/endorsementroots${name && `/${id(name)}`}`, version);
export const listEndorsementRoots = async (service: string, signal?: AbortSignal): Promise<EndorsementRoot[]> =>
  (await ask<{ value: EndorsementRoot[] }>('GET', rootPath(service), { signal })).value;
export const putEndorsementRoot = (service: string, name: string, certificate: string) =>
  ask<EndorsementRoot>('PUT', rootPath(service, name), { body: { certificate } });
export const deleteEndorsementRoot = (service: string, name: string) => ask<void>('DELETE', rootPath(service, name));

// --- registrations ---

export const listRegistrations = (service: string, query: ListQuery, signal?: AbortSignal) =>
  list<RegistrationRecord>(service, '/registrations', query, signal);
export const readRegistration = (service: string, name: string, signal?: AbortSignal) =>
  ask<RegistrationRecord>('GET', at(service, `/registrations/${id(name)}`, version), { signal });
export const deleteRegistration = (service: string, name: string) => ask<void>('DELETE', at(service, `/registrations/${id(name)}`, version));
export const readHistory = (service: string, name: string, signal?: AbortSignal) =>
  ask<HistoryEntry[]>('GET', at(service, `/berth/registrations/${id(name)}/history`, version), { signal });
export const explain = (service: string, name: string, signal?: AbortSignal) =>
  ask<Explanation>('GET', at(service, `/berth/registrations/${id(name)}/attempts`, version), { signal });
export const checkChain = (service: string, name: string, chain: string) =>
  ask<Judgement>('POST', at(service, `/berth/registrations/${id(name)}/check`, version), { body: { chain } });

// --- numbers, links, certificates ---

export const readOverview = (signal?: AbortSignal) => ask<Overview>('GET', '/berth/overview', { signal });
export const readStatistics = (service: string, minutes: number, signal?: AbortSignal) =>
  ask<Statistics>('GET', at(service, '/berth/statistics', version, { minutes }), { signal });
export const readLinkedHubs = (service: string, signal?: AbortSignal) =>
  ask<LinkedHub[]>('GET', at(service, '/berth/linkedHubs', version), { signal });
export const previewAllocation = (
  service: string,
  allocationPolicy: ServicePolicy,
  iotHubs: LinkedHubEntry[],
  devices: number,
  signal?: AbortSignal,
) => ask<Preview>('POST', at(service, '/berth/allocation/preview', version), { body: { allocationPolicy, iotHubs, devices }, signal });
export const testLink = (link: { connectionString: string } | { name: string }) => ask<LinkTest>('POST', '/berth/linkTest', { body: link });
export const listExpiring = (service: string, days: number, signal?: AbortSignal) =>
  ask<ExpiringCertificate[]>('GET', at(service, '/berth/certificates/expiring', version, { days }), { signal });
