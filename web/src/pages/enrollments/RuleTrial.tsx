// A rule tried on a device that is made up: which hub it would get, and what that cost. Nothing is registered or saved.

import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState, type KeyboardEvent } from 'react';
import { testRule } from '../../api/allocation';
import type { RuleTest, RuleVerdict } from '../../api/types';
import type { CodeFault } from '../../components/CodeEditor';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { JsonEditor } from '../../components/JsonEditor';
import { State } from '../../components/State';
import { formatBytes, plural } from '../../lib/format';
import { faultOfRegistrationId } from '../../lib/ids';
import { jsonFault } from '../../lib/json';
import type { FieldsProps } from './AttestationFields';
import styles from './Rule.module.css';

function Verdict({ verdict }: { verdict: RuleVerdict }) {
  const { hub, sentence, instructions, memory, error } = verdict;
  return (
    <Facts
      facts={[
        ['Hub', hub ? <strong className={styles.hub}>{hub}</strong> : <State tone={error ? 'bad' : 'warn'}>{error ? 'The rule failed' : 'Turned away'}</State>],
        ['Why', sentence],
        error && ['Mistake', `Line ${error.line}: ${error.message}`],
        ['It took', `${plural(instructions, 'instruction')}, ${formatBytes(memory)} of memory`],
      ]}
    />
  );
}

interface RuleTrialProps extends FieldsProps {
  /** Where in the rule the mistake is; undefined: there is none. */
  onFault: (fault: CodeFault | undefined) => void;
}

export function RuleTrial({ service, kind, draft, isNew, onFault }: RuleTrialProps) {
  const [other, setOther] = useState<string>();
  const [payload, setPayload] = useState('');
  const id = other ?? (kind === 'individual' ? draft.id : '');
  const run = useMutation({
    mutationFn: (test: RuleTest) => testRule(service, test),
    onMutate: () => onFault(undefined),
    onSuccess: ({ error }) => onFault(error),
  });
  const isReady = draft.rule.trim() !== '' && id !== '' && faultOfRegistrationId(id) === undefined && (payload.trim() === '' || jsonFault(payload) === undefined);
  const start = () => {
    if (!isReady || run.isPending) return;
    run.mutate({
      rule: draft.rule,
      registrationId: id,
      ...(payload.trim() === '' ? {} : { payload: JSON.parse(payload) as unknown }),
      ...(isNew ? {} : { [kind === 'individual' ? 'enrollment' : 'group']: draft.id }),
      ...(draft.hubs.length > 0 ? { iotHubs: draft.hubs } : {}),
    });
  };
  // Enter tries the rule; it would save the form.
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key !== 'Enter') return;
    e.preventDefault();
    start();
  };
  const idFault = id === '' ? undefined : faultOfRegistrationId(id);
  return (
    <div className={styles.trial} role="group" aria-label="Try the rule">
      <Field label="Try it as device" hint="A registration ID. Nothing is registered." validationState={idFault ? 'error' : 'none'} validationMessage={idFault}>
        <Input value={id} onChange={(_, data) => setOther(data.value.trim())} onKeyDown={onKeyDown} autoComplete="off" spellCheck={false} />
      </Field>
      <JsonEditor label="Payload it sends" hint='Left empty, it sends none: {"model":"P9"}, for example.' value={payload} onChange={setPayload} rows={6} />
      <div>
        <Button disabled={!isReady || run.isPending} onClick={start} icon={run.isPending ? <Spinner size="tiny" /> : undefined}>
          Run
        </Button>
      </div>
      {run.isError && <ErrorView error={run.error} title="The rule was not run" />}
      <div role="status">{run.data && <Verdict verdict={run.data} />}</div>
    </div>
  );
}
