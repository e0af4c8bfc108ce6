import { expect, test } from 'vitest';
import { faultOfDeviceId, faultOfRegistrationId, faultOfResourceName, faultOfWeight } from './ids';

test('registration IDs are judged as the service judges them', () => {
  for (const good of ['press-07', 'a:b', 'A.b_c-', 'x'.repeat(128)]) expect(faultOfRegistrationId(good)).toBeUndefined();
  for (const bad of ['', 'a b', 'a/b', 'a.', 'x'.repeat(129)]) expect(faultOfRegistrationId(bad)).toBeDefined();
});

test('a device ID may be left out, and has the wider alphabet of hubs', () => {
  expect(faultOfDeviceId('')).toBeUndefined();
  expect(faultOfDeviceId("d$1'(x)")).toBeUndefined();
  expect(faultOfDeviceId('a/b')).toBeDefined();
});

test('resource names are host labels, and two are taken', () => {
  for (const good of ['dps1', 'Hub-2', 'a1b']) expect(faultOfResourceName(good)).toBeUndefined();
  for (const bad of ['ab', '123', '-ab', 'ab-', 'a_b', 'portal', 'x'.repeat(51)]) expect(faultOfResourceName(bad)).toBeDefined();
});

test('weights are whole, from 1 to 1000', () => {
  expect(faultOfWeight('1')).toBeUndefined();
  expect(faultOfWeight('1000')).toBeUndefined();
  for (const bad of ['', '0', '1001', '1.5', '-1', 'x']) expect(faultOfWeight(bad)).toBeDefined();
});
