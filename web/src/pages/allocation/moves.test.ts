import { expect, test } from 'vitest';
import { collectMoves, flowsOf, shownMost, squaresOf } from './moves';

const move = (i: number) => ({ registrationId: `press-${i}`, from: 'a', to: 'b' });
const textOf = async (parts: BlobPart[]) => new Blob(parts).text();

test('the page gets the first, the file gets all, in order', async () => {
  const moves = collectMoves();
  for (let i = 0; i < 25_001; i++) moves.add(move(i));
  expect(moves.count()).toBe(25_001);
  expect(moves.first()).toHaveLength(shownMost);
  expect(moves.first()[0]).toEqual(move(0));
  const lines = (await textOf(moves.file())).trimEnd().split('\r\n');
  expect(lines).toHaveLength(25_002);
  expect(lines[0]).toBe('registrationId,from,to');
  expect(lines.at(-1)).toBe('press-25000,a,b');
  expect(lines[10_001]).toBe('press-10000,a,b');
});

test('a file of none has its heading', async () => {
  expect(await textOf(collectMoves().file())).toBe('registrationId,from,to\r\n');
});

test('for each hub, who stays, who comes and who goes', () => {
  const moves = [{ from: 'a', to: 'b', devices: 30 }, { from: 'a', to: 'c', devices: 5 }, { from: 'b', to: 'c', devices: 1 }];
  expect(flowsOf({ hubs: [{ name: 'a', now: 100, then: 65 }, { name: 'b', now: 50, then: 79 }, { name: 'c', now: 0, then: 6 }], moves })).toEqual([
    { name: 'a', now: 100, then: 65, go: 35, come: 0, stay: 65 },
    { name: 'b', now: 50, then: 79, go: 1, come: 30, stay: 49 },
    { name: 'c', now: 0, then: 6, go: 0, come: 6, stay: 0 },
  ]);
});

test('squares are in proportion, and nobody is overlooked', () => {
  expect(squaresOf(50, 100, 400)).toBe(200);
  expect(squaresOf(0, 100, 400)).toBe(0);
  expect(squaresOf(1, 1_000_000, 400)).toBe(1);
});
