// Registration records, and why a device was refused.

import type { CertificateInfo } from './enrollments';

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
  /** From where it registered last. */
  sourceAddress?: string;
  attempts: Attempt[];
}
