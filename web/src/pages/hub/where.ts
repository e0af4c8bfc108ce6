// The condition of a hub's query, from what the reader filters by.

export interface DeviceFilter {
  prefix?: string;
  status?: string;
  connection?: string;
}

/** A text in a query stands in single quotes; one within is escaped, and so is a backslash. */
const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

export function whereOf({ prefix, status, connection }: DeviceFilter): string {
  const conditions: string[] = [];
  if (prefix) conditions.push(`STARTSWITH(deviceId, ${quoted(prefix)})`);
  if (status) conditions.push(`status = ${quoted(status)}`);
  if (connection) conditions.push(`connectionState = ${quoted(connection)}`);
  return conditions.join(' AND ');
}
