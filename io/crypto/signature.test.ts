import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SIGNATURE_ALGORITHM_NAMES } from '../../core/acme/jws-algorithm.ts';
import type { Jwk } from '../../core/primitives.ts';
import { PublicKeyCache } from './public-key-cache.ts';
import { verifySignature } from './signature.ts';

interface Vector {
  readonly source: string;
  readonly alg: string;
  readonly jwk: Jwk;
  readonly signingInput: string;
  readonly signature: string;
}

const testdata = new URL('../../../io/crypto/testdata/jose.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(testdata, 'utf8')) as { signatures: Vector[] }).signatures;
const cache = new PublicKeyCache();
const MESSAGE = 'eyJhbGciOiJFUzI1NiJ9.e30';

const verifies = (
  alg: string,
  jwk: Jwk,
  signature: Uint8Array,
  message: string = MESSAGE,
): boolean => verifySignature(alg, jwk, message, signature, cache);
const jwkOf = (key: KeyObject): Jwk => key.export({ format: 'jwk' }) as unknown as Jwk;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64url'));
const octets = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');

const CURVES = [
  { alg: 'ES256', namedCurve: 'P-256', hash: 'sha256', size: 32, order: p256.Point.Fn.ORDER },
  { alg: 'ES384', namedCurve: 'P-384', hash: 'sha384', size: 48, order: p384.Point.Fn.ORDER },
  { alg: 'ES512', namedCurve: 'P-521', hash: 'sha512', size: 66, order: p521.Point.Fn.ORDER },
] as const;

for (const { source, alg, jwk, signingInput, signature } of vectors) {
  test(`${source}: the published ${alg} signature verifies, and no changed one does`, () => {
    const good = bytesOf(signature);
    assert.ok(verifies(alg, jwk, good, signingInput));
    assert.not(verifies(alg, jwk, good, `${signingInput}A`));
    for (const position of [0, good.length >> 1, good.length - 1]) {
      const changed = good.slice();
      changed[position]! ^= 1;
      assert.not(verifies(alg, jwk, changed, signingInput), `octet ${position}`);
    }
    for (const wrong of [
      good.subarray(1),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.alloc(1)]),
    ]) {
      assert.not(verifies(alg, jwk, wrong, signingInput));
    }
  });

  test(`${source}: the ${alg} signature verifies under no algorithm of another key type`, () => {
    for (const other of [...SIGNATURE_ALGORITHM_NAMES, 'none', 'HS256', 'RS512', '', 'toString']) {
      const same = other === alg || (alg === 'EdDSA' && other === 'Ed25519');
      assert.is(verifies(other, jwk, bytesOf(signature), signingInput), same, other);
    }
  });
}

for (const { alg, namedCurve, hash, size, order } of CURVES) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const jwk = jwkOf(publicKey);
  const raw = sign(hash, Buffer.from(MESSAGE), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const [r, s] = [raw.subarray(0, size), raw.subarray(size)];

  test(`RFC 7518 §3.4: ${alg} signatures are raw r‖s of ${2 * size} octets, never DER`, () => {
    assert.ok(verifies(alg, jwk, raw));
    assert.not(verifies(alg, jwk, sign(hash, Buffer.from(MESSAGE), privateKey)));
    const padded = Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s]);
    for (const wrong of [Buffer.alloc(0), r, raw.subarray(2), padded]) {
      assert.not(verifies(alg, jwk, wrong));
    }
  });

  test(`${alg}: r or s that is zero, the order or above it never verifies`, () => {
    const edges = [0n, order, order + 1n, (1n << BigInt(8 * size)) - 1n].map((n) =>
      octets(n, size),
    );
    for (const edge of edges) {
      assert.not(verifies(alg, jwk, Buffer.concat([edge, s])));
      assert.not(verifies(alg, jwk, Buffer.concat([r, edge])));
      for (const other of edges) assert.not(verifies(alg, jwk, Buffer.concat([edge, other])));
    }
    if (alg === 'ES512') {
      // Only these 66 octets have room for a second spelling of the same numbers modulo the order.
      const again = [r, s].map((part) => octets(BigInt(`0x${part.toString('hex')}`) + order, size));
      assert.not(verifies(alg, jwk, Buffer.concat([again[0]!, s])));
      assert.not(verifies(alg, jwk, Buffer.concat([r, again[1]!])));
    }
    const one = octets(1n, size);
    assert.not(verifies(alg, jwk, Buffer.concat([one, one])));
  });

  test(`${alg}: r and s exchanged, or of another message, do not verify`, () => {
    assert.not(verifies(alg, jwk, Buffer.concat([s, r])));
    assert.not(verifies(alg, jwk, raw, `${MESSAGE} `));
    assert.not(verifies(alg, jwk, raw, ''));
  });
}

test('RFC 8725 §3.1: an EC signature in DER does not verify under the name of an RSA algorithm', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = sign('sha256', Buffer.from(MESSAGE), privateKey);
  for (const alg of ['RS256', 'PS256']) assert.not(verifies(alg, jwkOf(publicKey), der));
});

