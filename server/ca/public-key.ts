// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): which public keys may stand in a certificate or own an
// account, and why others may not (CA/Browser Forum BR 6.1.1.3, 6.1.5, 6.1.6).
// Invariant: a PublicKey is strict DER, of a listed kind, usable for verification, its point on
// its curve, and neither weak nor published. Never here: whether a key belongs to this CA.

import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { toHex } from '../../core/bytes.ts';
import { nullValue, sequence, TAG } from '../../core/der.ts';
import { DerReader, readDer, unsignedOf, wholeBitsOf } from '../../core/der-reader.ts';
import type { Reading } from '../../core/primitives.ts';
import { publishedIn } from './known-keys.ts';
import { encodedOid, type OidName } from './oids.ts';
import { attempt, refuse } from './refusal.ts';
import { rsaWeakness } from './rsa-strength.ts';

export type KeyKind =
  | 'rsa'
  | 'ec:P-256'
  | 'ec:P-384'
  | 'ec:P-521'
  | 'ed25519'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87';

export interface PublicKey {
  readonly kind: KeyKind;
  /** The DER it was read from. */
  readonly spki: Uint8Array;
  /** SHA-256 over it, unpadded base64url. */
  readonly spkiHash: string;
  /** Content of the subjectPublicKey BIT STRING. */
  readonly bits: Uint8Array;
  /** For node:crypto; undefined for ML-DSA, which Node 20 does not know. */
  readonly keyObject: KeyObject | undefined;
}

interface KindRow {
  readonly kind: KeyKind;
  /** AlgorithmIdentifier as DER; anything else is another kind. */
  readonly algorithm: Uint8Array;
  /** Octets of `bits`; RSA's vary. */
  readonly length: number;
}

const KINDS: readonly KindRow[] = [
  { kind: 'ec:P-256', algorithm: algorithm('ecPublicKey', encodedOid('p256')), length: 65 },
  { kind: 'ec:P-384', algorithm: algorithm('ecPublicKey', encodedOid('p384')), length: 97 },
  { kind: 'ec:P-521', algorithm: algorithm('ecPublicKey', encodedOid('p521')), length: 133 },
  { kind: 'rsa', algorithm: algorithm('rsaEncryption', nullValue()), length: 0 },
  { kind: 'ed25519', algorithm: algorithm('ed25519'), length: 32 },
  { kind: 'ml-dsa-44', algorithm: algorithm('mlDsa44'), length: 1312 },
  { kind: 'ml-dsa-65', algorithm: algorithm('mlDsa65'), length: 1952 },
  { kind: 'ml-dsa-87', algorithm: algorithm('mlDsa87'), length: 2592 },
];
const KIND_BY_ALGORITHM: ReadonlyMap<string, KindRow> = new Map(
  KINDS.map((row) => [toHex(row.algorithm), row]),
);

const SUPPORTED =
  'use EC P-256, P-384 or P-521, RSA (2048 to 8192 bits), Ed25519, or ML-DSA-44, -65 or -87';

/** Reads and judges a DER SubjectPublicKeyInfo. Reasons are whole sentences. */
export function readPublicKey(spki: Uint8Array): Reading<PublicKey> {
  return attempt('the public key', () => parsePublicKey(spki));
}

/** The kind of key an AlgorithmIdentifier belongs to, if any. */
export function kindOfAlgorithm(algorithmDer: Uint8Array): KeyKind | undefined {
  return KIND_BY_ALGORITHM.get(toHex(algorithmDer))?.kind;
}

/** AlgorithmIdentifier of a kind of key. */
export function keyAlgorithm(kind: KeyKind): Uint8Array {
  return KINDS.find((row) => row.kind === kind)!.algorithm;
}

