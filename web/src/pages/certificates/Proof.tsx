import { Button, Spinner } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { generateCode, verifyCertificate } from '../../api/manage';
import type { CaCertificate } from '../../api/types';
import { CertificateDrop, type DroppedCertificate } from '../../components/CertificateDrop';
import { CopyButton, Copyable } from '../../components/Copy';
import { ErrorView } from '../../components/ErrorView';
import { Section } from '../../components/Section';
import { Step, Steps } from '../../components/Steps';
import { toast } from '../../components/toasts';
import { base64OfText } from '../../lib/pem';
import styles from './Proof.module.css';

const command = (code: string): string =>
  [
    'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \\',
    `  -keyout proof.key -subj "/CN=${code}" -out proof.csr`,
    'openssl x509 -req -in proof.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out proof.pem',
  ].join('\n');

interface ProofProps {
  service: string;
  ca: CaCertificate;
  onChange: (ca: CaCertificate) => void;
}

/** Proof of possession: a code is signed with the CA's key, which never leaves its place. */
export function Proof({ service, ca, onChange }: ProofProps) {
  const [code, setCode] = useState<string>();
  const [leaf, setLeaf] = useState<DroppedCertificate>();
  const ask = useMutation({
    mutationFn: () => generateCode(service, ca.name, ca.etag),
    onSuccess: (next) => {
      setCode(next.properties.verificationCode);
      setLeaf(undefined);
      onChange(next);
    },
  });
  const verify = useMutation({
    mutationFn: () => verifyCertificate(service, ca.name, ca.etag, base64OfText(leaf?.pem ?? '')),
    onSuccess: (next) => {
      onChange(next);
      toast(`${ca.name} is verified.`);
    },
  });
  const wrongName = leaf && code && leaf.subject.toUpperCase() !== code.toUpperCase();
  return (
    <Section title="Proof of possession" hint="Whoever has the key of this CA decides which devices may come. These steps show that it is you; the key itself is not sent.">
      <Steps>
        <Step title="Generate a verification code" state={code ? 'done' : 'now'}>
          {code ? (
            <Copyable value={code} label="verification code" />
          ) : (
            <Button appearance="primary" disabled={ask.isPending} icon={ask.isPending ? <Spinner size="tiny" /> : undefined} onClick={() => ask.mutate()}>
              Generate verification code
            </Button>
          )}
          {ask.isError && <ErrorView error={ask.error} title="No code was generated" />}
        </Step>
        <Step title="Sign a certificate that has the code as its common name" state={leaf ? 'done' : code ? 'now' : 'later'}>
          {code && (
            <>
              <p>Where the key of the CA is kept, for example:</p>
              <div className={styles.command}>
                <pre tabIndex={0}>{command(code)}</pre>
                <CopyButton value={command(code)} label="commands" />
              </div>
            </>
          )}
        </Step>
        <Step title="Upload that certificate" state={leaf ? 'now' : 'later'}>
          {code && (
            <>
              <CertificateDrop label="Verification certificate" value={leaf} onChange={setLeaf} />
              {wrongName && <p className={styles.warning}>Its common name is {leaf.subject}, but the code is another. Generate the certificate with the code above.</p>}
              {verify.isError && <ErrorView error={verify.error} title="Nothing is proven yet" />}
              <div className={styles.buttons}>
                <Button appearance="primary" disabled={!leaf || verify.isPending} icon={verify.isPending ? <Spinner size="tiny" /> : undefined} onClick={() => verify.mutate()}>
                  Verify
                </Button>
                <Button appearance="subtle" disabled={ask.isPending} onClick={() => ask.mutate()}>
                  Generate another code
                </Button>
              </div>
            </>
          )}
        </Step>
      </Steps>
    </Section>
  );
}
