// Add an enrollment group, or look at one and change it.

import { Button } from '@fluentui/react-components';
import { Delete20Regular, Navigation20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { deleteGroup, putGroup, readGroup } from '../../api/service';
import type { EnrollmentGroup } from '../../api/types';
import { paths } from '../../app/paths';
import { useMayChange } from '../../app/session';
import { ButtonLink } from '../../components/Anchor';
import { Confirm } from '../../components/Confirm';
import { ErrorView } from '../../components/ErrorView';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Stack } from '../../components/Section';
import { StateOf } from '../../components/State';
import { toast } from '../../components/toasts';
import { RevocationLists } from '../revocation/RevocationLists';
import { wordsOfGroup } from '../revocation/words';
import { draftOf, emptyDraft, entryOf, type Draft } from './draft';
import { EntryForm } from './EntryForm';
import { GroupKeys } from './GroupKeys';

const crumbsOf = (service: string) => [
  { name: service, href: paths.service(service) },
  { name: 'Manage enrollments', href: paths.groups(service) },
];

function useSave(service: string, base?: EnrollmentGroup) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ draft, over }: { draft: Draft; over?: boolean }) => putGroup(service, entryOf(draft, 'group', base) as EnrollmentGroup, over ? '*' : base?.etag),
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: keys.groups(service) });
      await client.invalidateQueries({ queryKey: keys.group(service, saved.enrollmentGroupId) });
      void client.invalidateQueries({ queryKey: keys.overview });
      toast(base ? `${saved.enrollmentGroupId} is saved.` : `Devices of ${saved.enrollmentGroupId} may register now.`);
    },
  });
}

function NewGroup({ service }: { service: string }) {
  const [, navigate] = useLocation();
  const save = useSave(service);
  return (
    <Page
      narrow
      title="Add enrollment group"
      crumbs={crumbsOf(service)}
      lead="One entry for any number of devices: those whose keys derive from the group’s, or whose certificates a CA has issued."
    >
      <EntryForm
        service={service}
        kind="group"
        initial={emptyDraft}
        isNew
        busy={save.isPending || save.isSuccess}
        error={save.error}
        back={paths.groups(service)}
        onSave={(draft) => save.mutate({ draft }, { onSuccess: (saved) => navigate(paths.group(service, saved.enrollmentGroupId)) })}
      />
    </Page>
  );
}

function OldGroup({ service, id }: { service: string; id: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const group = useQuery({ queryKey: keys.group(service, id), queryFn: ({ signal }) => readGroup(service, id, signal), refetchOnWindowFocus: false });
  const save = useSave(service, group.data);
  const type = group.data?.attestation.type;
  return (
    <Page
      narrow
      title={group.data?.enrollmentGroupId ?? id}
      kind="Enrollment group"
      crumbs={crumbsOf(service)}
      aside={group.data && <StateOf word={group.data.provisioningStatus} />}
      actions={
        <>
          <ButtonLink appearance="subtle" icon={<Navigation20Regular />} href={`${paths.registrations(service)}?group=${encodeURIComponent(id)}`}>
            Its registration records
          </ButtonLink>
          {mayChange && (
            <Button appearance="subtle" icon={<Delete20Regular />} disabled={!group.data} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
        </>
      }
    >
      {group.isError && <ErrorView error={group.error} onRetry={() => void group.refetch()} />}
      {group.isPending && <Loading rows={8} />}
      {group.data && (
        <Stack>
          {type === 'symmetricKey' && <GroupKeys service={service} group={group.data.enrollmentGroupId} />}
          {type === 'x509' && <RevocationLists owner={{ service, group: group.data.enrollmentGroupId }} words={wordsOfGroup} />}
          <EntryForm
            key={group.data.etag}
            service={service}
            kind="group"
            initial={draftOf(group.data)}
            isNew={false}
            busy={save.isPending}
            error={save.error}
            back={paths.groups(service)}
            onSave={(draft, over) => save.mutate({ draft, over })}
            onTheirs={() => {
              save.reset();
              void group.refetch();
            }}
          />
        </Stack>
      )}
      {deleting && group.data && (
        <Confirm
          title={`Delete ${id}?`}
          action="Delete"
          typed={id}
          onConfirm={() => deleteGroup(service, id, group.data.etag)}
          onClose={(done) => {
            setDeleting(false);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.service(service) });
            toast(`${id} is deleted.`);
            navigate(paths.groups(service));
          }}
        >
          None of its devices can register any more. Their registration records stay, and so does what they have on their hubs.
        </Confirm>
      )}
    </Page>
  );
}

export default function GroupPage({ service, id }: { service: string; id?: string }) {
  return id === undefined ? <NewGroup service={service} /> : <OldGroup service={service} id={id} />;
}
