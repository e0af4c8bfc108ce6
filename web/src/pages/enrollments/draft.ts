// An enrollment as a form holds it, from what the server has and back to what it takes.

import type {
  Attestation,
  CertificateInfo,
  CertificatePair,
  CertificateSlot,
  EnrollmentGroup,
  EnrollmentPolicy,
  IndividualEnrollment,
} from '../../api/types';
import type { DroppedCertificate } from '../../components/CertificateDrop';
import { prettyJson } from '../../lib/json';

export type Kind = 'individual' | 'group';
export type Reprovisioning = 'migrate' | 'reset' | 'never';

/** One of two certificates: what is stored, and what takes its place. */
export interface SlotDraft {
  stored?: CertificateInfo;
  given?: DroppedCertificate;
  removed?: boolean;
}

export interface Draft {
  id: string;
  deviceId: string;
  enabled: boolean;
  iotEdge: boolean;
  attestation: 'symmetricKey' | 'x509' | 'tpm';
  /** "keep" only for what is stored already. */
  keys: 'generate' | 'enter' | 'keep';
  primaryKey: string;
  secondaryKey: string;
  endorsementKey: string;
  storageRootKey: string;
  /** PEM or base64, as it is stored; empty: none. */
  endorsementCertificate: string;
  /** How an X.509 group names its CA. */
  signer: 'certificate' | 'reference';
  primary: SlotDraft;
  secondary: SlotDraft;
  caPrimary: string;
  caSecondary: string;
  twin: string;
  information: string;
  policy: EnrollmentPolicy | '';
  hubs: string[];
  /** Who decides where the policy is custom. */
  decider: 'webhook' | 'rule';
  webhookUrl: string;
  webhookVersion: string;
  rule: string;
  reprovisioning: Reprovisioning;
}

export const emptyDraft: Draft = {
  id: '',
  deviceId: '',
  enabled: true,
  iotEdge: false,
  attestation: 'symmetricKey',
  keys: 'generate',
  primaryKey: '',
  secondaryKey: '',
  endorsementKey: '',
  storageRootKey: '',
  endorsementCertificate: '',
  signer: 'certificate',
  primary: {},
  secondary: {},
  caPrimary: '',
  caSecondary: '',
  twin: prettyJson({ tags: {}, properties: { desired: {} } }),
  information: '',
  policy: '',
  hubs: [],
  decider: 'webhook',
  webhookUrl: '',
  webhookVersion: '2021-10-01',
  rule: '',
  reprovisioning: 'migrate',
};

type Entry = IndividualEnrollment | EnrollmentGroup;

const isIndividual = (entry: Entry): entry is IndividualEnrollment => 'registrationId' in entry;

function reprovisioningOf(entry: Entry): Reprovisioning {
  const policy = entry.reprovisionPolicy;
  if (!policy) return 'migrate';
  if (!policy.updateHubAssignment) return 'never';
  return policy.migrateDeviceData ? 'migrate' : 'reset';
}

const twinOf = (entry: Entry): string => prettyJson(entry.initialTwin ?? { tags: {}, properties: { desired: {} } });

export function draftOf(entry: Entry): Draft {
  const { attestation } = entry;
  const pair = attestation.x509?.clientCertificates ?? attestation.x509?.signingCertificates ?? {};
  const references = attestation.x509?.caReferences;
  return {
    ...emptyDraft,
    id: isIndividual(entry) ? entry.registrationId : entry.enrollmentGroupId,
    deviceId: isIndividual(entry) ? (entry.deviceId ?? '') : '',
    enabled: entry.provisioningStatus !== 'disabled',
    iotEdge: entry.capabilities?.iotEdge ?? false,
    attestation: attestation.type === 'none' ? 'symmetricKey' : attestation.type,
    keys: 'keep',
    endorsementKey: attestation.tpm?.endorsementKey ?? '',
    storageRootKey: attestation.tpm?.storageRootKey ?? '',
    endorsementCertificate: attestation.tpm?.endorsementCertificate ?? '',
    signer: references ? 'reference' : 'certificate',
    primary: { stored: pair.primary?.info },
    secondary: { stored: pair.secondary?.info },
    caPrimary: references?.primary ?? '',
    caSecondary: references?.secondary ?? '',
    twin: twinOf(entry),
    information: isIndividual(entry) && entry.optionalDeviceInformation ? prettyJson(entry.optionalDeviceInformation) : '',
    policy: entry.allocationPolicy ?? '',
    hubs: entry.iotHubs ?? [],
    decider: entry.customAllocationDefinition?.rule === undefined ? 'webhook' : 'rule',
    webhookUrl: entry.customAllocationDefinition?.webhookUrl ?? '',
    webhookVersion: entry.customAllocationDefinition?.apiVersion ?? emptyDraft.webhookVersion,
    rule: entry.customAllocationDefinition?.rule ?? '',
    reprovisioning: reprovisioningOf(entry),
  };
}

