import { expect, test } from 'vitest';
import type { EnrollmentGroup, IndividualEnrollment } from '../../api/types';
import { draftOf, emptyDraft, entryOf, type Draft } from './draft';
import { faultsOf } from './faults';

const info = {
  subjectName: 'CN=a', issuerName: 'CN=b', sha1Thumbprint: 'A', sha256Thumbprint: 'B', notBeforeUtc: '', notAfterUtc: '', serialNumber: '1', version: 3,
};
const dropped = { pem: 'PEM', subject: 'new', issuer: 'ca' };
const draft = (more: Partial<Draft>): Draft => ({ ...emptyDraft, id: 'press-07', ...more });

test('a new enrollment asks for generated keys, and has the defaults of the original', () => {
  expect(entryOf(draft({}), 'individual')).toEqual({
    registrationId: 'press-07',
    attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: null, secondaryKey: null } },
    capabilities: { iotEdge: false },
    initialTwin: { tags: {}, properties: { desired: {} } },
    provisioningStatus: 'enabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true },
  });
});

test('what was read is written back the same, also what no field shows', () => {
  const stored = {
    registrationId: 'a',
    deviceId: 'dev-a',
    attestation: { type: 'x509', x509: { clientCertificates: { primary: { info }, secondary: { info } } } },
    optionalDeviceInformation: { shelf: 4 },
    capabilities: { iotEdge: true },
    initialTwin: { tags: { line: 4 } },
    provisioningStatus: 'disabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: false },
    allocationPolicy: 'static',
    iotHubs: ['hub1.berth.test'],
    credentialPolicyName: 'p1',
  } as IndividualEnrollment;
  expect(entryOf(draftOf({ ...stored, etag: 'e', createdDateTimeUtc: 'x' }), 'individual', stored)).toEqual(stored);
});

test('a certificate that is dropped takes the place of the stored one; one that is removed goes', () => {
  const stored: EnrollmentGroup = {
    enrollmentGroupId: 'g',
    attestation: { type: 'x509', x509: { signingCertificates: { primary: { info }, secondary: { info } } } },
  };
  const changed = { ...draftOf(stored), primary: { stored: info, given: dropped }, secondary: { stored: info, removed: true } };
  expect(entryOf(changed, 'group').attestation).toEqual({ type: 'x509', x509: { signingCertificates: { primary: { certificate: 'PEM' } } } });
});

test('a group by reference names its CA certificates', () => {
  const given = draft({ attestation: 'x509', signer: 'reference', caPrimary: 'root' });
  expect(entryOf(given, 'group').attestation).toEqual({ type: 'x509', x509: { caReferences: { primary: 'root' } } });
});

test('hubs go along only with a policy of the enrollment’s own', () => {
  expect(entryOf(draft({ hubs: ['h'] }), 'individual')).not.toHaveProperty('iotHubs');
  expect(entryOf(draft({ hubs: ['h'], policy: 'hashed' }), 'individual')).toMatchObject({ allocationPolicy: 'hashed', iotHubs: ['h'] });
});

test('a custom policy has a web hook or a rule, and never both', () => {
  const both = draft({ policy: 'custom', webhookUrl: ' https://f.example.org/a ', rule: 'hashed(hubs)\n' });
  expect(entryOf(both, 'individual')).toMatchObject({ customAllocationDefinition: { webhookUrl: 'https://f.example.org/a', apiVersion: '2021-10-01' } });
  const ruled = entryOf({ ...both, decider: 'rule' }, 'group');
  expect(ruled.customAllocationDefinition).toEqual({ rule: 'hashed(hubs)\n' });
  expect(draftOf(ruled)).toMatchObject({ decider: 'rule', rule: 'hashed(hubs)\n', webhookUrl: '' });
  expect(entryOf({ ...both, policy: 'hashed' }, 'individual')).not.toHaveProperty('customAllocationDefinition');
});

test('the certificate of a TPM goes as it came', () => {
  const tpm = { endorsementKey: 'AToA', storageRootKey: 'AFoA', endorsementCertificate: 'MIIB' };
  const stored = entryOf(draft({ attestation: 'tpm', ...tpm }), 'individual');
  expect(stored.attestation).toEqual({ type: 'tpm', tpm });
  expect(entryOf(draftOf(stored), 'individual').attestation).toEqual(stored.attestation);
  expect(entryOf(draft({ attestation: 'tpm', ...tpm, endorsementCertificate: '' }), 'individual').attestation.tpm).not.toHaveProperty('endorsementCertificate');
});

test('web hooks are addresses, also without TLS; rules are not empty, and end somewhere', () => {
  const custom = (more: Partial<Draft>) => faultsOf(draft({ policy: 'custom', ...more }), 'individual');
  for (const good of ['https://f.example.org', 'http://10.0.0.7:7071/api/a?code=1', ' https://f ']) expect(custom({ webhookUrl: good })).toEqual({});
  for (const bad of ['', 'ftp://f', 'f.example.org', 'http://', 'https:// f']) expect(custom({ webhookUrl: bad }).webhookUrl).toMatch(/https:.*http:/);
  expect(custom({ decider: 'rule', rule: 'hubs[1]' })).toEqual({});
  expect(custom({ decider: 'rule', rule: ' \n' }).rule).toMatch(/Write a rule/);
  expect(custom({ decider: 'rule', rule: 'é'.repeat(4097) }).rule).toMatch(/8192 bytes; this one has 8194/);
});

test('faults are told by field', () => {
  expect(faultsOf(draft({}), 'individual')).toEqual({});
  expect(Object.keys(faultsOf(draft({ id: '' }), 'individual'))).toEqual(['id']);
  expect(Object.keys(faultsOf(draft({ attestation: 'x509' }), 'individual'))).toEqual(['primary']);
  expect(Object.keys(faultsOf(draft({ attestation: 'x509', signer: 'reference' }), 'group'))).toEqual(['caPrimary']);
  expect(Object.keys(faultsOf(draft({ attestation: 'tpm' }), 'individual'))).toEqual(['endorsementKey']);
  expect(Object.keys(faultsOf(draft({ keys: 'enter', primaryKey: 'x' }), 'individual'))).toEqual(['primaryKey', 'secondaryKey']);
  expect(faultsOf(draft({ policy: 'static', hubs: [] }), 'individual').hubs).toMatch(/one hub/);
  expect(faultsOf(draft({ policy: 'custom' }), 'individual').webhookUrl).toMatch(/https/);
});

test('a twin has tags and desired properties, and nothing else', () => {
  const twin = (text: string) => faultsOf(draft({ twin: text }), 'individual').twin;
  expect(twin('{"tags":{}}')).toBeUndefined();
  expect(twin('')).toBeUndefined();
  expect(twin('[]')).toMatch(/object/);
  expect(twin('{"interval":3}')).toMatch(/"interval" belongs/);
  expect(twin('{"properties":{"reported":{}}}')).toMatch(/"reported" cannot/);
  expect(twin('{\n"tags":}')).toMatch(/Line 2/);
});
