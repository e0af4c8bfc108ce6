// Revocation lists: of groups, and about certificates of TPMs.

import type { RevocationList } from '../src/api/types';
import { etagOf, nothing, ok, record, refuseService, type Route } from './reply';

const hoursFrom = (now: number, hours: number) => new Date(now + hours * 36e5).toISOString();
const began = Date.now();

function listOf(name: string, more: Partial<RevocationList>): RevocationList {
  return { name, strict: false, etag: etagOf(name), ...more };
}
const known = (issuer: string, entries: number, hours: number): Partial<RevocationList> => ({ issuer: `CN=${issuer}`, entries, nextUpdateUtc: hoursFrom(began, hours) });

const ofTpms = 'endorsementrevocationlists';
const lists = new Map<string, RevocationList[]>([
  [
    `harbour/${ofTpms}`,
    [
      listOf('infineon-042', { url: 'http://pki.infineon.example/OptigaRsaMfrCA042/OptigaRsaMfrCA042.crl', refreshMinutes: 60, lastFetchedUtc: hoursFrom(began, -0.4), ...known('Infineon OPTIGA(TM) RSA Manufacturing CA 042,O=Infineon Technologies AG,C=DE', 1408, 150) }),
      listOf('nuvoton-2110', { url: 'https://www.nuvoton.example/security/NTC-TPM-EK-Cert/2110.crl', strict: true, lastError: 'The server answered with status 404.' }),
      listOf('works-tpm', known('Harbour works TPM root', 2, -30)),
    ],
  ],
  ['harbour/enrollmentgroups/line-6', [listOf('line-6', { url: 'http://pki.harbour.example/line-6.crl', strict: true, lastFetchedUtc: hoursFrom(began, -0.2), ...known('Line 6 CA', 12, 20) })]],
]);

const base = (path: string) => new RegExp(`^/berth/at/([^/]+)/berth/(endorsementrevocationlists|enrollmentgroups/[^/]+(?=/revocationlists))(?:/revocationlists)?${path}$`, 'i');
const whose = (service: string, owner: string) => `${service}/${decodeURIComponent(owner).toLowerCase()}`;
const all = (service: string, owner: string) => lists.get(whose(service, owner)) ?? [];

// What was asked for is there when it is asked after again.
function arrive(one: RevocationList): RevocationList {
  return one.url && !one.issuer && !one.lastError ? { ...one, lastFetchedUtc: new Date().toISOString(), ...known('Chips Ltd Intermediate 7', 4, 168) } : one;
}

export const revocationRoutes: Route[] = [
  [
    'GET',
    base(''),
    (_, [s = '', owner = '']) => {
      const now = all(s, owner);
      lists.set(whose(s, owner), now.map(arrive));
      return ok(now);
    },
  ],
  [
    'PUT',
    base('/([^/]+)'),
    ({ body }, [s = '', owner = '', name = '']) => {
      const { list, url, strict } = record(body) as { list?: string; url?: string; strict?: boolean };
      if (list && !list.includes('X509 CRL')) return refuseService(400, 400004, 'list cannot be used: it is no revocation list.');
      const was = all(s, owner).find((one) => one.name === name);
      const made = listOf(name, { ...was, ...(list ? { ...known('Chips Ltd', 3, 24), url: undefined } : url ? { url } : {}), strict: strict ?? was?.strict ?? false });
      lists.set(whose(s, owner), [...all(s, owner).filter((one) => one.name !== name), made]);
      return ok(made);
    },
  ],
  [
    'POST',
    base('/([^/]+)/refresh'),
    (_, [s = '', owner = '', name = '']) => {
      const one = all(s, owner).find((other) => other.name === name);
      return one ? ok(one) : refuseService(404, 404001, `There is no revocation list ${name}.`);
    },
  ],
  ['DELETE', base('/([^/]+)'), (_, [s = '', owner = '', name = '']) => (lists.set(whose(s, owner), all(s, owner).filter((one) => one.name !== name)), nothing)],
];
