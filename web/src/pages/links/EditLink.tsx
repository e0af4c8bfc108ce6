import { Button, Field, Input, Spinner, Switch } from '@fluentui/react-components';
import { useMutation } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { replaceLink } from '../../api/manage';
import type { LinkedHub, LinkedHubEntry } from '../../api/types';
import { paths } from '../../app/paths';
import { Anchor } from '../../components/Anchor';
import { Dialog } from '../../components/Dialog';
import { ErrorView } from '../../components/ErrorView';
import { Form } from '../../components/Form';
import { LocationField } from '../../components/LocationField';
import { toast } from '../../components/toasts';
import { faultOfWeight } from '../../lib/ids';
import { faultOfLocation, locationOf, storedLocation } from '../../lib/places';
import { noTrial, writeTrial } from '../allocation/trial';
import { useChangeLinks } from './useChangeLinks';

interface EditLinkProps {
  service: string;
  hub: LinkedHub;
  onClose: () => void;
}

export function EditLink({ service, hub, onClose }: EditLinkProps) {
  const changeLinks = useChangeLinks(service);
  const [weight, setWeight] = useState(String(hub.weight ?? 1));
  const [apply, setApply] = useState(hub.apply !== false);
  const [location, setLocation] = useState(locationOf(hub.location));
  const fault = faultOfWeight(weight);
  const isFaulty = fault !== undefined || faultOfLocation(location.trim()) !== undefined;
  const set = (change: Partial<LinkedHubEntry>) => changeLinks((links) => replaceLink(links, hub.name, change));
  const save = useMutation({
    mutationFn: () => set({ allocationWeight: Number(weight), applyAllocationPolicy: apply, location: storedLocation(location) }),
    onSuccess: () => {
      toast(`${hub.name} is changed.`, { undo: () => set({ allocationWeight: hub.weight, applyAllocationPolicy: hub.apply, location: hub.location }) });
      onClose();
    },
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (!isFaulty) save.mutate();
  };
  const isWeightNew = fault === undefined && Number(weight) !== (hub.weight ?? 1);
  const id = useId();
  return (
    <Dialog
      title={hub.name}
      onClose={onClose}
      actions={
        <>
          <Button type="submit" form={id} appearance="primary" disabled={isFaulty || save.isPending} icon={save.isPending ? <Spinner size="tiny" /> : undefined}>
            Save
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <Form id={id} onSubmit={submit}>
        <Field
          label="Weight"
          hint="Its share under evenly weighted distribution: a hub of weight 2 gets twice as many devices as one of weight 1."
          validationState={fault ? 'error' : 'none'}
          validationMessage={fault}
        >
          <Input type="number" min={1} max={1000} value={weight} onChange={(_, data) => setWeight(data.value)} />
        </Field>
        {isWeightNew && (
          <p>
            <Anchor href={paths.whatIf(service, writeTrial({ ...noTrial, weights: { [hub.name]: weight } }))}>See what would move</Anchor> with this weight.
          </p>
        )}
        <LocationField value={location} onChange={setLocation} />
        <Switch
          label={apply ? 'Takes part in the allocation policy' : 'Gets devices only from enrollments that name it'}
          checked={apply}
          onChange={(_, data) => setApply(data.checked)}
        />
        {save.isError && <ErrorView error={save.error} title="The link was not saved" />}
      </Form>
    </Dialog>
  );
}
