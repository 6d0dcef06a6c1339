// Verifying JWS signatures (RFC 7515 §5.2) with the algorithms of core/acme/jws-algorithm.ts:
// OpenSSL through node:crypto, and noble for ML-DSA (FIPS 204), which OpenSSL 3.0 does not have.
// Invariant: a hostile signature or key makes the answer false; nothing is ever thrown.
// Never here: signing, reading keys.

import { constants, type KeyObject, verify } from 'node:crypto';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import {
  keyFits,
  type SignatureAlgorithm,
  signatureAlgorithm,
} from '../../core/acme/jws-algorithm.ts';
import { fromBase64Url } from '../../core/bytes.ts';
import type { Jwk } from '../../core/primitives.ts';
import type { PublicKeyCache } from './public-key-cache.ts';

const ML_DSA = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 } as const;

/** PS256: the salt is as long as the hash (RFC 7518 §3.5), MGF1 uses the same hash. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;
/** RFC 7518 §3.4: r and s one after the other, each as long as the curve's order. */
const RAW = { dsaEncoding: 'ieee-p1363' } as const;

/** True when `signature` is good; false also when `alg` is unknown or does not fit the key. */
export function verifySignature(
  alg: string,
  jwk: Jwk,
  message: string,
  signature: Uint8Array,
  keys: PublicKeyCache,
): boolean {
  const algorithm = signatureAlgorithm(alg);
  if (algorithm === undefined || !keyFits(algorithm, jwk)) return false;
  const { signatureLength = signature.length } = algorithm;
  if (signature.length !== signatureLength) return false;
  const data = Buffer.from(message, 'utf8');
  try {
    if (algorithm.kty === 'AKP') return verifyMlDsa(jwk, data, signature);
    const key = keys.get(jwk);
    return (
      key !== undefined && verify(algorithm.hash, data, withOptions(alg, algorithm, key), signature)
    );
  } catch {
    return false;
  }
}

function withOptions(
  alg: string,
  { kty }: SignatureAlgorithm,
  key: KeyObject,
): Parameters<typeof verify>[2] {
  if (kty === 'EC') return { key, ...RAW };
  return alg === 'PS256' ? { key, ...PSS } : key;
}

/** RFC 9964 §5: the context string is empty. */
function verifyMlDsa(jwk: Jwk, data: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = fromBase64Url(jwk['pub'] ?? '');
  if (publicKey === undefined) return false;
  return ML_DSA[jwk['alg'] as keyof typeof ML_DSA].verify(signature, data, publicKey);
}
