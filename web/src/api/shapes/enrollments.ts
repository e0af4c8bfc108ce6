// Enrollments: individual ones and groups.

import type { RegistrationRecord } from './registrations';

export type AttestationType = 'symmetricKey' | 'x509' | 'tpm' | 'none';
export type EnrollmentPolicy = 'hashed' | 'geoLatency' | 'static' | 'custom';

export interface CertificateInfo {
  subjectName: string;
  issuerName: string;
  sha1Thumbprint: string;
  sha256Thumbprint: string;
  notBeforeUtc: string;
  notAfterUtc: string;
  serialNumber: string;
  version: number;
}

export interface CertificateSlot {
  certificate?: string;
  info?: CertificateInfo;
}

export interface CertificatePair {
  primary?: CertificateSlot;
  secondary?: CertificateSlot;
}

export interface Attestation {
  type: AttestationType;
  symmetricKey?: { primaryKey?: string | null; secondaryKey?: string | null };
  /** The certificate is PEM, perhaps with intermediates, or base64 of its DER. */
  tpm?: { endorsementKey: string; storageRootKey?: string; endorsementCertificate?: string };
  x509?: {
    clientCertificates?: CertificatePair;
    signingCertificates?: CertificatePair;
    caReferences?: { primary?: string; secondary?: string };
  };
}

export interface InitialTwin {
  tags?: Record<string, unknown>;
  properties?: { desired?: Record<string, unknown> };
}

interface EnrollmentCommon {
  attestation: Attestation;
  capabilities?: { iotEdge: boolean };
  initialTwin?: InitialTwin;
  etag?: string;
  provisioningStatus?: 'enabled' | 'disabled' | null;
  reprovisionPolicy?: { updateHubAssignment: boolean; migrateDeviceData: boolean };
  createdDateTimeUtc?: string;
  lastUpdatedDateTimeUtc?: string;
  allocationPolicy?: EnrollmentPolicy;
  iotHubs?: string[];
  /** Either of a web hook or a rule. */
  customAllocationDefinition?: { webhookUrl?: string; apiVersion?: string; rule?: string };
}

export interface IndividualEnrollment extends EnrollmentCommon {
  registrationId: string;
  deviceId?: string;
  registrationState?: RegistrationRecord;
  optionalDeviceInformation?: Record<string, unknown>;
}

export interface EnrollmentGroup extends EnrollmentCommon {
  enrollmentGroupId: string;
}

export interface ImportReport {
  created: number;
  updated: number;
  failed: number;
  rows: { index: number; id: string; result: 'created' | 'updated' | 'skipped' | 'failed'; message?: string }[];
}
