// A twin without what only the hub writes, and back.

import type { Twin } from '../../api/types';
import { jsonFault, prettyJson } from '../../lib/json';

/** Members that begin with $ are the hub's own: versions and times. */
const bare = (values: Record<string, unknown> | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => !name.startsWith('$')));

export const tagsText = (twin: Twin): string => prettyJson(twin.tags ?? {});
export const desiredText = (twin: Twin): string => prettyJson(bare(twin.properties.desired));
export const reportedText = (twin: Twin): string => prettyJson(bare(twin.properties.reported));

export const versionOf = (values: Record<string, unknown>): number => Number(values['$version'] ?? 0);

export function updatedOf(values: Record<string, unknown>): string | undefined {
  const metadata = values['$metadata'] as { $lastUpdated?: string } | undefined;
  return metadata?.$lastUpdated;
}

/** Undefined: the text is an object of good names. */
export function faultOfPart(text: string): string | undefined {
  const fault = jsonFault(text);
  if (fault) return `Line ${fault.line}: ${fault.message}`;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'It must be an object: {…}.';
  const bad = Object.keys(value).find((name) => name === '' || /[.$\s]/.test(name));
  return bad === undefined ? undefined : `The name "${bad}" has a dot, a blank or a $, which names in twins must not.`;
}
