// What goes over the wire, member for member as the three APIs spell it.

export type Role = 'administrator' | 'reader';

export interface Session {
  name: string;
  role: Role;
  csrf: string;
  domain: string;
  version: string;
  deviceEndpoint: string;
  ports: { https: number; mqtts: number; amqps: number };
}

export interface Operator {
  name: string;
  role: Role;
  created: string;
  lastSignIn?: string | null;
}

// --- resources ---

export type ServicePolicy = 'Hashed' | 'GeoLatency' | 'Static';

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

// --- enrollments ---

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
  tpm?: { endorsementKey: string; storageRootKey?: string };
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
  customAllocationDefinition?: { webhookUrl: string; apiVersion: string };
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

// --- registrations ---

export type RegistrationStatus = 'unassigned' | 'assigning' | 'assigned' | 'failed' | 'disabled';

export interface RegistrationRecord {
  registrationId: string;
  createdDateTimeUtc?: string;
  assignedHub?: string;
  deviceId?: string;
  status: RegistrationStatus;
  substatus?: string;
  errorCode?: number;
  errorMessage?: string;
  lastUpdatedDateTimeUtc?: string;
  etag?: string;
  payload?: unknown;
  x509?: { certificateInfo?: CertificateInfo; signingCertificateInfo?: CertificateInfo; enrollmentGroupId?: string };
}

export interface HistoryEntry {
  at: string;
  what: 'assigned' | 'refused' | 'failed' | 'moved' | 'disabled';
  hub?: string;
  operationId?: string;
  reason?: string;
  protocol?: string;
}

export interface Attempt {
  dateTimeUtc: string;
  registrationId: string;
  operation?: string;
  protocol?: string;
  callerIpAddress?: string;
  errorCode?: number;
  check?: string;
  seen?: string;
  expected?: string;
  reason?: string;
  enrollment?: string;
  trackingId?: string;
  presented?: CertificateInfo[];
  nearest?: string[];
}

/** How a device would be judged: members as of an attempt. */
export interface Judgement extends Pick<Attempt, 'errorCode' | 'check' | 'seen' | 'expected' | 'reason' | 'enrollment' | 'nearest'> {
  attested: boolean;
  enrollmentGroupId?: string;
}

export interface Explanation {
  registrationId: string;
  enrolled: boolean;
  /** Through which the device was assigned last. */
  enrollmentGroupId?: string;
  registrationState?: RegistrationRecord;
  attempts: Attempt[];
}

// --- what the portal adds ---

export interface Page<Item> {
  items: Item[];
  more: boolean;
  /** Undefined: each would have to be looked at. */
  total?: number;
}

export interface Overview {
  services: {
    name: string;
    idScope: string;
    enrollments: number;
    enrollmentGroups: number;
    registrations: number;
    linkedHubs: number;
    state: string;
  }[];
  hubs: { name: string; devices: number; linkedBy: string[]; state: string }[];
}

export interface Totals {
  enrollments: number;
  enrollmentGroups: number;
  registrations: number;
  byStatus: Partial<Record<RegistrationStatus, number>>;
}

export interface Statistics {
  from: string;
  stepSeconds: number;
  assigned: number[];
  refused: number[];
  failed: number[];
  totals: Totals;
}

export interface LinkedHub {
  name: string;
  location: string;
  weight: number | null;
  apply: boolean | null;
  hosted: boolean;
  state: 'well' | 'failing' | 'brokenOff';
  sentence: string;
  devices: number | null;
  milliseconds: number | null;
}

export interface LinkTest {
  reachable: boolean;
  milliseconds: number;
  devices: number | null;
  sentence: string;
}

export interface Preview {
  devices: number;
  hubs: { name: string; devices: number; share: number }[];
  unplaced: number;
  sentence: string;
}

export interface ExpiringCertificate {
  kind: 'caCertificate' | 'enrollmentGroup' | 'enrollment' | 'device';
  name: string;
  which?: 'primary' | 'secondary';
  daysLeft: number;
  info?: CertificateInfo;
}

export interface RevocationList {
  name: string;
  url?: string;
  refreshMinutes?: number;
  strict: boolean;
  issuer?: string;
  entries?: number;
  nextUpdateUtc?: string;
  lastFetchedUtc?: string;
  lastError?: string;
  etag: string;
}

// --- hubs ---

export interface DeviceIdentity {
  deviceId: string;
  generationId?: string;
  etag: string;
  connectionState: 'Connected' | 'Disconnected';
  status: 'enabled' | 'disabled';
  statusReason?: string | null;
  connectionStateUpdatedTime?: string;
  statusUpdatedTime?: string;
  lastActivityTime?: string;
  cloudToDeviceMessageCount?: number;
  authentication: {
    type: 'sas' | 'selfSigned' | 'certificateAuthority' | 'none';
    symmetricKey?: { primaryKey?: string | null; secondaryKey?: string | null };
    x509Thumbprint?: { primaryThumbprint?: string | null; secondaryThumbprint?: string | null };
  };
  capabilities?: { iotEdge?: boolean };
}

export interface Twin {
  deviceId: string;
  etag: string;
  status?: 'enabled' | 'disabled';
  connectionState?: 'Connected' | 'Disconnected';
  lastActivityTime?: string;
  authenticationType?: string;
  version?: number;
  tags?: Record<string, unknown>;
  properties: { desired: Record<string, unknown>; reported: Record<string, unknown> };
  capabilities?: { iotEdge?: boolean };
}
