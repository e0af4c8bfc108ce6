// Registration records: which device is on which hub.

import { Button } from '@fluentui/react-components';
import { ArrowClockwise20Regular } from '@fluentui/react-icons';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { readService } from '../../api/manage';
import { listGroups, listRegistrations } from '../../api/service';
import type { RegistrationRecord } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor, ButtonLink } from '../../components/Anchor';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Choice, Filters, SearchField } from '../../components/Filters';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Pager } from '../../components/Pager';
import { Section } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Time } from '../../components/Time';
import { usePlace } from '../../components/usePlace';
import { filtered, first, next, ordered, previous } from '../../lib/paging';
import { substatusName } from './words';

const size = 100;
const filterNames = ['prefix', 'status', 'hub', 'group'];
const states = [
  ['', 'Any state'],
  ['assigned', 'Assigned'],
  ['assigning', 'Assigning'],
  ['failed', 'Failed'],
  ['disabled', 'Disabled'],
] as const;

export default function Registrations({ service }: { service: string }) {
  const [place, go] = usePlace(filterNames);
  const query = { ...place.filters, order: place.order, after: place.after, before: place.before, limit: size };
  const list = useQuery({
    queryKey: keys.registrations(service, query),
    queryFn: ({ signal }) => listRegistrations(service, query, signal),
    placeholderData: keepPreviousData,
  });
  const resource = useQuery({ queryKey: keys.resource(service), queryFn: ({ signal }) => readService(service, signal) });
  const groups = useQuery({ queryKey: keys.groups(service, { limit: 200 }), queryFn: ({ signal }) => listGroups(service, { limit: 200 }, signal) });
  const items = list.data?.items ?? [];
  const isFiltered = Object.keys(place.filters).length > 0;
  const { hub = '', group = '' } = place.filters;
  const withOwn = (own: string, names: string[]) => [...new Set([...names, ...(own ? [own] : [])])].map((name) => [name, name] as const);

  const columns: Column<RegistrationRecord>[] = [
    { name: 'Registration ID', sortable: true, cell: (one) => <Anchor href={paths.registration(service, one.registrationId)}>{one.registrationId}</Anchor> },
    { name: 'State', cell: (one) => <StateOf word={one.status} /> },
    { name: 'IoT hub', cell: (one) => one.assignedHub ?? one.errorMessage ?? '–' },
    { name: 'Device ID', cell: (one) => one.deviceId ?? '–' },
    { name: 'How it came there', cell: (one) => substatusName(one.substatus) },
    { name: 'Last change', cell: (one) => <Time value={one.lastUpdatedDateTimeUtc} /> },
  ];

  return (
    <Page
      title="Registration records"
      crumbs={[{ name: service, href: paths.service(service) }]}
      lead="Every device that has registered, and the hub that it was given."
      actions={
        <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void list.refetch()}>
          Refresh
        </Button>
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      <Section flush>
        {(isFiltered || items.length > 0) && (
          <Filters>
            <SearchField label="Registration ID begins with" value={place.filters['prefix'] ?? ''} onChange={(prefix) => go(filtered(place, { prefix }), true)} />
            <Choice label="State" value={place.filters['status'] ?? ''} options={states} onChange={(status) => go(filtered(place, { status }))} />
            <Choice
              label="IoT hub"
              value={hub}
              options={[['', 'Any hub'], ...withOwn(hub, (resource.data?.properties.iotHubs ?? []).map((one) => one.name))]}
              onChange={(value) => go(filtered(place, { hub: value }))}
            />
            <Choice
              label="Enrollment group"
              value={group}
              options={[['', 'Any enrollment'], ...withOwn(group, (groups.data?.items ?? []).map((one) => one.enrollmentGroupId))]}
              onChange={(value) => go(filtered(place, { group: value }))}
            />
          </Filters>
        )}
        {list.isPending && <Loading rows={8} />}
        {items.length > 0 && (
          <DataTable
            label="Registration records"
            rows={items}
            columns={columns}
            rowKey={(one) => one.registrationId}
            order={place.order}
            onOrder={(order) => go(ordered(place, order))}
            stale={list.isPlaceholderData}
          />
        )}
        {list.data && items.length === 0 && !isFiltered && (
          <Empty title="No device has registered yet" actions={<ButtonLink href={paths.enrollments(service)}>Manage enrollments</ButtonLink>}>
            A device registers with the ID scope of this service and what its enrollment asks for. Its record appears here at once.
          </Empty>
        )}
        {list.data && items.length === 0 && isFiltered && (
          <Empty title="No record fits" actions={<Button onClick={() => go({ ...first(place), filters: {} })}>Show all</Button>}>
            A device that was refused has no record: <Anchor href={paths.explain(service, place.filters['prefix'])}>Explain</Anchor> says why.
          </Empty>
        )}
        {items.length > 0 && (
          <Pager
            page={place.page}
            size={size}
            count={items.length}
            total={list.data?.total}
            more={list.data?.more ?? false}
            what="records"
            onFirst={() => go(first(place))}
            onPrevious={() => go(previous(place, items[0]?.registrationId ?? ''))}
            onNext={() => go(next(place, items.at(-1)?.registrationId ?? ''))}
          />
        )}
      </Section>
    </Page>
  );
}
