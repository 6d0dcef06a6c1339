// Public keys in the form OpenSSL verifies with, by their JWK: importing one costs as much as
// verifying a signature, and an account signs many requests.
// Invariant: bounded; an entry depends on nothing but the JWK it is found by, so forgetting one
// costs time only. Never here: keys that OpenSSL 3.0 does not know (ML-DSA), private keys.

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Jwk } from '../../core/primitives.ts';

/** Keys kept, about 2 KiB each: two generations of half of this, least recently used out first. */
export const CACHED_KEYS = 8192;

export class PublicKeyCache {
  readonly #half: number;
  #young = new Map<string, KeyObject>();
  #old = new Map<string, KeyObject>();

  constructor(limit: number = CACHED_KEYS) {
    this.#half = limit / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The key, or undefined when OpenSSL refuses it (a point that is not on its curve). */
  get(jwk: Jwk): KeyObject | undefined {
    const text = keyText(jwk);
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const key = this.#old.get(text) ?? importKey(jwk);
    if (key !== undefined) this.#insert(text, key);
    return key;
  }

  #insert(text: string, key: KeyObject): void {
    this.#old.delete(text);
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, key);
  }
}

/** Base64url and curve names have no space, so the parts cannot run into each other. */
function keyText({ kty, crv, x, y, n, e }: Jwk): string {
  return kty === 'RSA' ? `${n} ${e}` : `${crv} ${x} ${y}`;
}

function importKey(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    return undefined;
  }
}
