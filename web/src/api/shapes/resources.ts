// Provisioning services, hubs, their keys and certificates.

export type ServicePolicy = 'Hashed' | 'GeoLatency' | 'Static';

export type EndorsementCertificates = 'optional' | 'required';

export interface LinkedHubEntry {
  name: string;
  connectionString?: string | null;
  location?: string;
  allocationWeight?: number | null;
  applyAllocationPolicy?: boolean | null;
}

export interface Resource<Properties> {
  name: string;
  location: string;
  properties: Properties;
  sku?: { name: string; capacity?: number };
  tags?: Record<string, string>;
  etag?: string;
}

export type ProvisioningService = Resource<{
  state?: string;
  iotHubs?: LinkedHubEntry[];
  allocationPolicy?: ServicePolicy;
  /** Whether an enrollment with a TPM must bring its endorsement certificate; undefined: it need not. */
  endorsementCertificates?: EndorsementCertificates;
  serviceOperationsHostName?: string;
  deviceProvisioningHostName?: string;
  idScope?: string | null;
}>;

export type IotHub = Resource<{ state?: string; hostName?: string }>;

export interface AccessPolicy {
  keyName: string;
  primaryKey?: string;
  secondaryKey?: string;
  rights: string;
}

/** The root certificate of a manufacturer of TPMs. */
export interface EndorsementRoot {
  name: string;
  subject: string;
  issuer: string;
  thumbprint: string;
  notAfter: string;
}

export interface CaCertificate {
  name: string;
  etag: string;
  properties: {
    subject: string;
    expiry: string;
    thumbprint: string;
    isVerified: boolean;
    created: string;
    updated: string;
    certificate?: string | null;
    verificationCode?: string;
  };
}
