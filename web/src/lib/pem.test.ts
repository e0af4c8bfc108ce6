import { expect, test } from 'vitest';
import { bytesOfBase64, readCertificateFile, readCertificateText, readRevocationFile } from './pem';

const root = `-----BEGIN CERTIFICATE-----
MIIBpTCCAUygAwIBAgIBBzAKBggqhkjOPQQDAjAyMQswCQYDVQQGEwJOTDEOMAwG
A1UECgwFUGxhbnQxEzARBgNVBAMMClBsYW50IHJvb3QwHhcNMjYxMTI2MDM1MDU4
WhcNMzYxMTIzMDM1MDU4WjAyMQswCQYDVQQGEwJOTDEOMAwGA1UECgwFUGxhbnQx
EzARBgNVBAMMClBsYW50IHJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQl
Vymg0EiI/XC/MuCnary4d0vUS99QA1NqWZNLsex7IPAi8wn6IYJCCz7SFjGKEkYe
cNLzkAekr6Te8Tud2C9Vo1MwUTAdBgNVHQ4EFgQUbnnPDPZJvPRdWG06yRjZwQ1W
tWQwHwYDVR0jBBgwFoAUbnnPDPZJvPRdWG06yRjZwQ1WtWQwDwYDVR0TAQH/BAUw
AwEB/zAKBggqhkjOPQQDAgNHADBEAiBymas83SWpNV8rP+qNo8UF7WW6gzBSs0T6
1RJ4M6xTUQIgBh0H7QB5ApaQEI3Xzlw/pp/uyLEAmvfRXCfN0OR0LW4=
-----END CERTIFICATE-----
`;
const bytes = (text: string) => new TextEncoder().encode(text);
const der = bytesOfBase64(root.replace(/-----[A-Z ]+-----/g, ''));

test('a certificate is recognised, as PEM and as DER', () => {
  const sketch = { subject: 'Plant root', issuer: 'Plant root', notAfter: new Date('2036-11-23T03:50:58Z') };
  expect(readCertificateFile(bytes(root)).sketches).toEqual([sketch]);
  expect(readCertificateFile(der)).toEqual({ pem: root, sketches: [sketch] });
});

test('a certificate that is stored is recognised as PEM and as base64', () => {
  const base64 = root.replace(/-----[A-Z ]+-----|\n/g, '');
  expect(readCertificateText(base64)).toEqual(readCertificateText(root));
  expect(() => readCertificateText('AAAA')).toThrow('no certificate');
});

test('a chain keeps its order, and what stands around it goes', () => {
  const file = readCertificateFile(bytes(`Bag Attributes\n${root}\nsubject=x\n${root}`));
  expect(file.pem).toBe(root + root);
  expect(file.sketches).toHaveLength(2);
});

test('what is no certificate is told apart', () => {
  const withLabel = (label: string) => bytes(root.replaceAll('CERTIFICATE', label));
  expect(() => readCertificateFile(withLabel('PRIVATE KEY'))).toThrow(/private key/);
  expect(() => readCertificateFile(withLabel('CERTIFICATE REQUEST'))).toThrow(/request/);
  expect(() => readCertificateFile(bytes('hello'))).toThrow(/no certificate in this file/);
  expect(() => readCertificateFile(der.slice(0, 200))).toThrow(/damaged/);
});

test('a revocation list is told from a certificate', () => {
  expect(() => readRevocationFile(bytes(root))).toThrow(/no revocation list/);
});
