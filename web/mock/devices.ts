// The enrollments, groups and registration records of the mock's services.

import type { CertificateInfo, EnrollmentGroup, IndividualEnrollment, RegistrationRecord } from '../src/api/types';
import { shelf, type Shelf } from './entries';
import { etagOf, hash } from './reply';
import { services } from './world';

const began = Date.parse('2026-01-05T06:00:00Z');
const padded = (i: number) => String(i).padStart(7, '0');
const numbered = (prefix: string) => (id: string) => (id.startsWith(prefix) ? Number(id.slice(prefix.length)) : -1);

export const infoOf = (subject: string, issuer: string, days = 300): CertificateInfo => {
  const hex = (n: number, seed: string) => Array.from({ length: n / 8 }, (_, i) => hash(`${seed}${subject}${i}`).toString(16).padStart(8, '0')).join('').toUpperCase();
  return {
    subjectName: `CN=${subject}`,
    issuerName: `CN=${issuer}`,
    sha1Thumbprint: hex(40, 'a'),
    sha256Thumbprint: hex(64, 'b'),
    notBeforeUtc: '2026-01-01T00:00:00Z',
    notAfterUtc: new Date(Date.now() + days * 864e5).toISOString().replace(/\.\d+/, ''),
    serialNumber: hex(32, 'c'),
    version: 3,
  };
};

function makeEnrollment(i: number): IndividualEnrollment {
  const registrationId = `press-${padded(i)}`;
  const h = hash(registrationId);
  const at = new Date(began + i * 27).toISOString();
  const kind = h % 10;
  return {
    registrationId,
    ...(h % 7 === 0 ? { deviceId: `line-${h % 40}-press-${i}` } : {}),
    attestation:
      kind < 6
        ? { type: 'symmetricKey' }
        : kind < 9
          ? { type: 'x509', x509: { clientCertificates: { primary: { info: infoOf(registrationId, 'Line 6 CA') } } } }
          : { type: 'tpm', tpm: { endorsementKey: 'AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEA' } },
    capabilities: { iotEdge: h % 50 === 0 },
    initialTwin: { tags: { line: h % 12, plant: 'north' }, properties: { desired: { interval: 30, units: 'bar' } } },
    etag: etagOf(registrationId),
    provisioningStatus: h % 97 === 0 ? 'disabled' : 'enabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true },
    createdDateTimeUtc: at,
    lastUpdatedDateTimeUtc: at,
    ...(h % 5 === 0 ? { allocationPolicy: 'hashed' as const } : {}),
  };
}

const targets = ['hub-north.berth.test', 'hub-north.berth.test', 'hub-south.berth.test', 'quay.example.org', 'quay.example.org'];

function makeRegistration(i: number): RegistrationRecord {
  const registrationId = `press-${padded(i)}`;
  const h = hash(`r${registrationId}`);
  const at = new Date(began + i * 31 + 6e5);
  const failed = h % 211 === 0;
  return {
    registrationId,
    createdDateTimeUtc: at.toISOString(),
    ...(failed ? {} : { assignedHub: targets[h % targets.length], deviceId: registrationId, substatus: 'initialAssignment' }),
    status: failed ? 'failed' : 'assigned',
    ...(failed ? { errorCode: 400209, errorMessage: 'The hub refused the credentials of the provisioning service.' } : {}),
    lastUpdatedDateTimeUtc: at.toISOString(),
    etag: etagOf(`r${registrationId}`),
  };
}

const group = (enrollmentGroupId: string, more: Partial<EnrollmentGroup>): EnrollmentGroup => ({
  enrollmentGroupId,
  attestation: { type: 'symmetricKey' },
  etag: etagOf(enrollmentGroupId),
  provisioningStatus: 'enabled',
  reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true },
  createdDateTimeUtc: '2026-01-05T10:20:27Z',
  lastUpdatedDateTimeUtc: '2026-02-01T10:20:27Z',
  ...more,
});

export interface Devices {
  enrollments: Shelf<IndividualEnrollment>;
  groups: Shelf<EnrollmentGroup>;
  registrations: Shelf<RegistrationRecord>;
}

function make(count: number, registered: number, groups: EnrollmentGroup[]): Devices {
  const all: Devices = {
    enrollments: shelf(count, (i) => `press-${padded(i)}`, numbered('press-'), makeEnrollment),
    registrations: shelf(registered, (i) => `press-${padded(i)}`, numbered('press-'), makeRegistration),
    groups: shelf<EnrollmentGroup>(0, String, () => -1, () => group('', {})),
  };
  for (const one of groups) all.groups.put(one.enrollmentGroupId, one);
  return all;
}

const known = new Map<string, Devices>();
export function devicesOf(service: string): Devices {
  let found = known.get(service);
  if (!found) {
    found =
      service === 'harbour'
        ? make(1_000_000, 812_340, [
            group('pumps', {}),
            group('models', { allocationPolicy: 'custom', customAllocationDefinition: { rule: 'payload and payload.model == "P9" and "hub-north.berth.test" or hashed(hubs)\n' } }),
            group('line-6', { attestation: { type: 'x509', x509: { signingCertificates: { primary: { info: infoOf('Line 6 CA', 'Plant root', 19) } } } } }),
            group('plant', { attestation: { type: 'x509', x509: { caReferences: { primary: 'plant-root' } } }, provisioningStatus: 'disabled' }),
          ])
        : make(0, 0, []);
    known.set(service, found);
  }
  return found;
}

export const isService = (name: string): boolean => services.has(name);
