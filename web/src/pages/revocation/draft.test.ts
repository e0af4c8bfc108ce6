import { expect, test } from 'vitest';
import type { RevocationList } from '../../api/types';
import { bodyOf, draftOf, faultOfListName, faultOfUrl, isComplete, type ListDraft } from './draft';

const fetched: RevocationList = { name: 'chips', url: 'http://crl.example/7.crl', strict: true, etag: 'e' };
const given: RevocationList = { name: 'works', strict: false, issuer: 'CN=Works', etag: 'e' };
const file = { pem: 'PEM', name: 'works.crl' };
const blank = draftOf(undefined);

test('a new list comes from an address or a file, and has a name', () => {
  expect(isComplete(blank, [], undefined)).toBe(false);
  const byAddress: ListDraft = { ...blank, name: 'chips', url: 'http://crl.example/7.crl' };
  expect(isComplete(byAddress, [], undefined)).toBe(true);
  expect(isComplete({ ...byAddress, name: '' }, [], undefined)).toBe(false);
  expect(isComplete({ ...byAddress, url: 'crl.example/7.crl' }, [], undefined)).toBe(false);
  expect(isComplete({ ...byAddress, source: 'file' }, [], undefined)).toBe(false);
  expect(isComplete({ ...byAddress, source: 'file', file }, [], undefined)).toBe(true);
});

test('a name that another list has is not given again, however it is spelled', () => {
  expect(faultOfListName('Chips', ['chips'])).toMatch(/There is a list/);
  expect(faultOfListName('chips-8', ['chips'])).toBeUndefined();
  expect(faultOfListName('a b', [])).toBeDefined();
  expect(isComplete({ ...blank, name: 'CHIPS', source: 'file', file }, ['chips'], undefined)).toBe(false);
});

test('only what the server fetches from is an address', () => {
  expect(faultOfUrl('')).toBeUndefined();
  expect(faultOfUrl('https://crl.example/7.crl')).toBeUndefined();
  for (const url of ['ftp://crl.example/7.crl', 'http://', 'ldap:///cn=crl', `http://${'x'.repeat(2048)}`]) expect(faultOfUrl(url), url).toBeDefined();
});

test('what is sent holds the source that was chosen alone, and an issuer only where one was given', () => {
  const both: ListDraft = { ...blank, name: 'x', url: 'http://x/', file, strict: true };
  expect(bodyOf(both)).toEqual({ url: 'http://x/', strict: true });
  expect(bodyOf({ ...both, source: 'file' })).toEqual({ list: 'PEM', strict: true });
  expect(bodyOf({ ...both, issuer: { pem: 'CA', subject: 'Chips', issuer: 'Chips' } })).toEqual({ url: 'http://x/', strict: true, issuerCertificate: 'CA' });
});

test('a list is changed without giving again what is known of it', () => {
  expect(draftOf(fetched)).toEqual({ name: 'chips', source: 'address', url: 'http://crl.example/7.crl', strict: true });
  expect(isComplete(draftOf(given), [], given)).toBe(true);
  expect(bodyOf({ ...draftOf(given), strict: true })).toEqual({ strict: true });
  expect(isComplete({ ...draftOf(fetched), source: 'file' }, [], fetched)).toBe(false);
});
