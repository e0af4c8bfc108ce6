import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { createService } from '../../api/manage';
import { readOverview } from '../../api/service';
import { paths } from '../../app/paths';
import { hostOf, useSession } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { Checks } from '../../components/Checks';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions } from '../../components/Form';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { toast } from '../../components/toasts';
import { useNameCheck } from './useNameCheck';

export default function NewService() {
  const session = useSession();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const verdict = useNameCheck(name);
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal) });
  const create = useMutation({
    mutationFn: () => createService(name, { iotHubs: [...chosen].map((hub) => ({ name: hostOf(session, hub) })) }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.overview });
      toast(`${name} is ready.`);
      navigate(paths.service(name));
    },
  });
  useLeaveGuard((name !== '' || chosen.size > 0) && !create.isSuccess && !create.isPending);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (verdict.good) create.mutate();
  };
  const hubs = overview.data?.hubs ?? [];
  return (
    <Page
      narrow
      title="Create a provisioning service"
      crumbs={[{ name: 'All resources', href: paths.resources }]}
      lead="It keeps the list of devices that may come, checks who they are, and gives each its hub."
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
          {hubs.length > 0 && (
            <Checks
              label="Link these hubs of this server"
              hint="More can be linked later, also from elsewhere."
              options={hubs.map(({ name: hub }) => [hub, hub])}
              chosen={chosen}
              onChange={setChosen}
            />
          )}
          {create.isError && <ErrorView error={create.error} title="The service was not created" />}
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
