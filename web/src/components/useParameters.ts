import { useLocation, useSearch } from 'wouter';

/** What the address says behind its question mark, and how to have it say something else there; what is undefined goes, others stay. */
export function useParameters(): [URLSearchParams, (change: Record<string, string | undefined>) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const change = (said: Record<string, string | undefined>) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries(said)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    navigate(query ? `${path}?${query}` : path, { replace: true });
  };
  return [new URLSearchParams(search), change];
}
