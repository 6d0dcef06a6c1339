// What the operator decided, in the form the core uses it. Invariant: plain data, replaced as a
// whole when the configuration is reloaded. Never here: parsing, defaults, file names.

import type { ChallengeType } from './validation.ts';

export interface CaPolicy {
  readonly id: string;
  /** PEM of everything after the leaf, and the same with the root at its end. */
  readonly chainPem: string;
  readonly fullChainPem: string;
  readonly rootPem: string;
  /** SHA-256 of the CA's own public keys (base64url): no leaf may have one. */
  readonly keyHashes: readonly string[];
  /** The key identifier its certificates name in authorityKeyIdentifier, unpadded base64url. */
  readonly keyId: string;
  readonly validityMs: number;
  readonly crlNextUpdateMs: number;
}

export interface Policy {
  /** Public URL without a trailing slash; every URL a client sees begins with it. */
  readonly baseUrl: string;
  readonly cas: readonly [CaPolicy, ...CaPolicy[]];
  readonly challengeTypes: readonly ChallengeType[];
  readonly orderExpiryMs: number;
  readonly authorizationExpiryMs: number;
  readonly externalAccountRequired: boolean;
  /** External account keys (RFC 8555 §7.3.4) by kid. */
  readonly eabKeys: ReadonlyMap<string, Uint8Array>;
  readonly caaIdentities: readonly string[];
  /** How soon clients should ask again when to renew (RFC 9773 §4.3). */
  readonly renewalRetryAfterSecs: number;
  readonly renewalExplanationUrl?: string;
  readonly termsOfServiceUrl?: string;
  readonly websiteUrl?: string;
}

/** The CA that issues. */
export function issuingCa(policy: Policy): CaPolicy {
  return policy.cas[0];
}

export function caById(policy: Policy, id: string): CaPolicy | undefined {
  return policy.cas.find((ca) => ca.id === id);
}
