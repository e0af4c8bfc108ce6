// A list of a million entries that are made when they are looked at, with the changes to it kept beside.

export interface Shelf<Entry> {
  get(id: string): Entry | undefined;
  put(id: string, entry: Entry): void;
  drop(id: string): void;
  total(): number;
  page(query: PageQuery<Entry>): { items: Entry[]; more: boolean; total: number };
}

interface PageQuery<Entry> {
  prefix: string;
  after?: string;
  before?: string;
  limit: number;
  descending: boolean;
  fits: (entry: Entry) => boolean;
  filtered: boolean;
}

export function shelf<Entry>(count: number, idOf: (i: number) => string, indexOf: (id: string) => number, make: (i: number) => Entry): Shelf<Entry> {
  const changed = new Map<string, Entry | undefined>();
  let added: string[] = [];
  const isMade = (id: string) => {
    const i = indexOf(id);
    return i >= 0 && i < count && idOf(i) === id;
  };
  const get = (id: string): Entry | undefined => (changed.has(id) ? changed.get(id) : isMade(id) ? make(indexOf(id)) : undefined);

  // All IDs in order, from `start` on (after it), up or down.
  function* walk(start: string | undefined, down: boolean): Generator<string> {
    const others = down ? [...added].reverse() : added;
    const passed = (id: string) => start === undefined || (down ? id < start : id > start);
    let low = 0;
    let high = count;
    while (start !== undefined && low < high) {
      const middle = (low + high) >> 1;
      if (down ? idOf(middle) < start : idOf(middle) <= start) low = middle + 1;
      else high = middle;
    }
    let i = down ? (start === undefined ? count : low) - 1 : low;
    let k = others.findIndex(passed);
    if (k < 0) k = others.length;
    while ((down ? i >= 0 : i < count) || k < others.length) {
      const made = (down ? i >= 0 : i < count) ? idOf(i) : undefined;
      const other = others[k];
      const takeOther = made === undefined || (other !== undefined && (down ? other > made : other < made));
      if (takeOther) {
        k++;
        yield other as string;
      } else {
        i += down ? -1 : 1;
        yield made;
      }
    }
  }

  function take(query: PageQuery<Entry>, start: string | undefined, down: boolean): { items: Entry[]; more: boolean } {
    const items: Entry[] = [];
    for (const id of walk(start, down)) {
      if (!id.startsWith(query.prefix)) {
        if (down ? id < query.prefix : id > `${query.prefix}\uffff`) break;
        continue;
      }
      const entry = get(id);
      if (entry === undefined || !query.fits(entry)) continue;
      if (items.length === query.limit) return { items, more: true };
      items.push(entry);
    }
    return { items, more: false };
  }

  const countAll = (query: PageQuery<Entry>): number => {
    if (!query.filtered && query.prefix === '') return total();
    let n = 0;
    const start = query.prefix === '' ? undefined : query.prefix.slice(0, -1) || undefined;
    for (const id of walk(start, false)) {
      if (id > `${query.prefix}\uffff`) break;
      const entry = id.startsWith(query.prefix) ? get(id) : undefined;
      if (entry !== undefined && query.fits(entry)) n++;
    }
    return n;
  };

  const total = (): number => count + added.length - [...changed].filter(([id, entry]) => entry === undefined && isMade(id)).length;

  return {
    get,
    put(id, entry) {
      if (!isMade(id) && !added.includes(id)) added = [...added, id].sort();
      changed.set(id, entry);
    },
    drop(id) {
      added = added.filter((other) => other !== id);
      changed.set(id, undefined);
    },
    total,
    page(query) {
      const back = query.before !== undefined;
      const down = query.descending !== back;
      const found = take(query, query.before ?? query.after, down);
      return { items: back ? found.items.reverse() : found.items, more: back ? true : found.more, total: countAll(query) };
    },
  };
}
