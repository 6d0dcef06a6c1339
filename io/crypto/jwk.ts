// Reading a client's account key: a JSON Web Key (RFC 7517; RFC 7518 §6.2–6.3, RFC 8037 §2,
// RFC 9964 §3) into its required members and its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
// Invariant: one key has one accepted JWK, character for character, hence one thumbprint; every
// account id rests on that. So encodings are canonical or refused, never repaired.
// Never here: whether an elliptic curve point is on its curve (OpenSSL checks that on import).

import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, fromBase64Url } from '../../core/bytes.ts';
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../../core/der.ts';
import type { Jwk, Reading } from '../../core/primitives.ts';

export interface KeyMaterial {
  /** Required members only, in the order RFC 7638 §3.2 hashes them. */
  readonly jwk: Jwk;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/** Members that only a private or secret key has (RFC 7518 §6, RFC 8037 §2, RFC 9964 §3). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

/** EC curve (RFC 7518 §6.2.1.1) -> object identifier and octets of one coordinate. */
const CURVES = {
  'P-256': { oid: '1.2.840.10045.3.1.7', coordinateLength: 32 },
  'P-384': { oid: '1.3.132.0.34', coordinateLength: 48 },
  'P-521': { oid: '1.3.132.0.35', coordinateLength: 66 },
} as const;

/** AKP algorithm (RFC 9964 §5) -> object identifier (RFC 9881 §2) and octets of the public key. */
const ML_DSA = {
  'ML-DSA-44': { oid: '2.16.840.1.101.3.4.3.17', publicLength: 1312 },
  'ML-DSA-65': { oid: '2.16.840.1.101.3.4.3.18', publicLength: 1952 },
  'ML-DSA-87': { oid: '2.16.840.1.101.3.4.3.19', publicLength: 2592 },
} as const;

const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const ED25519 = '1.3.101.112';

/** RSA modulus sizes that are accepted, in bits. */
const RSA_BITS = { min: 2048, max: 8192 } as const;
/** The range of the Baseline Requirements (§6.1.6) starts here. */
const MIN_EXPONENT = 65537n;
/** It ends at 2^256, but OpenSSL verifies with large moduli only below this. */
const EXPONENT_LIMIT = 1n << 64n;

type Reader = (members: { readonly [name: string]: string }) => Reading<KeyMaterial>;

/** Key type -> its required members (RFC 7638 §3.2, in its order) and what reads them. */
const FAMILIES: { readonly [kty: string]: { required: readonly string[]; read: Reader } } = {
  EC: { required: ['crv', 'kty', 'x', 'y'], read: readEc },
  RSA: { required: ['e', 'kty', 'n'], read: readRsa },
  OKP: { required: ['crv', 'kty', 'x'], read: readOkp },
  AKP: { required: ['alg', 'kty', 'pub'], read: readAkp },
};

/** Reads a JWK of any supported kind. The reason of a refusal is a sentence for the client. */
export function readJwk(input: unknown): Reading<KeyMaterial> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return bad('the key is not a JSON object');
  }
  const members = input as { readonly [name: string]: unknown };
  const exposed = PRIVATE_MEMBERS.find((name) => Object.hasOwn(members, name));
  if (exposed !== undefined) {
    return bad(`the key has the private member "${exposed}": it is exposed now, throw it away`);
  }
  const kty = Object.hasOwn(members, 'kty') ? members['kty'] : undefined;
  if (typeof kty !== 'string' || !Object.hasOwn(FAMILIES, kty)) {
    return bad(`the key type must be one of ${Object.keys(FAMILIES).join(', ')}`);
  }
  const { required, read } = FAMILIES[kty]!;
  const jwk: { [name: string]: string } = {};
  for (const name of required) {
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    if (typeof value !== 'string') return bad(`an ${kty} key needs the string member "${name}"`);
    jwk[name] = value;
  }
  return read(jwk);
}

