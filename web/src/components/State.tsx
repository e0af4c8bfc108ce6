import type { ReactNode } from 'react';
import styles from './State.module.css';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off';

/** A state: a shape and a word, never colour alone. */
export function State({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={styles.state} data-tone={tone}>
      <svg viewBox="0 0 12 12" aria-hidden="true" className={styles.mark}>
        {tone === 'good' && <path d="M2.5 6.4 5 8.8l4.6-5.4" />}
        {tone === 'busy' && <circle cx="6" cy="6" r="3.6" strokeDasharray="15 8" />}
        {tone === 'warn' && <path d="M6 2v4.6M6 9.4v.2" />}
        {tone === 'bad' && <path d="m3 3 6 6M9 3 3 9" />}
        {tone === 'off' && <path d="M2.5 6h7" />}
      </svg>
      {children}
    </span>
  );
}

const words: Record<string, [Tone, string]> = {
  assigned: ['good', 'Assigned'],
  assigning: ['busy', 'Assigning'],
  failed: ['bad', 'Failed'],
  refused: ['bad', 'Refused'],
  moved: ['good', 'Moved'],
  disabled: ['off', 'Disabled'],
  enabled: ['good', 'Enabled'],
  unassigned: ['off', 'Not registered yet'],
  Active: ['good', 'Active'],
  Connected: ['good', 'Connected'],
  Disconnected: ['off', 'Disconnected'],
  well: ['good', 'Reachable'],
  failing: ['warn', 'Failing'],
  brokenOff: ['bad', 'Not reachable'],
};

/** A state by the word that the APIs have for it. */
export function StateOf({ word }: { word: string | null | undefined }) {
  const [tone, text] = words[word ?? 'enabled'] ?? ['busy', word ?? ''];
  return <State tone={tone}>{text}</State>;
}
