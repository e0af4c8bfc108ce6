// Devices of a hub.

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
