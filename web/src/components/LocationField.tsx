import { Field, Input } from '@fluentui/react-components';
import { useId } from 'react';
import { faultOfLocation, regions } from '../lib/places';

/** Where a hub stands: a region by name, or coordinates. */
export function LocationField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const id = useId();
  const fault = faultOfLocation(value.trim());
  return (
    <Field
      label="Location"
      hint="For lowest latency: a region by name, West Europe for example, or latitude and longitude: 47.38,8.54."
      validationState={fault ? 'error' : 'none'}
      validationMessage={fault}
    >
      <Input value={value} onChange={(_, data) => onChange(data.value)} list={id} autoComplete="off" spellCheck={false} />
      <datalist id={id}>
        {regions.map((region) => (
          <option key={region} value={region} />
        ))}
      </datalist>
    </Field>
  );
}
