// What the mock's server holds: two services (one with a million devices, one new), four hubs, keys and certificates.

import type { AccessPolicy, CaCertificate, IotHub, LinkedHubEntry, ProvisioningService } from '../src/api/types';
import { hash } from './reply';

export const domain = 'berth.test';
export const hostOf = (name: string): string => `${name}.${domain}`;

export const keyOf = (seed: string): string => {
  const bytes = new Uint8Array(64);
  for (let i = 0; i < bytes.length; i++) bytes[i] = hash(`${seed}/${i}`) & 255;
  return Buffer.from(bytes).toString('base64');
};

const policy = (owner: string, keyName: string, rights: string): AccessPolicy => ({
  keyName,
  primaryKey: keyOf(`${owner}/${keyName}/1`),
  secondaryKey: keyOf(`${owner}/${keyName}/2`),
  rights,
});

export const link = (name: string, more: Partial<LinkedHubEntry> = {}): LinkedHubEntry => ({
  name: name.includes('.') ? name : hostOf(name),
  location: 'local',
  allocationWeight: null,
  applyAllocationPolicy: null,
  ...more,
});

export function makeService(name: string, iotHubs: LinkedHubEntry[] = []): ProvisioningService {
  return {
    name,
    location: 'local',
    etag: 'AAAAAA3ez90=',
    sku: { name: 'S1', capacity: 1 },
    tags: {},
    properties: {
      state: 'Active',
      iotHubs,
      allocationPolicy: 'Hashed',
      serviceOperationsHostName: hostOf(name),
      deviceProvisioningHostName: hostOf('global'),
      idScope: `0ne${hash(name).toString(16).toUpperCase().padStart(8, '0')}`,
    },
  };
}

export const makeHub = (name: string): IotHub => ({
  name,
  location: 'local',
  sku: { name: 'S1', capacity: 1 },
  tags: {},
  properties: { state: 'Active', hostName: hostOf(name) },
});

export const ownerPolicy = (name: string): AccessPolicy[] => [policy(name, 'provisioningserviceowner', 'ServiceConfig, DeviceConnect, EnrollmentWrite')];
export const hubPolicies = (name: string): AccessPolicy[] => [
  policy(name, 'iothubowner', 'RegistryWrite, ServiceConnect, DeviceConnect'),
  policy(name, 'service', 'ServiceConnect'),
  policy(name, 'device', 'DeviceConnect'),
  policy(name, 'registryRead', 'RegistryRead'),
  policy(name, 'registryReadWrite', 'RegistryWrite'),
];

const far = link('quay.example.org', {
  connectionString: 'HostName=quay.example.org;SharedAccessKeyName=iothubowner;SharedAccessKey=****',
  location: 'rotterdam',
  allocationWeight: 2,
});

export const services = new Map<string, ProvisioningService>(
  (process.env['MOCK_EMPTY']
    ? []
    : [makeService('harbour', [link('hub-north', { allocationWeight: 2 }), link('hub-south'), link('hub-west', { applyAllocationPolicy: false }), far]), makeService('workshop', [link('hub-north')])]
  ).map((service) => [service.name, service]),
);

export const hubs = new Map<string, IotHub>((process.env['MOCK_EMPTY'] ? [] : ['hub-north', 'hub-south', 'hub-west', 'hub-spare']).map((name) => [name, makeHub(name)]));

export const policies = new Map<string, AccessPolicy[]>([
  ...[...services.keys()].map((name): [string, AccessPolicy[]] => [name, ownerPolicy(name)]),
  ...[...hubs.keys()].map((name): [string, AccessPolicy[]] => [name, hubPolicies(name)]),
]);

const certificate = (name: string, subject: string, isVerified: boolean, days: number): CaCertificate => ({
  name,
  etag: `${name}-1`,
  properties: {
    subject,
    expiry: new Date(Date.now() + days * 864e5).toUTCString(),
    thumbprint: keyOf(name).replace(/[^0-9A-F]/gi, '').toUpperCase().replace(/[G-Z]/g, '7').padEnd(40, 'A').slice(0, 40),
    isVerified,
    created: 'Mon, 05 Jan 2026 10:20:00 GMT',
    updated: 'Mon, 05 Jan 2026 10:24:00 GMT',
    certificate: null,
  },
});

export const certificates = new Map<string, CaCertificate[]>([
  ['harbour', [certificate('plant-root', 'Plant root', true, 2900), certificate('line-6', 'Line 6 CA', true, 19), certificate('line-7', 'Line 7 CA', false, 700)]],
]);
export const makeCertificate = certificate;
