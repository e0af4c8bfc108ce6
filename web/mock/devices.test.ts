import { expect, test } from 'vitest';
import { devicesOf } from './devices';

const { enrollments } = devicesOf('harbour');
const all = { prefix: '', limit: 3, descending: false, fits: () => true, filtered: false };
const ids = (query: Partial<Parameters<typeof enrollments.page>[0]>) => enrollments.page({ ...all, ...query }).items.map((e) => e.registrationId);

test('a million enrollments are paged to and fro, in both orders', () => {
  expect(enrollments.page(all).total).toBe(1_000_000);
  expect(ids({})).toEqual(['press-0000000', 'press-0000001', 'press-0000002']);
  expect(ids({ after: 'press-0000002' })).toEqual(['press-0000003', 'press-0000004', 'press-0000005']);
  expect(ids({ before: 'press-0000006' })).toEqual(['press-0000003', 'press-0000004', 'press-0000005']);
  expect(ids({ descending: true })).toEqual(['press-0999999', 'press-0999998', 'press-0999997']);
  expect(ids({ descending: true, after: 'press-0999997' })).toEqual(['press-0999996', 'press-0999995', 'press-0999994']);
  expect(ids({ descending: true, before: 'press-0999994' })).toEqual(['press-0999997', 'press-0999996', 'press-0999995']);
});

test('a prefix is found and counted', () => {
  expect(ids({ prefix: 'press-09999' })[0]).toBe('press-0999900');
  expect(enrollments.page({ ...all, prefix: 'press-09999' }).total).toBe(100);
});

test('what is added and dropped shows', () => {
  enrollments.put('aardvark', { registrationId: 'aardvark', attestation: { type: 'symmetricKey' } });
  expect(ids({})[0]).toBe('aardvark');
  enrollments.drop('press-0000000');
  expect(ids({})[1]).toBe('press-0000001');
  expect(enrollments.page(all).total).toBe(1_000_000);
});
