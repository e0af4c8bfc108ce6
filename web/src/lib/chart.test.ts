import { expect, test } from 'vitest';
import { areaPath, linePath, roundUp } from './chart';

test('an axis ends at a round number', () => {
  expect([0, 1, 3, 7, 11, 21, 260, 1999].map(roundUp)).toEqual([1, 1, 5, 10, 20, 25, 500, 2000]);
});

test('values become a path from left to right, zero at the bottom', () => {
  expect(linePath([0, 5, 10], 100, 50, 10)).toBe('M0 50L50 25L100 0');
  expect(areaPath([10, 10], 100, 50, 10)).toBe('M0 0L100 0L100 50L0 50Z');
  expect(linePath([], 100, 50, 10)).toBe('');
});
