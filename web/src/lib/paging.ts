// Where in a list the reader is, as it stands in the page's address: filters, order, and the row that the page begins
// after. Lists are walked by key, so a page stays where it is while rows come and go.

export interface Place {
  filters: Record<string, string>;
  order: 'asc' | 'desc';
  after?: string;
  before?: string;
  /** For display only: how far it has been paged. */
  page: number;
}

const own = new Set(['order', 'after', 'before', 'page']);

export function readPlace(search: string, names: readonly string[]): Place {
  const given = new URLSearchParams(search);
  const filters: Record<string, string> = {};
  for (const name of names) {
    const value = given.get(name);
    if (value) filters[name] = value;
  }
  const page = Number(given.get('page'));
  const cursor = given.get('after') ?? given.get('before');
  return {
    filters,
    order: given.get('order') === 'desc' ? 'desc' : 'asc',
    after: given.get('after') ?? undefined,
    before: given.get('before') ?? undefined,
    page: cursor && Number.isInteger(page) && page > 1 ? page : 1,
  };
}

/** What is as it would be anyway is left out; parameters of others stay. */
export function writePlace(place: Place, search = ''): string {
  const next = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(search)) if (!own.has(name) && !(name in place.filters)) next.set(name, value);
  for (const [name, value] of Object.entries(place.filters)) if (value) next.set(name, value);
  if (place.order === 'desc') next.set('order', 'desc');
  if (place.after) next.set('after', place.after);
  if (place.before) next.set('before', place.before);
  if (place.page > 1) next.set('page', String(place.page));
  return next.toString();
}

/** Another filter or order begins at the beginning. */
export const filtered = (place: Place, change: Record<string, string>): Place => ({
  filters: { ...place.filters, ...change },
  order: place.order,
  page: 1,
});
export const ordered = (place: Place, order: 'asc' | 'desc'): Place => ({ filters: place.filters, order, page: 1 });

export const first = (place: Place): Place => ({ filters: place.filters, order: place.order, page: 1 });
export const next = (place: Place, last: string): Place => ({ ...first(place), after: last, page: place.page + 1 });
/** The page before the second is the first, whatever was added there meanwhile. */
export const previous = (place: Place, top: string): Place =>
  place.page <= 2 ? first(place) : { ...first(place), before: top, page: place.page - 1 };
