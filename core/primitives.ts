// The pure functions the core does not carry itself: hashing, MACs, signature verification and
// reading of X.509 structures. They are handed in as a table so that production uses node:crypto
// and the simulator a cheap stand-in. Invariant: every function here is a deterministic function
// of its arguments. Never here: signing, key generation, randomness, anything that waits.

import type { Identifier } from './acme/identifier.ts';

/** A public key as a JSON Web Key (RFC 7517); only public members are ever kept. */
export type Jwk = { readonly [member: string]: string };

/** What a usable public key amounts to. */
export interface KeyFacts {
  /** RFC 7638 thumbprint over the required members only: SHA-256, unpadded base64url. */
  readonly thumbprint: string;
  /** SHA-256 over the DER SubjectPublicKeyInfo, unpadded base64url. */
  readonly spkiHash: string;
  /** The key with nothing but its required members, as it is stored. */
  readonly jwk: Jwk;
}

/** What a certificate request asks for, after its signature and key were found good. */
export interface CsrFacts {
  /** CN (when it is a name) and all SAN entries: canonical, without duplicates, sorted. */
  readonly names: readonly Identifier[];
  /** SHA-256 over the DER SubjectPublicKeyInfo, unpadded base64url. */
  readonly spkiHash: string;
}

/** What is needed of a certificate that a client hands back (RFC 8555 §7.6), or a peer tells of. */
export interface CertificateFacts {
  /** Serial number in lower-case hexadecimal, two digits an octet, no leading zero octet. */
  readonly serial: string;
  readonly spkiHash: string;
  /** Validity, Unix ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A reading that succeeded, or the sentence that tells the client what is wrong. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export interface Primitives {
  /** SHA-256 of bytes, or of a string's UTF-8. 32 bytes. */
  sha256(data: Uint8Array | string): Uint8Array;
  /** HMAC (RFC 2104) of `data` (a string counts as its UTF-8). */
  hmac(
    hash: 'sha256' | 'sha384' | 'sha512',
    key: Uint8Array,
    data: Uint8Array | string,
  ): Uint8Array;
  /**
   * Seals a secret that is to stand in a record: encrypted and authenticated under a key of 32
   * octets and a context. Equal arguments give equal octets.
   */
  seal(key: Uint8Array, context: string, content: Uint8Array): Uint8Array;
  /** What was sealed, or undefined when it was not sealed so. */
  unseal(key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array | undefined;
  /** Checks a JWK (members, point on curve, RSA size 2048…8192, ML-DSA length) and describes it. */
  readKey(jwk: unknown): Reading<KeyFacts>;
  /**
   * Verifies a JWS signature (RFC 7515 §5.2) over the ASCII `message`. `jwk` has passed `readKey`.
   * False also when `alg` does not fit the key.
   */
  verify(alg: string, jwk: Jwk, message: string, signature: Uint8Array): boolean;
  /** Reads a DER PKCS#10 request (RFC 2986): signature, key strength, names. */
  readCsr(der: Uint8Array): Reading<CsrFacts>;
  /** Reads a DER certificate far enough to find it again. */
  readCertificate(der: Uint8Array): Reading<CertificateFacts>;
}
