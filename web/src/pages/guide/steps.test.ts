import { expect, test } from 'vitest';
import type { Overview, ProvisioningService } from '../../api/types';
import { currentOf, stepsOf, type GuideData } from './steps';

const nothing: Overview = { services: [], hubs: [] };
const hub = (name: string, ...linkedBy: string[]) => ({ name, devices: 0, linkedBy, state: 'Active' });
const service = (...hubs: string[]): ProvisioningService => ({
  name: 'dps1',
  location: 'local',
  properties: { allocationPolicy: 'Hashed', iotHubs: hubs.map((name) => ({ name })) },
});
const totals = (enrollments: number, enrollmentGroups: number) => ({ enrollments, enrollmentGroups, registrations: 0, byStatus: {} });
const current = (data: Partial<GuideData>) => currentOf(stepsOf({ overview: nothing, hubsWithDevices: 0, ...data }))?.id;

test('the guide begins at the beginning and goes on by what is there', () => {
  const one = { ...nothing, hubs: [hub('a')] };
  const two = { ...nothing, hubs: [hub('a', 'dps1'), hub('b', 'dps1')] };
  expect(current({})).toBe('service');
  expect(current({ overview: one, service: service() })).toBe('hubs');
  expect(current({ overview: two, service: service('a') })).toBe('links');
  expect(current({ overview: two, service: { ...service('a', 'b'), properties: { ...service('a', 'b').properties, allocationPolicy: 'Static' } } })).toBe('policy');
  expect(current({ overview: two, service: service('a', 'b') })).toBe('enrollments');
  expect(current({ overview: two, service: service('a', 'b'), totals: totals(1, 0) })).toBe('enrollments');
  expect(current({ overview: two, service: service('a', 'b'), totals: totals(0, 1) })).toBe('register');
  expect(current({ overview: two, service: service('a', 'b'), totals: totals(2, 0), hubsWithDevices: 2 })).toBeUndefined();
});

test('a hub from elsewhere counts as one of the two', () => {
  expect(current({ overview: { ...nothing, hubs: [hub('a', 'dps1')] }, service: service('a', 'far.example.org'), totals: totals(2, 0) })).toBe('register');
});

test('steps lead to the pages of the operator’s own service', () => {
  const steps = stepsOf({ overview: nothing, service: service(), hubsWithDevices: 0 });
  expect(steps.find((step) => step.id === 'links')?.action?.href).toBe('/services/dps1/linked-hubs/add');
  expect(stepsOf({ overview: nothing, hubsWithDevices: 0 }).find((step) => step.id === 'links')?.action).toBeUndefined();
});
