import { expect, test } from 'vitest';
import { lineSplitter } from './lines';

const linesOf = (...pieces: string[]): string[] => {
  const found: string[] = [];
  const split = lineSplitter((line) => found.push(line));
  pieces.forEach(split.take);
  split.end();
  return found;
};

test('lines are whole, however the pieces were cut', () => {
  expect(linesOf('{"a":1}\n{"b":2}\n')).toEqual(['{"a":1}', '{"b":2}']);
  expect(linesOf('{"a"', ':1}', '\n{"b":2}', '\n')).toEqual(['{"a":1}', '{"b":2}']);
});

test('the last line needs no line feed; empty ones do not count', () => {
  expect(linesOf('1\n\n \r\n2')).toEqual(['1', '2']);
  expect(linesOf('', '')).toEqual([]);
});
