// Where hubs stand and devices are: names of regions to suggest, coordinates, distances.

/** Suggestions only: the server knows more, and takes any word. */
export const regions: readonly string[] = [
  'Australia Central', 'Australia East', 'Australia Southeast', 'Austria East', 'Brazil South', 'Brazil Southeast', 'Canada Central', 'Canada East', 'Central India',
  'Central US', 'Chile Central', 'China East', 'China North', 'East Asia', 'East US', 'East US 2', 'France Central', 'France South', 'Germany North',
  'Germany West Central', 'Indonesia Central', 'Israel Central', 'Italy North', 'Japan East', 'Japan West', 'Korea Central', 'Korea South', 'Malaysia West',
  'Mexico Central', 'New Zealand North', 'North Central US', 'North Europe', 'Norway East', 'Norway West', 'Poland Central', 'Qatar Central', 'South Africa North',
  'South Africa West', 'South Central US', 'South India', 'Southeast Asia', 'Spain Central', 'Sweden Central', 'Switzerland North', 'Switzerland West', 'UAE Central',
  'UAE North', 'UK South', 'UK West', 'West Central US', 'West Europe', 'West India', 'West US', 'West US 2', 'West US 3',
];

/** What the server stores for a hub whose location was not given. */
const nowhere = 'local';
/** As a person reads it; empty: not given. */
export const locationOf = (stored: string | undefined): string => (stored === nowhere ? '' : (stored ?? ''));
/** As it is stored: a field that is emptied takes the location away. */
export const storedLocation = (text: string): string => text.trim() || nowhere;

const coordinates = /^\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*$/;

/** A word is a region's name, known or not; what looks like coordinates must be on the globe. Empty is no fault. */
export function faultOfLocation(text: string): string | undefined {
  if (text.length > 128) return 'At most 128 characters.';
  const found = coordinates.exec(text);
  if (!found) return /^[-\d.,\s°]+$/.test(text) && text.trim() !== '' ? 'Latitude and longitude look like 47.38,8.54.' : undefined;
  if (Math.abs(Number(found[1])) > 90) return 'A latitude is from -90 to 90.';
  return Math.abs(Number(found[2])) > 180 ? 'A longitude is from -180 to 180.' : undefined;
}

/** 47.38° N, 8.54° E. */
export const formatCoordinates = (latitude: number, longitude: number): string =>
  `${Math.abs(latitude).toFixed(2)}° ${latitude < 0 ? 'S' : 'N'}, ${Math.abs(longitude).toFixed(2)}° ${longitude < 0 ? 'W' : 'E'}`;

/** Whether it can be an address at all; empty is no fault yet. Which are good is for the server to say. */
export function faultOfAddress(text: string): string | undefined {
  if (text === '' || /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || (/^[0-9a-f:.]+$/i.test(text) && (text.match(/:/g) ?? []).length >= 2)) return undefined;
  return 'An IPv4 or IPv6 address: 203.0.113.7, or 2001:db8::7.';
}
