// The management API.

import type { AccessPolicy, LinkedHubEntry, ProvisioningService } from '../src/api/types';
import { nothing, ok, record, refuse, type Asked, type Reply, type Route } from './reply';
import { certificates, hostOf, hubPolicies, hubs, keyOf, link, makeCertificate, makeHub, makeService, ownerPolicy, policies, services } from './world';

const devices = '^/subscriptions/[^/]+/resourceGroups/berth/providers/Microsoft\\.Devices';
const at = (path: string) => new RegExp(`${devices}${path}$`, 'i');

const missing = (what: string, name: string): Reply => ({
  status: 404,
  body: { error: { code: 'ResourceNotFound', message: `There is no ${what} ${name}.` } },
});

function takeLink(given: LinkedHubEntry): LinkedHubEntry {
  const host = /HostName=([^;]+)/.exec(given.connectionString ?? '')?.[1] ?? given.name;
  const masked = given.connectionString?.replace(/SharedAccessKey=.*/, 'SharedAccessKey=****');
  return link(host, { ...given, name: host.includes('.') ? host : hostOf(host), connectionString: masked });
}

const withKeys = (owner: string, given: AccessPolicy[]): AccessPolicy[] =>
  given.map((p) => ({ ...p, primaryKey: p.primaryKey ?? keyOf(`${owner}${p.keyName}${Date.now()}a`), secondaryKey: p.secondaryKey ?? keyOf(`${owner}${p.keyName}${Date.now()}b`) }));

function putService({ body }: Asked, name: string): Reply {
  const created = !services.has(name);
  const service = services.get(name) ?? makeService(name);
  const given = record(record(body)['properties']) as ProvisioningService['properties'] & { authorizationPolicies?: AccessPolicy[] };
  if (given.allocationPolicy) service.properties.allocationPolicy = given.allocationPolicy;
  if (given.endorsementCertificates) service.properties.endorsementCertificates = given.endorsementCertificates;
  if (given.iotHubs) service.properties.iotHubs = given.iotHubs.map(takeLink);
  services.set(name, service);
  if (created) policies.set(name, ownerPolicy(name));
  if (given.authorizationPolicies) policies.set(name, withKeys(name, given.authorizationPolicies));
  return { status: created ? 201 : 200, body: service };
}

function putHub({ body }: Asked, name: string): Reply {
  const created = !hubs.has(name);
  const given = record(record(body)['properties']) as { authorizationPolicies?: AccessPolicy[] };
  if (created) {
    hubs.set(name, makeHub(name));
    policies.set(name, hubPolicies(name));
  }
  if (given.authorizationPolicies) policies.set(name, withKeys(name, given.authorizationPolicies));
  return { status: created ? 201 : 200, body: hubs.get(name) };
}

function certificateStep({ body, method, request }: Asked, service: string, name: string, step = ''): Reply {
  const all = certificates.get(service) ?? [];
  const stored = all.find((one) => one.name === name);
  if (method === 'PUT') {
    const isVerified = record(record(body)['properties'])['isVerified'] === true;
    const made = makeCertificate(name, name.replace('-', ' '), isVerified, 1200);
    certificates.set(service, [...all.filter((one) => one !== stored), made]);
    return ok(made);
  }
  if (!stored) return missing('certificate', name);
  if (request.headers['if-match'] !== stored.etag && request.headers['if-match'] !== '*') return refuse(412, '412001', 'The certificate has changed since.');
  if (method === 'DELETE') {
    if (name === 'line-6') return { status: 409, body: { code: 409001, httpStatusCode: 'Conflict', message: 'The CA certificate is in use by enrollment group line-6. Change or delete these first.' } };
    certificates.set(service, all.filter((one) => one !== stored));
    return nothing;
  }
  stored.etag += '+';
  if (/generate/i.test(step)) return ok({ ...stored, properties: { ...stored.properties, verificationCode: keyOf(stored.etag).replace(/[^0-9a-f]/gi, '').toUpperCase().padEnd(48, '4').slice(0, 48).replace(/[^0-9A-F]/g, '5') } });
  stored.properties.isVerified = true;
  return ok(stored);
}

function checkName({ body }: Asked): Reply {
  const name = String(record(body)['name']);
  const taken = services.has(name) || hubs.has(name);
  return ok({ nameAvailable: !taken, reason: taken ? 'AlreadyExists' : 'Invalid', message: taken ? `The name ${name} is taken: services and hubs share one space of names.` : null });
}

export const manageRoutes: Route[] = [
  ['POST', /\/checkProvisioningServiceNameAvailability$/i, checkName],
  ['GET', at('/provisioningServices/([^/]+)'), (_, [name = '']) => (services.has(name) ? ok(services.get(name)) : missing('provisioning service', name))],
  ['PUT', at('/provisioningServices/([^/]+)'), (asked, [name = '']) => putService(asked, name)],
  ['DELETE', at('/provisioningServices/([^/]+)'), (_, [name = '']) => (services.delete(name), nothing)],
  ['POST', at('/(?:provisioningServices|IotHubs)/([^/]+)/listkeys'), (_, [name = '']) => ok({ value: policies.get(name) ?? [] })],
  ['GET', at('/provisioningServices/([^/]+)/certificates'), (_, [name = '']) => ok({ value: certificates.get(name) ?? [] })],
  ['PUT', at('/provisioningServices/([^/]+)/certificates/([^/]+)'), (asked, [s = '', name = '']) => certificateStep(asked, s, name)],
  ['DELETE', at('/provisioningServices/([^/]+)/certificates/([^/]+)'), (asked, [s = '', name = '']) => certificateStep(asked, s, name)],
  ['POST', at('/provisioningServices/([^/]+)/certificates/([^/]+)/([^/]+)'), (asked, [s = '', name = '', step = '']) => certificateStep(asked, s, name, step)],
  ['GET', at('/IotHubs/([^/]+)'), (_, [name = '']) => (hubs.has(name) ? ok(hubs.get(name)) : missing('hub', name))],
  ['PUT', at('/IotHubs/([^/]+)'), (asked, [name = '']) => putHub(asked, name)],
  ['DELETE', at('/IotHubs/([^/]+)'), (_, [name = '']) => (hubs.delete(name), nothing)],
];
