// The core's pure functions as production has them: node:crypto (OpenSSL) and noble.
// Invariant: every function depends on its arguments only; caches save time, nothing else.
// Never here: signing, key generation, randomness, X.509 (handed in by the product).

import { hash } from 'node:crypto';
import { toBase64Url } from '../../core/bytes.ts';
import type { KeyFacts, Primitives, Reading } from '../../core/primitives.ts';
import { readJwk } from './jwk.ts';
import { PublicKeyCache } from './public-key-cache.ts';
import { seal, unseal } from './sealing.ts';
import { verifySignature } from './signature.ts';

/** What the product adds: X.509, and its opinion of weak keys if it has one. */
export interface X509Functions extends Pick<Primitives, 'readCsr' | 'readCertificate'> {
  /** Judges a DER SubjectPublicKeyInfo: known weak keys, small factors. */
  readonly judgeSpki?: (spki: Uint8Array) => Reading<unknown>;
}

export function createPrimitives(x509: X509Functions): Primitives {
  const keys = new PublicKeyCache();
  return {
    sha256,
    hmac,
    seal,
    unseal,
    readKey: (jwk) => readKey(jwk, keys, x509.judgeSpki),
    verify: (alg, jwk, message, signature) => verifySignature(alg, jwk, message, signature, keys),
    readCsr: (der) => x509.readCsr(der),
    readCertificate: (der) => x509.readCertificate(der),
  };
}

function readKey(
  input: unknown,
  keys: PublicKeyCache,
  judgeSpki: X509Functions['judgeSpki'],
): Reading<KeyFacts> {
  const reading = readJwk(input);
  if (!reading.ok) return reading;
  const { jwk, spki } = reading.value;
  if (jwk['kty'] !== 'AKP' && keys.get(jwk) === undefined) {
    return { ok: false, reason: `the key is not a point on ${jwk['crv'] ?? 'its curve'}` };
  }
  const judgement = judgeSpki?.(spki);
  if (judgement !== undefined && !judgement.ok) return judgement;
  // RFC 7638 §3: readJwk left the required members, in order, with values that need no escapes.
  const thumbprint = toBase64Url(sha256(JSON.stringify(jwk)));
  return { ok: true, value: { thumbprint, spkiHash: toBase64Url(sha256(spki)), jwk } };
}

export function sha256(data: Uint8Array | string): Uint8Array {
  return octetsOf(hash('sha256', data, 'binary'));
}

/** Octets of the blocks that each hash works on (FIPS 180-4 §1). */
const BLOCK_OCTETS = { sha256: 64, sha384: 128, sha512: 128 } as const;

/** Where MACs are computed, one after the other: longer messages get room of their own. */
const ROOM: Buffer = Buffer.alloc(4_096);

/**
 * RFC 2104 §2, of two one-shot hashes: half the time that an Hmac object takes, and nothing for the
 * garbage collector to finalize. Every request has two, for its nonce and for the next one.
 */
function hmac(
  algorithm: keyof typeof BLOCK_OCTETS,
  key: Uint8Array,
  data: Uint8Array | string,
): Uint8Array {
  const block = BLOCK_OCTETS[algorithm];
  const short = key.length > block ? octetsOf(hash(algorithm, key, 'binary')) : key;
  const length = block + (typeof data === 'string' ? Buffer.byteLength(data) : data.length);
  const room = length <= ROOM.length ? ROOM : Buffer.alloc(length);
  pad(room, block, short, 0x36);
  if (typeof data === 'string') room.write(data, block, 'utf8');
  else room.set(data, block);
  const digest = hash(algorithm, room.subarray(0, length), 'binary');
  pad(room, block, short, 0x5c);
  room.write(digest, block, 'latin1');
  return octetsOf(hash(algorithm, room.subarray(0, block + digest.length), 'binary'));
}

function pad(room: Buffer, block: number, key: Uint8Array, octet: number): void {
  room.fill(octet, 0, block);
  for (let i = 0; i < key.length; i++) room[i] = key[i]! ^ octet;
}

/** Digests come as text: Node allocates a Buffer outside the heap, and to free it costs as much. */
function octetsOf(latin1: string): Uint8Array {
  const bytes = new Uint8Array(latin1.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = latin1.charCodeAt(i);
  return bytes;
}
