// Tests of which public keys are accepted, and of every sentence that refuses one.

import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../../core/der.ts';
import { type KeyKind, keyAlgorithm, kindOfAlgorithm, readPublicKey } from './public-key.ts';

const MODULUS = BigInt(
  `0x${Buffer.from(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }).n!,
    'base64url',
  ).toString('hex')}`,
);

function spkiOf(kind: KeyKind, bits: Uint8Array): Uint8Array {
  return sequence(keyAlgorithm(kind), bitString(bits));
}

function rsaSpki(modulus: bigint, exponent: bigint): Uint8Array {
  return spkiOf('rsa', sequence(integer(modulus), integer(exponent)));
}

function ecSpki(namedCurve: string): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
}

/** The key with one octet of its point changed. */
function offCurve(): Uint8Array {
  const spki = ecSpki('P-256');
  spki[spki.length - 1]! ^= 1;
  return spki;
}

function compressed(): Uint8Array {
  const bits = ecSpki('P-256').slice(-65);
  return spkiOf('ec:P-256', Uint8Array.of(2 + (bits[64]! & 1), ...bits.subarray(1, 33)));
}

const small = Buffer.from(
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'hex',
);
const notCanonical = Uint8Array.from({ length: 32 }, (_, i) =>
  i === 0 ? 0xee : i === 31 ? 0x7f : 0xff,
);

const REFUSED: readonly [what: string, spki: Uint8Array, pattern: RegExp][] = [
  ['what is not DER', Uint8Array.of(1, 2), /^the public key is not valid DER: /],
  ['an unknown algorithm', spkiOfOid('1.3.101.110'), /algorithm is not supported; use EC P-256/],
  ['another curve', ecSpki('secp256k1'), /algorithm is not supported/],
  [
    'RSA without its NULL',
    sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1')), bitString(new Uint8Array(8))),
    /not supported/,
  ],
  [
    'RSA with extra parameters',
    spkiOfOid('1.2.840.113549.1.1.1', nullValue(), nullValue()),
    /not supported/,
  ],
  ['a compressed point', compressed(), /not an uncompressed point of 65 octets/],
  ['a point off its curve', offCurve(), /not a point on the curve; make a new key/],
  [
    'an RSA key of 1024 bits',
    rsaSpki(MODULUS >> 1024n, 65_537n),
    /has 1024 bits; use 2048 to 8192/,
  ],
  ['an RSA key of 2047 bits', rsaSpki(MODULUS >> 1n, 65_537n), /has 2047 bits/],
  ['an RSA key of 8200 bits', rsaSpki(1n << 8199n, 65_537n), /has 8200 bits/],
  ['RSA exponent 3', rsaSpki(MODULUS, 3n), /exponent is not an odd number from 65537 to 2\^256/],
  ['an even RSA exponent', rsaSpki(MODULUS, 65_538n), /exponent is not an odd number/],
  [
    'an RSA exponent of 2^256',
    rsaSpki(MODULUS, (1n << 256n) + 1n),
    /exponent is not an odd number/,
  ],
  [
    'a weak RSA modulus',
    rsaSpki((MODULUS / 3n) * 3n, 65_537n),
    /the RSA key is weak: it is divisible by \d+; make a new key/,
  ],
  [
    'a short Ed25519 key',
    spkiOf('ed25519', new Uint8Array(31)),
    /ed25519 key has 31 octets instead of 32/,
  ],
  ['an Ed25519 key of small order', spkiOf('ed25519', small), /not a usable point/],
  ['an Ed25519 key that is not canonical', spkiOf('ed25519', notCanonical), /not a usable point/],
  [
    'a long ML-DSA key',
    spkiOf('ml-dsa-44', new Uint8Array(1313)),
    /ml-dsa-44 key has 1313 octets instead of 1312/,
  ],
];

for (const [what, spki, pattern] of REFUSED) {
  test(`${what} is refused`, () => {
    const reading = readPublicKey(spki);
    assert.match(reading.ok ? 'accepted' : reading.reason, pattern);
  });
}

test('bytes after the key are refused', () => {
  const spki = ecSpki('P-256');
  const reading = readPublicKey(Uint8Array.from([...spki, 0]));
  assert.match(reading.ok ? 'accepted' : reading.reason, /1 stray bytes/);
});

for (const [kind, namedCurve, hash] of [
  ['ec:P-256', 'P-256', 'sha256'],
  ['ec:P-384', 'P-384', 'sha384'],
  ['ec:P-521', 'P-521', 'sha512'],
] as const) {
  test(`a ${kind} key is read and its key object verifies`, () => {
    const pair = generateKeyPairSync('ec', { namedCurve });
    const spki = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
    const reading = readPublicKey(spki);
    assert.ok(reading.ok);
    assert.is(reading.value.kind, kind);
    assert.is(reading.value.spkiHash, createHash('sha256').update(spki).digest('base64url'));
    const message = Buffer.from('message');
    assert.ok(
      verify(hash, message, reading.value.keyObject!, sign(hash, message, pair.privateKey)),
    );
  });
}

test('RSA of 2048 bits and Ed25519 are read', () => {
  const rsa = readPublicKey(rsaSpki(MODULUS, 65_537n));
  assert.is(rsa.ok && rsa.value.kind, 'rsa');
  const edwards = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
  const reading = readPublicKey(edwards);
  assert.is(reading.ok && reading.value.kind, 'ed25519');
});

test('the points called small have small order, and there are no others', () => {
  const torsion = ed25519.Point.fromBytes(small, true);
  for (let multiple = 1, point = torsion; multiple <= 8; multiple++, point = point.add(torsion)) {
    const reading = readPublicKey(spkiOf('ed25519', point.toBytes()));
    assert.match(reading.ok ? 'accepted' : reading.reason, /small order/);
  }
  assert.ok(torsion.multiplyUnsafe(8n).equals(ed25519.Point.ZERO));
});

test('algorithm identifiers and kinds belong together', () => {
  assert.is(kindOfAlgorithm(keyAlgorithm('ml-dsa-87')), 'ml-dsa-87');
  assert.is(kindOfAlgorithm(sequence()), undefined);
});

function spkiOfOid(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return sequence(sequence(objectIdentifier(oid), ...parameters), bitString(new Uint8Array(32)));
}

test.run();
