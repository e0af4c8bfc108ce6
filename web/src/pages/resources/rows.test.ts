import { expect, test } from 'vitest';
import type { Overview } from '../../api/types';
import { doingOf, enrollmentsOf, matches, resourcesOf } from './rows';

const overview: Overview = {
  services: [{ name: 'dps1', idScope: '0ne1', enrollments: 3, enrollmentGroups: 1, registrations: 2, linkedHubs: 1, state: 'Active' }],
  hubs: [
    { name: 'hub-b', devices: 1, linkedBy: ['dps1'], state: 'Active' },
    { name: 'hub-a', devices: 0, linkedBy: [], state: 'Active' },
  ],
};
const rates = { assigned: 5, refused: 0, hubs: { 'hub-b.berth.test': 5 }, services: { dps1: 5 } };

test('services and hubs are one list, by name', () => {
  expect(resourcesOf(overview).map((row) => row.key)).toEqual(['service dps1', 'hub hub-a', 'hub hub-b']);
});

test('a row says what its resource is doing now', () => {
  const [service, a, b] = resourcesOf(overview);
  expect(service && doingOf(service, rates)).toBe('2 registered of 4 enrollments, 5 per second');
  expect(a && doingOf(a, rates)).toBe('0 devices');
  expect(b && doingOf(b, rates)).toBe('1 device, 5 per second');
});

test('the number on top counts what the rows count: individual enrollments and groups', () => {
  expect(enrollmentsOf(resourcesOf(overview))).toBe(4);
});

test('names are searched without regard to case', () => {
  expect(resourcesOf(overview).filter((row) => matches(row, 'HUB', '')).length).toBe(2);
  expect(resourcesOf(overview).filter((row) => matches(row, '', 'service')).length).toBe(1);
});
