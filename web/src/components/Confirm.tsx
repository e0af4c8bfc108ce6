// Asks before something that hurts. With `typed`, the name has to be written out.

import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useId, useState, type FormEvent, type ReactNode } from 'react';
import { Dialog } from './Dialog';
import { ErrorView } from './ErrorView';
import styles from './Confirm.module.css';

interface ConfirmProps {
  title: string;
  /** What will happen, and what will not. */
  children: ReactNode;
  /** The verb: "Delete". */
  action: string;
  typed?: string;
  onConfirm: () => Promise<unknown>;
  /** When it is done, or was not wanted. */
  onClose: (done: boolean) => void;
}

export function Confirm({ title, children, action, typed, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('');
  const run = useMutation({ mutationFn: onConfirm, onSuccess: () => onClose(true) });
  const ready = (typed === undefined || text === typed) && !run.isPending;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (ready) run.mutate();
  };
  const id = useId();
  const cancel = () => {
    if (!run.isPending) onClose(false);
  };
  return (
    <Dialog
      alert
      title={title}
      onClose={cancel}
      actions={
        <>
          <Button type="submit" form={id} appearance="primary" className={styles.danger} disabled={!ready} icon={run.isPending ? <Spinner size="tiny" /> : undefined}>
            {action}
          </Button>
          <Button onClick={cancel} disabled={run.isPending} autoFocus={typed === undefined}>
            Cancel
          </Button>
        </>
      }
    >
      <div>{children}</div>
      <form id={id} onSubmit={submit}>
        {typed !== undefined && (
          <Field label={`Type ${typed} to confirm`}>
            <Input value={text} onChange={(_, data) => setText(data.value)} autoComplete="off" spellCheck={false} autoFocus />
          </Field>
        )}
      </form>
      {run.isError && <ErrorView error={run.error} />}
    </Dialog>
  );
}
