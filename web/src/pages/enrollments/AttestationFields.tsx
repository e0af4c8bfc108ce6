// How a device proves who it is: one set of fields for each way.

import { Button, Field, Input, Radio, RadioGroup, Select, Textarea } from '@fluentui/react-components';
import type { CaCertificate } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { CertificateDrop, droppedOf } from '../../components/CertificateDrop';
import { Pair } from '../../components/Form';
import { makeKey } from '../../lib/keys';
import { readTime } from '../../lib/time';
import type { Draft, Kind, SlotDraft } from './draft';
import type { Faults } from './faults';

export interface FieldsProps {
  service: string;
  kind: Kind;
  draft: Draft;
  /** Only those that are to be shown already. */
  faults: Faults;
  isNew: boolean;
  onChange: (change: Partial<Draft>) => void;
}

const state = (fault: string | undefined) => (fault ? 'error' : 'none');

function KeyFields({ draft, faults, isNew, onChange }: FieldsProps) {
  const choices = [
    ...(isNew ? [] : [['keep', 'Keep the keys there are'] as const]),
    ...(isNew ? [['generate', 'Generate keys'] as const] : []),
    ['enter', isNew ? 'Enter keys' : 'Use other keys'] as const,
  ];
  return (
    <>
      <Field label="Keys">
        <RadioGroup value={draft.keys} onChange={(_, data) => onChange({ keys: data.value as Draft['keys'] })}>
          {choices.map(([value, label]) => (
            <Radio key={value} value={value} label={label} />
          ))}
        </RadioGroup>
      </Field>
      {draft.keys === 'enter' && (
        <>
          {(['primaryKey', 'secondaryKey'] as const).map((which) => (
            <Field
              key={which}
              label={which === 'primaryKey' ? 'Primary key' : 'Secondary key'}
              required
              hint="Base64 text of 16 to 64 bytes."
              validationState={state(faults[which])}
              validationMessage={faults[which]}
            >
              <Input
                value={draft[which]}
                onChange={(_, data) => onChange({ [which]: data.value })}
                autoComplete="off"
                spellCheck={false}
                contentAfter={
                  <Button size="small" appearance="transparent" onClick={() => onChange({ [which]: makeKey() })}>
                    Generate
                  </Button>
                }
              />
            </Field>
          ))}
        </>
      )}
    </>
  );
}

/** A certificate that is stored shows as if it had been dropped just now. */
function Slot({ label, hint, fault, slot, onChange }: { label: string; hint?: string; fault?: string; slot: SlotDraft; onChange: (slot: SlotDraft) => void }) {
  const bare = (name: string) => name.replace(/^CN=/, '');
  const stored =
    slot.stored && !slot.removed
      ? { pem: '', subject: bare(slot.stored.subjectName), issuer: bare(slot.stored.issuerName), notAfter: readTime(slot.stored.notAfterUtc) }
      : undefined;
  return (
    <Field validationState={state(fault)} validationMessage={fault}>
      <CertificateDrop
        label={label}
        hint={hint}
        value={slot.given ?? stored}
        onChange={(given) => onChange(given ? { ...slot, given } : { stored: slot.stored, removed: true })}
      />
    </Field>
  );
}

function CertificateFields({ kind, draft, faults, onChange }: FieldsProps) {
  const whose = kind === 'group' ? 'signing certificate' : 'certificate';
  return (
    <Pair>
      <Slot label={`Primary ${whose}`} fault={faults.primary} slot={draft.primary} onChange={(primary) => onChange({ primary })} />
      <Slot
        label={`Secondary ${whose}`}
        hint="For the change from one to the next."
        slot={draft.secondary}
        onChange={(secondary) => onChange({ secondary })}
      />
    </Pair>
  );
}

