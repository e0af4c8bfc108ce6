import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { invokeMethod } from '../../api/hub';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { JsonEditor } from '../../components/JsonEditor';
import { Section } from '../../components/Section';
import { jsonFault, prettyJson } from '../../lib/json';

/** Calls something on the device, and shows what it answers. */
export function MethodCall({ hub, device, isConnected }: { hub: string; device: string; isConnected: boolean }) {
  const [name, setName] = useState('');
  const [payload, setPayload] = useState('{}');
  const call = useMutation({ mutationFn: () => invokeMethod(hub, device, name, payload.trim() === '' ? null : JSON.parse(payload)) });
  const fault = payload.trim() === '' ? undefined : jsonFault(payload);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (name && !fault) call.mutate();
  };
  return (
    <Section title="Direct method" hint={isConnected ? 'Calls something on the device and waits up to 30 seconds for its answer.' : 'The device is not connected, so it cannot be called now.'}>
      <Form onSubmit={submit}>
        <Field label="Method" required>
          <Input value={name} onChange={(_, data) => setName(data.value.trim())} placeholder="reboot" autoComplete="off" spellCheck={false} />
        </Field>
        <JsonEditor label="Payload" value={payload} onChange={setPayload} rows={4} />
        {call.isError && <ErrorView error={call.error} title="The method was not called" />}
        {call.data && <JsonEditor label={`Answer, status ${call.data.status}`} value={prettyJson(call.data.payload)} rows={6} />}
        <FormActions>
          <Button type="submit" disabled={!isConnected || !name || fault !== undefined || call.isPending} icon={call.isPending ? <Spinner size="tiny" /> : undefined}>
            Call
          </Button>
        </FormActions>
      </Form>
    </Section>
  );
}
