// The twin of a device: tags and desired properties to be edited, reported ones to be seen.

import { Button, MessageBar, MessageBarBody, Spinner } from '@fluentui/react-components';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { readTwin, replaceTwin } from '../../api/hub';
import { keys } from '../../api/keys';
import type { Twin } from '../../api/types';
import { useMayChange } from '../../app/session';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { JsonEditor } from '../../components/JsonEditor';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Columns, Section } from '../../components/Section';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { desiredText, faultOfPart, reportedText, tagsText, updatedOf, versionOf } from './twinParts';

interface Texts {
  tags: string;
  desired: string;
}

const textsOf = (twin: Twin): Texts => ({ tags: tagsText(twin), desired: desiredText(twin) });
const bodyOf = ({ tags, desired }: Texts) => ({
  tags: JSON.parse(tags) as Record<string, unknown>,
  properties: { desired: JSON.parse(desired) as Record<string, unknown> },
});

export function TwinEditor({ hub, twin }: { hub: string; twin: Twin }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  // What was edited, and the twin that it was edited from: the twin may move on below.
  const [edit, setEdit] = useState<{ texts: Texts; from: Twin }>();
  const texts = edit?.texts ?? textsOf(twin);
  const before = textsOf(edit?.from ?? twin);
  const dirty = edit !== undefined && (texts.tags !== before.tags || texts.desired !== before.desired);
  const moved = edit !== undefined && edit.from.etag !== twin.etag;
  const fault = faultOfPart(texts.tags) ?? faultOfPart(texts.desired);
  useLeaveGuard(dirty);

  const show = (next: Twin) => client.setQueryData(keys.hubTwin(hub, twin.deviceId), next);
  const save = useMutation({
    mutationFn: ({ texts: wanted, etag }: { texts: Texts; etag: string }) => replaceTwin(hub, twin.deviceId, bodyOf(wanted), etag),
    onSuccess: (next) => {
      const old = before;
      show(next);
      setEdit(undefined);
      toast('The twin is saved.', {
        undo: async () => {
          const now = await readTwin(hub, twin.deviceId);
          show(await replaceTwin(hub, twin.deviceId, bodyOf(old), now.etag));
        },
      });
    },
  });
  const change = (more: Partial<Texts>) => setEdit({ texts: { ...texts, ...more }, from: edit?.from ?? twin });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (dirty && !fault && edit) save.mutate({ texts, etag: edit.from.etag });
  };

  return (
    <Columns least={380}>
      <Section
        title="Desired"
        hint={
          <>
            What the device should do. Version {versionOf(twin.properties.desired)}, changed <Time value={updatedOf(twin.properties.desired)} />.
          </>
        }
      >
        <Form onSubmit={submit}>
          <JsonEditor label="Desired properties" value={texts.desired} onChange={mayChange ? (desired) => change({ desired }) : undefined} rows={14} />
          <JsonEditor label="Tags" hint="Seen by services only, not by the device." value={texts.tags} onChange={mayChange ? (tags) => change({ tags }) : undefined} rows={8} />
          {moved && dirty && (
            <MessageBar intent="warning" layout="multiline">
              <MessageBarBody>
                The twin was changed by somebody else while you edited it. Saving will be refused: copy what you need, discard, and edit again.
              </MessageBarBody>
            </MessageBar>
          )}
          {fault && dirty && <p role="alert">{fault}</p>}
          {save.isError && <ErrorView error={save.error} title="The twin was not saved" />}
          {mayChange && (
            <FormActions>
              <Button type="submit" appearance="primary" disabled={!dirty || fault !== undefined || save.isPending} icon={save.isPending ? <Spinner size="tiny" /> : undefined}>
                Save
              </Button>
              <Button disabled={!dirty} onClick={() => setEdit(undefined)}>
                Discard
              </Button>
            </FormActions>
          )}
        </Form>
      </Section>
      <Section
        title="Reported"
        hint={
          <>
            What the device says of itself. Version {versionOf(twin.properties.reported)}, changed <Time value={updatedOf(twin.properties.reported)} />.
          </>
        }
      >
        <JsonEditor label="Reported properties" value={reportedText(twin)} rows={24} />
      </Section>
    </Columns>
  );
}
