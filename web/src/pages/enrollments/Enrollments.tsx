// Manage enrollments: the list of individual entries or of groups, however long it is.

import { Button } from '@fluentui/react-components';
import { Add20Regular, ArrowClockwise20Regular, ArrowDownload20Regular, ArrowUpload20Regular, Delete20Regular } from '@fluentui/react-icons';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { listEnrollments, listGroups } from '../../api/service';
import type { EnrollmentGroup, IndividualEnrollment } from '../../api/types';
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
import { Pager } from '../../components/Pager';
import { Section } from '../../components/Section';
import { StateOf } from '../../components/State';
import { Tabs } from '../../components/Tabs';
import { Time } from '../../components/Time';
import { usePlace } from '../../components/usePlace';
import { filtered, first, next, ordered, previous } from '../../lib/paging';
import { BulkCommands } from './BulkCommands';
import { Export } from './Export';
import { enrollmentPolicies } from '../allocation/policies';
import type { Kind } from './draft';

type Entry = IndividualEnrollment | EnrollmentGroup;

const size = 100;
const filterNames = ['prefix', 'status', 'attestation'];
const states = [
  ['', 'Any state'],
  ['enabled', 'Enabled'],
  ['disabled', 'Disabled'],
] as const;
const attestations = [
  ['', 'Any attestation'],
  ['symmetricKey', 'Symmetric key'],
  ['x509', 'X.509'],
  ['tpm', 'TPM'],
] as const;
const attestationName = (type: string): string => attestations.find(([word]) => word === type)?.[1] ?? type;
const idOf = (entry: Entry): string => ('registrationId' in entry ? entry.registrationId : entry.enrollmentGroupId);
const policyName = (entry: Entry): string => enrollmentPolicies.find(({ word }) => word === (entry.allocationPolicy ?? ''))?.name ?? '';

function columnsOf(service: string, kind: Kind): Column<Entry>[] {
  const href = kind === 'group' ? paths.group : paths.enrollment;
  return [
    { name: kind === 'group' ? 'Group' : 'Registration ID', sortable: true, cell: (entry) => <Anchor href={href(service, idOf(entry))}>{idOf(entry)}</Anchor> },
    ...(kind === 'individual' ? [{ name: 'Device ID', cell: (entry: Entry) => ('deviceId' in entry && entry.deviceId) || '–' }] : []),
    { name: 'Attestation', cell: (entry) => attestationName(entry.attestation.type) },
    { name: 'State', cell: (entry) => <StateOf word={entry.provisioningStatus} /> },
    { name: 'Allocation', cell: (entry) => policyName(entry) },
    { name: 'Changed', cell: (entry) => <Time value={entry.lastUpdatedDateTimeUtc} /> },
  ];
}

function Add({ service }: { service: string }) {
  const [, navigate] = useLocation();
  return (
    <Menu
      appearance="subtle"
      icon={<Add20Regular />}
      parts={[
        {
          entries: [
            { text: 'Individual enrollment', run: () => navigate(paths.newEnrollment(service)) },
            { text: 'Enrollment group', run: () => navigate(paths.newGroup(service)) },
          ],
        },
      ]}
    >
      Add
    </Menu>
  );
}

function Nothing({ service, kind }: { service: string; kind: Kind }) {
  const mayChange = useMayChange();
  const isGroup = kind === 'group';
  return (
    <Empty
      title={isGroup ? 'No enrollment group yet' : 'The enrollment list is empty'}
      actions={
        mayChange && (
          <>
            <ButtonLink appearance="primary" href={isGroup ? paths.newGroup(service) : paths.newEnrollment(service)}>
              {isGroup ? 'Add enrollment group' : 'Add enrollment list entry'}
            </ButtonLink>
            {!isGroup && <ButtonLink href={paths.importEnrollments(service)}>Import a list</ButtonLink>}
          </>
        )
      }
    >
      {isGroup
        ? 'A group lets in any number of devices: those whose keys derive from the group’s, or whose certificates a CA has issued.'
        : 'Every entry is a device that may come: its registration ID, and how it proves who it is.'}
    </Empty>
  );
}

