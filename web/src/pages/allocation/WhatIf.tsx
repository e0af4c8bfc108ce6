// What would move: a change of the allocation tried on the devices that are registered. Nothing is saved.

import { Button } from '@fluentui/react-components';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { readOverview } from '../../api/service';
import type { ProvisioningService, ServicePolicy } from '../../api/types';
import { Form, FormActions } from '../../components/Form';
import { Section } from '../../components/Section';
import { useParameters } from '../../components/useParameters';
import { changeOf, faultOfTrial, isChange, noTrial, readTrial, writeTrial, type Trial } from './trial';
import { TrialFields } from './TrialFields';
import { useWhatIf } from './useWhatIf';
import { WhatIfDetails, WhatIfRun } from './WhatIfRun';
import styles from './WhatIf.module.css';

interface WhatIfProps {
  service: string;
  /** As it is stored. */
  properties: ProvisioningService['properties'];
  /** Chosen on the page, not saved. */
  wanted?: ServicePolicy;
}

export function WhatIf({ service, properties, wanted }: WhatIfProps) {
  const [given, say] = useParameters();
  const [trial, setTrial] = useState<Trial>(() => readTrial(given));
  const { run, start, stop, drop } = useWhatIf(service);
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal) });
  const place = useRef<HTMLDivElement>(null);

  const links = properties.iotHubs ?? [];
  const stored = properties.allocationPolicy ?? 'Hashed';
  const tried: Trial = trial.policy || !wanted ? trial : { ...trial, policy: wanted };
  const change = changeOf(tried, links, stored);
  const fault = faultOfTrial(tried, links);
  const isStale = run !== undefined && JSON.stringify(run.change) !== JSON.stringify(change);
  const isRunning = run?.phase === 'running';

  const begin = () => {
    if (fault) return;
    say(writeTrial(tried));
    void start(change);
  };
  // A link that brings a change wants to see what comes of it.
  useEffect(() => {
    if (!isChange(change)) return;
    place.current?.scrollIntoView({ block: 'start' });
    begin();
  }, []);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (!isRunning) begin();
  };
  const clear = () => {
    drop();
    setTrial(noTrial);
    say(writeTrial(noTrial));
  };

  return (
    <div ref={place} className={styles.place}>
      <Section
        title="What would move"
        hint="Try another policy, other weights, a hub more or a hub fewer on the devices that are registered. Nothing is saved, and nobody is moved."
      >
        <div className={styles.halves}>
          <Form onSubmit={submit}>
            <TrialFields links={links} hubs={overview.data?.hubs ?? []} stored={stored} trial={tried} onChange={setTrial} />
            <FormActions>
              <Button type="submit" appearance="primary" disabled={isRunning || fault !== undefined}>
                See what would move
              </Button>
              {isRunning && <Button onClick={stop}>Stop</Button>}
              {!isRunning && (run !== undefined || isChange(change)) && (
                <Button appearance="subtle" onClick={clear}>
                  Clear
                </Button>
              )}
            </FormActions>
          </Form>
          <WhatIfRun run={run} isStale={isStale} registered={overview.data?.services.find(({ name }) => name === service)?.registrations} onRetry={begin} />
        </div>
        <WhatIfDetails service={service} run={run} />
      </Section>
    </div>
  );
}
