import { expect, test } from 'vitest';
import type { IndividualEnrollment } from '../../api/types';
import { csvOf, readImport, template } from './table';

test('the template reads as what it says', () => {
  const rows = readImport(template);
  expect(rows.map((row) => row.fault)).toEqual([undefined, undefined]);
  expect(rows[0]?.entry).toEqual({
    registrationId: 'press-01',
    attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: null, secondaryKey: null } },
    initialTwin: { tags: { line: 4 }, properties: { desired: { interval: 30 } } },
    provisioningStatus: 'enabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true },
  });
  expect(rows[1]?.entry?.deviceId).toBe('line-4-press-02');
});

test('columns stand in any order and spelling; attestation is guessed from what is there', () => {
  const rows = readImport('Endorsement Key;registration_id\nAToA;t1\n');
  expect(rows).toEqual([{ at: 2, id: 't1', entry: { registrationId: 't1', attestation: { type: 'tpm', tpm: { endorsementKey: 'AToA' } } } }]);
});

test('a row that is wrong says why and by its line, and the others go on', () => {
  const rows = readImport(
    'registrationId,attestation,status,tags,iotHubs\na b,,,,\nx,rfid,,,\ny,,maybe,,\nz,,,"{""line"":}",\nh,,,,hub1\ngood,,,,\nGood,,,,\n',
  );
  expect(rows.map(({ at, fault }) => [at, fault])).toEqual([
    [2, 'Letters, digits and - . _ : only.'],
    [3, 'attestation is "rfid"; it can be symmetricKey, x509 or tpm.'],
    [4, 'status is "maybe"; it can be enabled, disabled.'],
    [5, 'tags: A value is missing here.'],
    [6, 'iotHubs needs an allocationPolicy beside it.'],
    [7, undefined],
    [8, 'The same ID stands in row 7 already.'],
  ]);
});

test('a file without names of columns, or with unknown ones, is refused as a whole', () => {
  expect(() => readImport('a,b\n1,2\n')).toThrow(/must name the columns/);
  expect(() => readImport('registrationId,colour\n1,2\n')).toThrow(/"colour" is unknown/);
});

test('JSON is an array of enrollments, as an export writes it', () => {
  const entry = { registrationId: 'a', attestation: { type: 'symmetricKey' }, etag: 'x', registrationState: { status: 'assigned' } };
  expect(readImport(JSON.stringify([entry]))[0]?.entry).toEqual({ registrationId: 'a', attestation: { type: 'symmetricKey' } });
  expect(readImport('[{"registrationId":"a"}]')[0]?.fault).toBe('attestation is missing.');
  expect(() => readImport('[{"registrationId":"a",}]')).toThrow(/Line 1, column 24: A comma stands/);
  expect(() => readImport('{"a":1}')).toThrow(/array/);
});

test('what is exported can be imported', () => {
  const entries: IndividualEnrollment[] = [
    {
      registrationId: 'a',
      deviceId: 'd',
      attestation: { type: 'tpm', tpm: { endorsementKey: 'AToA' } },
      capabilities: { iotEdge: true },
      initialTwin: { tags: { line: 'x, "y"' }, properties: { desired: { n: 1 } } },
      provisioningStatus: 'disabled',
      reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: false },
      allocationPolicy: 'hashed',
      iotHubs: ['h1.test', 'h2.test'],
    },
  ];
  expect(readImport(csvOf(entries, true)).map((row) => row.entry)).toEqual(entries);
});
