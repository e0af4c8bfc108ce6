import { expect, test } from 'vitest';
import { at, withQuery } from './http';

test('a query leaves out what is not given, and encodes the rest', () => {
  expect(withQuery('/x', { a: undefined, b: '' })).toBe('/x');
  expect(withQuery('/x', { a: 'ä&b', n: 0, yes: false })).toBe('/x?a=%C3%A4%26b&n=0&yes=false');
});

test('another host is named by its label', () => {
  expect(at('dps1', '/enrollments/a%3Ab', '2021-10-01')).toBe('/berth/at/dps1/enrollments/a%3Ab?api-version=2021-10-01');
});
