// ACME renewal information (RFC 9773): when a certificate is best renewed, and which certificate
// an order replaces. Invariant: a certificate is replaced by one order at most, the first that was
// finalized. Never here: issuance.

import { fromBase64Url, toHex } from '../bytes.ts';
import { formatTime } from '../time.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome } from './answer.ts';
import type { Call } from './call.ts';
import { caById, type Policy } from './policy.ts';
import { problem } from './problem.ts';
import { certificateMade, issuedCertificate, registerMember, rung } from './records.ts';

const DAY_MS = 86_400_000;

/** GET renewal-info/{AKI.serial} (§4.1, §4.2). */
export function renewalInformation({ tx, policy, ids }: Call): Outcome {
  const certificate = findByRenewalId(tx, policy, ids[0]!);
  if (certificate === undefined) {
    throw problem('malformed', 'there is no certificate with this identifier', { status: 404 });
  }
  const { startMs, endMs } = suggestedWindow(certificate, tx.now.wallMs);
  const { renewalExplanationUrl, renewalRetryAfterSecs } = policy;
  return answer(200, {
    body: {
      suggestedWindow: { start: formatTime(startMs), end: formatTime(endMs) },
      ...(renewalExplanationUrl !== undefined && { explanationURL: renewalExplanationUrl }),
    },
    retryAfterSecs: renewalRetryAfterSecs,
  });
}

/**
 * The serial number of the certificate that a new order says it replaces (§5). Throws malformed
 * unless the account has such a certificate, alreadyReplaced when another order was first.
 */
export function replacedSerial(
  tx: Transaction,
  policy: Policy,
  account: string,
  id: string,
): string {
  const certificate = findByRenewalId(tx, policy, id);
  if (certificate === undefined || certificateMade(certificate).account !== account) {
    throw problem('malformed', '"replaces" names no certificate of this account', {
      mayBeStale: true,
    });
  }
  if (registerMember(certificate, 'replaced', 'order') !== undefined) {
    throw problem('alreadyReplaced', 'another order has replaced this certificate');
  }
  return certificate.id;
}

/** The last third of the lifetime begins the window; a revoked certificate is overdue (§4.2). */
function suggestedWindow(
  certificate: Draft,
  nowMs: number,
): { readonly startMs: number; readonly endMs: number } {
  if (rung(certificate, 'status') === 'revoked') {
    return { startMs: nowMs - DAY_MS, endMs: nowMs - DAY_MS / 2 };
  }
  const { notBeforeMs, notAfterMs } = certificateMade(certificate);
  const lifetimeMs = notAfterMs - notBeforeMs;
  const startMs = notAfterMs - Math.floor(lifetimeMs / 3);
  return { startMs, endMs: startMs + Math.floor(lifetimeMs / 45) };
}

/** `base64url(AKI keyIdentifier) "." base64url(serial)` (§4.1), the only form of each id. */
function findByRenewalId(tx: Transaction, policy: Policy, id: string): Draft | undefined {
  const [keyId = '', number = '', ...rest] = id.split('.');
  const octets = fromBase64Url(number);
  if (rest.length > 0 || octets === undefined || octets.length === 0) return undefined;
  // DER puts a zero octet before a first bit that is set, and nowhere else.
  const isPadded = octets[0] === 0 && octets.length > 1;
  if (isPadded !== (octets[0] === 0) || octets[0]! >= 0x80) return undefined;
  if (isPadded && octets[1]! < 0x80) return undefined;
  const certificate = issuedCertificate(tx, toHex(isPadded ? octets.subarray(1) : octets));
  const ca = certificate && caById(policy, certificateMade(certificate).ca);
  return ca !== undefined && ca.keyId === keyId ? certificate : undefined;
}
