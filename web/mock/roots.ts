// Roots of TPM manufacturers.

import type { EndorsementRoot } from '../src/api/types';
import { infoOf } from './devices';
import { nothing, ok, record, refuseService, type Route } from './reply';

const rootOf = (name: string, subject: string, days: number): EndorsementRoot => {
  const { sha256Thumbprint, notAfterUtc } = infoOf(subject, subject, days);
  return { name, subject: `CN=${subject}`, issuer: `CN=${subject}`, thumbprint: sha256Thumbprint, notAfter: notAfterUtc };
};

const roots = new Map<string, EndorsementRoot[]>([
  ['harbour', [rootOf('infineon-rsa-042', 'Infineon OPTIGA(TM) RSA Root CA 042', 6200), rootOf('works-tpm', 'Harbour works TPM root', 900)]],
]);
const base = (path: string) => new RegExp(`^/berth/at/([^/]+)/berth/endorsementroots${path}$`, 'i');

export const rootRoutes: Route[] = [
  ['GET', base(''), (_, [s = '']) => ok({ value: roots.get(s) ?? [] })],
  [
    'PUT',
    base('/([^/]+)'),
    ({ body }, [s = '', name = '']) => {
      if (!String(record(body)['certificate']).includes('CERTIFICATE')) return refuseService(400, 400004, 'certificate must be PEM or the base64 of DER.');
      const made = rootOf(name, name, 3000);
      roots.set(s, [...(roots.get(s) ?? []).filter((one) => one.name !== name), made]);
      return ok(made);
    },
  ],
  ['DELETE', base('/([^/]+)'), (_, [s = '', name = '']) => (roots.set(s, (roots.get(s) ?? []).filter((one) => one.name !== name)), nothing)],
];
