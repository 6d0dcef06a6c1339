import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  algorithmsFor,
  isMacAlgorithm,
  keyFits,
  SIGNATURE_ALGORITHM_NAMES,
  signatureAlgorithm,
} from './jws-algorithm.ts';

test('RFC 8555 §6.2: neither `none` nor a MAC is a signature algorithm', () => {
  for (const alg of ['none', 'None', 'NONE', 'HS256', 'HS384', 'HS512', '']) {
    assert.is(signatureAlgorithm(alg), undefined, alg);
  }
});

test('a name that every object inherits is no algorithm', () => {
  for (const alg of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.is(signatureAlgorithm(alg), undefined, alg);
    assert.not(isMacAlgorithm(alg), alg);
  }
});

test('RFC 7518 §3.3: RS384, RS512 and SHA-1 are not offered', () => {
  for (const alg of ['RS1', 'RS384', 'RS512', 'PS384', 'PS512', 'ES256K']) {
    assert.is(signatureAlgorithm(alg), undefined, alg);
  }
});

test('RFC 8555 §6.2: ES256 must and EdDSA should be supported', () => {
  assert.ok(SIGNATURE_ALGORITHM_NAMES.includes('ES256'));
  assert.ok(SIGNATURE_ALGORITHM_NAMES.includes('EdDSA'));
});

test('RFC 7518 §3.4: each curve signs with one algorithm only', () => {
  assert.equal(algorithmsFor({ kty: 'EC', crv: 'P-256' }), ['ES256']);
  assert.equal(algorithmsFor({ kty: 'EC', crv: 'P-384' }), ['ES384']);
  assert.equal(algorithmsFor({ kty: 'EC', crv: 'P-521' }), ['ES512']);
});

test('RFC 9864 §2.2: an Ed25519 key signs under the old name and the new one', () => {
  assert.equal(algorithmsFor({ kty: 'OKP', crv: 'Ed25519' }), ['EdDSA', 'Ed25519']);
});

test('RFC 9964 §3: an AKP key signs with the algorithm it names', () => {
  for (const alg of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']) {
    assert.equal(algorithmsFor({ kty: 'AKP', alg }), [alg]);
  }
  assert.equal(algorithmsFor({ kty: 'AKP' }), []);
});

test('a key of another type or curve does not fit, nor does one that claims both', () => {
  const es256 = signatureAlgorithm('ES256')!;
  assert.not(keyFits(es256, { kty: 'EC', crv: 'P-384' }));
  assert.not(keyFits(es256, { kty: 'OKP', crv: 'P-256' }));
  assert.not(keyFits(es256, { kty: 'RSA', crv: 'P-256' }));
  assert.not(keyFits(signatureAlgorithm('ML-DSA-44')!, { kty: 'AKP', crv: 'ML-DSA-44' }));
  assert.equal(algorithmsFor({ kty: 'oct', k: 'AAAA' }), []);
});

test.run();
