// The operator's own account: password, sessions, appearance.

import { Button, Field, Input, Radio, RadioGroup, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { changePassword, signOut } from '../../api/session';
import { setAppearance, useAppearance, type Appearance } from '../../app/appearance';
import { useSession } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Form, FormActions } from '../../components/Form';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { toast } from '../../components/toasts';
import { asFault } from '../../api/fault';
import { faultOfPassword } from '../../lib/ids';

function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    mutationFn: () => changePassword(current, next),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      setAgain('');
      toast('The password is changed. All your other sessions have ended.');
    },
  });
  const nextFault = next === '' ? undefined : faultOfPassword(next);
  const againFault = again !== '' && again !== next ? 'This is not the same.' : undefined;
  const isWrong = change.isError && asFault(change.error).status === 403;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (current && next && next === again && !nextFault) change.mutate();
  };
  return (
    <Section title="Password">
      <Form onSubmit={submit}>
        <Field label="Current password" required validationState={isWrong ? 'error' : 'none'} validationMessage={isWrong ? 'The current password is wrong.' : undefined}>
          <Input type="password" value={current} onChange={(_, data) => setCurrent(data.value)} autoComplete="current-password" />
        </Field>
        <Field label="New password" required hint="12 to 128 characters. A sentence is easier to remember than a word." validationState={nextFault ? 'error' : 'none'} validationMessage={nextFault}>
          <Input type="password" value={next} onChange={(_, data) => setNext(data.value)} autoComplete="new-password" />
        </Field>
        <Field label="New password again" required validationState={againFault ? 'error' : 'none'} validationMessage={againFault}>
          <Input type="password" value={again} onChange={(_, data) => setAgain(data.value)} autoComplete="new-password" />
        </Field>
        {change.isError && !isWrong && <ErrorView error={change.error} title="The password was not changed" />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!current || !next || next !== again || nextFault !== undefined || change.isPending} icon={change.isPending ? <Spinner size="tiny" /> : undefined}>
            Change password
          </Button>
        </FormActions>
      </Form>
    </Section>
  );
}

export default function Account() {
  const session = useSession();
  const appearance = useAppearance();
  const [leaving, setLeaving] = useState(false);
  return (
    <Page narrow title="Account">
      <Stack>
        <Section title="You">
          <Facts
            facts={[
              ['Name', session.name],
              ['Role', session.role === 'administrator' ? 'Administrator: may do everything' : 'Reader: may look at everything but keys, and change nothing'],
              ['Server', `Berth ${session.version} of ${session.domain}`],
            ]}
          />
        </Section>
        <Section title="Appearance">
          <RadioGroup aria-label="Appearance" value={appearance} onChange={(_, data) => setAppearance(data.value as Appearance)}>
            <Radio value="system" label="As the system has it" />
            <Radio value="light" label="Light" />
            <Radio value="dark" label="Dark" />
          </RadioGroup>
        </Section>
        <Password />
        <Section title="Sessions" hint="If you signed in on a computer that others use, end all sessions.">
          <Button onClick={() => setLeaving(true)}>Sign out everywhere</Button>
        </Section>
      </Stack>
      {leaving && (
        <Confirm title="Sign out everywhere?" action="Sign out everywhere" onConfirm={() => signOut(true)} onClose={(done) => (done ? window.location.assign('/') : setLeaving(false))}>
          All your sessions end, this one too.
        </Confirm>
      )}
    </Page>
  );
}
