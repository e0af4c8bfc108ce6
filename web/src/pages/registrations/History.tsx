import type { HistoryEntry } from '../../api/types';
import { Empty } from '../../components/Empty';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';
import styles from './History.module.css';
import { protocolName } from './words';

/** What happened to a device, newest first. */
export function History({ entries }: { entries: HistoryEntry[] }) {
  if (entries.length === 0) return <Empty title="Nothing is on record yet" />;
  return (
    <ol className={styles.list}>
      {entries.map((entry) => (
        <li key={`${entry.at}${entry.what}`} className={styles.entry}>
          <div className={styles.head}>
            <StateOf word={entry.what} />
            {entry.hub && <span>{entry.what === 'refused' ? '' : `to ${entry.hub}`}</span>}
            <span className={styles.when}>
              <Time value={entry.at} />
              {entry.protocol && ` over ${protocolName(entry.protocol)}`}
            </span>
          </div>
          {entry.reason && <p>{entry.reason}</p>}
          {entry.operationId && <p className={styles.small}>Operation {entry.operationId}</p>}
        </li>
      ))}
    </ol>
  );
}