function ReferenceFields({ service, draft, faults, certificates, onChange }: FieldsProps & { certificates: CaCertificate[] }) {
  const verified = certificates.filter((ca) => ca.properties.isVerified);
  return (
    <Pair>
      {(['caPrimary', 'caSecondary'] as const).map((which) => (
        <Field
          key={which}
          label={which === 'caPrimary' ? 'Primary CA certificate' : 'Secondary CA certificate'}
          required={which === 'caPrimary'}
          validationState={state(faults[which])}
          validationMessage={faults[which]}
          hint={
            which === 'caPrimary' && verified.length === 0 ? (
              <>
                No CA certificate is verified yet. <Anchor href={paths.certificates(service)}>Certificates</Anchor>
              </>
            ) : undefined
          }
        >
          <Select value={draft[which]} onChange={(_, data) => onChange({ [which]: data.value })}>
            <option value="">{which === 'caPrimary' ? 'Choose one' : 'None'}</option>
            {verified.map((ca) => (
              <option key={ca.name} value={ca.name}>
                {ca.name} ({ca.properties.subject})
              </option>
            ))}
          </Select>
        </Field>
      ))}
    </Pair>
  );
}

function TpmFields({ service, draft, faults, onChange }: FieldsProps) {
  return (
    <>
      <Field
        label="Endorsement key"
        required
        hint={
          <>
            The public part of the TPM’s endorsement key, as base64 text. On the device, <code>berth device tpm show</code> prints it; or its maker supplies it.
          </>
        }
        validationState={state(faults.endorsementKey)}
        validationMessage={faults.endorsementKey}
      >
        <Textarea value={draft.endorsementKey} onChange={(_, data) => onChange({ endorsementKey: data.value })} rows={4} resize="vertical" spellCheck={false} />
      </Field>
      <CertificateDrop
        label="Endorsement certificate"
        hint={
          <>
            If given, it must be of this key, and lead to one of the <Anchor href={paths.certificates(service)}>TPM manufacturers’ roots</Anchor> of the service.
            Intermediates may come along in the same file.
          </>
        }
        value={droppedOf(draft.endorsementCertificate)}
        onChange={(given) => onChange({ endorsementCertificate: given?.pem ?? '' })}
      />
    </>
  );
}

const mechanisms: Record<Kind, readonly (readonly [Draft['attestation'], string])[]> = {
  individual: [
    ['symmetricKey', 'Symmetric key: the device has a key of its own'],
    ['x509', 'X.509: the device has a certificate'],
    ['tpm', 'TPM: the device has a security chip'],
  ],
  group: [
    ['symmetricKey', 'Symmetric key: each device has a key derived from the group’s'],
    ['x509', 'X.509: each device has a certificate of the same CA'],
  ],
};

export function AttestationFields({ certificates, ...props }: FieldsProps & { certificates: CaCertificate[] }) {
  const { kind, draft, onChange } = props;
  return (
    <>
      <Field label="Mechanism" required>
        <RadioGroup value={draft.attestation} onChange={(_, data) => onChange({ attestation: data.value as Draft['attestation'], keys: props.isNew ? draft.keys : 'enter' })}>
          {mechanisms[kind].map(([value, label]) => (
            <Radio key={value} value={value} label={label} />
          ))}
        </RadioGroup>
      </Field>
      {draft.attestation === 'symmetricKey' && <KeyFields {...props} />}
      {draft.attestation === 'x509' && kind === 'group' && (
        <Field label="The CA is known by">
          <RadioGroup value={draft.signer} onChange={(_, data) => onChange({ signer: data.value as Draft['signer'] })}>
            <Radio value="certificate" label="An intermediate or root certificate given here" />
            <Radio value="reference" label="A CA certificate of the service" />
          </RadioGroup>
        </Field>
      )}
      {draft.attestation === 'x509' && (kind === 'individual' || draft.signer === 'certificate') && <CertificateFields {...props} />}
      {draft.attestation === 'x509' && kind === 'group' && draft.signer === 'reference' && <ReferenceFields {...props} certificates={certificates} />}
      {draft.attestation === 'tpm' && <TpmFields {...props} />}
    </>
  );
}
