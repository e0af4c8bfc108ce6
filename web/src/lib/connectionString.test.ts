import { expect, test } from 'vitest';
import { readConnectionString } from './connectionString';

test('a whole connection string has no fault', () => {
  expect(readConnectionString(' HostName=hub1.test;SharedAccessKeyName=iothubowner;SharedAccessKey=AAEC+/=\n')).toEqual({
    host: 'hub1.test',
    policy: 'iothubowner',
    fault: undefined,
  });
});

test('what is missing is named', () => {
  expect(readConnectionString('').fault).toMatch(/HostName/);
  expect(readConnectionString('HostName=a').fault).toMatch(/SharedAccessKeyName/);
  expect(readConnectionString('HostName=a;SharedAccessKeyName=b').fault).toMatch(/SharedAccessKey=/);
  expect(readConnectionString('HostName=a;SharedAccessKeyName=b;SharedAccessKey=****').fault).toMatch(/masked/);
  expect(readConnectionString('HostName=a;DeviceId=d;SharedAccessKey=AAAA').fault).toMatch(/of a device/);
});
