// Symmetric keys: made, checked, and derived for the devices of a group.

import { base64OfBytes, bytesOfBase64 } from './pem';

const length = { least: 16, most: 64 };

export const makeKey = (): string => base64OfBytes(crypto.getRandomValues(new Uint8Array(length.most)));

export function faultOfKey(text: string): string | undefined {
  const key = text.trim();
  if (key === '') return 'A key is needed.';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key) || key.length % 4 !== 0) return 'This is not base64 text.';
  const bytes = bytesOfBase64(key).length;
  return bytes < length.least || bytes > length.most ? `A key has 16 to 64 bytes; this one has ${bytes}.` : undefined;
}

/** The key of one device of a group: base64(HMAC-SHA256(group key, registration ID)). */
export async function deriveKey(groupKey: string, registrationId: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', bytesOfBase64(groupKey) as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(registrationId));
  return base64OfBytes(new Uint8Array(signature));
}
