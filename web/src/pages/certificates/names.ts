// Names under which certificates are kept.

import { faultOfRegistrationId } from '../../lib/ids';

const longest = 64;

/** Empty is no fault yet. */
export function faultOfCertificateName(name: string): string | undefined {
  if (name === '') return undefined;
  return name.length > longest ? `At most ${longest} characters.` : faultOfRegistrationId(name);
}

/** One to begin with, from the subject of a certificate; empty where nothing of it can stay. */
export const nameFrom = (subject: string): string =>
  subject
    .replace(/[^A-Za-z0-9._:-]+/g, '-')
    .toLowerCase()
    .slice(0, longest)
    .replace(/^[^a-z0-9]+|[^a-z0-9-]+$/g, '')
    .replace(/-+$/, '');
