// Add enrollment list entry, or look at one and change it.

import { Button } from '@fluentui/react-components';
import { Delete20Regular, QuestionCircle20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { keys } from '../../api/keys';
import { deleteEnrollment, putEnrollment, readEnrollment } from '../../api/service';
import type { IndividualEnrollment } from '../../api/types';
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
import { draftOf, emptyDraft, entryOf, type Draft } from './draft';
import { EntryForm } from './EntryForm';
import { ForTheDevice } from './ForTheDevice';
import { WhereItIs } from './WhereItIs';

const crumbsOf = (service: string) => [
  { name: service, href: paths.service(service) },
  { name: 'Manage enrollments', href: paths.enrollments(service) },
];

/** Saves, and lets every list be read again that shows it. */
function useSave(service: string, base?: IndividualEnrollment) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ draft, over }: { draft: Draft; over?: boolean }) => putEnrollment(service, entryOf(draft, 'individual', base) as IndividualEnrollment, over ? '*' : base?.etag),
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: keys.enrollments(service) });
      await client.invalidateQueries({ queryKey: keys.enrollment(service, saved.registrationId) });
      void client.invalidateQueries({ queryKey: keys.overview });
      toast(base ? `${saved.registrationId} is saved.` : `${saved.registrationId} may register now.`);
    },
  });
}

function NewEnrollment({ service }: { service: string }) {
  const [, navigate] = useLocation();
  const save = useSave(service);
  return (
    <Page narrow title="Add enrollment list entry" crumbs={crumbsOf(service)}>
      <EntryForm
        service={service}
        kind="individual"
        initial={emptyDraft}
        isNew
        busy={save.isPending || save.isSuccess}
        error={save.error}
        back={paths.enrollments(service)}
        onSave={(draft) => save.mutate({ draft }, { onSuccess: (saved) => navigate(paths.enrollment(service, saved.registrationId)) })}
      />
    </Page>
  );
}

function OldEnrollment({ service, id }: { service: string; id: string }) {
  const mayChange = useMayChange();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [deleting, setDeleting] = useState(false);
  const entry = useQuery({ queryKey: keys.enrollment(service, id), queryFn: ({ signal }) => readEnrollment(service, id, signal), refetchOnWindowFocus: false });
  const save = useSave(service, entry.data);
  return (
    <Page
      narrow
      title={entry.data?.registrationId ?? id}
      kind="Individual enrollment"
      crumbs={crumbsOf(service)}
      aside={entry.data && <StateOf word={entry.data.provisioningStatus} />}
      actions={
        <>
          <ButtonLink appearance="subtle" icon={<QuestionCircle20Regular />} href={paths.explain(service, id)}>
            Explain refusals
          </ButtonLink>
          {mayChange && (
            <Button appearance="subtle" icon={<Delete20Regular />} disabled={!entry.data} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
        </>
      }
    >
      {entry.isError && <ErrorView error={entry.error} onRetry={() => void entry.refetch()} />}
      {entry.isPending && <Loading rows={8} />}
      {entry.data && (
        <Stack>
          <WhereItIs service={service} record={entry.data.registrationState} />
          <ForTheDevice service={service} entry={entry.data} />
          <EntryForm
            key={entry.data.etag}
            service={service}
            kind="individual"
            initial={draftOf(entry.data)}
            isNew={false}
            busy={save.isPending}
            error={save.error}
            back={paths.enrollments(service)}
            onSave={(draft, over) => save.mutate({ draft, over })}
            onTheirs={() => {
              save.reset();
              void entry.refetch();
            }}
          />
        </Stack>
      )}
      {deleting && entry.data && (
        <Confirm
          title={`Delete ${id}?`}
          action="Delete"
          onConfirm={() => deleteEnrollment(service, id, entry.data.etag)}
          onClose={(done) => {
            setDeleting(false);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.service(service) });
            toast(`${id} is deleted.`);
            navigate(paths.enrollments(service));
          }}
        >
          The enrollment and its registration record are deleted, and the device can no longer register. What it has on its hub stays: delete the device there
          too if it is not to connect any more.
        </Confirm>
      )}
    </Page>
  );
}

export default function EnrollmentPage({ service, id }: { service: string; id?: string }) {
  return id === undefined ? <NewEnrollment service={service} /> : <OldEnrollment service={service} id={id} />;
}
