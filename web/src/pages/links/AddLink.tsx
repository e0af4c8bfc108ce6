// Add link to IoT hub: one of this server, or one from elsewhere by its connection string. It is tested before it is saved.

import { Button, Field, Input, Radio, RadioGroup, Select, Spinner, Switch, Textarea } from '@fluentui/react-components';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { readLinkedHubs, readOverview, testLink } from '../../api/service';
import type { LinkedHubEntry, LinkTest } from '../../api/types';
import { paths } from '../../app/paths';
import { hostOf, useSession } from '../../app/session';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions, Pair } from '../../components/Form';
import { LocationField } from '../../components/LocationField';
import { useLeaveGuard } from '../../components/LeaveGuard';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { toast } from '../../components/toasts';
import { readConnectionString } from '../../lib/connectionString';
import { faultOfWeight } from '../../lib/ids';
import { faultOfLocation, storedLocation } from '../../lib/places';
import { LinkVerdict } from './LinkVerdict';
import { useChangeLinks } from './useChangeLinks';

export default function AddLink({ service }: { service: string }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const [where, setWhere] = useState<'here' | 'elsewhere'>('here');
  const [name, setName] = useState('');
  const [connectionString, setConnectionString] = useState('');
  const [location, setLocation] = useState('');
  const [weight, setWeight] = useState('1');
  const [apply, setApply] = useState(true);

  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal) });
  const links = useQuery({ queryKey: keys.links(service), queryFn: ({ signal }) => readLinkedHubs(service, signal) });
  const changeLinks = useChangeLinks(service);
  const linked = new Set((links.data ?? []).map((hub) => hub.name.toLowerCase()));
  const free = (overview.data?.hubs ?? []).filter((hub) => !linked.has(hostOf(session, hub.name).toLowerCase()));

  const parsed = readConnectionString(connectionString);
  const stringFault = where === 'elsewhere' && connectionString.trim() !== '' ? parsed.fault : undefined;
  const weightFault = faultOfWeight(weight);
  const isPlaced = faultOfLocation(location.trim()) === undefined;
  const complete = isPlaced && (where === 'here' ? name !== '' : connectionString.trim() !== '' && parsed.fault === undefined);
  const target = where === 'here' ? hostOf(session, name) : parsed.host;

  const entry = (): LinkedHubEntry => ({
    name: target,
    ...(where === 'elsewhere' ? { connectionString: connectionString.trim() } : {}),
    location: storedLocation(location),
    allocationWeight: Number(weight),
    applyAllocationPolicy: apply,
  });
  const test = useMutation({
    mutationFn: (): Promise<LinkTest> => testLink(where === 'here' ? { name: target } : { connectionString: connectionString.trim() }),
  });
  const save = useMutation({
    mutationFn: () => changeLinks((now) => [...now, entry()]),
    onSuccess: () => {
      toast(`${target} is linked.`);
      navigate(paths.links(service));
    },
  });
  useLeaveGuard(complete && !save.isSuccess && !save.isPending);

  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (!complete || weightFault) return;
    const verdict = test.data ?? (await test.mutateAsync());
    if (verdict.reachable) save.mutate();
  };
  const retype = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    test.reset();
  };

  return (
    <Page narrow title="Add link to IoT hub" crumbs={[{ name: service, href: paths.service(service) }, { name: 'Linked IoT hubs', href: paths.links(service) }]}>
      <Section>
        <Form onSubmit={(e) => void submit(e)}>
          <Field label="Where is the hub?">
            <RadioGroup value={where} onChange={(_, data) => retype(setWhere)(data.value as 'here' | 'elsewhere')}>
              <Radio value="here" label="On this server" />
              <Radio value="elsewhere" label="Elsewhere: I have its connection string" />
            </RadioGroup>
          </Field>
          {where === 'here' ? (
            <Field
              label="IoT hub"
              required
              hint={
                overview.data && free.length === 0 ? (
                  <>
                    Every hub of this server is linked already. <Anchor href={paths.newHub}>Create an IoT hub</Anchor>
                  </>
                ) : (
                  'No key is needed: the service reaches it within the server.'
                )
              }
            >
              <Select value={name} onChange={(_, data) => retype(setName)(data.value)}>
                <option value="">Choose a hub</option>
                {free.map((hub) => (
                  <option key={hub.name}>{hub.name}</option>
                ))}
              </Select>
            </Field>
          ) : (
            <>
              <Field
                label="Connection string"
                required
                hint="Of a policy with the rights RegistryWrite and ServiceConnect: iothubowner, for example. It is kept encrypted and never shown again."
                validationState={stringFault ? 'error' : 'none'}
                validationMessage={stringFault}
              >
                <Textarea
                  value={connectionString}
                  onChange={(_, data) => retype(setConnectionString)(data.value)}
                  placeholder="HostName=hub.example.org;SharedAccessKeyName=iothubowner;SharedAccessKey=…"
                  rows={3}
                  resize="vertical"
                  spellCheck={false}
                  autoComplete="off"
                />
              </Field>
            </>
          )}
          <LocationField value={location} onChange={setLocation} />
          <Pair>
            <Field label="Weight" hint="Its share under evenly weighted distribution, 1 to 1000." validationState={weightFault ? 'error' : 'none'} validationMessage={weightFault}>
              <Input type="number" min={1} max={1000} value={weight} onChange={(_, data) => setWeight(data.value)} />
            </Field>
            <Field label="Allocation">
              <Switch label={apply ? 'Takes part' : 'Only if an enrollment names it'} checked={apply} onChange={(_, data) => setApply(data.checked)} />
            </Field>
          </Pair>
          <LinkVerdict test={test} />
          {save.isError && <ErrorView error={save.error} title="The link was not saved" />}
          <FormActions>
            <Button type="submit" appearance="primary" disabled={!complete || save.isPending || test.isPending} icon={save.isPending ? <Spinner size="tiny" /> : undefined}>
              Save
            </Button>
            <Button disabled={!complete || test.isPending} onClick={() => test.mutate()} icon={test.isPending ? <Spinner size="tiny" /> : undefined}>
              Test the link
            </Button>
            {test.data?.reachable === false && (
              <Button appearance="subtle" onClick={() => save.mutate()} disabled={save.isPending}>
                Save all the same
              </Button>
            )}
            <ButtonLink href={paths.links(service)} appearance="subtle">
              Cancel
            </ButtonLink>
          </FormActions>
        </Form>
      </Section>
    </Page>
  );
}
