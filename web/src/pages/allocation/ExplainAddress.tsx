// Explain an address: which hub a device there would get, and how every other hub fares. The question stands in the page's address.

import { Button, Field, Input, Select } from '@fluentui/react-components';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { explainPlace } from '../../api/allocation';
import { keys } from '../../api/keys';
import type { PlaceQuestion } from '../../api/types';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions, Pair } from '../../components/Form';
import { Loading } from '../../components/Loading';
import { Section } from '../../components/Section';
import { useParameters } from '../../components/useParameters';
import { faultOfRegistrationId } from '../../lib/ids';
import { faultOfAddress } from '../../lib/places';
import { enrollmentPolicies } from './policies';
import { PlaceVerdict } from './PlaceVerdict';
import styles from './WhatIf.module.css';

const names = { address: 'address', registrationId: 'id', enrollment: 'enrollment', group: 'group', allocationPolicy: 'as' } as const;
type Name = keyof typeof names;
const entries = Object.entries(names) as [Name, string][];

const questionIn = (given: URLSearchParams): PlaceQuestion =>
  Object.fromEntries(entries.map(([name, said]) => [name, given.get(said) ?? '']).filter(([, value]) => value !== ''));

function Answer({ service, question }: { service: string; question: PlaceQuestion }) {
  const answer = useQuery({
    queryKey: [...keys.service(service), 'place', question],
    queryFn: ({ signal }) => explainPlace(service, question, signal),
    retry: false,
  });
  if (answer.isError) return <ErrorView error={answer.error} title="It could not be explained" onRetry={() => void answer.refetch()} />;
  if (!answer.data) return <Loading />;
  return <PlaceVerdict answer={answer.data} />;
}

export function ExplainAddress({ service }: { service: string }) {
  const [given, say] = useParameters();
  const asked = questionIn(given);
  const spelled = JSON.stringify(asked);
  const [draft, setDraft] = useState<PlaceQuestion>(asked);
  useEffect(() => setDraft(JSON.parse(spelled) as PlaceQuestion), [spelled]);
  // A link that brings a question wants its answer in sight.
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (spelled !== '{}') place.current?.scrollIntoView({ block: 'start' });
  }, []);

  const change = (more: PlaceQuestion) => setDraft((now) => ({ ...now, ...more }));
  const { address = '', registrationId = '', enrollment, group, allocationPolicy = '' } = draft;
  const whose = enrollment !== undefined ? 'enrollment' : group !== undefined ? 'group' : '';
  const idFault = registrationId === '' ? undefined : faultOfRegistrationId(registrationId);
  const addressFault = faultOfAddress(address);
  const isReady = (address !== '' || registrationId !== '') && !idFault && !addressFault;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (isReady) say(Object.fromEntries(entries.map(([name, said]) => [said, draft[name] || undefined])));
  };
  const choose = (next: string) =>
    setDraft(({ enrollment: _, group: __, ...rest }) => ({ ...rest, ...(next === '' ? {} : { [next]: enrollment ?? group ?? '' }), ...(next === '' ? {} : { allocationPolicy: undefined }) }));

  return (
    <div ref={place} className={styles.place}>
      <Section title="Explain an address" hint="Which hub a device at an address would get now, and why not another.">
        <Form onSubmit={submit}>
          <Pair>
            <Field
              label="Address of the device"
              hint="As this server sees it. Left empty, the last one of the device named beside."
              validationState={addressFault ? 'error' : 'none'}
              validationMessage={addressFault}
            >
              <Input value={address} onChange={(_, data) => change({ address: data.value.trim() })} placeholder="203.0.113.7" autoComplete="off" spellCheck={false} />
            </Field>
            <Field label="Registration ID" hint="Hubs that are equally near are shared out by it." validationState={idFault ? 'error' : 'none'} validationMessage={idFault}>
              <Input value={registrationId} onChange={(_, data) => change({ registrationId: data.value.trim() })} autoComplete="off" spellCheck={false} />
            </Field>
          </Pair>
          <Pair>
            <Field label="As told by">
              <Select value={whose} onChange={(_, data) => choose(data.value)}>
                <option value="">The provisioning service</option>
                <option value="enrollment">An individual enrollment</option>
                <option value="group">An enrollment group</option>
              </Select>
            </Field>
            {whose === '' ? (
              <Field label="Under the policy">
                <Select value={allocationPolicy} onChange={(_, data) => change({ allocationPolicy: data.value })}>
                  {enrollmentPolicies
                    .filter(({ word }) => word !== 'custom')
                    .map(({ word, name }) => (
                      <option key={word} value={word}>
                        {name}
                      </option>
                    ))}
                </Select>
              </Field>
            ) : (
              <Field label={whose === 'group' ? 'Group name' : 'Enrollment'} hint="Its own policy and hubs hold, where it has them.">
                <Input value={enrollment ?? group ?? ''} onChange={(_, data) => change({ [whose]: data.value.trim() })} autoComplete="off" spellCheck={false} />
              </Field>
            )}
          </Pair>
          <FormActions>
            <Button type="submit" appearance="primary" disabled={!isReady}>
              Explain
            </Button>
          </FormActions>
        </Form>
        {(asked.address ?? asked.registrationId) && (
          <div className={styles.answer}>
            <Answer service={service} question={asked} />
          </div>
        )}
      </Section>
    </div>
  );
}
