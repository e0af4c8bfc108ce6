import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { keys } from '../api/keys';
import { readOverview } from '../api/service';
import { readService } from '../api/manage';
import { paths } from '../app/paths';
import { hostOf, useSession } from '../app/session';
import { Anchor, ButtonLink } from '../components/Anchor';
import { DataTable, type Column } from '../components/DataTable';
import { Empty } from '../components/Empty';
import { Page } from '../components/Page';
import { Columns, Section, Stack } from '../components/Section';
import { Stat, Stats } from '../components/Stat';
import { State } from '../components/State';
import { Time } from '../components/Time';
import { formatMilliseconds, formatNumber, formatRate } from '../lib/format';
import { LivePicture } from './LivePicture';
import { Particles } from './particles';
import type { Batch, Landed, Refused } from './reduce';
import { Spoken } from './Spoken';
import { useLive } from './useLive';

const stillMotion = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

/** The hubs that may get devices: those that are linked, and those that got some. */
function useHubs(service: string | undefined, seen: string[]): { hubs: string[]; known: boolean } {
  const session = useSession();
  const one = useQuery({ queryKey: keys.resource(service ?? ''), queryFn: ({ signal }) => readService(service ?? '', signal), enabled: service !== undefined });
  const all = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal), enabled: service === undefined });
  const linked = service
    ? (one.data?.properties.iotHubs ?? []).map((hub) => hub.name)
    : (all.data?.hubs ?? []).filter((hub) => hub.linkedBy.length > 0).map((hub) => hostOf(session, hub.name));
  return { hubs: [...new Set([...linked, ...seen])], known: service ? one.isSuccess : all.isSuccess };
}

export default function LivePage({ service }: { service?: string }) {
  const [particles] = useState(() => new Particles());
  const onEach = useCallback(
    (batch: Batch) => {
      if (!document.hidden && !stillMotion()) particles.launch(batch.hubs ?? {}, performance.now());
    },
    [particles],
  );
  const { state, rates, connected } = useLive(service, onEach);
  const { hubs, known } = useHubs(service, Object.keys(state.hubs));
  const registrations = Object.values(state.registrations).reduce((sum, n) => sum + n, 0);

  const landedColumns = useMemo<Column<Landed>[]>(
    () => [
      { name: 'Device', cell: (one) => <Anchor href={paths.registration(one.service, one.id)}>{one.id}</Anchor> },
      { name: 'Hub', cell: (one) => one.hub },
      { name: 'Protocol', cell: (one) => one.protocol },
      { name: 'Took', align: 'end', cell: (one) => formatMilliseconds(one.ms) },
    ],
    [],
  );
  const refusedColumns = useMemo<Column<Refused>[]>(
    () => [
      { name: 'Device', cell: (one) => <Anchor href={paths.explain(one.service, one.id)}>{one.id}</Anchor> },
      { name: 'Why', wrap: true, cell: (one) => one.sentence },
      { name: 'When', cell: (one) => <Time value={one.at} /> },
    ],
    [],
  );

  return (
    <Page
      title="Live"
      kind={service ? undefined : 'All provisioning services'}
      crumbs={service ? [{ name: service, href: paths.service(service) }] : []}
      aside={<State tone={connected ? 'good' : 'busy'}>{connected ? 'Listening' : 'Connecting'}</State>}
    >
      <Stack>
        <Stats>
          <Stat label="Registrations per second" value={formatRate(rates.assigned)} note="over the last 5 seconds" />
          <Stat label="Landed since this page opened" value={formatNumber(state.assigned)} />
          <Stat label="Refused" value={formatNumber(state.refused)} note={`${formatNumber(state.failed)} failed`} />
          <Stat label="Registered devices" value={formatNumber(registrations)} note="counted every 10 seconds" />
        </Stats>
        <Spoken assigned={state.assigned} rate={rates.assigned} refused={state.refused} />
        <Section title="Where devices land">
          {hubs.length === 0 && known ? (
            <Empty
              title="No hub is linked yet"
              actions={service && <ButtonLink href={paths.newLink(service)}>Add link to IoT hub</ButtonLink>}
            >
              Devices appear here as they land on the linked hubs.
            </Empty>
          ) : (
            <LivePicture from={service ?? 'All services'} hubs={hubs} counts={state.hubs} rates={rates} particles={particles} />
          )}
        </Section>
        <Columns least={380}>
          <Section title="Just landed" flush>
            {state.landed.length === 0 ? (
              <Empty title="Nothing yet">The next device that registers is shown here.</Empty>
            ) : (
              <DataTable label="Devices that just landed" rows={state.landed} columns={landedColumns} rowKey={(one) => `${one.service}/${one.id}`} />
            )}
          </Section>
          <Section title="Refused" flush>
            {state.refusals.length === 0 ? (
              <Empty title="Nobody was refused" />
            ) : (
              <DataTable label="Devices that were refused" rows={state.refusals.slice(0, 12)} columns={refusedColumns} rowKey={(one) => `${one.at}${one.id}`} />
            )}
          </Section>
        </Columns>
      </Stack>
    </Page>
  );
}
