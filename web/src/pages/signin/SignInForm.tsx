import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { signIn } from '../../api/session';
import type { Session } from '../../api/types';
import { asFault } from '../../api/fault';
import { ErrorView } from '../../components/ErrorView';
import styles from './SignIn.module.css';

interface SignInFormProps {
  /** Signing in again: as whom. */
  name?: string;
  onEnter: (session: Session) => void;
}

function faultWords(error: unknown): string | undefined {
  const fault = asFault(error);
  if (fault.status === 401) return 'Name or password is wrong. Passwords tell capital letters from small ones.';
  if (fault.status === 429) return `Too many wrong passwords. Wait ${fault.retryAfter ?? 60} seconds, then try again.`;
  return undefined;
}

export function SignInForm({ name: given, onEnter }: SignInFormProps) {
  const [name, setName] = useState(given ?? '');
  const [password, setPassword] = useState('');
  const enter = useMutation({
    mutationFn: () => signIn(name, password),
    onSuccess: onEnter,
    onError: () => setPassword(''),
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    enter.mutate();
  };
  const words = enter.isError ? faultWords(enter.error) : undefined;
  return (
    <form onSubmit={submit} className={styles.form}>
      {given === undefined && (
        <Field label="Name">
          <Input value={name} onChange={(_, data) => setName(data.value)} autoComplete="username" autoFocus required autoCapitalize="none" spellCheck={false} size="large" />
        </Field>
      )}
      <Field label="Password" validationMessage={words} validationState={words ? 'error' : 'none'}>
        <Input
          type="password"
          value={password}
          onChange={(_, data) => setPassword(data.value)}
          autoComplete="current-password"
          autoFocus={given !== undefined}
          required
          size="large"
        />
      </Field>
      {enter.isError && !words && <ErrorView error={enter.error} />}
      <Button type="submit" appearance="primary" size="large" disabled={enter.isPending} icon={enter.isPending ? <Spinner size="tiny" /> : undefined}>
        Sign in
      </Button>
    </form>
  );
}
