import type { RevocationWords } from './RevocationLists';

export const wordsOfGroup: RevocationWords = {
  title: 'Revocation lists',
  hint: 'A device whose certificate is on a list is refused. Without a list, every certificate of the CA passes until it ends.',
  none: 'No revocation list yet',
  purpose: 'A CA publishes which of its certificates it has withdrawn, because a key was lost or a device sold. Add that list, and such devices are refused.',
  signers: 'a certificate of the group or a CA certificate of the service',
  deletion: 'Certificates that are on this list alone are let in again.',
};

export const wordsOfTpms: RevocationWords = {
  title: 'Withdrawn certificates of TPMs',
  hint: 'Lists that TPM manufacturers publish. An endorsement certificate on one is refused when it is enrolled, and when its device comes.',
  none: 'No list of withdrawn TPMs yet',
  purpose: 'A manufacturer whose keys were exposed withdraws the certificates of those TPMs, and publishes a list of them. Add it, and such TPMs are no longer believed.',
  signers: 'a root of a manufacturer. For the list of an intermediate, give that intermediate',
  deletion: 'TPMs whose certificates are on this list alone are believed again: they can be enrolled, and their devices register.',
};
