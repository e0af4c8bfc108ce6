import { expect, test } from 'vitest';
import type { LinkedHubEntry } from '../../api/types';
import { changeOf, faultOfTrial, isChange, noTrial, readTrial, writeTrial, type Trial } from './trial';

const links: LinkedHubEntry[] = [{ name: 'hub1.berth.test', allocationWeight: 2 }, { name: 'hub2.berth.test' }, { name: 'quay.example.org:8443' }];
const trial = (more: Partial<Trial>): Trial => ({ ...noTrial, ...more });
const query = (said: Record<string, string | undefined>) => new URLSearchParams(Object.entries(said).filter((pair): pair is [string, string] => pair[1] !== undefined));

test('an address says a trial, and gives it back', () => {
  const full = trial({
    policy: 'Static',
    removed: ['hub1.berth.test', 'hub2.berth.test'],
    weights: { 'quay.example.org:8443': '7' },
    added: [
      { name: 'hub3.berth.test', weight: '3', location: '' },
      { name: 'quay.example.org:8444', weight: '1', location: '47.38, 8.54' },
      { name: 'hub5.berth.test', weight: '1', location: '100% west' },
    ],
  });
  expect(readTrial(query(writeTrial(full)))).toEqual(full);
  expect(readTrial(query(writeTrial(noTrial)))).toEqual(noTrial);
  expect(query(writeTrial(noTrial)).toString()).toBe('');
});

test('an address that somebody has typed is taken as far as it can be', () => {
  expect(readTrial(new URLSearchParams('policy=Best&remove=,&add=hub3@%25&weight=hub1.berth.test:x'))).toEqual(
    trial({ added: [{ name: 'hub3', weight: '1', location: '%' }], weights: { 'hub1.berth.test:x': '1' } }),
  );
});

test('only what is different from now is a change', () => {
  expect(changeOf(trial({ policy: 'Hashed', weights: { 'hub1.berth.test': '2', 'hub2.berth.test': '1' } }), links, 'Hashed')).toEqual({});
  expect(isChange(changeOf(noTrial, links, 'Hashed'))).toBe(false);
  expect(changeOf(trial({ policy: 'GeoLatency', weights: { 'HUB2.berth.test': '5' } }), links, 'Hashed')).toEqual({
    allocationPolicy: 'GeoLatency',
    iotHubs: { weights: { 'hub2.berth.test': 5 } },
  });
});

test('a hub that is taken away needs no weight; one that is not linked is not taken away; one that is linked is not added', () => {
  const change = changeOf(
    trial({ removed: ['Hub2.berth.test', 'hub9.berth.test'], weights: { 'hub2.berth.test': '5' }, added: [{ name: 'hub1.berth.test', weight: '9', location: '' }, { name: 'hub3.berth.test', weight: '4', location: ' West Europe ' }] }),
    links,
    'Hashed',
  );
  expect(change).toEqual({ iotHubs: { add: [{ name: 'hub3.berth.test', allocationWeight: 4, location: 'West Europe' }], remove: ['hub2.berth.test'] } });
});

test('weights are judged before the server is asked, but those of hubs that go', () => {
  expect(faultOfTrial(noTrial, links)).toBeUndefined();
  expect(faultOfTrial(trial({ weights: { 'hub1.berth.test': '0' } }), links)).toMatch(/1 to 1000/);
  expect(faultOfTrial(trial({ weights: { 'hub1.berth.test': '0' }, removed: ['hub1.berth.test'] }), links)).toBeUndefined();
  expect(faultOfTrial(trial({ added: [{ name: 'hub3', weight: '', location: '' }] }), links)).toMatch(/1 to 1000/);
  expect(faultOfTrial(trial({ added: [{ name: 'hub3', weight: '1', location: '91,0' }] }), links)).toMatch(/latitude/);
});
