// An error in words: what happened, what to do next, and the ID under which the server's log has it.

import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import { adviceOf, asFault } from '../api/fault';
import styles from './ErrorView.module.css';

interface ErrorViewProps {
  error: unknown;
  /** What was being tried: "The enrollment could not be saved". */
  title?: string;
  onRetry?: () => void;
}

export function ErrorView({ error, title, onRetry }: ErrorViewProps) {
  const fault = asFault(error);
  return (
    <MessageBar intent="error" layout="multiline" className={styles.bar} role="alert">
      <MessageBarBody className={styles.body}>
        {title && <MessageBarTitle>{title}. </MessageBarTitle>}
        {fault.message} <span>{adviceOf(fault)}</span>
        {(fault.trackingId ?? fault.status >= 400) && (
          <span className={styles.code}>
            {fault.status} · {fault.code}
            {fault.trackingId && ` · tracking ID ${fault.trackingId}`}
          </span>
        )}
      </MessageBarBody>
      {onRetry && (
        <MessageBarActions>
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}
