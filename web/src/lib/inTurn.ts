// Many small things, a few at a time; what fails does not stop the others.

export interface Failure<Item> {
  item: Item;
  error: unknown;
}

const atOnce = 6;

export async function inTurn<Item>(items: readonly Item[], each: (item: Item) => Promise<unknown>, onProgress?: (done: number) => void): Promise<Failure<Item>[]> {
  const failures: Failure<Item>[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < items.length) {
      const item = items[next++] as Item;
      try {
        await each(item);
      } catch (error) {
        failures.push({ item, error });
      }
      onProgress?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return failures;
}
