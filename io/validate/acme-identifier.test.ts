// The DER walk over a right certificate, over damaged ones, and over lengths DER forbids.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readChallengeCertificate } from './acme-identifier.ts';
import { der, makeChallengeCertificate } from './testing/certificate.ts';

const { der: good } = makeChallengeCertificate({
  names: [
    { type: 'dns', value: 'good.test' },
    { type: 'ip', value: '2001:db8::1' },
  ],
  keyAuthorization: 'x',
});

test('every cut of a certificate is refused with a RangeError', () => {
  for (let length = 0; length < good.length; length++) {
    assert.throws(
      () => readChallengeCertificate(good.subarray(0, length)),
      (error: unknown) => error instanceof RangeError,
    );
  }
});

test('every flipped octet is read or refused, never anything else', () => {
  for (let index = 0; index < good.length; index++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(good);
      damaged[index] = damaged[index]! ^ mask;
      try {
        readChallengeCertificate(damaged);
      } catch (error) {
        assert.instance(error, RangeError);
      }
    }
  }
});

test('X.690 §10.1: indefinite, padded and oversized lengths are refused', () => {
  const cases = ['3080', '308100', '30820001', '3084ffffffff', '30', '3f8101', '300500'];
  for (const hex of cases) {
    assert.throws(
      () => readChallengeCertificate(Buffer.from(hex, 'hex')),
      (error: unknown) => error instanceof RangeError,
      hex,
    );
  }
});

test('octets after the certificate are refused', () => {
  assert.throws(() => readChallengeCertificate(Buffer.concat([good, Buffer.of(0)])), /follow/);
});

test('a sequence that is no certificate is refused', () => {
  assert.throws(() => readChallengeCertificate(der(0x30, der(0x30, der(0x02)))), /issuer/);
});

test('RFC 8737 §3: names, extension and self-issuance are read', () => {
  const { selfIssued, names, acmeIdentifier } = readChallengeCertificate(good);
  assert.is(selfIssued, true);
  assert.equal(
    names?.map(({ tag, value }) => [tag, Buffer.from(value).toString('hex')]),
    [
      [0x82, Buffer.from('good.test').toString('hex')],
      [0x87, '20010db8000000000000000000000001'],
    ],
  );
  assert.is(acmeIdentifier?.critical, true);
  assert.is(acmeIdentifier?.digest.length, 32);
});

test.run();
