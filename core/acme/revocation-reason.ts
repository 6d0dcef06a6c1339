// Why a certificate is revoked (RFC 5280 §5.3.1): the names, and the codes a client or an operator
// may give. Invariant: codes are stored and signed, so none ever changes. Never here: who may revoke.

import type { Json } from '../crdt/record.ts';

/**
 * 7 does not exist. 8 is removeFromCRL: on a whole list OpenSSL and others take it to mean that the
 * certificate is good.
 */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

const CODES: ReadonlySet<Json | undefined> = new Set(Object.values(REVOCATION_REASONS));

export function isRevocationReason(code: Json | undefined): code is number {
  return CODES.has(code);
}
