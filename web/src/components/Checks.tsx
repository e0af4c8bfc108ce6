import { Checkbox } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import styles from './Checks.module.css';

interface ChecksProps {
  label: string;
  hint?: ReactNode;
  options: readonly (readonly [value: string, text: string])[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

/** Any number of several. */
export function Checks({ label, hint, options, chosen, onChange }: ChecksProps) {
  return (
    <fieldset className={styles.checks}>
      <legend>{label}</legend>
      {options.map(([value, text]) => (
        <div key={value}>
          <Checkbox
            label={text}
            checked={chosen.has(value)}
            onChange={(_, data) => {
              const next = new Set(chosen);
              if (data.checked) next.add(value);
              else next.delete(value);
              onChange(next);
            }}
          />
        </div>
      ))}
      {hint && <p className={styles.hint}>{hint}</p>}
    </fieldset>
  );
}
