// Tests that factorable RSA moduli are found and ordinary ones pass.

import { checkPrimeSync, generateKeyPairSync, generatePrimeSync, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rsaWeakness } from './rsa-strength.ts';

const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const prime = (bits: number): bigint => generatePrimeSync(bits, { bigint: true });

test('BR 6.1.6: a modulus with a prime factor below 752 is named with the factor', () => {
  assert.is(rsaWeakness(751n * prime(1024)), 'is divisible by 751');
  assert.is(rsaWeakness(3n * prime(1024)), 'is divisible by 3');
});

test('CVE-2017-15361: a modulus of two ROCA primes is found', () => {
  const modulus = rocaPrime() * rocaPrime();
  assert.is(rsaWeakness(modulus), 'was made by a flawed library (ROCA, CVE-2017-15361)');
});

test('one ROCA prime alone is no reason', () => {
  assert.is(rsaWeakness(rocaPrime() * prime(1024)), undefined);
});

test('BR 6.1.1.3: a modulus of two neighbouring primes is found', () => {
  const first = prime(1024);
  assert.is(
    rsaWeakness(first * nextPrime(first + 2n)),
    'is the product of two primes that are too close',
  );
  assert.match(rsaWeakness(first * first) ?? '', /too close/);
});

test('Fermat: factors are found within a hundred rounds and not after', () => {
  // With b² = a² − n and a = ⌈√n⌉ + k, k grows with the square of the distance of the primes.
  const first = prime(512);
  const near = nextPrime(first + (1n << 258n));
  assert.match(rsaWeakness(first * near) ?? '', /too close/);
  const far = nextPrime(first + (1n << 270n));
  assert.is(rsaWeakness(first * far), undefined);
});

test('moduli of an ordinary generator pass', () => {
  for (const modulusLength of [2048, 3072]) {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
    const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n!, 'base64url');
    assert.is(rsaWeakness(big(modulus)), undefined);
  }
});

/** p = k·M + (65537^a mod M), M the product of the first 39 primes, as the flawed library did. */
function rocaPrime(): bigint {
  let product = 1n;
  for (let candidate = 2n; candidate <= 167n; candidate++) {
    if (checkPrimeSync(candidate)) product *= candidate;
  }
  let power = 1n;
  for (let i = 0; i < 4321 + randomBytes(1)[0]!; i++) power = (power * 65_537n) % product;
  const bits = 1024 - product.toString(2).length;
  for (;;) {
    const multiple = big(randomBytes(bits >> 3)) | (1n << BigInt(bits - 1));
    const candidate = multiple * product + power;
    if (checkPrimeSync(candidate)) return candidate;
  }
}

function nextPrime(start: bigint): bigint {
  let candidate = start | 1n;
  while (!checkPrimeSync(candidate)) candidate += 2n;
  return candidate;
}

test.run();
