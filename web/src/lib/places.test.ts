import { expect, test } from 'vitest';
import { faultOfAddress, faultOfLocation, formatCoordinates, locationOf, regions, storedLocation } from './places';

test('any word is a place, known or not; coordinates must be on the globe', () => {
  for (const good of ['', 'West Europe', 'rotterdam', 'eastus2', '47.38,8.54', '-33.9, 151.2', '90,-180', ...regions]) expect(faultOfLocation(good)).toBeUndefined();
  expect(faultOfLocation('91,0')).toMatch(/latitude/);
  expect(faultOfLocation('0,-180.5')).toMatch(/longitude/);
  for (const bad of ['47.38', '47,38,8,54', '47.38°, 8.54°']) expect(faultOfLocation(bad)).toMatch(/look like/);
  expect(faultOfLocation('x'.repeat(129))).toMatch(/At most 128/);
});

test('coordinates are told by hemisphere', () => {
  expect(formatCoordinates(47.378, 8.54)).toBe('47.38° N, 8.54° E');
  expect(formatCoordinates(-33.9, -70)).toBe('33.90° S, 70.00° W');
});

test('addresses of both kinds are let through, names are not', () => {
  for (const good of ['', '203.0.113.7', '2001:db8::7', '::1', '::ffff:203.0.113.7']) expect(faultOfAddress(good)).toBeUndefined();
  for (const bad of ['example.org', '203.0.113', '12:30', '203.0.113.7/24', 'fe80::1%eth0']) expect(faultOfAddress(bad)).toMatch(/address/);
});

test('a location that was not given reads as none, and is stored as the server has it', () => {
  expect(locationOf('local')).toBe('');
  expect(locationOf(undefined)).toBe('');
  for (const text of ['', 'West Europe', '47.38,8.54']) expect(locationOf(storedLocation(text))).toBe(text);
});
