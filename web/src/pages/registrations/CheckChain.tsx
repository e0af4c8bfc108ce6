import { Button, MessageBar, MessageBarBody, MessageBarTitle, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { checkChain } from '../../api/service';
import { CertificateDrop, type DroppedCertificate } from '../../components/CertificateDrop';
import { ErrorView } from '../../components/ErrorView';
import { Facts } from '../../components/Facts';
import { Section } from '../../components/Section';
import styles from './Explain.module.css';

/** How a chain of certificates would be judged, before a device has it. */
export function CheckChain({ service, id }: { service: string; id: string }) {
  const [chain, setChain] = useState<DroppedCertificate>();
  const check = useMutation({ mutationFn: () => checkChain(service, id, chain?.pem ?? '') });
  const take = (next: DroppedCertificate | undefined) => {
    setChain(next);
    check.reset();
  };
  const verdict = check.data;
  return (
    <Section title="Try certificates" hint="Would these certificates let this device in now? Nothing is registered or counted.">
      <div className={styles.check}>
        <CertificateDrop label="The device’s certificate and those above it, in one PEM file" value={chain} onChange={take} />
        <div>
          <Button disabled={!chain || check.isPending} icon={check.isPending ? <Spinner size="tiny" /> : undefined} onClick={() => check.mutate()}>
            Check
          </Button>
        </div>
        {check.isError && <ErrorView error={check.error} title="They were not checked" />}
        {verdict && (
          <MessageBar intent={verdict.attested ? 'success' : 'error'} layout="multiline">
            <MessageBarBody>
              <MessageBarTitle>{verdict.attested ? 'They would pass.' : 'They would be refused.'}</MessageBarTitle>{' '}
              {verdict.reason ?? `The enrollment that lets the device in is ${verdict.enrollmentGroupId ?? verdict.enrollment ?? id}.`}
            </MessageBarBody>
          </MessageBar>
        )}
        {verdict && !verdict.attested && (
          <Facts
            facts={[
              verdict.check && ['Check that fails', <code>{verdict.check}</code>],
              verdict.seen && ['Presented', verdict.seen],
              verdict.expected && ['Would pass', verdict.expected],
            ]}
          />
        )}
      </div>
    </Section>
  );
}
