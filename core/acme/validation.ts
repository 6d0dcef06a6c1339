// What the core asks of a validator and what it gets back (RFC 8555 §8, RFC 8737, RFC 8738,
// RFC 8659). Invariant: plain data both ways, so a real prober, a simulated internet and a
// recording are interchangeable. Never here: how a probe is made.

import type { Identifier } from './identifier.ts';

export const CHALLENGE_TYPES = ['http-01', 'dns-01', 'tls-alpn-01'] as const;
export type ChallengeType = (typeof CHALLENGE_TYPES)[number];

export interface ValidationRequest {
  readonly type: ChallengeType;
  /** The authorization's identifier; a wildcard's without its `*.`. */
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly token: string;
  /** `token || '.' || thumbprint` (RFC 8555 §8.1). */
  readonly keyAuthorization: string;
  /** The account URL, which CAA's `accounturi` names (RFC 8657 §3). */
  readonly accountUrl: string;
  /** Issuer domain names of this CA; CAA is checked when there is at least one (RFC 8659). */
  readonly caaIdentities: readonly string[];
}

/** Problem types of RFC 8555 §6.7 a failed validation may carry. */
export type ValidationFailure =
  | 'caa'
  | 'connection'
  | 'dns'
  | 'incorrectResponse'
  | 'tls'
  | 'unauthorized'
  | 'rejectedIdentifier'
  | 'serverInternal';

export type ValidationResult =
  | { readonly ok: true }
  /** `detail` tells the client what was tried, where, and what came back. */
  | { readonly ok: false; readonly problem: ValidationFailure; readonly detail: string };
