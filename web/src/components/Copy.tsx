// Text to be copied, and secrets to be shown and copied.

import { Button, Tooltip } from '@fluentui/react-components';
import { Checkmark16Regular, Copy16Regular, Eye16Regular, EyeOff16Regular } from '@fluentui/react-icons';
import { useEffect, useState } from 'react';
import { toast } from './toasts';
import styles from './Copy.module.css';

export function CopyButton({ value, label }: { value: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      toast('The browser did not let it be copied. Select the text and copy it by hand.', { intent: 'error' });
    }
  };
  return (
    <>
      <Tooltip content={copied ? 'Copied' : `Copy ${label}`} relationship="label">
        <Button
          size="small"
          appearance="subtle"
          icon={copied ? <Checkmark16Regular /> : <Copy16Regular />}
          onClick={() => void copy()}
        />
      </Tooltip>
      <span role="status" className="unseen">
        {copied ? 'Copied' : ''}
      </span>
    </>
  );
}

/** A value on one line, with a button that copies it. */
export function Copyable({ value, label, plain }: { value: string; label: string; plain?: boolean }) {
  return (
    <span className={styles.copyable}>
      {plain ? <span className={styles.value}>{value}</span> : <code className={styles.value}>{value}</code>}
      <CopyButton value={value} label={label} />
    </span>
  );
}

/** Dots until it is asked for. */
export function Secret({ value, label }: { value: string; label: string }) {
  const [shown, setShown] = useState(false);
  return (
    <span className={styles.copyable}>
      <code className={styles.value} data-secret={!shown || undefined}>
        {shown ? value : '•'.repeat(24)}
      </code>
      <Tooltip content={`${shown ? 'Hide' : 'Reveal'} ${label}`} relationship="label">
        <Button
          size="small"
          appearance="subtle"
          icon={shown ? <EyeOff16Regular /> : <Eye16Regular />}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
        />
      </Tooltip>
      <CopyButton value={value} label={label} />
    </span>
  );
}
