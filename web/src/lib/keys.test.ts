import { webcrypto } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { deriveKey, faultOfKey, makeKey } from './keys';

// Debian 12's Node 18 keeps Web Crypto in its module.
if (globalThis.crypto === undefined) vi.stubGlobal('crypto', webcrypto);

test('the key of a group’s device is that of the published example', async () => {
  const groupKey = '8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==';
  expect(await deriveKey(groupKey, 'sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6')).toBe('Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=');
});

test('a key that is made is a good one, and another each time', () => {
  expect(faultOfKey(makeKey())).toBeUndefined();
  expect(makeKey()).toHaveLength(88);
  expect(makeKey()).not.toBe(makeKey());
});

test('keys that are none say why', () => {
  expect(faultOfKey('')).toMatch(/needed/);
  expect(faultOfKey('a b')).toMatch(/base64/);
  expect(faultOfKey('AAAA')).toMatch(/this one has 3/);
});
