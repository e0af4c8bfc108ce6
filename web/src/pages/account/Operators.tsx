// Who may sign in. For administrators.

import { Button, Field, Input, Select, Spinner } from '@fluentui/react-components';
import { Add20Regular } from '@fluentui/react-icons';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '../../api/keys';
import { deleteOperator, listOperators, putOperator } from '../../api/session';
import type { Operator, Role } from '../../api/types';
import { useMayChange, useSession } from '../../app/session';
import { Confirm } from '../../components/Confirm';
import { DataTable, type Column } from '../../components/DataTable';
import { Empty } from '../../components/Empty';
import { ErrorView } from '../../components/ErrorView';
import { Form, FormActions, Pair } from '../../components/Form';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Section, Stack } from '../../components/Section';
import { Time } from '../../components/Time';
import { toast } from '../../components/toasts';
import { faultOfPassword } from '../../lib/ids';

const roles: Record<Role, string> = { administrator: 'Administrator: may do everything', reader: 'Reader: looks, and changes nothing' };

function RoleChoice({ role, onChange, label }: { role: Role; onChange: (role: Role) => void; label: string }) {
  return (
    <Select aria-label={label} value={role} onChange={(_, data) => onChange(data.value as Role)}>
      {Object.entries(roles).map(([word, text]) => (
        <option key={word} value={word}>
          {text}
        </option>
      ))}
    </Select>
  );
}

function AddOperator({ taken, onClose }: { taken: string[]; onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('reader');
  const [password, setPassword] = useState('');
  const add = useMutation({
    mutationFn: () => putOperator(name, role, password),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.operators });
      toast(`${name} may sign in.`);
      onClose();
    },
  });
  const nameFault = taken.includes(name) ? 'There is an operator of this name.' : undefined;
  const passwordFault = password === '' ? undefined : faultOfPassword(password);
  const ready = name !== '' && password !== '' && !nameFault && !passwordFault && !add.isPending;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (ready) add.mutate();
  };
  return (
    <Section title="Add an operator">
      <Form onSubmit={submit}>
        <Pair>
          <Field label="Name" required validationState={nameFault ? 'error' : 'none'} validationMessage={nameFault}>
            <Input value={name} onChange={(_, data) => setName(data.value.trim())} autoComplete="off" spellCheck={false} />
          </Field>
          <Field label="Role">
            <RoleChoice label="Role" role={role} onChange={setRole} />
          </Field>
        </Pair>
        <Field label="First password" required hint="12 to 128 characters. Tell it to the operator, who can change it under Account." validationState={passwordFault ? 'error' : 'none'} validationMessage={passwordFault}>
          <Input type="password" value={password} onChange={(_, data) => setPassword(data.value)} autoComplete="new-password" />
        </Field>
        {add.isError && <ErrorView error={add.error} title="The operator was not added" />}
        <FormActions>
          <Button type="submit" appearance="primary" disabled={!ready} icon={add.isPending ? <Spinner size="tiny" /> : undefined}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </FormActions>
      </Form>
    </Section>
  );
}

export default function Operators() {
  const session = useSession();
  const isAdministrator = useMayChange();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<string>();
  const list = useQuery({ queryKey: keys.operators, queryFn: ({ signal }) => listOperators(signal), enabled: isAdministrator });
  const put = async (name: string, role: Role) => {
    await putOperator(name, role);
    await client.invalidateQueries({ queryKey: keys.operators });
  };
  const change = useMutation({
    mutationFn: ({ operator, role }: { operator: Operator; role: Role }) => put(operator.name, role),
    onSuccess: (_, { operator, role }) => toast(`${operator.name} is ${role} now.`, { undo: () => put(operator.name, operator.role) }),
  });
  const columns: Column<Operator>[] = [
    { name: 'Name', cell: (one) => one.name + (one.name === session.name ? ' (you)' : '') },
    { name: 'Role', wrap: true, cell: (one) => <RoleChoice label={`Role of ${one.name}`} role={one.role} onChange={(role) => change.mutate({ operator: one, role })} /> },
    { name: 'Last sign-in', cell: (one) => <Time value={one.lastSignIn} /> },
    { name: 'Since', cell: (one) => <Time value={one.created} as="moment" /> },
    {
      name: 'Commands',
      unseen: true,
      cell: (one) => (
        <Button size="small" disabled={one.name === session.name} onClick={() => setDeleting(one.name)} aria-label={`Remove ${one.name}`}>
          Remove
        </Button>
      ),
    },
  ];
  if (!isAdministrator)
    return (
      <Page title="Operators">
        <Empty title="Operators are for administrators">Ask an administrator to change who may sign in.</Empty>
      </Page>
    );
  return (
    <Page
      title="Operators"
      lead="Who may sign in to this portal."
      actions={
        <Button appearance="subtle" icon={<Add20Regular />} onClick={() => setAdding(true)}>
          Add
        </Button>
      }
    >
      {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
      {change.isError && <ErrorView error={change.error} title="The role was not changed" />}
      <Stack>
        {adding && <AddOperator taken={(list.data ?? []).map((one) => one.name)} onClose={() => setAdding(false)} />}
        <Section flush>
          {list.isPending && <Loading />}
          {list.data && <DataTable label="Operators" rows={list.data} columns={columns} rowKey={(one) => one.name} />}
        </Section>
      </Stack>
      {deleting && (
        <Confirm
          title={`Remove ${deleting}?`}
          action="Remove"
          onConfirm={() => deleteOperator(deleting)}
          onClose={(done) => {
            setDeleting(undefined);
            if (!done) return;
            void client.invalidateQueries({ queryKey: keys.operators });
            toast(`${deleting} is removed.`);
          }}
        >
          All sessions of {deleting} end at once.
        </Confirm>
      )}
    </Page>
  );
}
