import { expect, test } from 'vitest';
import { adviceOf, faultOf } from './fault';

test('each surface has its own spelling, and all give code and sentence', () => {
  expect(faultOf(401, { code: 'SignInFailed', message: 'Name or password is wrong.' })).toMatchObject({
    code: 'SignInFailed',
    message: 'Name or password is wrong.',
  });
  expect(faultOf(404, { error: { code: 'ResourceNotFound', message: 'No such hub' } })).toMatchObject({
    code: 'ResourceNotFound',
    message: 'No such hub.',
  });
  expect(faultOf(400, { code: 400301, httpStatusCode: 'BadRequest', message: 'iotHubs: x.' })).toMatchObject({ code: '400301' });
  expect(faultOf(409, { errorCode: 409201, trackingId: 't-1', message: 'Enrollment already exists.' })).toMatchObject({
    code: '409201',
    trackingId: 't-1',
  });
  expect(faultOf(409, { Message: "ErrorCode:DeviceAlreadyExists;A device with ID 'a' is already registered." })).toMatchObject({
    code: 'DeviceAlreadyExists',
    message: "A device with ID 'a' is already registered.",
  });
  expect(faultOf(404, { Message: '{"errorCode":404103,"message":"Timed out waiting for device."}' })).toMatchObject({
    code: '404103',
    message: 'Timed out waiting for device.',
  });
});

test('an answer without words gets some', () => {
  expect(faultOf(502, '<html>').message).toBe('The server could not do it.');
  expect(faultOf(412, undefined).message).toBe('It was changed in the meantime.');
});

test('the advice for too many requests says how long to wait', () => {
  const headers = new Headers({ 'Retry-After': '7' });
  expect(adviceOf(faultOf(429, undefined, headers))).toBe('Wait 7 seconds, then try again.');
});

test('the advice for a conflict depends on what is in the way', () => {
  expect(adviceOf(faultOf(409, { errorCode: 409201, message: 'Enrollment already exists.' }))).toMatch(/another name/);
  expect(adviceOf(faultOf(409, { code: 409001, message: 'The CA certificate is in use by enrollment group plant.' }))).toMatch(/named above/);
});
