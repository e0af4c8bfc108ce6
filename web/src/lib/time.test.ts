import { expect, test } from 'vitest';
import { daysUntil, fromNow, readTime } from './time';

const now = new Date('2026-03-04T12:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

test('year 1 is never, with and without its zone', () => {
  expect(readTime('0001-01-01T00:00:00')).toBeUndefined();
  expect(readTime('0001-01-01T00:00:00Z')).toBeUndefined();
  expect(readTime(null)).toBeUndefined();
  expect(readTime('no date')).toBeUndefined();
});

test('seven digits of a second are read, and a time without zone is UTC', () => {
  expect(readTime('2026-01-05T10:20:28.8800437Z')?.toISOString()).toBe('2026-01-05T10:20:28.880Z');
  expect(readTime('2026-01-05T10:20:28')?.toISOString()).toBe('2026-01-05T10:20:28.000Z');
});

test('a moment is told from now', () => {
  expect(fromNow(later(-3), now)).toBe('just now');
  expect(fromNow(later(-120), now)).toBe('2 minutes ago');
  expect(fromNow(later(-86_400), now)).toBe('yesterday');
  expect(fromNow(later(3 * 3600 + 10), now)).toBe('in 3 hours');
  expect(fromNow(later(400 * 86_400), now)).toBe('next year');
});

test('days that are left are whole ones', () => {
  expect(daysUntil(later(86_400 * 2 - 1), now)).toBe(1);
  expect(daysUntil(later(-1), now)).toBe(-1);
});
