// Everything there is: provisioning services and hubs, what each is doing now; made and deleted here.

import { Button } from '@fluentui/react-components';
import { Add20Regular, ArrowClockwise20Regular, Delete20Regular } from '@fluentui/react-icons';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { readOverview } from '../../api/service';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Choice, Filters, SearchField } from '../../components/Filters';
import { Loading } from '../../components/Loading';
import { Menu } from '../../components/Menu';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { Stat, Stats } from '../../components/Stat';
import { StateOf } from '../../components/State';
import { usePlace } from '../../components/usePlace';
import { filtered } from '../../lib/paging';
import { formatNumber, formatRate } from '../../lib/format';
import { useLive } from '../../live/useLive';
import { DeleteResource } from './DeleteResource';
import { doingOf, enrollmentsOf, matches, resourcesOf, type ResourceRow } from './rows';

const filterNames = ['q', 'kind'];
const kinds = [
  ['', 'All kinds'],
  ['service', 'Provisioning services'],
  ['hub', 'IoT hubs'],
] as const;

function Create() {
  const [, navigate] = useLocation();
  return (
    <Menu
      appearance="subtle"
      icon={<Add20Regular />}
      parts={[
        {
          entries: [
            { text: 'Provisioning service', run: () => navigate(paths.newService) },
            { text: 'IoT hub', run: () => navigate(paths.newHub) },
          ],
        },
      ]}
    >
      Create
    </Menu>
  );
}

export default function AllResources() {
  const mayChange = useMayChange();
  const overview = useQuery({ queryKey: keys.overview, queryFn: ({ signal }) => readOverview(signal), refetchInterval: 10_000 });
  const { rates } = useLive(undefined);
  const [place, go] = usePlace(filterNames);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [toDelete, setToDelete] = useState<ResourceRow>();
  const { q = '', kind = '' } = place.filters;

  const all = useMemo(() => (overview.data ? resourcesOf(overview.data) : []), [overview.data]);
  const rows = all.filter((row) => matches(row, q, kind));
  const only = rows.filter((row) => chosen.has(row.key));

  const columns: Column<ResourceRow>[] = [
    {
      name: 'Name',
      cell: (row) => <Anchor href={row.kind === 'service' ? paths.service(row.name) : paths.hub(row.name)}>{row.name}</Anchor>,
    },
    { name: 'Kind', cell: (row) => (row.kind === 'service' ? 'Provisioning service' : 'IoT hub') },
    { name: 'State', cell: (row) => <StateOf word={row.state} /> },
    { name: 'Now', wrap: true, cell: (row) => doingOf(row, rates) },
    { name: 'Belongs to', wrap: true, cell: (row) => row.belongs },
  ];

  return (
    <Page
      title="All resources"
      actions={
        <>
          {mayChange && <Create />}
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void overview.refetch()}>
            Refresh
          </Button>
          {mayChange && (
            <Button appearance="subtle" icon={<Delete20Regular />} disabled={only.length !== 1} onClick={() => setToDelete(only[0])}>
              Delete
            </Button>
          )}
        </>
      }
    >
      {overview.isError && <ErrorView error={overview.error} onRetry={() => void overview.refetch()} />}
      <Stack>
        {overview.data && all.length > 0 && (
          <Stats>
            <Stat label="Registrations per second" value={formatRate(rates.assigned)} href={paths.live} />
            <Stat label="Registered devices" value={formatNumber(overview.data.services.reduce((n, s) => n + s.registrations, 0))} />
            <Stat label="Enrollments" value={formatNumber(enrollmentsOf(all))} note="with groups" />
            <Stat label="Refused per second" value={formatRate(rates.refused)} />
          </Stats>
        )}
        <Section flush>
          {all.length > 0 && (
            <Filters>
              <SearchField label="Search by name" value={q} onChange={(value) => go(filtered(place, { q: value }), true)} />
              <Choice label="Kind" value={kind} options={kinds} onChange={(value) => go(filtered(place, { kind: value }))} />
            </Filters>
          )}
          {overview.isPending && <Loading />}
          {rows.length > 0 && (
            <DataTable
              label="All resources"
              rows={rows}
              columns={columns}
              rowKey={(row) => row.key}
              selection={mayChange ? { chosen, onChange: setChosen } : undefined}
            />
          )}
          {overview.data && all.length === 0 && (
            <Empty
              title="Nothing here yet"
              actions={
                <>
                  <ButtonLink href={paths.guide} appearance="primary">
                    Begin with the first steps
                  </ButtonLink>
                  <ButtonLink href={paths.newService}>Create a provisioning service</ButtonLink>
                </>
              }
            >
              A provisioning service lets devices in and gives each its hub. The first steps create one, two hubs, and spread devices over them.
            </Empty>
          )}
          {all.length > 0 && rows.length === 0 && (
            <Empty title="No resource fits" actions={<Button onClick={() => go(filtered(place, { q: '', kind: '' }))}>Show all</Button>} />
          )}
        </Section>
      </Stack>
      {toDelete && (
        <DeleteResource
          row={toDelete}
          onClose={(done) => {
            setToDelete(undefined);
            if (done) setChosen(new Set());
          }}
        />
      )}
    </Page>
  );
}
