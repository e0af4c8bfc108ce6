// The service API, and what is added to it for lists and imports.

import type { EnrollmentGroup, IndividualEnrollment, RegistrationRecord } from '../src/api/types';
import { devicesOf } from './devices';
import type { Shelf } from './entries';
import { etagOf, nothing, ok, record, refuseService, type Asked, type Reply, type Route } from './reply';
import { keyOf } from './world';

type Entry = IndividualEnrollment | EnrollmentGroup;

function pageOf<Item extends object>(shelf: Shelf<Item>, { query }: Asked, fits: (item: Item) => boolean, filtered: boolean): Reply {
  return ok(
    shelf.page({
      prefix: query.get('prefix') ?? '',
      after: query.get('after') ?? undefined,
      before: query.get('before') ?? undefined,
      limit: Math.min(Number(query.get('limit') ?? 100), 1000),
      descending: query.get('order') === 'desc',
      fits,
      filtered,
    }),
  );
}

const fitsEntry = ({ query }: Asked) => (entry: Entry) =>
  (!query.get('status') || (entry.provisioningStatus ?? 'enabled') === query.get('status')) &&
  (!query.get('attestation') || entry.attestation.type === query.get('attestation'));
const isFiltered = ({ query }: Asked, ...names: string[]) => names.some((name) => query.get(name));

const fitsRecord = ({ query }: Asked) => (item: RegistrationRecord) =>
  (!query.get('status') || item.status === query.get('status')) && (!query.get('hub') || item.assignedHub === query.get('hub'));

function put<Item extends Entry>(shelf: Shelf<Item>, id: string, { body, request }: Asked): Reply {
  const was = shelf.get(id);
  const ifMatch = request.headers['if-match'];
  if (was && !ifMatch) return refuseService(409, 409201, 'Enrollment already exists.');
  if (ifMatch && ifMatch !== '*' && ifMatch !== was?.etag) return refuseService(412, 412000, 'Precondition failed: the etag is not the current one.');
  const given = body as Item;
  if (given.iotHubs && !given.allocationPolicy) return refuseService(400, 400004, 'iotHubs needs an allocationPolicy beside it.');
  const now = new Date().toISOString();
  const stored = {
    ...given,
    attestation: given.attestation.type === 'symmetricKey' ? { type: 'symmetricKey' } : given.attestation,
    etag: etagOf(`${id}${now}`),
    createdDateTimeUtc: was?.createdDateTimeUtc ?? now,
    lastUpdatedDateTimeUtc: now,
  } as Item;
  shelf.put(id, stored);
  return ok(given.attestation.type === 'symmetricKey' ? { ...stored, attestation: mechanism(stored, id) } : stored);
}

const mechanism = (entry: Entry, id: string) =>
  entry.attestation.type === 'symmetricKey'
    ? { type: 'symmetricKey', symmetricKey: { primaryKey: keyOf(`${id}/1`), secondaryKey: keyOf(`${id}/2`) } }
    : entry.attestation;

function importEntries({ body, query }: Asked, service: string): Reply {
  const shelf = devicesOf(service).enrollments;
  const entries = record(body)['entries'] as IndividualEnrollment[];
  const rows = entries.map((entry, index) => {
    const id = entry.registrationId;
    if (id.startsWith('bad')) return { index, id, result: 'failed', message: 'attestation.tpm.endorsementKey is no TPM2B_PUBLIC.' };
    const result = shelf.get(id) ? 'updated' : 'created';
    if (query.get('dryRun') !== 'true') shelf.put(id, { ...entry, etag: etagOf(id), provisioningStatus: entry.provisioningStatus ?? 'enabled' });
    return { index, id, result };
  });
  const count = (what: string) => rows.filter((row) => row.result === what).length;
  return ok({ created: count('created'), updated: count('updated'), failed: count('failed'), rows });
}

const base = (path: string) => new RegExp(`^/berth/at/([^/]+)${path}$`, 'i');
const missing = refuseService(404, 404201, 'Enrollment not found.');

const found = (item: unknown): Reply => (item ? ok(item) : missing);

export const serviceRoutes: Route[] = [
  ['GET', base('/berth/enrollments'), (asked, [s = '']) => pageOf(devicesOf(s).enrollments, asked, fitsEntry(asked), isFiltered(asked, 'status', 'attestation'))],
  ['GET', base('/berth/enrollmentGroups'), (asked, [s = '']) => pageOf(devicesOf(s).groups, asked, fitsEntry(asked), true)],
  ['GET', base('/berth/registrations'), (asked, [s = '']) => pageOf(devicesOf(s).registrations, asked, fitsRecord(asked), isFiltered(asked, 'status', 'hub', 'group'))],
  ['POST', base('/berth/enrollments/import'), (asked, [s = '']) => importEntries(asked, s)],
  [
    'GET',
    base('/enrollments/([^/]+)'),
    (_, [s = '', id = '']) => {
      const entry = devicesOf(s).enrollments.get(id);
      return entry ? ok({ ...entry, registrationState: devicesOf(s).registrations.get(id) ?? { registrationId: id, status: 'unassigned' } }) : missing;
    },
  ],
  ['PUT', base('/enrollments/([^/]+)'), (asked, [s = '', id = '']) => put(devicesOf(s).enrollments, id, asked)],
  [
    'DELETE',
    base('/enrollments/([^/]+)'),
    (_, [s = '', id = '']) => {
      devicesOf(s).enrollments.drop(id);
      devicesOf(s).registrations.drop(id);
      return nothing;
    },
  ],
  ['GET', base('/enrollmentGroups/([^/]+)'), (_, [s = '', id = '']) => found(devicesOf(s).groups.get(id))],
  ['PUT', base('/enrollmentGroups/([^/]+)'), (asked, [s = '', id = '']) => put(devicesOf(s).groups, id, asked)],
  [
    'DELETE',
    base('/enrollmentGroups/([^/]+)'),
    (_, [s = '', id = '']) => {
      devicesOf(s).groups.drop(id);
      return nothing;
    },
  ],
  [
    'POST',
    base('/(enrollments|enrollmentGroups)/([^/]+)/attestationmechanism'),
    (_, [s = '', kind = '', id = '']) => {
      const entry = kind === 'enrollments' ? devicesOf(s).enrollments.get(id) : devicesOf(s).groups.get(id);
      return entry ? ok(mechanism(entry, id)) : missing;
    },
  ],
  ['GET', base('/registrations/([^/]+)'), (_, [s = '', id = '']) => found(devicesOf(s).registrations.get(id))],
  [
    'DELETE',
    base('/registrations/([^/]+)'),
    (_, [s = '', id = '']) => {
      devicesOf(s).registrations.drop(id);
      return nothing;
    },
  ],
];
