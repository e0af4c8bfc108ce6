// JSON to be edited: numbered lines, the line of an error marked, and the error told in words.

import { Button, useId } from '@fluentui/react-components';
import { useMemo, useRef } from 'react';
import { jsonFault, prettyJson } from '../lib/json';
import styles from './JsonEditor.module.css';

interface JsonEditorProps {
  label: string;
  hint?: string;
  value: string;
  onChange?: (value: string) => void;
  rows?: number;
}

export function JsonEditor({ label, hint, value, onChange, rows = 12 }: JsonEditorProps) {
  const id = useId('json');
  const area = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  const fault = useMemo(() => (value.trim() === '' ? undefined : jsonFault(value)), [value]);
  const lines = value.split('\n').length;
  const visible = Math.min(Math.max(rows, 4), Math.max(lines, 4));

  const jump = () => {
    if (!fault || !area.current) return;
    area.current.focus();
    area.current.setSelectionRange(fault.offset, fault.offset + 1);
  };

  return (
    <div className={styles.editor}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {label}
        </label>
        {onChange && (
          <Button size="small" appearance="subtle" disabled={fault !== undefined || value.trim() === ''} onClick={() => onChange(prettyJson(JSON.parse(value)))}>
            Format
          </Button>
        )}
      </div>
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      <div className={styles.frame} data-fault={fault ? true : undefined}>
        <div className={styles.numbers} ref={numbers} aria-hidden="true">
          {Array.from({ length: lines }, (_, i) => (
            <div key={i} data-fault={fault?.line === i + 1 || undefined}>
              {i + 1}
            </div>
          ))}
        </div>
        <textarea
          id={id}
          ref={area}
          className={styles.area}
          value={value}
          rows={visible}
          readOnly={!onChange}
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          aria-invalid={fault ? true : undefined}
          aria-describedby={`${hint ? `${id}-hint ` : ''}${id}-fault`}
          onChange={(e) => onChange?.(e.target.value)}
          onScroll={(e) => {
            if (numbers.current) numbers.current.scrollTop = e.currentTarget.scrollTop;
          }}
        />
      </div>
      <p id={`${id}-fault`} className={styles.fault} role="status">
        {fault && (
          <button type="button" onClick={jump}>
            Line {fault.line}, column {fault.column}: {fault.message}
          </button>
        )}
      </p>
    </div>
  );
}
