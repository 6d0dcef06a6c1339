import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHex, toHex } from '../../core/bytes.ts';
import type { KeyFacts } from '../../core/primitives.ts';
import { createPrimitives, type X509Functions } from './primitives.ts';

interface ThumbprintVector {
  readonly source: string;
  readonly thumbprint: string;
  readonly jwk: unknown;
}

const x509: X509Functions = {
  readCsr: (der) => ({ ok: false, reason: `csr of ${der.length}` }),
  readCertificate: (der) => ({ ok: false, reason: `certificate of ${der.length}` }),
};
const primitives = createPrimitives(x509);
const testdata = new URL('../../../io/crypto/testdata/jose.json', import.meta.url);
const { thumbprints } = JSON.parse(readFileSync(testdata, 'utf8')) as {
  thumbprints: ThumbprintVector[];
};

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function facts(jwk: unknown): KeyFacts {
  const reading = primitives.readKey(jwk);
  if (!reading.ok) throw new Error(reading.reason);
  return reading.value;
}

function refused(detail: RegExp, jwk: unknown): void {
  const reading = primitives.readKey(jwk);
  assert.not(reading.ok);
  if (!reading.ok) assert.match(reading.reason, detail);
}

const CURVES = [
  { crv: 'P-256', size: 32, curve: p256 },
  { crv: 'P-384', size: 48, curve: p384 },
  { crv: 'P-521', size: 66, curve: p521 },
] as const;

const coordinate = (value: bigint, size: number): string =>
  Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex').toString('base64url');

for (const { crv, size, curve } of CURVES) {
  const { x, y } = curve.Point.BASE.multiply(7n).toAffine();
  const prime = curve.Point.Fp.ORDER;
  const key = (a: bigint, b: bigint) => ({
    kty: 'EC',
    crv,
    x: coordinate(a, size),
    y: coordinate(b, size),
  });

  test(`RFC 7518 §6.2: a point that is not on ${crv}, or at infinity, is refused`, () => {
    facts(key(x, y));
    for (const [a, b] of [
      [x, x],
      [y, x],
      [x, y ^ 1n],
      [0n, 0n],
      [1n, 1n],
      [x ^ 1n, y],
    ] as const) {
      refused(new RegExp(`not a point on ${crv}`), key(a, b));
    }
  });

  test(`RFC 7638 §7: a coordinate of ${crv} beyond the prime, a second spelling, is refused`, () => {
    const small = smallPoint(curve.Point, 8 * size);
    facts(key(small.x, small.y));
    assert.ok(small.x + prime < 1n << BigInt(8 * size), 'the second spelling fits');
    refused(/not a point/, key(small.x + prime, small.y));
    const negated = prime - small.y;
    facts(key(small.x, negated));
    refused(/not a point/, key(prime, small.y));
  });
}

/** A point whose x is so small that x plus the prime still fits the coordinate's octets. */
function smallPoint(
  Point: (typeof CURVES)[number]['curve']['Point'],
  bits: number,
): { readonly x: bigint; readonly y: bigint } {
  const size = bits / 8;
  for (let x = 1n; x < 100n; x++) {
    const hex = `02${x.toString(16).padStart(2 * size, '0')}`;
    try {
      return Point.fromHex(hex).toAffine();
    } catch {
      // Half of all x are on no point.
    }
  }
  throw new Error('no point with a small x');
}

test('a key that the judge of the product refuses is refused for its reason', () => {
  const seen: string[] = [];
  const judged = createPrimitives({
    ...x509,
    judgeSpki: (spki) => {
      seen.push(createHash('sha256').update(spki).digest('base64url'));
      return seen.length === 1 ? { ok: true, value: 0 } : { ok: false, reason: 'it is known' };
    },
  });
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'jwk',
  });
  const first = judged.readKey(jwk);
  assert.ok(first.ok);
  assert.equal(judged.readKey(jwk), { ok: false, reason: 'it is known' });
  assert.equal(seen, first.ok ? [first.value.spkiHash, first.value.spkiHash] : []);
});

test('the judge is not asked about a key that is refused anyway', () => {
  const judgeSpki = (): never => assert.unreachable('asked') as never;
  const judged = createPrimitives({ ...x509, judgeSpki });
  assert.not(
    judged.readKey({ kty: 'EC', crv: 'P-256', x: coordinate(1n, 32), y: coordinate(1n, 32) }).ok,
  );
  assert.not(judged.readKey({ kty: 'oct', k: 'AQ' }).ok);
});

