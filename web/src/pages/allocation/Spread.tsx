import type { Preview } from '../../api/types';
import { formatNumber, formatShare, plural } from '../../lib/format';
import { HubLine } from './HubLine';
import styles from './Spread.module.css';

const perDot = 25;
const perRow = 40;
const size = 8;

/** One square for every 25 devices. */
function Dots({ devices }: { devices: number }) {
  const count = Math.round(devices / perDot);
  const rows = Math.max(1, Math.ceil(count / perRow));
  return (
    <svg className={styles.dots} viewBox={`0 0 ${perRow * size} ${rows * size}`} aria-hidden="true">
      {Array.from({ length: count }, (_, i) => (
        <rect key={i} x={(i % perRow) * size} y={Math.floor(i / perRow) * size} width={size - 2} height={size - 2} rx="1" />
      ))}
      {count === 0 && <rect width={perRow * size - 2} height="1" y={size / 2} className={styles.none} />}
    </svg>
  );
}

/** How devices would spread over the hubs. */
export function Spread({ preview }: { preview: Preview }) {
  return (
    <div className={styles.spread}>
      <p className={styles.sentence}>{preview.sentence}</p>
      <ul className={styles.hubs}>
        {preview.hubs.map((hub) => (
          <HubLine
            key={hub.name}
            name={hub.name}
            numbers={
              <>
                <strong>{formatNumber(hub.devices)}</strong> {formatShare(hub.share)}
              </>
            }
          >
            <Dots devices={(hub.devices * 10_000) / Math.max(1, preview.devices)} />
          </HubLine>
        ))}
      </ul>
      {preview.unplaced > 0 && <p className={styles.unplaced}>{plural(preview.unplaced, 'device')} would get no hub: their registrations fail.</p>}
    </div>
  );
}
