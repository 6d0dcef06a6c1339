// The algorithms a JWS may be signed with: signatures (RFC 7518 §3, RFC 8037 §3.1, RFC 9864 §2.2,
// RFC 9964 §5) and, for external account bindings only, MACs (RFC 8555 §7.3.4).
// Invariant: one row says everything about an algorithm; who verifies or refuses reads it here.
// Never here: cryptography, `none`.

import type { Jwk } from '../primitives.ts';

export interface SignatureAlgorithm {
  /** Key type of the JWK that fits. */
  readonly kty: string;
  /** What the JWK's `crv` (EC, OKP) or `alg` (AKP) has to be. RSA keys have no such member. */
  readonly variant?: string;
  /** Hash that is signed, where the scheme takes one as a parameter. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512';
  /** Octets of every signature; an RSA signature is as long as the modulus. */
  readonly signatureLength?: number;
}

/** Signature algorithms by their JWS name, most usual first: the order clients are told them in. */
export const SIGNATURE_ALGORITHMS = {
  ES256: { kty: 'EC', variant: 'P-256', hash: 'sha256', signatureLength: 64 },
  ES384: { kty: 'EC', variant: 'P-384', hash: 'sha384', signatureLength: 96 },
  ES512: { kty: 'EC', variant: 'P-521', hash: 'sha512', signatureLength: 132 },
  RS256: { kty: 'RSA', hash: 'sha256' },
  PS256: { kty: 'RSA', hash: 'sha256' },
  EdDSA: { kty: 'OKP', variant: 'Ed25519', signatureLength: 64 },
  Ed25519: { kty: 'OKP', variant: 'Ed25519', signatureLength: 64 },
  'ML-DSA-44': { kty: 'AKP', variant: 'ML-DSA-44', signatureLength: 2420 },
  'ML-DSA-65': { kty: 'AKP', variant: 'ML-DSA-65', signatureLength: 3309 },
  'ML-DSA-87': { kty: 'AKP', variant: 'ML-DSA-87', signatureLength: 4627 },
} as const;

/** MAC algorithms by their JWS name -> hash. The tag is as long as the hash (RFC 7518 §3.2). */
export const MAC_ALGORITHMS = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;
export type MacAlgorithm = keyof typeof MAC_ALGORITHMS;

/** Names a client may use, for the `algorithms` member of a problem (RFC 8555 §6.2). */
export const SIGNATURE_ALGORITHM_NAMES: readonly string[] = Object.keys(SIGNATURE_ALGORITHMS);
export const MAC_ALGORITHM_NAMES: readonly string[] = Object.keys(MAC_ALGORITHMS);

/** The row of a signature algorithm, or undefined when it is not supported. */
export function signatureAlgorithm(alg: string): SignatureAlgorithm | undefined {
  if (!Object.hasOwn(SIGNATURE_ALGORITHMS, alg)) return undefined;
  return SIGNATURE_ALGORITHMS[alg as keyof typeof SIGNATURE_ALGORITHMS];
}

export function isMacAlgorithm(alg: string): alg is MacAlgorithm {
  return Object.hasOwn(MAC_ALGORITHMS, alg);
}

/** True when a key of this type and variant signs with `algorithm`. */
export function keyFits(algorithm: SignatureAlgorithm, jwk: Jwk): boolean {
  if (jwk['kty'] !== algorithm.kty) return false;
  return algorithm.variant === undefined || algorithm.variant === variantOf(jwk);
}

/** Names of the algorithms a key can sign with; empty for a key of an unknown kind. */
export function algorithmsFor(jwk: Jwk): readonly string[] {
  return SIGNATURE_ALGORITHM_NAMES.filter((name) => keyFits(signatureAlgorithm(name)!, jwk));
}

function variantOf(jwk: Jwk): string | undefined {
  return jwk['kty'] === 'AKP' ? jwk['alg'] : jwk['crv'];
}
