import { expect, test } from 'vitest';
import { onBatch, onState, quiet, ratesOf, type Batch } from './reduce';

const batch = (more: Partial<Batch> = {}): Batch => ({
  at: '2026-03-04T12:00:00Z',
  service: 'dps1',
  assigned: 500,
  refused: 1,
  failed: 0,
  hubs: { a: 300, b: 200 },
  sample: [
    { id: 'x1', hub: 'a', ms: 3, protocol: 'mqtt' },
    { id: 'x2', hub: 'b', ms: 4, protocol: 'mqtt' },
  ],
  refusals: [{ id: 'y', code: 401002, sentence: 'No.' }],
  ...more,
});

test('batches add up, by hub too', () => {
  const state = onBatch(onBatch(quiet, batch(), 1000), batch({ hubs: { b: 10, c: 1 } }), 1250);
  expect(state).toMatchObject({ assigned: 1000, refused: 2, failed: 0, hubs: { a: 300, b: 210, c: 1 } });
});

test('who landed last comes first, and only so many are kept', () => {
  let state = quiet;
  for (let i = 0; i < 100; i++) state = onBatch(state, batch({ sample: [{ id: `d${i}`, hub: 'a', ms: 1, protocol: 'https' }] }), i);
  expect(state.landed).toHaveLength(12);
  expect(state.landed[0]).toMatchObject({ id: 'd99', service: 'dps1' });
  expect(state.refusals).toHaveLength(30);
});

test('rates are those of the last five seconds', () => {
  let state = quiet;
  for (let at = 250; at <= 10_000; at += 250) state = onBatch(state, batch(), at);
  expect(state.beats).toHaveLength(20);
  const rates = ratesOf(state, 10_000);
  expect(rates.assigned).toBeCloseTo(2000);
  expect(rates.hubs).toEqual({ a: expect.closeTo(1200), b: expect.closeTo(800) });
  expect(rates.services).toEqual({ dps1: expect.closeTo(2000) });
  expect(ratesOf(state, 20_000)).toEqual({ assigned: 0, refused: 0, hubs: {}, services: {} });
});

test('a stream that began two seconds ago is averaged over two seconds', () => {
  let state = quiet;
  for (let at = 8_250; at <= 10_000; at += 250) state = onBatch(state, batch(), at);
  expect(ratesOf(state, 10_000, 8_000).assigned).toBeCloseTo(2000);
});

test('the server counts registrations, by service', () => {
  const state = onState(onState(quiet, 'dps1', 10), 'dps2', 5);
  expect(onState(state, 'dps1', 12).registrations).toEqual({ dps1: 12, dps2: 5 });
});

test('a batch without details is counted all the same', () => {
  const state = onBatch(quiet, { at: '', service: 's', assigned: 3, refused: 0, failed: 1 }, 0);
  expect(state).toMatchObject({ assigned: 3, failed: 1, landed: [], refusals: [] });
});
