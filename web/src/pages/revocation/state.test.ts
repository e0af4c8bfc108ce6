import { expect, test } from 'vitest';
import type { RevocationList } from '../../api/types';
import { isAwaited, stateOf } from './state';

const now = new Date('2026-11-26T12:00:00Z');
const of = (more: Partial<RevocationList>): RevocationList => ({ name: 'chips', strict: false, etag: 'e', ...more });
const known = { issuer: 'CN=Chips', entries: 3, nextUpdateUtc: '2026-11-27T00:00:00Z' };
const url = 'http://crl.example/7.crl';

test('a list of today is current, also one that names no successor', () => {
  expect(stateOf(of(known), now)).toEqual({ tone: 'good', word: 'Current' });
  expect(stateOf(of({ ...known, nextUpdateUtc: undefined }), now).word).toBe('Current');
});

test('one that was just asked for is awaited, until it is there or is known to fail', () => {
  expect(isAwaited(of({ url }))).toBe(true);
  expect(stateOf(of({ url }), now)).toEqual({ tone: 'busy', word: 'Being fetched' });
  expect(stateOf(of({ url, strict: true }), now).sentence).toMatch(/nobody passes/);
  expect(isAwaited(of({ url, ...known }))).toBe(false);
  expect(isAwaited(of({ url, lastError: 'x' }))).toBe(false);
});

test('what went wrong is told as the server says it, with what it means', () => {
  const lastError = 'The server answered with status 404.';
  expect(stateOf(of({ url, lastError }), now)).toEqual({ tone: 'warn', word: 'Not fetched', sentence: `${lastError} Nobody is refused by it.` });
  expect(stateOf(of({ url, lastError, strict: true }), now)).toMatchObject({ tone: 'bad', sentence: `${lastError} Until it is there, nobody passes.` });
  expect(stateOf(of({ url, lastError: 'connection refused', ...known, strict: true }), now)).toEqual({
    tone: 'warn',
    word: 'Not fetched again',
    sentence: 'connection refused. The one that is known is current.',
  });
});

test('a list that has ended refuses those on it, and a strict one everybody', () => {
  const ended = { ...known, nextUpdateUtc: '2026-11-26T11:59:59Z' };
  expect(stateOf(of(ended), now)).toMatchObject({ tone: 'warn', word: 'Out of date', sentence: 'Who is on it is still refused.' });
  expect(stateOf(of({ ...ended, strict: true }), now)).toMatchObject({ tone: 'bad', sentence: expect.stringContaining('nobody below its issuer passes') as string });
});
