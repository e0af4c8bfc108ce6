// Which hub an enrollment's devices get, and what happens when they register again.

import { Field, Radio, RadioGroup, Select } from '@fluentui/react-components';
import type { EnrollmentPolicy, LinkedHubEntry } from '../../api/types';
import { Checks } from '../../components/Checks';
import { enrollmentPolicies } from '../allocation/policies';
import type { FieldsProps } from './AttestationFields';
import { DeciderFields } from './DeciderFields';
import type { Draft, Reprovisioning } from './draft';

const reprovisioning: readonly (readonly [Reprovisioning, string, string])[] = [
  ['migrate', 'Re-provision and migrate data', 'If the device is given another hub, its identity and twin move there.'],
  ['reset', 'Re-provision and reset to initial configuration', 'If the device is given another hub, it begins there with the initial twin.'],
  ['never', 'Never re-provision', 'The device stays on the hub that it was given first.'],
];

function HubChoice({ draft, faults, links, onChange }: FieldsProps & { links: LinkedHubEntry[] }) {
  // A hub that was unlinked meanwhile goes on being named until it is taken out.
  const names = [...new Set([...links.map((hub) => hub.name), ...draft.hubs])];
  const isLinked = (name: string) => links.some((hub) => hub.name === name);
  const labelOf = (name: string) => (isLinked(name) ? name : `${name} (no longer linked)`);
  if (draft.policy === 'static')
    return (
      <Field label="IoT hub" required validationState={faults.hubs ? 'error' : 'none'} validationMessage={faults.hubs}>
        <Select value={draft.hubs[0] ?? ''} onChange={(_, data) => onChange({ hubs: data.value ? [data.value] : [] })}>
          <option value="">Choose a hub</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {labelOf(name)}
            </option>
          ))}
        </Select>
      </Field>
    );
  return (
    <Checks
      label="IoT hubs"
      hint="None chosen means all that are linked and take part."
      options={names.map((name) => [name, labelOf(name)])}
      chosen={new Set(draft.hubs)}
      onChange={(hubs) => onChange({ hubs: names.filter((name) => hubs.has(name)) })}
    />
  );
}

export function AllocationFields(props: FieldsProps & { links: LinkedHubEntry[] }) {
  const { draft, onChange } = props;
  const chosen = enrollmentPolicies.find((policy) => policy.word === draft.policy);
  const choosePolicy = (policy: EnrollmentPolicy | '') => onChange({ policy, ...(policy === 'static' ? { hubs: draft.hubs.slice(0, 1) } : {}) });
  return (
    <>
      <Field label="Allocation policy" hint={chosen?.meaning}>
        <Select value={draft.policy} onChange={(_, data) => choosePolicy(data.value as Draft['policy'])}>
          {enrollmentPolicies.map((policy) => (
            <option key={policy.word} value={policy.word}>
              {policy.name}
            </option>
          ))}
        </Select>
      </Field>
      {draft.policy !== '' && <HubChoice {...props} />}
      {draft.policy === 'custom' && <DeciderFields {...props} />}
      <Field label="When the device registers again">
        <RadioGroup value={draft.reprovisioning} onChange={(_, data) => onChange({ reprovisioning: data.value as Reprovisioning })}>
          {reprovisioning.map(([value, name, meaning]) => (
            <Radio key={value} value={value} label={`${name}. ${meaning}`} />
          ))}
        </RadioGroup>
      </Field>
    </>
  );
}
