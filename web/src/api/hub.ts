// The registry and the twins of one hub.

import { ask, askWhole, at } from './http';
import type { DeviceIdentity, Twin } from './types';

const version = '2021-04-12';
const id = encodeURIComponent;

export interface TwinPage {
  twins: Twin[];
  /** Undefined: this page is the last. */
  next?: string;
}

/** Twins, page by page: the only list of a hub that goes on. */
export async function queryTwins(hub: string, where: string, limit: number, continuation?: string, signal?: AbortSignal): Promise<TwinPage> {
  const headers: Record<string, string> = { 'x-ms-max-item-count': String(limit) };
  if (continuation) headers['x-ms-continuation'] = continuation;
  const query = `SELECT * FROM devices${where === '' ? '' : ` WHERE ${where}`}`;
  const answer = await askWhole<Twin[]>('POST', at(hub, '/devices/query', version), { body: { query }, headers, signal });
  return { twins: answer.body, next: answer.headers.get('x-ms-continuation') ?? undefined };
}

export interface HubStatistics {
  totalDeviceCount: number;
  enabledDeviceCount: number;
  disabledDeviceCount: number;
  connectedDeviceCount: number;
}

export async function readHubStatistics(hub: string, signal?: AbortSignal): Promise<HubStatistics> {
  const [devices, service] = await Promise.all([
    ask<Omit<HubStatistics, 'connectedDeviceCount'>>('GET', at(hub, '/statistics/devices', version), { signal }),
    ask<{ connectedDeviceCount: number }>('GET', at(hub, '/statistics/service', version), { signal }),
  ]);
  return { ...devices, ...service };
}

export const readDevice = (hub: string, device: string, signal?: AbortSignal) =>
  ask<DeviceIdentity>('GET', at(hub, `/devices/${id(device)}`, version), { signal });
export const createDevice = (hub: string, device: string) =>
  ask<DeviceIdentity>('PUT', at(hub, `/devices/${id(device)}`, version), {
    body: { deviceId: device, authentication: { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } } },
  });
export const updateDevice = (hub: string, device: DeviceIdentity) =>
  ask<DeviceIdentity>('PUT', at(hub, `/devices/${id(device.deviceId)}`, version), { body: device, headers: { 'If-Match': `"${device.etag}"` } });
export const deleteDevice = (hub: string, device: string) =>
  ask<void>('DELETE', at(hub, `/devices/${id(device)}`, version), { headers: { 'If-Match': '"*"' } });

export const readTwin = (hub: string, device: string, signal?: AbortSignal) =>
  ask<Twin>('GET', at(hub, `/twins/${id(device)}`, version), { signal });
/** Each section given is replaced whole. */
export const replaceTwin = (hub: string, device: string, change: Pick<Twin, 'tags'> & { properties?: { desired: Record<string, unknown> } }, etag: string) =>
  ask<Twin>('PUT', at(hub, `/twins/${id(device)}`, version), { body: change, headers: { 'If-Match': `"${etag}"` } });

export interface MethodAnswer {
  status: number;
  payload: unknown;
}
export const invokeMethod = (hub: string, device: string, methodName: string, payload: unknown) =>
  ask<MethodAnswer>('POST', at(hub, `/twins/${id(device)}/methods`, version), {
    body: { methodName, payload, responseTimeoutInSeconds: 30, connectTimeoutInSeconds: 0 },
  });
