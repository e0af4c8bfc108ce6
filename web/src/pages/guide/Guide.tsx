// First steps: devices spread over two hubs, with the operator's own data.

import { Button, Select } from '@fluentui/react-components';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { listEnrollments } from '../../api/service';
import { useMayChange } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { Copyable } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { Step, Steps } from '../../components/Steps';
import styles from './Guide.module.css';
import { currentOf, type GuideStep } from './steps';
import { setGuideOn, setGuideService, useGuide, useGuideOn } from './useGuide';

/** The commands that act as the operator's own devices. */
function Commands({ service }: { service: string }) {
  const list = useQuery({ queryKey: keys.enrollments(service, { limit: 2 }), queryFn: ({ signal }) => listEnrollments(service, { limit: 2 }, signal) });
  const ids = (list.data?.items ?? []).map((entry) => entry.registrationId);
  if (ids.length === 0) return <Copyable value={`berth device simulate --service ${service} --count 100`} label="command" />;
  return (
    <>
      <p>Let your devices do it, or act as them on the server:</p>
      {ids.map((id) => (
        <div key={id}>
          <Copyable value={`berth device register ${id} --service ${service}`} label="command" />
        </div>
      ))}
    </>
  );
}

function StepView({ step, state, service }: { step: GuideStep; state: 'done' | 'now' | 'later'; service?: string }) {
  const mayChange = useMayChange();
  return (
    <Step title={step.title} state={state}>
      <p>{step.why}</p>
      {state === 'now' && step.id === 'register' && service && <Commands service={service} />}
      {state !== 'later' && step.action && (mayChange || step.id === 'register' || step.id === 'policy') && (
        <div className={styles.action}>
          <ButtonLink href={step.action.href} appearance={state === 'now' ? 'primary' : 'secondary'} size={state === 'now' ? 'medium' : 'small'}>
            {step.action.text}
          </ButtonLink>
        </div>
      )}
    </Step>
  );
}

export default function Guide() {
  const { services, service, steps, error } = useGuide();
  const on = useGuideOn();
  const now = steps && currentOf(steps);
  return (
    <Page
      narrow
      title="First steps"
      lead="Provision devices across load-balanced hubs: two hubs, one provisioning service, and devices that are spread over both. Everything you make here is yours to keep."
    >
      {error !== null && error !== undefined && <ErrorView error={error} />}
      {!steps && !error && <Loading rows={8} />}
      {steps && (
        <Section
          title={now ? `${steps.filter((step) => step.done).length} of ${steps.length} done` : 'All done: devices are spread over your hubs'}
          actions={
            <>
              {services.length > 1 && (
                <Select aria-label="Provisioning service" value={service} onChange={(_, data) => setGuideService(data.value)}>
                  {services.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </Select>
              )}
              {now && (
                <Button onClick={() => setGuideOn(!on)} aria-pressed={on}>
                  {on ? 'Do not walk along' : 'Walk along on every page'}
                </Button>
              )}
            </>
          }
        >
          <Steps>
            {steps.map((step) => (
              <StepView key={step.id} step={step} service={service} state={step.done ? 'done' : step === now ? 'now' : 'later'} />
            ))}
          </Steps>
        </Section>
      )}
    </Page>
  );
}
