import { expect, test } from 'vitest';
import { formatBytes, formatMilliseconds, formatRate, formatShort, plural } from './format';

test('numbers are whole until ten thousand, then short', () => {
  expect(formatShort(9_999)).toBe('9,999');
  expect(formatShort(1_234_567)).toBe('1.2M');
});

test('a small rate keeps a digit', () => {
  expect(formatRate(0.25)).toBe('0.3');
  expect(formatRate(1999.6)).toBe('2,000');
});

test('one is singular, everything else plural', () => {
  expect(plural(1, 'hub')).toBe('1 hub');
  expect(plural(0, 'hub')).toBe('0 hubs');
  expect(plural(2, 'entry', 'entries')).toBe('2 entries');
});

test('sizes and latencies have their units', () => {
  expect(formatBytes(1)).toBe('1 byte');
  expect(formatBytes(1536)).toBe('1.5 KB');
  expect(formatMilliseconds(1.24)).toBe('1.2 ms');
  expect(formatMilliseconds(1234.5)).toBe('1,235 ms');
});
