import { expect, test } from 'vitest';
import { inTurn } from './inTurn';

test('all are done, a few at a time, and failures are told apart', async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  const failures = await inTurn(
    Array.from({ length: 20 }, (_, i) => i),
    async (i) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      if (i % 10 === 3) throw new Error(`no ${i}`);
      seen.push(i);
    },
  );
  expect(most).toBeLessThanOrEqual(6);
  expect(seen).toHaveLength(18);
  expect(failures.map((failure) => failure.item).sort((a, b) => a - b)).toEqual([3, 13]);
});
