import { useLocation, useSearch } from 'wouter';
import { readPlace, writePlace, type Place } from '../lib/paging';

/** Where in a list the reader is; it stands in the address, so that it can be shared and gone back to. */
export function usePlace(names: readonly string[]): [Place, (place: Place, replace?: boolean) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const go = (place: Place, replace = false) => {
    const query = writePlace(place);
    navigate(query ? `${path}?${query}` : path, { replace });
  };
  return [readPlace(search, names), go];
}
