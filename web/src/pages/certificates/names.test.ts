import { expect, test } from 'vitest';
import { faultOfCertificateName, nameFrom } from './names';

test('a name from a subject can be kept as it is', () => {
  expect(nameFrom('Plant root')).toBe('plant-root');
  expect(nameFrom('Infineon OPTIGA(TM) TPM 2.0 RSA CA 042')).toBe('infineon-optiga-tm-tpm-2.0-rsa-ca-042');
  expect(nameFrom('(äöü)')).toBe('');
  for (const subject of ['x'.repeat(80), `${'x'.repeat(63)} y`, '- a.', 'C=NL, O=Plant']) {
    expect(nameFrom(subject)).not.toBe('');
    expect(faultOfCertificateName(nameFrom(subject))).toBeUndefined();
  }
});

test('a name that cannot be is told in words; none at all is no fault yet', () => {
  expect(faultOfCertificateName('')).toBeUndefined();
  expect(faultOfCertificateName('two words')).toMatch(/Letters, digits/);
  expect(faultOfCertificateName('x'.repeat(65))).toMatch(/At most 64/);
});
