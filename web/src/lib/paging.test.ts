import { expect, test } from 'vitest';
import { filtered, next, ordered, previous, readPlace, writePlace } from './paging';

const names = ['prefix', 'status'];

test('an address says where in the list one is, and back', () => {
  const search = 'prefix=press&status=disabled&order=desc&after=press-99&page=4';
  const place = readPlace(search, names);
  expect(place).toEqual({ filters: { prefix: 'press', status: 'disabled' }, order: 'desc', after: 'press-99', before: undefined, page: 4 });
  expect(writePlace(place)).toBe(search);
});

test('nonsense is the first page', () => {
  expect(readPlace('page=-3&order=sideways', names)).toMatchObject({ page: 1, order: 'asc', filters: {} });
  expect(readPlace('page=7', names).page).toBe(1);
});

test('a filter or another order begins at the beginning', () => {
  const place = readPlace('prefix=a&after=a9&page=3', names);
  expect(writePlace(filtered(place, { status: 'enabled' }))).toBe('prefix=a&status=enabled');
  expect(writePlace(filtered(place, { prefix: '' }))).toBe('');
  expect(writePlace(ordered(place, 'desc'))).toBe('prefix=a&order=desc');
});

test('paging goes on after the last row and back before the first one', () => {
  const second = next(readPlace('', names), 'b');
  expect(writePlace(second)).toBe('after=b&page=2');
  expect(writePlace(next(second, 'd'))).toBe('after=d&page=3');
  expect(writePlace(previous(next(second, 'd'), 'c'))).toBe('before=c&page=2');
  expect(writePlace(previous(second, 'b'))).toBe('');
});

test('parameters of others stay in the address', () => {
  expect(writePlace(filtered(readPlace('tour=1', names), { prefix: 'x' }), 'tour=1')).toBe('tour=1&prefix=x');
});
