import type { PlaceAnswer, WeighedHub } from '../../api/types';
import { DataTable, type Column } from '../../components/DataTable';
import { Facts } from '../../components/Facts';
import { Stack } from '../../components/Section';
import { State } from '../../components/State';
import { formatMilliseconds, formatNumber } from '../../lib/format';
import { formatCoordinates, locationOf } from '../../lib/places';
import { policyOf } from './policies';
import styles from './WhatIf.module.css';

const columnsFor = (chosen: string | null): Column<WeighedHub>[] => [
  { name: 'IoT hub', cell: (hub) => hub.name },
  {
    name: 'Location',
    cell: (hub) => (
      <>
        {locationOf(hub.location) || 'not given'}
        {hub.latitude !== undefined && hub.longitude !== undefined && <span className={styles.under}>{formatCoordinates(hub.latitude, hub.longitude)}</span>}
      </>
    ),
  },
  { name: 'Distance', align: 'end', cell: (hub) => (hub.distanceKm === undefined ? 'not known' : `${formatNumber(Math.round(hub.distanceKm))} km`) },
  { name: 'Round trip', align: 'end', cell: (hub) => (hub.roundTripMs === undefined ? 'not known' : formatMilliseconds(hub.roundTripMs)) },
  { name: 'Weight', align: 'end', cell: (hub) => formatNumber(hub.weight) },
  {
    name: 'Could it be',
    wrap: true,
    cell: (hub) => (
      <>
        {hub.name === chosen ? <State tone="good">This one</State> : hub.eligible ? <State tone="off">Eligible</State> : <State tone="warn">No</State>}
        <span className={styles.under}>{hub.reason}</span>
      </>
    ),
  },
];

/** Where that is not known, why. */
const placeOf = ({ place, placeReason }: PlaceAnswer): string =>
  place ? [place.name, formatCoordinates(place.latitude, place.longitude)].filter(Boolean).join(', ') : `Not known. ${placeReason ?? ''}`;

/** Which hub a device would get, and how each hub fares. */
export function PlaceVerdict({ answer }: { answer: PlaceAnswer }) {
  return (
    <Stack>
      <div role="status">
        <p className={styles.verdict}>{answer.hub ?? 'No hub'}</p>
        <p className={styles.quiet}>{answer.sentence}</p>
      </div>
      <Facts facts={[['Policy', policyOf(answer.policy)], answer.address && ['Address', <code>{answer.address}</code>], ['Place of the device', placeOf(answer)]]} />
      <DataTable label="How the hubs fare" rows={answer.hubs} columns={columnsFor(answer.hub)} rowKey={(hub) => hub.name} />
    </Stack>
  );
}
