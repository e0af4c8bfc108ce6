import { useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { changeLinks } from '../../api/manage';
import type { LinkedHubEntry } from '../../api/types';

/** Changes the list of linked hubs, and lets everything be read again that shows it. */
export function useChangeLinks(service: string) {
  const client = useQueryClient();
  return async (change: (links: LinkedHubEntry[]) => LinkedHubEntry[]) => {
    client.setQueryData(keys.resource(service), await changeLinks(service, change));
    await Promise.all([client.invalidateQueries({ queryKey: keys.links(service) }), client.invalidateQueries({ queryKey: keys.overview })]);
  };
}
