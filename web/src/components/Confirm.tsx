// Asks before something that hurts. With `typed`, the name has to be written out.

import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  Spinner,
} from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
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
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && !run.isPending && onClose(false)}>
      <DialogSurface>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent className={styles.content}>
              <div>{children}</div>
              {typed !== undefined && (
                <Field label={`Type ${typed} to confirm`} className={styles.field}>
                  <Input value={text} onChange={(_, data) => setText(data.value)} autoComplete="off" spellCheck={false} autoFocus />
                </Field>
              )}
              {run.isError && <ErrorView error={run.error} />}
            </DialogContent>
            <DialogActions>
              <Button type="submit" appearance="primary" className={styles.danger} disabled={!ready} icon={run.isPending ? <Spinner size="tiny" /> : undefined}>
                {action}
              </Button>
              <Button onClick={() => onClose(false)} disabled={run.isPending} autoFocus={typed === undefined}>
                Cancel
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
