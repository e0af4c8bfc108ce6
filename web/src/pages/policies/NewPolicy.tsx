import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useState, type FormEvent } from 'react';
import type { AccessPolicy } from '../../api/types';
import { Checks } from '../../components/Checks';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { Section } from '../../components/Section';
import { rights } from './rights';

interface NewPolicyProps {
  owner: 'service' | 'hub';
  taken: string[];
  error: unknown;
  busy: boolean;
  onAdd: (policy: AccessPolicy) => void;
  onClose: () => void;
}

export function NewPolicy({ owner, taken, error, busy, onAdd, onClose }: NewPolicyProps) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const isTaken = taken.some((other) => other.toLowerCase() === name.toLowerCase());
  const fault = isTaken ? 'There is a policy of this name.' : name !== '' && !/^[A-Za-z0-9._-]{1,64}$/.test(name) ? 'Letters, digits and - . _ only.' : undefined;
  const ready = name !== '' && !fault && chosen.size > 0 && !busy;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const inOrder = rights[owner].map((right) => right.word).filter((word) => chosen.has(word));
    if (ready) onAdd({ keyName: name, rights: inOrder.join(', ') });
  };
  return (
    <Section title="Add a shared access policy">
      <Form onSubmit={submit}>
        <Field label="Name" required validationState={fault ? 'error' : 'none'} validationMessage={fault}>
          <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" spellCheck={false} />
        </Field>
        <Checks label="Rights" options={rights[owner].map(({ word, meaning }) => [word, `${word}: ${meaning}`])} chosen={chosen} onChange={setChosen} />
        {error !== null && error !== undefined && <ErrorView error={error} title="The policy was not added" />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!ready} icon={busy ? <Spinner size="tiny" /> : undefined}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </FormActions>
      </Form>
    </Section>
  );
}
