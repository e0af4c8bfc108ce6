import { useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { deleteHub, deleteService } from '../../api/manage';
import { Confirm } from '../../components/Confirm';
import { toast } from '../../components/toasts';
import { plural } from '../../lib/format';
import type { ResourceRow } from './rows';

interface DeleteResourceProps {
  row: Pick<ResourceRow, 'kind' | 'name' | 'devices' | 'enrollments'>;
  onClose: (done: boolean) => void;
}

/** Deleting a service or a hub takes everything in it along, so its name has to be written out. */
export function DeleteResource({ row, onClose }: DeleteResourceProps) {
  const client = useQueryClient();
  const isService = row.kind === 'service';
  const close = (done: boolean) => {
    if (done) {
      client.removeQueries({ queryKey: isService ? keys.service(row.name) : keys.hub(row.name) });
      void client.invalidateQueries({ queryKey: keys.overview });
      toast(`${row.name} is deleted.`);
    }
    onClose(done);
  };
  return (
    <Confirm
      title={`Delete ${row.name}?`}
      action="Delete"
      typed={row.name}
      onConfirm={() => (isService ? deleteService(row.name) : deleteHub(row.name))}
      onClose={close}
    >
      {isService ? (
        <>
          Its {plural(row.enrollments, 'enrollment')}, {plural(row.devices, 'registration record')}, links, certificates and keys are deleted with it.
          Devices stay on their hubs and go on working; they can no longer register. This cannot be undone.
        </>
      ) : (
        <>
          {row.devices > 0 ? `Its ${plural(row.devices, 'device')} with identities and twins are` : 'Its keys are'} deleted with it, and connected devices are cut
          off. Services that link it
          go on naming it until it is unlinked. This cannot be undone.
        </>
      )}
    </Confirm>
  );
}