test('a signature by another key does not verify', () => {
  const [mine, other] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const options = { key: other!.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign('sha256', Buffer.from(MESSAGE), options);
  assert.ok(verifies('ES256', jwkOf(other!.publicKey), signature));
  assert.not(verifies('ES256', jwkOf(mine!.publicKey), signature));
});

test('RFC 7518 §3.5: PS256 verifies only with a salt of 32 octets, RS256 only without one', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = jwkOf(publicKey);
  const pss = (saltLength: number): Buffer =>
    sign('sha256', Buffer.from(MESSAGE), {
      key: privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength,
    });
  assert.ok(verifies('PS256', jwk, pss(32)));
  for (const saltLength of [0, 20, 31, 33, 64]) assert.not(verifies('PS256', jwk, pss(saltLength)));
  const plain = sign('sha256', Buffer.from(MESSAGE), privateKey);
  assert.ok(verifies('RS256', jwk, plain));
  assert.not(verifies('PS256', jwk, plain));
  assert.not(verifies('RS256', jwk, pss(32)));
  assert.not(verifies('RS256', jwk, sign('sha512', Buffer.from(MESSAGE), privateKey)));
});

test('RFC 8017 §8: RSA signatures of another length, zero, one or above the modulus fail', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = jwkOf(publicKey);
  const good = sign('sha256', Buffer.from(MESSAGE), privateKey);
  const value =
    BigInt(`0x${good.toString('hex')}`) +
    BigInt(`0x${Buffer.from(jwk['n']!, 'base64url').toString('hex')}`);
  const shifted = octets(value, 257);
  const bad = [
    Buffer.alloc(0),
    Buffer.alloc(256),
    octets(1n, 256),
    Buffer.alloc(256, 0xff),
    shifted,
  ];
  for (const signature of [...bad, Buffer.concat([Buffer.alloc(1), good])]) {
    for (const alg of ['RS256', 'PS256']) assert.not(verifies(alg, jwk, signature));
  }
  assert.ok(verifies('RS256', jwk, good));
});

test('RFC 8725 §2.1: a MAC keyed with the public key is no signature', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ format: 'pem', type: 'spki' });
  const mac = createHmac('sha256', pem).update(MESSAGE).digest();
  for (const alg of ['HS256', 'RS256', 'none']) assert.not(verifies(alg, jwkOf(publicKey), mac));
});

test('RFC 8032 §5.1.7: an Ed25519 signature whose s is not reduced does not verify', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const signature = sign(null, Buffer.from(MESSAGE), privateKey);
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`);
  const grown = octets(s + ed25519.Point.Fn.ORDER, 32).reverse();
  const jwk = jwkOf(publicKey);
  for (const alg of ['EdDSA', 'Ed25519']) {
    assert.ok(verifies(alg, jwk, signature));
    assert.not(verifies(alg, jwk, Buffer.concat([signature.subarray(0, 32), grown])));
    assert.not(verifies(alg, jwk, Buffer.alloc(64)));
  }
});

test('RFC 9964 §5: ML-DSA verifies at all three sizes, with the empty context only', () => {
  const schemes = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 };
  for (const [alg, scheme] of Object.entries(schemes)) {
    const { publicKey, secretKey } = scheme.keygen(new Uint8Array(32).fill(1));
    const jwk = { kty: 'AKP', alg, pub: Buffer.from(publicKey).toString('base64url') };
    const data = Buffer.from(MESSAGE);
    const signature = scheme.sign(data, secretKey, { extraEntropy: false });
    assert.ok(verifies(alg, jwk, signature));
    const context = Uint8Array.of(1);
    assert.not(verifies(alg, jwk, scheme.sign(data, secretKey, { context, extraEntropy: false })));
    assert.not(verifies(alg, jwk, new Uint8Array(signature.length)));
    assert.not(verifies(alg, jwk, new Uint8Array(signature.length).fill(0xff)));
  }
});

test('a key that never passed readKey makes the answer false, not an exception', () => {
  const signature = new Uint8Array(64).fill(1);
  const hostile: Jwk[] = [
    {},
    { kty: 'EC' },
    { kty: 'EC', crv: 'P-256' },
    { kty: 'EC', crv: 'P-256', x: '', y: '' },
    { kty: 'EC', crv: 'P-256', x: 'AQ', y: 'é' },
    { kty: 'RSA', n: '', e: '' },
    { kty: 'RSA', n: 'AQ', e: 'AQ' },
    { kty: 'OKP', crv: 'Ed25519', x: 'AA' },
    { kty: 'AKP', alg: 'ML-DSA-44' },
    { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' },
  ];
  for (const jwk of hostile) {
    for (const alg of SIGNATURE_ALGORITHM_NAMES) {
      const length = alg === 'ML-DSA-44' ? 2420 : 64;
      assert.not(verifies(alg, jwk, length === 64 ? signature : new Uint8Array(length)));
    }
  }
});

test.run();
