// Enrollments as rows of a table: what an import reads is what an export writes.

import type { Attestation, EnrollmentGroup, EnrollmentPolicy, IndividualEnrollment } from '../../api/types';
import { parseCsv, writeCsv } from '../../lib/csv';
import { faultOfDeviceId, faultOfRegistrationId } from '../../lib/ids';
import { jsonFault } from '../../lib/json';

type Entry = IndividualEnrollment | EnrollmentGroup;

export const columns = [
  'registrationId', 'deviceId', 'attestation', 'primaryKey', 'secondaryKey', 'certificate', 'endorsementKey', 'status', 'iotEdge', 'allocationPolicy',
  'iotHubs', 'reprovision', 'tags', 'desired',
] as const;
type Name = (typeof columns)[number];

/** One row that was read: an enrollment, or why it is none. */
export interface ImportRow {
  /** Line of a CSV file, or number in a JSON array, from 1. */
  at: number;
  id: string;
  entry?: IndividualEnrollment;
  fault?: string;
}

const reprovisionWords: Record<string, IndividualEnrollment['reprovisionPolicy']> = {
  migrate: { updateHubAssignment: true, migrateDeviceData: true },
  reset: { updateHubAssignment: true, migrateDeviceData: false },
  never: { updateHubAssignment: false, migrateDeviceData: false },
};

function reprovisionWord(entry: Entry): string {
  const policy = entry.reprovisionPolicy;
  if (!policy) return '';
  return !policy.updateHubAssignment ? 'never' : policy.migrateDeviceData ? 'migrate' : 'reset';
}

const compact = (value: Record<string, unknown> | undefined): string => (value && Object.keys(value).length > 0 ? JSON.stringify(value) : '');

function cellOf(entry: Entry, name: Name): string {
  switch (name) {
    case 'registrationId':
      return 'registrationId' in entry ? entry.registrationId : entry.enrollmentGroupId;
    case 'deviceId':
      return 'deviceId' in entry ? (entry.deviceId ?? '') : '';
    case 'attestation':
      return entry.attestation.type;
    case 'endorsementKey':
      return entry.attestation.tpm?.endorsementKey ?? '';
    case 'status':
      return entry.provisioningStatus ?? 'enabled';
    case 'iotEdge':
      return entry.capabilities?.iotEdge ? 'true' : '';
    case 'allocationPolicy':
      return entry.allocationPolicy ?? '';
    case 'iotHubs':
      return (entry.iotHubs ?? []).join(' ');
    case 'reprovision':
      return reprovisionWord(entry);
    case 'tags':
      return compact(entry.initialTwin?.tags);
    case 'desired':
      return compact(entry.initialTwin?.properties?.desired);
    default:
      return '';
  }
}

export const csvOf = (entries: readonly Entry[], withHeader: boolean): string =>
  writeCsv([...(withHeader ? [[...columns]] : []), ...entries.map((entry) => columns.map((name) => cellOf(entry, name)))]);

type Cells = Partial<Record<Name, string>>;

class Wrong extends Error {}

function objectIn(text: string | undefined, column: string): Record<string, unknown> | undefined {
  if (!text) return undefined;
  const fault = jsonFault(text);
  if (fault) throw new Wrong(`${column}: ${fault.message}`);
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Wrong(`${column} must be a JSON object.`);
  return value as Record<string, unknown>;
}

function attestationIn(cells: Cells): Attestation {
  const guess = cells.endorsementKey ? 'tpm' : cells.certificate ? 'x509' : 'symmetrickey';
  switch ((cells.attestation || guess).toLowerCase().replace(/[^a-z0-9]/g, '')) {
    case 'symmetrickey':
    case 'key':
      return { type: 'symmetricKey', symmetricKey: { primaryKey: cells.primaryKey || null, secondaryKey: cells.secondaryKey || null } };
    case 'tpm':
      if (!cells.endorsementKey) throw new Wrong('A TPM needs its endorsementKey.');
      return { type: 'tpm', tpm: { endorsementKey: cells.endorsementKey } };
    case 'x509':
      if (!cells.certificate) throw new Wrong('X.509 needs the certificate, as PEM or base64 text.');
      return { type: 'x509', x509: { clientCertificates: { primary: { certificate: cells.certificate } } } };
    default:
      throw new Wrong(`attestation is "${cells.attestation ?? ''}"; it can be symmetricKey, x509 or tpm.`);
  }
}

function oneOf<Word extends string>(text: string | undefined, words: readonly Word[], column: string): Word | undefined {
  if (!text) return undefined;
  const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
  if (!found) throw new Wrong(`${column} is "${text}"; it can be ${words.join(', ')}.`);
  return found;
}

const policies: readonly EnrollmentPolicy[] = ['hashed', 'geoLatency', 'static', 'custom'];

