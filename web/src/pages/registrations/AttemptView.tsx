import type { Attempt } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { Copyable } from '../../components/Copy';
import { Facts } from '../../components/Facts';
import { Time } from '../../components/Time';
import { CertificateFacts } from './CertificateFacts';
import styles from './Explain.module.css';
import { protocolName } from './words';

/** One refusal: the sentence first, then what was seen beside what was expected. */
export function AttemptView({ service, attempt }: { service: string; attempt: Attempt }) {
  return (
    <li className={styles.attempt}>
      <div className={styles.head}>
        <Time value={attempt.dateTimeUtc} />
        <span>
          {[protocolName(attempt.protocol), attempt.callerIpAddress && `from ${attempt.callerIpAddress}`, attempt.errorCode && `the device was told ${attempt.errorCode}`]
            .filter(Boolean)
            .join(', ')}
        </span>
      </div>
      <p className={styles.reason}>{attempt.reason ?? 'The device was refused.'}</p>
      {(attempt.seen ?? attempt.expected) && (
        <div className={styles.compare}>
          <div className={styles.side} data-side="seen">
            <strong>Presented</strong>
            {attempt.seen ?? 'nothing'}
          </div>
          <div className={styles.side} data-side="expected">
            <strong>Would have passed</strong>
            {attempt.expected ?? 'not told'}
          </div>
        </div>
      )}
      <Facts
        facts={[
          attempt.check && ['Check that failed', <code>{attempt.check}</code>],
          attempt.enrollment && ['Enrollment looked at', attempt.enrollment],
          attempt.nearest && attempt.nearest.length > 0 && [
            'Came nearest',
            <ul className={styles.nearest}>
              {attempt.nearest.map((one) => (
                <li key={one}>
                  <Nearest service={service} text={one} />
                </li>
              ))}
            </ul>,
          ],
          attempt.trackingId && ['Tracking ID', <Copyable value={attempt.trackingId} label="tracking ID" />],
        ]}
      />
      {attempt.presented && attempt.presented.length > 0 && (
        <details className={styles.chain}>
          <summary>The certificates that it sent ({attempt.presented.length})</summary>
          <ol>
            {attempt.presented.map((info) => (
              <li key={info.sha256Thumbprint}>
                <CertificateFacts info={info} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}

/** "group: what differs" leads to the group. */
function Nearest({ service, text }: { service: string; text: string }) {
  const found = /^([A-Za-z0-9._:-]*[A-Za-z0-9-]): (.*)$/s.exec(text);
  if (!found) return <>{text}</>;
  return (
    <>
      <Anchor href={paths.group(service, found[1] ?? '')}>{found[1]}</Anchor>: {found[2]}
    </>
  );
}
