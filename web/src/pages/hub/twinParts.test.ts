import { expect, test } from 'vitest';
import type { Twin } from '../../api/types';
import { desiredText, faultOfPart, reportedText, tagsText, updatedOf, versionOf } from './twinParts';

const twin: Twin = {
  deviceId: 'd',
  etag: 'e',
  properties: {
    desired: { rate: 5, $metadata: { $lastUpdated: '2026-01-02T03:04:05Z' }, $version: 2 },
    reported: { fw: '1.0', $version: 1 },
  },
};

test('what only the hub writes is not shown in the editor', () => {
  expect(JSON.parse(desiredText(twin))).toEqual({ rate: 5 });
  expect(JSON.parse(reportedText(twin))).toEqual({ fw: '1.0' });
  expect(tagsText(twin)).toBe('{}');
  expect(versionOf(twin.properties.desired)).toBe(2);
  expect(updatedOf(twin.properties.desired)).toBe('2026-01-02T03:04:05Z');
  expect(updatedOf(twin.properties.reported)).toBeUndefined();
});

test('what a hub would refuse is told before', () => {
  expect(faultOfPart('{"a":1}')).toBeUndefined();
  expect(faultOfPart('[1]')).toMatch(/object/);
  expect(faultOfPart('{"a.b":1}')).toMatch(/"a.b" has a dot/);
  expect(faultOfPart('{"a":}')).toMatch(/Line 1/);
});
