// The row above a list: a search field and choices. Typing waits for a pause before it asks.

import { Button, Input, Select } from '@fluentui/react-components';
import { Dismiss16Regular, Search16Regular } from '@fluentui/react-icons';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import styles from './Filters.module.css';

export function Filters({ children }: { children: ReactNode }) {
  return (
    <div className={styles.filters} role="search">
      {children}
    </div>
  );
}

const pause = 250;

export function SearchField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text.trim();
      onChange(text.trim());
    }, pause);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  return (
    <Input
      className={styles.search}
      type="text"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(_, data) => setText(data.value)}
      contentBefore={<Search16Regular aria-hidden />}
      contentAfter={
        text ? <Button size="small" appearance="transparent" icon={<Dismiss16Regular />} aria-label="Clear" onClick={() => setText('')} /> : undefined
      }
      autoComplete="off"
      spellCheck={false}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  /** "" is no filter. */
  options: readonly (readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <Select aria-label={label} value={value} onChange={(_, data) => onChange(data.value)} className={styles.choice}>
      {options.map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </Select>
  );
}
