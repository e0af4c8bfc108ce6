// Certificates as files: PEM text or DER bytes in, PEM text out, and enough of what is inside to recognise them.

import { readCertificate, type CertificateSketch } from './der';

export interface CertificateFile {
  pem: string;
  sketches: CertificateSketch[];
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g;

export const bytesOfBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text.replace(/\s+/g, '')), (c) => c.charCodeAt(0));

export function base64OfBytes(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export const base64OfText = (text: string): string => base64OfBytes(new TextEncoder().encode(text));

export const pemOf = (der: Uint8Array, label = 'CERTIFICATE'): string =>
  `-----BEGIN ${label}-----\n${(base64OfBytes(der).match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

const isText = (bytes: Uint8Array): boolean => bytes[0] !== 0x30;

/** Throws an Error with a sentence where there is no certificate in it. */
export function readCertificateFile(bytes: Uint8Array): CertificateFile {
  if (!isText(bytes)) return { pem: pemOf(bytes), sketches: [readCertificate(bytes)] };
  const text = new TextDecoder().decode(bytes);
  const blocks = [...text.matchAll(block)].map((found) => ({ label: found[1] ?? '', body: found[2] ?? '' }));
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (certificates.length > 0) {
    const ders = certificates.map(({ body }) => bytesOfBase64(body));
    return { pem: ders.map((der) => pemOf(der)).join(''), sketches: ders.map(readCertificate) };
  }
  if (blocks.some(({ label }) => label.includes('PRIVATE KEY'))) throw new Error('This file holds a private key. Keep it to yourself: the certificate is what is needed.');
  if (blocks.some(({ label }) => label.includes('REQUEST'))) throw new Error('This is a request for a certificate. The certificate that was issued for it is needed.');
  throw new Error('There is no certificate in this file. It must be PEM text (-----BEGIN CERTIFICATE-----) or DER.');
}

/** PEM, or base64 of DER: as the server stores one. Throws as a file does. */
export function readCertificateText(text: string): CertificateFile {
  if (text.includes('-----BEGIN')) return readCertificateFile(new TextEncoder().encode(text));
  const der = bytesOfBase64(text);
  return { pem: pemOf(der), sketches: [readCertificate(der)] };
}

export function readRevocationFile(bytes: Uint8Array): string {
  if (!isText(bytes)) return pemOf(bytes, 'X509 CRL');
  const text = new TextDecoder().decode(bytes);
  if (!text.includes('-----BEGIN X509 CRL-----')) throw new Error('There is no revocation list in this file. It must be PEM text (-----BEGIN X509 CRL-----) or DER.');
  return text;
}
