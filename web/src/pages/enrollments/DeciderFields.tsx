// Who decides under a custom policy: a web hook that is asked, or a rule that is written here.

import { Field, Input, Radio, RadioGroup, Select } from '@fluentui/react-components';
import type { LinkedHubEntry } from '../../api/types';
import { Pair } from '../../components/Form';
import type { FieldsProps } from './AttestationFields';
import type { Draft } from './draft';
import { RuleFields } from './RuleFields';

const inTheClear = 'Without TLS, the payload, and keys in the address, can be read on the way: only within a network of your own.';

function WebHookFields({ draft, faults, onChange }: FieldsProps) {
  const isClear = /^http:\/\//i.test(draft.webhookUrl.trim());
  return (
    <Pair>
      <Field
        label="Web hook"
        required
        hint="It is sent the device and the linked hubs, and answers with one of them."
        validationState={faults.webhookUrl ? 'error' : isClear ? 'warning' : 'none'}
        validationMessage={faults.webhookUrl ?? (isClear ? inTheClear : undefined)}
      >
        <Input type="url" value={draft.webhookUrl} onChange={(_, data) => onChange({ webhookUrl: data.value })} placeholder="https://…" autoComplete="off" />
      </Field>
      <Field label="Shape of the request">
        <Select value={draft.webhookVersion} onChange={(_, data) => onChange({ webhookVersion: data.value })}>
          {[...new Set(['2021-10-01', '2019-03-31', '2018-09-01-preview', draft.webhookVersion])].map((version) => (
            <option key={version}>{version}</option>
          ))}
        </Select>
      </Field>
    </Pair>
  );
}

export function DeciderFields(props: FieldsProps & { links: LinkedHubEntry[] }) {
  const { draft, onChange } = props;
  return (
    <>
      <Field label="Who decides">
        <RadioGroup value={draft.decider} onChange={(_, data) => onChange({ decider: data.value as Draft['decider'] })}>
          <Radio value="webhook" label="Web hook: a server of yours is asked for every device" />
          <Radio value="rule" label="Rule: an expression that is written here and runs within this server" />
        </RadioGroup>
      </Field>
      {draft.decider === 'webhook' ? <WebHookFields {...props} /> : <RuleFields {...props} />}
    </>
  );
}