export default function Enrollments({ service, kind }: { service: string; kind: Kind }) {
  const mayChange = useMayChange();
  const [place, go] = usePlace(filterNames);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [exporting, setExporting] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const query = { ...place.filters, order: place.order, after: place.after, before: place.before, limit: size };
  const list = useQuery<{ items: Entry[]; more: boolean; total?: number }>({
    queryKey: kind === 'group' ? keys.groups(service, query) : keys.enrollments(service, query),
    queryFn: ({ signal }) => (kind === 'group' ? listGroups(service, query, signal) : listEnrollments(service, query, signal)),
    placeholderData: (before, last) => (last?.queryKey[2] === (kind === 'group' ? 'groups' : 'enrollments') ? keepPreviousData(before) : undefined),
  });
  const items = list.data?.items ?? [];
  const isFiltered = Object.keys(place.filters).length > 0;
  const what = kind === 'group' ? 'groups' : 'enrollments';
  const edge = (at: number) => {
    const entry = items.at(at);
    return entry ? idOf(entry) : '';
  };

  return (
    <Page
      title="Manage enrollments"
      crumbs={[{ name: service, href: paths.service(service) }]}
      actions={
        <>
          {mayChange && <Add service={service} />}
          <Button appearance="subtle" icon={<ArrowClockwise20Regular />} onClick={() => void list.refetch()}>
            Refresh
          </Button>
          {mayChange && kind === 'individual' && (
            <ButtonLink appearance="subtle" icon={<ArrowUpload20Regular />} href={paths.importEnrollments(service)}>
              Import
            </ButtonLink>
          )}
          <Button appearance="subtle" icon={<ArrowDownload20Regular />} onClick={() => setExporting(true)}>
            Export
          </Button>
          {mayChange && (
            <Button appearance="subtle" icon={<Delete20Regular />} disabled={chosen.size === 0} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
        </>
      }
    >
      <Tabs
        label="Kinds of enrollments"
        tabs={[
          { name: 'Individual enrollments', href: paths.enrollments(service), current: kind === 'individual' },
          { name: 'Enrollment groups', href: paths.groups(service), current: kind === 'group' },
        ]}
      />
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      <Section flush>
        {(isFiltered || items.length > 0) && (
          <Filters>
            <SearchField
              label={kind === 'group' ? 'Group begins with' : 'Registration ID begins with'}
              value={place.filters['prefix'] ?? ''}
              onChange={(prefix) => go(filtered(place, { prefix }), true)}
            />
            <Choice label="State" value={place.filters['status'] ?? ''} options={states} onChange={(status) => go(filtered(place, { status }))} />
            <Choice
              label="Attestation"
              value={place.filters['attestation'] ?? ''}
              options={kind === 'group' ? attestations.filter(([word]) => word !== 'tpm') : attestations}
              onChange={(attestation) => go(filtered(place, { attestation }))}
            />
          </Filters>
        )}
        {mayChange && (
          <BulkCommands service={service} kind={kind} chosen={chosen} entries={items} onDone={() => setChosen(new Set())} deleting={deleting} onDeleting={setDeleting} />
        )}
        {list.isPending && <Loading rows={8} />}
        {items.length > 0 && (
          <DataTable
            label={kind === 'group' ? 'Enrollment groups' : 'Individual enrollments'}
            rows={items}
            columns={columnsOf(service, kind)}
            rowKey={idOf}
            order={place.order}
            onOrder={(order) => go(ordered(place, order))}
            selection={mayChange ? { chosen, onChange: setChosen } : undefined}
            stale={list.isPlaceholderData}
          />
        )}
        {list.data && items.length === 0 && !isFiltered && <Nothing service={service} kind={kind} />}
        {list.data && items.length === 0 && isFiltered && (
          <Empty title={`None of the ${what} fits`} actions={<Button onClick={() => go({ ...first(place), filters: {} })}>Show all</Button>}>
            The search looks at the beginning of the name, and tells capital letters from small ones where the server does.
          </Empty>
        )}
        {items.length > 0 && (
          <Pager
            page={place.page}
            size={size}
            count={items.length}
            total={list.data?.total}
            more={list.data?.more ?? false}
            what={what}
            onFirst={() => go(first(place))}
            onPrevious={() => go(previous(place, edge(0)))}
            onNext={() => go(next(place, edge(-1)))}
          />
        )}
      </Section>
      {exporting && <Export service={service} kind={kind} query={{ ...place.filters, order: place.order }} total={list.data?.total} onClose={() => setExporting(false)} />}
    </Page>
  );
}