const slotOf = (slot: SlotDraft): CertificateSlot | undefined => {
  if (slot.given) return { certificate: slot.given.pem };
  return slot.stored && !slot.removed ? { info: slot.stored } : undefined;
};

function pairOf(draft: Draft): CertificatePair {
  const primary = slotOf(draft.primary);
  const secondary = slotOf(draft.secondary);
  return { ...(primary ? { primary } : {}), ...(secondary ? { secondary } : {}) };
}

function attestationOf(draft: Draft, kind: Kind): Attestation {
  switch (draft.attestation) {
    case 'symmetricKey':
      if (draft.keys === 'enter') return { type: 'symmetricKey', symmetricKey: { primaryKey: draft.primaryKey.trim(), secondaryKey: draft.secondaryKey.trim() } };
      return { type: 'symmetricKey', symmetricKey: { primaryKey: null, secondaryKey: null } };
    case 'tpm':
      return {
        type: 'tpm',
        tpm: {
          endorsementKey: draft.endorsementKey.replace(/\s+/g, ''),
          ...(draft.storageRootKey ? { storageRootKey: draft.storageRootKey } : {}),
          ...(draft.endorsementCertificate ? { endorsementCertificate: draft.endorsementCertificate } : {}),
        },
      };
    case 'x509':
      if (kind === 'individual') return { type: 'x509', x509: { clientCertificates: pairOf(draft) } };
      if (draft.signer === 'certificate') return { type: 'x509', x509: { signingCertificates: pairOf(draft) } };
      return {
        type: 'x509',
        x509: { caReferences: { primary: draft.caPrimary, ...(draft.caSecondary ? { secondary: draft.caSecondary } : {}) } },
      };
  }
}

const deciderOf = (draft: Draft): EnrollmentGroup['customAllocationDefinition'] =>
  draft.decider === 'rule' ? { rule: draft.rule } : { webhookUrl: draft.webhookUrl.trim(), apiVersion: draft.webhookVersion };

const parsed = (text: string): Record<string, unknown> | undefined => (text.trim() === '' ? undefined : (JSON.parse(text) as Record<string, unknown>));

/** What the server is to store. `base`: what it has, with members that no field of the form shows. */
export function entryOf(draft: Draft, kind: Kind, base?: Entry): Entry {
  const initialTwin = parsed(draft.twin);
  const common = {
    attestation: attestationOf(draft, kind),
    capabilities: { iotEdge: draft.iotEdge },
    ...(initialTwin ? { initialTwin } : {}),
    provisioningStatus: draft.enabled ? ('enabled' as const) : ('disabled' as const),
    reprovisionPolicy: {
      updateHubAssignment: draft.reprovisioning !== 'never',
      migrateDeviceData: draft.reprovisioning === 'migrate',
    },
    ...(draft.policy ? { allocationPolicy: draft.policy, ...(draft.hubs.length > 0 ? { iotHubs: draft.hubs } : {}) } : {}),
    ...(draft.policy === 'custom' ? { customAllocationDefinition: deciderOf(draft) } : {}),
  };
  const unknown = unknownOf(base);
  if (kind === 'group') return { ...unknown, enrollmentGroupId: draft.id, ...common };
  const information = parsed(draft.information);
  return {
    ...unknown,
    registrationId: draft.id,
    ...(draft.deviceId ? { deviceId: draft.deviceId } : {}),
    ...(information ? { optionalDeviceInformation: information } : {}),
    ...common,
  };
}

const shown = new Set([
  'registrationId', 'enrollmentGroupId', 'deviceId', 'registrationState', 'optionalDeviceInformation', 'attestation', 'capabilities', 'iotHubHostName',
  'initialTwin', 'etag', 'provisioningStatus', 'reprovisionPolicy', 'createdDateTimeUtc', 'lastUpdatedDateTimeUtc', 'allocationPolicy', 'iotHubs',
  'customAllocationDefinition',
]);

const unknownOf = (base: Entry | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(base ?? {}).filter(([name]) => !shown.has(name)));
