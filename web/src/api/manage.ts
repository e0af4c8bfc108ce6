// The management API: provisioning services and hubs as resources, their keys, links, policies and CA certificates.

import { ask, withQuery } from './http';
import type { AccessPolicy, CaCertificate, EndorsementCertificates, IotHub, LinkedHubEntry, ProvisioningService, ServicePolicy } from './types';

const subscription = '/subscriptions/00000000-0000-0000-0000-000000000000';
const devices = `${subscription}/resourceGroups/berth/providers/Microsoft.Devices`;
const version = { 'api-version': '2022-12-12' };
const sku = { name: 'S1', capacity: 1 };

const servicePath = (name: string, rest = '') => withQuery(`${devices}/provisioningServices/${encodeURIComponent(name)}${rest}`, version);
const hubPath = (name: string, rest = '') => withQuery(`${devices}/IotHubs/${encodeURIComponent(name)}${rest}`, version);

// --- resources ---

export const readService = (name: string, signal?: AbortSignal) => ask<ProvisioningService>('GET', servicePath(name), { signal });
export const readHub = (name: string, signal?: AbortSignal) => ask<IotHub>('GET', hubPath(name), { signal });

export const createService = (name: string, properties: { allocationPolicy?: ServicePolicy; iotHubs?: LinkedHubEntry[] } = {}) =>
  ask<ProvisioningService>('PUT', servicePath(name), { body: { location: 'local', sku, properties } });
export const createHub = (name: string, location = 'local') =>
  ask<IotHub>('PUT', hubPath(name), { body: { location, sku, properties: {} } });

export const deleteService = (name: string) => ask<void>('DELETE', servicePath(name));
export const deleteHub = (name: string) => ask<void>('DELETE', hubPath(name));

export interface NameCheck {
  nameAvailable: boolean;
  message: string | null;
}
export const checkName = (name: string, signal?: AbortSignal) =>
  ask<NameCheck>('POST', withQuery(`${subscription}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability`, version), {
    body: { name },
    signal,
  });

/** What the service is now, with one change; whoever else changed other parts meanwhile is not undone. */
async function changeService(
  name: string,
  change: (now: ProvisioningService) => Partial<ProvisioningService['properties']> & { authorizationPolicies?: AccessPolicy[] },
): Promise<ProvisioningService> {
  const now = await readService(name);
  return ask<ProvisioningService>('PUT', servicePath(name), {
    body: { location: now.location, sku: now.sku ?? sku, tags: now.tags ?? {}, properties: change(now) },
  });
}

export const setAllocationPolicy = (name: string, allocationPolicy: ServicePolicy) => changeService(name, () => ({ allocationPolicy }));

export const setEndorsementCertificates = (name: string, endorsementCertificates: EndorsementCertificates) =>
  changeService(name, () => ({ endorsementCertificates }));

// --- linked hubs: the list is always written whole; a masked key that is sent back keeps what is stored ---

const sameHost = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const changeLinks = (service: string, change: (links: LinkedHubEntry[]) => LinkedHubEntry[]) =>
  changeService(service, (now) => ({ iotHubs: change(now.properties.iotHubs ?? []) }));

export const replaceLink = (links: LinkedHubEntry[], host: string, change: Partial<LinkedHubEntry>): LinkedHubEntry[] =>
  links.map((link) => (sameHost(link.name, host) ? { ...link, ...change } : link));

export const withoutLink = (links: LinkedHubEntry[], host: string): LinkedHubEntry[] => links.filter((link) => !sameHost(link.name, host));

// --- shared access policies ---

export const listServiceKeys = async (name: string): Promise<AccessPolicy[]> =>
  (await ask<{ value: AccessPolicy[] }>('POST', servicePath(name, '/listkeys'))).value;
export const listHubKeys = async (name: string): Promise<AccessPolicy[]> =>
  (await ask<{ value: AccessPolicy[] }>('POST', hubPath(name, '/listkeys'))).value;

/** The list is the whole of it: a policy that is left out is removed, and one without keys gets new ones. */
export const putServicePolicies = (name: string, authorizationPolicies: AccessPolicy[]) =>
  changeService(name, () => ({ authorizationPolicies }));
export const putHubPolicies = async (name: string, authorizationPolicies: AccessPolicy[]): Promise<IotHub> => {
  const now = await readHub(name);
  return ask<IotHub>('PUT', hubPath(name), {
    body: { location: now.location, sku: now.sku ?? sku, tags: now.tags ?? {}, properties: { authorizationPolicies } },
  });
};

// --- CA certificates ---

const certificatePath = (service: string, name: string, rest = '') => servicePath(service, `/certificates/${encodeURIComponent(name)}${rest}`);

export const listCertificates = async (service: string, signal?: AbortSignal): Promise<CaCertificate[]> =>
  (await ask<{ value: CaCertificate[] }>('GET', servicePath(service, '/certificates'), { signal })).value;
export const uploadCertificate = (service: string, name: string, certificate: string, isVerified: boolean, etag?: string) =>
  ask<CaCertificate>('PUT', certificatePath(service, name), {
    body: { properties: { certificate, isVerified } },
    headers: etag ? { 'If-Match': etag } : {},
  });
export const generateCode = (service: string, name: string, etag: string) =>
  ask<CaCertificate>('POST', certificatePath(service, name, '/generateVerificationCode'), { headers: { 'If-Match': etag } });
export const verifyCertificate = (service: string, name: string, etag: string, certificate: string) =>
  ask<CaCertificate>('POST', certificatePath(service, name, '/verify'), { body: { certificate }, headers: { 'If-Match': etag } });
export const deleteCertificate = (service: string, name: string, etag: string) =>
  ask<void>('DELETE', certificatePath(service, name), { headers: { 'If-Match': etag } });
