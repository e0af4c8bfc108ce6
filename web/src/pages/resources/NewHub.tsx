import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { createHub } from '../../api/manage';
import { paths } from '../../app/paths';
import { hostOf, useSession } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { toast } from '../../components/toasts';
import { useNameCheck } from './useNameCheck';

export default function NewHub() {
  const session = useSession();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [location, setLocation] = useState('local');
  const verdict = useNameCheck(name);
  const create = useMutation({
    mutationFn: () => createHub(name, location || 'local'),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.overview });
      toast(`${name} is ready.`);
      navigate(paths.hub(name));
    },
  });
  useLeaveGuard(name !== '' && !create.isSuccess && !create.isPending);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (verdict.good) create.mutate();
  };
  return (
    <Page
      narrow
      title="Create an IoT hub"
      crumbs={[{ name: 'All resources', href: paths.resources }]}
      lead="A hub on this server. Devices stay connected to it, and it keeps their identities and twins."
    >
      <Section>
        <Form onSubmit={submit}>
          <Field
            label="Name"
            required
            hint={name ? `Its host name will be ${hostOf(session, name.toLowerCase())}.` : '3 to 50 letters, digits or -. Services and hubs share one space of names.'}
            validationState={verdict.state}
            validationMessage={verdict.message}
          >
            <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" spellCheck={false} autoFocus />
          </Field>
          <Field label="Location" hint="A word for where it stands, for you to tell hubs apart.">
            <Input value={location} onChange={(_, data) => setLocation(data.value)} autoComplete="off" />
          </Field>
          {create.isError && <ErrorView error={create.error} title="The hub was not created" />}
          <FormActions>
            <Button type="submit" appearance="primary" disabled={!verdict.good || create.isPending} icon={create.isPending ? <Spinner size="tiny" /> : undefined}>
              Create
            </Button>
            <ButtonLink href={paths.resources}>Cancel</ButtonLink>
          </FormActions>
        </Form>
      </Section>
    </Page>
  );
}
