// JSON to be edited: what is wrong with it is told while it is typed.

import { Button } from '@fluentui/react-components';
import { useMemo } from 'react';
import { jsonFault, prettyJson } from '../lib/json';
import { CodeEditor } from './CodeEditor';

interface JsonEditorProps {
  label: string;
  hint?: string;
  value: string;
  onChange?: (value: string) => void;
  rows?: number;
}

export function JsonEditor({ value, onChange, ...rest }: JsonEditorProps) {
  const fault = useMemo(() => (value.trim() === '' ? undefined : jsonFault(value)), [value]);
  return (
    <CodeEditor
      {...rest}
      value={value}
      onChange={onChange}
      fault={fault}
      actions={
        onChange && (
          <Button size="small" appearance="subtle" disabled={fault !== undefined || value.trim() === ''} onClick={() => onChange(prettyJson(JSON.parse(value)))}>
            Format
          </Button>
        )
      }
    />
  );
}
