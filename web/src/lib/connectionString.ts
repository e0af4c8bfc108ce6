// The connection string of a hub, read to tell what is wrong with it before the server is asked.

export interface ConnectionString {
  host: string;
  policy: string;
  fault?: string;
}

export function readConnectionString(text: string): ConnectionString {
  const parts = new Map<string, string>();
  for (const part of text.trim().split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) parts.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const host = parts.get('hostname') ?? '';
  const policy = parts.get('sharedaccesskeyname') ?? '';
  const key = parts.get('sharedaccesskey') ?? '';
  return { host, policy, fault: faultOf(host, policy, key, parts.has('deviceid')) };
}

function faultOf(host: string, policy: string, key: string, isDevice: boolean): string | undefined {
  if (isDevice) return 'This is the connection string of a device. That of a shared access policy of the hub is needed.';
  if (!host) return 'HostName= is missing.';
  if (!policy) return 'SharedAccessKeyName= is missing.';
  if (!key) return 'SharedAccessKey= is missing.';
  if (key.includes('****')) return 'The key is masked. Copy the connection string with its key.';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) return 'The key is not base64 text. It may have been copied only in part.';
  return undefined;
}