for (const { source, thumbprint, jwk } of thumbprints) {
  test(`${source}: the published key has the published thumbprint`, () => {
    assert.is(facts(jwk).thumbprint, thumbprint);
  });
}

test('RFC 9964 §6: the all-zero seeds of ML-DSA-65 and ML-DSA-87 have the thumbprints published', () => {
  const keys = { 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 };
  const published = {
    'ML-DSA-65': 'Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM',
    'ML-DSA-87': 'tRn1JNIkgMsABVQBlXeDHxAIcclh-2IX0UdDEzPt5XU',
  };
  for (const alg of ['ML-DSA-65', 'ML-DSA-87'] as const) {
    const pub = base64Url(keys[alg].keygen(new Uint8Array(32)).publicKey);
    assert.is(facts({ kty: 'AKP', alg, pub }).thumbprint, published[alg]);
  }
});

test('RFC 7638 §3: the thumbprint ignores order and other members, and what is kept has neither', () => {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
    format: 'jwk',
  }) as { [name: string]: string };
  const decorated = {
    use: 'sig',
    y: jwk['y'],
    kid: 'a',
    x: jwk['x'],
    kty: 'EC',
    alg: 'ES384',
    crv: 'P-384',
  };
  assert.equal(facts(decorated), facts(jwk));
  assert.equal(Object.keys(facts(decorated).jwk), ['crv', 'kty', 'x', 'y']);
  assert.equal(facts(facts(jwk).jwk), facts(jwk));
});

test('the SPKI hash is SHA-256 over what OpenSSL exports', () => {
  const pairs = [
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ];
  for (const { publicKey } of pairs) {
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const hash = createHash('sha256').update(spki).digest('base64url');
    assert.is(facts(publicKey.export({ format: 'jwk' })).spkiHash, hash);
  }
});

test('FIPS 180-4: SHA-256 of bytes, and of a string as its UTF-8', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.is(toHex(primitives.sha256('abc')), abc);
  assert.is(toHex(primitives.sha256(Uint8Array.of(97, 98, 99))), abc);
  assert.equal(primitives.sha256('é'), primitives.sha256(Uint8Array.of(0xc3, 0xa9)));
});

test('RFC 4231 §4.2 and §4.3: HMAC with each hash', () => {
  const expected = {
    sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    sha384:
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    sha512:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  } as const;
  const key = fromHex(Buffer.from('Jefe').toString('hex'))!;
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    assert.is(toHex(primitives.hmac(hash, key, 'what do ya want for nothing?')), expected[hash]);
  }
  const first = primitives.hmac('sha256', new Uint8Array(20).fill(0x0b), 'Hi There');
  assert.is(toHex(first), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
});

test('RFC 4231 §4.7: an HMAC key longer than a block is hashed first', () => {
  const key = new Uint8Array(131).fill(0xaa);
  const text = 'Test Using Larger Than Block-Size Key - Hash Key First';
  const expected = {
    sha256: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    sha384:
      '4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952',
    sha512:
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  } as const;
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    assert.is(toHex(primitives.hmac(hash, key, text)), expected[hash]);
  }
});

test('an HMAC of any key and message is the one of node:crypto', () => {
  for (const length of [0, 1, 63, 64, 65, 127, 128, 129, 1000, 3968, 4032, 4033, 9000]) {
    const [key, data] = [new Uint8Array(length).fill(7), new Uint8Array(length).fill(9)];
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const expected = createHmac(hash, key).update(data).digest('hex');
      assert.is(toHex(primitives.hmac(hash, key, data)), expected);
      const text = 'ü'.repeat(length);
      const ofText = createHmac(hash, key).update(text).digest('hex');
      assert.is(toHex(primitives.hmac(hash, key, text)), ofText);
    }
  }
});

test('digests are plain byte arrays that share no memory', () => {
  const digest = primitives.sha256('abc');
  assert.is(digest.constructor, Uint8Array);
  digest.fill(0);
  assert.is(primitives.sha256('abc')[0], 0xba);
  assert.is(primitives.hmac('sha256', new Uint8Array(1), 'a').constructor, Uint8Array);
});

test('X.509 is what the product handed in', () => {
  assert.equal(primitives.readCsr(new Uint8Array(3)), { ok: false, reason: 'csr of 3' });
  assert.equal(primitives.readCertificate(new Uint8Array(4)), {
    ok: false,
    reason: 'certificate of 4',
  });
});

test.run();
