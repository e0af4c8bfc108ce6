// Explain: why a device was refused, and what would have passed.

import { Button, Field, Input } from '@fluentui/react-components';
import { Search16Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { explain } from '../../api/service';
import type { Explanation } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { StateOf } from '../../components/State';
import { usePlace } from '../../components/usePlace';
import { faultOfRegistrationId } from '../../lib/ids';
import { filtered } from '../../lib/paging';
import { AttemptView } from './AttemptView';
import { CheckChain } from './CheckChain';
import styles from './Explain.module.css';

const filterNames = ['id'];

function Standing({ service, explanation }: { service: string; explanation: Explanation }) {
  const { registrationId: id, enrolled, registrationState } = explanation;
  return (
    <Section title={id}>
      <Facts
        facts={[
          ['Individual enrollment', enrolled ? <Anchor href={paths.enrollment(service, id)}>{id}</Anchor> : 'none of this ID; it may come by a group'],
          [
            'Registration',
            registrationState ? (
              <Anchor href={paths.registration(service, id)}>
                <StateOf word={registrationState.status} /> {registrationState.assignedHub}
              </Anchor>
            ) : (
              'has never succeeded'
            ),
          ],
        ]}
      />
    </Section>
  );
}

function Answer({ service, id }: { service: string; id: string }) {
  const answer = useQuery({ queryKey: keys.explain(service, id), queryFn: ({ signal }) => explain(service, id, signal), refetchInterval: 10_000 });
  if (answer.isPending) return <Loading />;
  if (answer.isError) return <ErrorView error={answer.error} onRetry={() => void answer.refetch()} />;
  const { attempts, enrolled } = answer.data;
  return (
    <Stack>
      <Standing service={service} explanation={answer.data} />
      <Section title="Refusals" hint="The device itself hears no more than the protocol demands; this is what the service saw.">
        {attempts.length === 0 ? (
          <Empty
            title="It was not refused"
            actions={!enrolled && <ButtonLink href={paths.newEnrollment(service)}>Add enrollment list entry</ButtonLink>}
          >
            No refusal of this ID is on record. Has the device asked at all? Look at its clock, the ID scope it uses, and the spelling of its registration ID.
          </Empty>
        ) : (
          <ol className={styles.attempts}>
            {attempts.map((attempt) => (
              <AttemptView key={attempt.trackingId ?? attempt.dateTimeUtc} service={service} attempt={attempt} />
            ))}
          </ol>
        )}
      </Section>
      <CheckChain service={service} id={id} />
    </Stack>
  );
}

export default function Explain({ service }: { service: string }) {
  const [place, go] = usePlace(filterNames);
  const asked = place.filters['id'] ?? '';
  const [id, setId] = useState(asked);
  useEffect(() => setId(asked), [asked]);
  const fault = id === '' ? undefined : faultOfRegistrationId(id);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (id !== '' && !fault) go(filtered(place, { id }));
  };
  return (
    <Page
      narrow
      title="Explain"
      crumbs={[{ name: service, href: paths.service(service) }]}
      lead="A device was turned away? Here is which check failed, what was presented, and what would have passed."
    >
      <Stack>
        <Section>
          <form className={styles.ask} onSubmit={submit}>
            <Field label="Registration ID" validationState={fault ? 'error' : 'none'} validationMessage={fault}>
              <Input value={id} onChange={(_, data) => setId(data.value.trim())} contentBefore={<Search16Regular aria-hidden />} autoComplete="off" spellCheck={false} />
            </Field>
            <Button type="submit" appearance="primary" disabled={id === '' || fault !== undefined}>
              Explain
            </Button>
          </form>
        </Section>
        {asked ? (
          <Answer key={asked} service={service} id={asked} />
        ) : (
          <Section>
            <Empty title="Which device?" actions={<ButtonLink href={paths.serviceLive(service)}>Live</ButtonLink>}>
              Enter the registration ID, or choose one of those that were just refused on the Live page.
            </Empty>
          </Section>
        )}
      </Stack>
    </Page>
  );
}
