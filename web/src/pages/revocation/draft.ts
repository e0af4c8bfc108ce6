// A revocation list as it is being given or changed.

import type { RevocationPut } from '../../api/service';
import type { RevocationList } from '../../api/types';
import type { DroppedCertificate } from '../../components/CertificateDrop';
import { faultOfCertificateName } from '../certificates/names';

export interface ListDraft {
  name: string;
  source: 'address' | 'file';
  url: string;
  file?: { pem: string; name: string };
  issuer?: DroppedCertificate;
  strict: boolean;
}

const longestUrl = 2048;

/** Of the one that is changed; undefined: a new one. */
export const draftOf = (was: RevocationList | undefined): ListDraft => ({
  name: was?.name ?? '',
  source: was && !was.url ? 'file' : 'address',
  url: was?.url ?? '',
  strict: was?.strict ?? false,
});

/** Empty is no fault yet. */
export function faultOfUrl(url: string): string | undefined {
  if (url === '') return undefined;
  if (url.length > longestUrl) return `At most ${longestUrl} characters.`;
  return /^https?:\/\/./.test(url) ? undefined : 'It must begin with http:// or https://.';
}

/** `taken`: the names of the other lists. */
export function faultOfListName(name: string, taken: readonly string[]): string | undefined {
  const isTaken = taken.some((other) => other.toLowerCase() === name.toLowerCase());
  return isTaken ? 'There is a list of this name.' : faultOfCertificateName(name);
}

/** Whether it can be sent. A list that was given as a file can be changed without giving it again. */
export function isComplete(draft: ListDraft, taken: readonly string[], was: RevocationList | undefined): boolean {
  if (draft.name === '' || faultOfListName(draft.name, taken)) return false;
  if (draft.source === 'address') return draft.url !== '' && !faultOfUrl(draft.url);
  return draft.file !== undefined || (was !== undefined && !was.url);
}

export function bodyOf({ source, url, file, issuer, strict }: ListDraft): RevocationPut {
  const content = source === 'address' ? { url } : file ? { list: file.pem } : {};
  return { ...content, strict, ...(issuer ? { issuerCertificate: issuer.pem } : {}) };
}
