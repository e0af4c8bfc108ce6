// What is missing or wrong in a form, field by field, before the server is asked.

import { faultOfDeviceId, faultOfRegistrationId } from '../../lib/ids';
import { jsonFault } from '../../lib/json';
import { faultOfKey } from '../../lib/keys';
import type { Draft, Kind, SlotDraft } from './draft';

export type Faults = Partial<Record<keyof Draft, string>>;

const isEmpty = (slot: SlotDraft): boolean => !slot.given && (!slot.stored || slot.removed === true);

function faultOfJson(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const fault = jsonFault(text);
  if (fault) return `Line ${fault.line}: ${fault.message}`;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'It must be an object: {…}.';
}

const twinParts = new Set(['tags', 'properties']);

function faultOfTwin(text: string): string | undefined {
  const fault = faultOfJson(text);
  if (fault || text.trim() === '') return fault;
  const twin = JSON.parse(text) as Record<string, unknown>;
  const stranger = Object.keys(twin).find((name) => !twinParts.has(name));
  if (stranger) return `A twin has "tags" and "properties"; "${stranger}" belongs into one of them.`;
  const { properties } = twin;
  if (properties === undefined) return undefined;
  if (typeof properties !== 'object' || properties === null) return '"properties" must be an object.';
  const inner = Object.keys(properties).find((name) => name !== 'desired');
  return inner ? `Of "properties", only "desired" can be set; "${inner}" cannot.` : undefined;
}

function attestationFaults(draft: Draft, kind: Kind): Faults {
  switch (draft.attestation) {
    case 'symmetricKey':
      if (draft.keys !== 'enter') return {};
      return { primaryKey: faultOfKey(draft.primaryKey), secondaryKey: faultOfKey(draft.secondaryKey) };
    case 'tpm':
      return {
        endorsementKey: /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(draft.endorsementKey) ? undefined : 'The endorsement key of the TPM, as base64 text.',
      };
    case 'x509':
      if (kind === 'group' && draft.signer === 'reference') return { caPrimary: draft.caPrimary ? undefined : 'Choose a verified CA certificate.' };
      return { primary: isEmpty(draft.primary) ? 'A primary certificate is needed.' : undefined };
  }
}

/** Bytes of UTF-8, as the server has it. */
export const ruleMost = 8192;

/** Whether it is a rule at all is for the server to say, which runs it. */
function faultOfRule(rule: string): string | undefined {
  if (rule.trim() === '') return 'Write a rule, or choose a web hook.';
  const size = new TextEncoder().encode(rule).length;
  return size > ruleMost ? `At most ${ruleMost} bytes; this one has ${size}.` : undefined;
}

function allocationFaults(draft: Draft): Faults {
  if (draft.policy === 'static') return { hubs: draft.hubs.length === 1 ? undefined : 'Choose the one hub.' };
  if (draft.policy !== 'custom') return {};
  if (draft.decider === 'rule') return { rule: faultOfRule(draft.rule) };
  return { webhookUrl: /^https?:\/\/[^\s/]\S*$/i.test(draft.webhookUrl.trim()) ? undefined : 'An address that begins with https:// or http://.' };
}

export function faultsOf(draft: Draft, kind: Kind): Faults {
  const all: Faults = {
    id: faultOfRegistrationId(draft.id),
    deviceId: faultOfDeviceId(draft.deviceId),
    ...attestationFaults(draft, kind),
    ...allocationFaults(draft),
    twin: faultOfTwin(draft.twin),
    information: faultOfJson(draft.information),
  };
  return Object.fromEntries(Object.entries(all).filter(([, sentence]) => sentence !== undefined));
}
