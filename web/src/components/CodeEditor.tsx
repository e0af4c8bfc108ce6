// Text of a language to be edited: numbered lines, the line of an error marked, and the error told in words.

import { useId } from '@fluentui/react-components';
import { useRef, type ReactNode } from 'react';
import styles from './CodeEditor.module.css';

export interface CodeFault {
  /** From 1 on; undefined: it is of the whole. */
  line?: number;
  column?: number;
  /** Where it stands in the text; undefined: at the beginning of its line. */
  offset?: number;
  message: string;
}

interface CodeEditorProps {
  label: string;
  hint?: string;
  required?: boolean;
  value: string;
  /** Undefined: it is only shown. */
  onChange?: (value: string) => void;
  fault?: CodeFault;
  rows?: number;
  /** At the right of the label. */
  actions?: ReactNode;
}

const startOf = (text: string, line: number): number => text.split('\n').slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);

/** Tab leaves it, as it leaves every field: nobody is caught in it without a mouse. */
export function CodeEditor({ label, hint, required, value, onChange, fault, rows = 12, actions }: CodeEditorProps) {
  const id = useId('code');
  const area = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  const lines = value.split('\n').length;
  const visible = Math.min(Math.max(rows, 4), Math.max(lines, 4));

  const jump = () => {
    if (!fault || !area.current) return;
    const line = fault.line ?? 1;
    const from = fault.offset ?? startOf(value, line);
    area.current.focus();
    area.current.setSelectionRange(from, fault.offset === undefined ? from + (value.split('\n')[line - 1]?.length ?? 0) : from + 1);
  };

  return (
    <div className={styles.editor}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {label}
          {required && (
            <span className={styles.required} aria-hidden="true">
              *
            </span>
          )}
        </label>
        {actions}
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
          required={required}
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
            {fault.line !== undefined && `Line ${fault.line}${fault.column === undefined ? '' : `, column ${fault.column}`}: `}
            {fault.message}
          </button>
        )}
      </p>
    </div>
  );
}