function entryIn(cells: Cells): IndividualEnrollment {
  const registrationId = cells.registrationId ?? '';
  const fault = faultOfRegistrationId(registrationId) ?? faultOfDeviceId(cells.deviceId ?? '');
  if (fault) throw new Wrong(fault);
  const tags = objectIn(cells.tags, 'tags');
  const desired = objectIn(cells.desired, 'desired');
  const status = oneOf(cells.status, ['enabled', 'disabled'] as const, 'status');
  const policy = oneOf(cells.allocationPolicy, policies, 'allocationPolicy');
  const reprovision = oneOf(cells.reprovision, ['migrate', 'reset', 'never'] as const, 'reprovision');
  const hubs = (cells.iotHubs ?? '').split(/[\s|]+/).filter(Boolean);
  if (hubs.length > 0 && !policy) throw new Wrong('iotHubs needs an allocationPolicy beside it.');
  return {
    registrationId,
    ...(cells.deviceId ? { deviceId: cells.deviceId } : {}),
    attestation: attestationIn(cells),
    ...(tags || desired ? { initialTwin: { ...(tags ? { tags } : {}), ...(desired ? { properties: { desired } } : {}) } } : {}),
    ...(cells.iotEdge ? { capabilities: { iotEdge: /^(true|yes|1)$/i.test(cells.iotEdge) } } : {}),
    ...(status ? { provisioningStatus: status } : {}),
    ...(reprovision ? { reprovisionPolicy: reprovisionWords[reprovision] } : {}),
    ...(policy ? { allocationPolicy: policy } : {}),
    ...(hubs.length > 0 ? { iotHubs: hubs } : {}),
  };
}

function rowOf(at: number, id: string, make: () => IndividualEnrollment): ImportRow {
  try {
    return { at, id, entry: make() };
  } catch (e) {
    if (!(e instanceof Wrong)) throw e;
    return { at, id, fault: e.message };
  }
}

const folded = (name: string): string => name.trim().toLowerCase().replace(/[^a-z0-9]/g, '');

function readCsv(text: string): ImportRow[] {
  const [header, ...rows] = parseCsv(text);
  if (!header) return [];
  const names = header.cells.map((cell) => columns.find((name) => folded(name) === folded(cell)));
  if (!names.includes('registrationId')) throw new Error(`The first line must name the columns, among them registrationId. Known are: ${columns.join(', ')}.`);
  const stranger = header.cells.find((_, i) => names[i] === undefined);
  if (stranger !== undefined) throw new Error(`The column "${stranger}" is unknown. Known are: ${columns.join(', ')}.`);
  return rows.map(({ line, cells }) => {
    const named: Cells = {};
    names.forEach((name, i) => {
      if (name) named[name] = (cells[i] ?? '').trim();
    });
    return rowOf(line, named.registrationId ?? '', () => entryIn(named));
  });
}

function readJson(text: string): ImportRow[] {
  const fault = jsonFault(text);
  if (fault) throw new Error(`Line ${fault.line}, column ${fault.column}: ${fault.message}`);
  const value: unknown = JSON.parse(text);
  const list: unknown = Array.isArray(value) ? value : (value as { entries?: unknown }).entries;
  if (!Array.isArray(list)) throw new Error('The file must hold an array of enrollments, as an export writes it.');
  return list.map((one: unknown, i) => {
    const given = (typeof one === 'object' && one !== null ? one : {}) as Partial<IndividualEnrollment>;
    const id = typeof given.registrationId === 'string' ? given.registrationId : '';
    return rowOf(i + 1, id, () => {
      const wrong = faultOfRegistrationId(id) ?? (given.attestation ? undefined : 'attestation is missing.');
      if (wrong) throw new Wrong(wrong);
      const { registrationState: _state, etag: _etag, createdDateTimeUtc: _created, lastUpdatedDateTimeUtc: _updated, ...rest } = given;
      return rest as IndividualEnrollment;
    });
  });
}

/** Throws an Error with a sentence where nothing of the file can be used. An ID that is there twice is a fault of the later row. */
export function readImport(text: string): ImportRow[] {
  const trimmed = text.replace(/^\uFEFF/, '').trimStart();
  const rows = /^[[{]/.test(trimmed) ? readJson(trimmed) : readCsv(text);
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const before = seen.get(row.id.toLowerCase());
    seen.set(row.id.toLowerCase(), before ?? row.at);
    return before !== undefined && row.id !== '' && !row.fault ? { at: row.at, id: row.id, fault: `The same ID stands in row ${before} already.` } : row;
  });
}

export const template = writeCsv([
  [...columns],
  ['press-01', '', 'symmetricKey', '', '', '', '', 'enabled', '', '', '', 'migrate', '{"line":4}', '{"interval":30}'],
  ['press-02', 'line-4-press-02', 'symmetricKey', '', '', '', '', 'enabled', '', '', '', 'migrate', '', ''],
]);
