// The form of an enrollment: individual or group, to be added or changed.

import { Button, Field, Input, Spinner, Switch } from '@fluentui/react-components';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import { flushSync } from 'react-dom';
import { Fault } from '../../api/fault';
import { keys } from '../../api/keys';
import { listCertificates, readService } from '../../api/manage';
import { useMayChange } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions, Pair, StickyActions } from '../../components/Form';
import { JsonEditor } from '../../components/JsonEditor';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Section, Stack } from '../../components/Section';
import { AllocationFields } from './AllocationFields';
import { AttestationFields } from './AttestationFields';
import type { Draft, Kind } from './draft';
import { faultsOf, type Faults } from './faults';

interface EntryFormProps {
  service: string;
  kind: Kind;
  initial: Draft;
  isNew: boolean;
  busy: boolean;
  error: unknown;
  back: string;
  /** `over`: whatever is there meanwhile. */
  onSave: (draft: Draft, over?: boolean) => void;
  /** Reads again what somebody else has made of it. */
  onTheirs?: () => void;
}

/** While typing, what is typed is judged; what is missing, once saving was tried. Nothing moves when a field is left: a click would miss. */
export function EntryForm({ service, kind, initial, isNew, busy, error, back, onSave, onTheirs }: EntryFormProps) {
  const mayChange = useMayChange();
  const [draft, setDraft] = useState(initial);
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLDivElement>(null);
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const certificates = useQuery({ queryKey: keys.certificates(service), queryFn: ({ signal }) => listCertificates(service, signal), enabled: kind === 'group' });

  const all = faultsOf(draft, kind);
  const faults: Faults = tried ? all : { id: draft.id ? all.id : undefined, deviceId: all.deviceId };
  const isConflict = !isNew && !busy && error instanceof Fault && error.status === 412;
  const dirty = draft !== initial;
  useLeaveGuard(dirty && !busy);

  const change = (more: Partial<Draft>) => setDraft((now) => ({ ...now, ...more }));
  const fields = { service, kind, draft, faults, isNew, onChange: change };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (Object.keys(all).length === 0) return onSave(draft);
    // At once: what is typed next must not land in the field that had the focus a frame ago.
    flushSync(() => setTried(true));
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus();
  };

  return (
    <div ref={form}>
      <Form onSubmit={submit} readOnly={!mayChange}>
        <Stack>
          <Section title={kind === 'group' ? 'Group' : 'Device'}>
            <Stack>
              <Pair>
                <Field
                  label={kind === 'group' ? 'Group name' : 'Registration ID'}
                  required
                  hint={kind === 'group' ? 'For you; devices do not name their group.' : 'The name under which the device registers.'}
                  validationState={faults.id ? 'error' : 'none'}
                  validationMessage={faults.id}
                >
                  <Input
                    value={draft.id}
                    onChange={(_, data) => change({ id: data.value.trim() })}
                    readOnly={!isNew}
                    autoFocus={isNew}
                    autoComplete="off"
                    spellCheck={false}
                  />
                </Field>
                {kind === 'individual' && (
                  <Field
                    label="IoT hub device ID"
                    hint="Its name on the hub. Left empty, it is the registration ID."
                    validationState={faults.deviceId ? 'error' : 'none'}
                    validationMessage={faults.deviceId}
                  >
                    <Input value={draft.deviceId} onChange={(_, data) => change({ deviceId: data.value.trim() })} autoComplete="off" spellCheck={false} />
                  </Field>
                )}
              </Pair>
              <Pair>
                <Switch
                  label={draft.enabled ? 'Enabled: may register' : 'Disabled: is refused'}
                  checked={draft.enabled}
                  onChange={(_, data) => change({ enabled: data.checked })}
                />
                <Switch label={draft.iotEdge ? 'IoT Edge device' : 'No IoT Edge device'} checked={draft.iotEdge} onChange={(_, data) => change({ iotEdge: data.checked })} />
              </Pair>
            </Stack>
          </Section>
          <Section title="Attestation" hint={kind === 'group' ? 'How its devices prove that they belong to the group.' : 'How the device proves who it is.'}>
            <Stack>
              <AttestationFields {...fields} certificates={certificates.data ?? []} />
            </Stack>
          </Section>
          <Section title="Allocation">
            <Stack>
              <AllocationFields {...fields} links={resource.data?.properties.iotHubs ?? []} />
            </Stack>
          </Section>
          <Section title="Initial device twin" hint="What the device’s twin on its hub begins with.">
            <JsonEditor label="Tags and desired properties" value={draft.twin} onChange={(twin) => change({ twin })} />
            {tried && faults.twin && !faults.twin.startsWith('Line') && <p role="alert">{faults.twin}</p>}
          </Section>
          {kind === 'individual' && (
            <Section title="Device information" hint="Anything you want to keep beside the enrollment. It goes neither to the hub nor to the device.">
              <JsonEditor label="Optional device information" value={draft.information} onChange={(information) => change({ information })} rows={5} />
            </Section>
          )}
          {error !== null && error !== undefined && <ErrorView error={error} title="It was not saved" />}
          {isConflict && (
            <FormActions>
              <Button onClick={onTheirs}>Show what is there now</Button>
              <Button onClick={() => onSave(draft, true)}>Save mine over it</Button>
            </FormActions>
          )}
        </Stack>
        {mayChange && (
          <StickyActions>
            <Button type="submit" appearance="primary" disabled={busy || (!isNew && !dirty)} icon={busy ? <Spinner size="tiny" /> : undefined}>
              Save
            </Button>
            <ButtonLink href={back}>Cancel</ButtonLink>
          </StickyActions>
        )}
      </Form>
    </div>
  );
}