function parsePublicKey(spki: Uint8Array): PublicKey {
  const fields = new DerReader(readDer(spki, TAG.sequence, 'it').content, 'it');
  const algorithmDer = fields.next(TAG.sequence, 'its algorithm').bytes;
  const bits = wholeBitsOf(fields.next(TAG.bitString, 'its key bits'), 'the key');
  fields.end();
  const row = KIND_BY_ALGORITHM.get(toHex(algorithmDer));
  if (row === undefined) refuse(`the key's algorithm is not supported; ${SUPPORTED}`);
  const spkiHash = hash('sha256', spki, 'base64url');
  const source = publishedIn(spkiHash);
  if (source !== undefined) {
    refuse(`the private half of this key is published in ${source}; make a new key`);
  }
  return { kind: row.kind, spki, spkiHash, bits, keyObject: checkedKey(row, spki, bits) };
}

function checkedKey(row: KindRow, spki: Uint8Array, bits: Uint8Array): KeyObject | undefined {
  if (row.kind === 'rsa') return checkedRsaKey(spki, bits);
  if (row.kind.startsWith('ec:')) return checkedEcKey(row, bits);
  if (bits.length !== row.length) {
    refuse(`the ${row.kind} key has ${bits.length} octets instead of ${row.length}`);
  }
  if (row.kind !== 'ed25519') return undefined;
  if (!isUsableEdwardsPoint(bits)) {
    refuse(
      'the Ed25519 key is not a usable point (not canonical, or of small order); make a new key',
    );
  }
  return importSpki(spki);
}

/** Importing as a JWK checks that the point is on the curve, and costs less than as DER. */
function checkedEcKey(row: KindRow, bits: Uint8Array): KeyObject {
  if (bits[0] !== 4 || bits.length !== row.length) {
    refuse(`the ${row.kind} key is not an uncompressed point of ${row.length} octets`);
  }
  const middle = (row.length + 1) / 2;
  const coordinate = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');
  const x = coordinate(bits.subarray(1, middle));
  const y = coordinate(bits.subarray(middle));
  try {
    return createPublicKey({ key: { kty: 'EC', crv: row.kind.slice(3), x, y }, format: 'jwk' });
  } catch {
    return refuse(`the ${row.kind} key is not a point on the curve; make a new key`);
  }
}

function checkedRsaKey(spki: Uint8Array, bits: Uint8Array): KeyObject {
  const fields = new DerReader(readDer(bits, TAG.sequence, 'the RSA key').content, 'the RSA key');
  const modulus = unsignedOf(fields.next(TAG.integer, 'the modulus'), 'the modulus');
  const exponent = unsignedOf(fields.next(TAG.integer, 'the exponent'), 'the exponent');
  fields.end();
  const size = modulus.length * 8 - Math.clz32(modulus[0]!) + 24;
  if (size < 2048 || size > 8192 || size % 8 !== 0) {
    refuse(`the RSA key has ${size} bits; use 2048 to 8192, a multiple of 8`);
  }
  const value = BigInt(`0x${toHex(exponent)}`);
  if (value < 65_537n || value % 2n === 0n || exponent.length > 32) {
    refuse('the RSA exponent is not an odd number from 65537 to 2^256; use 65537');
  }
  const weakness = rsaWeakness(BigInt(`0x${toHex(modulus)}`));
  if (weakness !== undefined) refuse(`the RSA key is weak: it ${weakness}; make a new key`);
  return importSpki(spki);
}

/** Everything has been checked; should OpenSSL still say no, it must not take the node down. */
function importSpki(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return refuse('the key cannot be used; make a new key');
  }
}

const EDWARDS_PRIME = 2n ** 255n - 19n;
/** y of the points of order 1, 2, 4 and 8: signatures under such a key prove nothing. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  EDWARDS_PRIME - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

function isUsableEdwardsPoint(octets: Uint8Array): boolean {
  const y = BigInt(`0x${toHex(octets.slice().reverse())}`) & (2n ** 255n - 1n);
  return y < EDWARDS_PRIME && !SMALL_ORDER_Y.has(y);
}

function algorithm(name: OidName, ...parameters: readonly Uint8Array[]): Uint8Array {
  return sequence(encodedOid(name), ...parameters);
}