function readEc(jwk: Jwk): Reading<KeyMaterial> {
  const { crv = '', x = '', y = '' } = jwk;
  if (!Object.hasOwn(CURVES, crv)) return bad(`an EC key must be on ${namesOf(CURVES)}`);
  const { oid, coordinateLength } = CURVES[crv as keyof typeof CURVES];
  const [first, second] = [fromBase64Url(x), fromBase64Url(y)];
  // RFC 7518 §6.2.1.2: always the full size of a coordinate, also when it starts with zeros.
  if (first?.length !== coordinateLength || second?.length !== coordinateLength) {
    return bad(`"x" and "y" of a ${crv} key must be ${coordinateLength} octets in base64url`);
  }
  const point = concatBytes(Uint8Array.of(4), first, second);
  const algorithm = sequence(objectIdentifier(EC_PUBLIC_KEY), objectIdentifier(oid));
  return good(jwk, sequence(algorithm, bitString(point)));
}

function readRsa(jwk: Jwk): Reading<KeyMaterial> {
  const { n = '', e = '' } = jwk;
  const [modulus, exponent] = [readInteger(n), readInteger(e)];
  if (modulus === undefined || exponent === undefined) {
    return bad('"n" and "e" must be base64url without leading zero octets (RFC 7518 §6.3.1)');
  }
  const bits = modulus.toString(2).length;
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) {
    return bad(`an RSA key must have ${RSA_BITS.min} to ${RSA_BITS.max} bits; this has ${bits}`);
  }
  if (modulus % 2n === 0n) return bad('the RSA modulus is even');
  if (exponent % 2n === 0n || exponent < MIN_EXPONENT || exponent >= EXPONENT_LIMIT) {
    return bad('the RSA exponent must be odd, at least 65537 and below 2^64');
  }
  const algorithm = sequence(objectIdentifier(RSA_ENCRYPTION), nullValue());
  return good(jwk, sequence(algorithm, bitString(sequence(integer(modulus), integer(exponent)))));
}

function readOkp(jwk: Jwk): Reading<KeyMaterial> {
  const { crv, x = '' } = jwk;
  if (crv !== 'Ed25519') return bad('an OKP key must be on Ed25519');
  const bytes = fromBase64Url(x);
  if (bytes?.length !== 32) return bad('"x" of an Ed25519 key must be 32 octets in base64url');
  // OpenSSL imports any 32 octets. With a point of small order a signature made without any
  // private key verifies for every message.
  if (!isSoundEd25519(bytes)) return bad('"x" is not a point of Ed25519, or one of small order');
  return good(jwk, sequence(sequence(objectIdentifier(ED25519)), bitString(bytes)));
}

function readAkp(jwk: Jwk): Reading<KeyMaterial> {
  const { alg = '', pub = '' } = jwk;
  if (!Object.hasOwn(ML_DSA, alg)) return bad(`"alg" of an AKP key must be ${namesOf(ML_DSA)}`);
  const { oid, publicLength } = ML_DSA[alg as keyof typeof ML_DSA];
  const bytes = fromBase64Url(pub);
  if (bytes?.length !== publicLength) {
    return bad(`"pub" of an ${alg} key must be ${publicLength} octets in base64url`);
  }
  return good(jwk, sequence(sequence(objectIdentifier(oid)), bitString(bytes)));
}

function isSoundEd25519(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes, false).isSmallOrder();
  } catch {
    return false;
  }
}

/** A Base64urlUInt (RFC 7518 §2): big-endian in the fewest octets. */
function readInteger(text: string): bigint | undefined {
  const bytes = fromBase64Url(text);
  if (bytes === undefined || bytes.length === 0 || bytes[0] === 0) return undefined;
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function namesOf(table: object): string {
  return Object.keys(table).join(', ');
}

function good(jwk: Jwk, spki: Uint8Array): Reading<KeyMaterial> {
  return { ok: true, value: { jwk, spki } };
}

function bad(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
