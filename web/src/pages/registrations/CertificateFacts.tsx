import type { CertificateInfo } from '../../api/types';
import { Copyable } from '../../components/Copy';
import { Facts } from '../../components/Facts';
import { Time } from '../../components/Time';

export function CertificateFacts({ info }: { info: CertificateInfo }) {
  return (
    <Facts
      facts={[
        ['Subject', info.subjectName],
        ['Issuer', info.issuerName],
        ['Valid from', <Time value={info.notBeforeUtc} as="moment" />],
        ['Ends', <Time value={info.notAfterUtc} as="moment" />],
        ['Serial number', <code>{info.serialNumber}</code>],
        ['Thumbprint (SHA-256)', <Copyable value={info.sha256Thumbprint} label="SHA-256 thumbprint" />],
        ['Thumbprint (SHA-1)', <Copyable value={info.sha1Thumbprint} label="SHA-1 thumbprint" />],
      ]}
    />
  );
}
