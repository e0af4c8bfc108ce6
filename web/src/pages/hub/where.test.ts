import { expect, test } from 'vitest';
import { whereOf } from './where';

test('filters become a condition, and none becomes nothing', () => {
  expect(whereOf({})).toBe('');
  expect(whereOf({ prefix: 'press', status: 'disabled' })).toBe("STARTSWITH(deviceId, 'press') AND status = 'disabled'");
  expect(whereOf({ connection: 'Connected' })).toBe("connectionState = 'Connected'");
});

test('a quote in a device ID does not end the text', () => {
  expect(whereOf({ prefix: "a' OR 'b" })).toBe("STARTSWITH(deviceId, 'a\\' OR \\'b')");
});
