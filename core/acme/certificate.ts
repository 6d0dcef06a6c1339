// Certificates: download (RFC 8555 §7.4.2) and revocation (§7.6, RFC 5280 §5.3.1).
// Invariant: revoking is a rung of a ladder; nothing takes it back. Never here: DER.

import { fromBase64Url, toBase64 } from '../bytes.ts';
import { first } from '../crdt/lattice.ts';
import type { Json } from '../crdt/record.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome } from './answer.ts';
import { reusableAuthorizations } from './authorization.ts';
import type { Call } from './call.ts';
import { caById, issuingCa } from './policy.ts';
import { problem } from './problem.ts';
import { certificateMade, issuedCertificate, rung } from './records.ts';
import { optionalString } from './request.ts';
import { isRevocationReason } from './revocation-reason.ts';

/** POST-as-GET cert/{serial}: leaf and intermediates. */
export function downloadCertificate(call: Call): Outcome {
  return download(call, 'chainPem', `${call.ids[0]}/full`);
}

/** POST-as-GET cert/{serial}/full: the same with the root at its end (`rel="alternate"`). */
export function downloadFullChain(call: Call): Outcome {
  return download(call, 'fullChainPem', call.ids[0]!);
}

/** POST revoke-cert. */
export function revokeCertificate(call: Call): Outcome {
  const { tx, signed } = call;
  const payload = signed!.payload;
  if (payload === undefined) throw problem('malformed', 'revoke-cert needs a payload');
  const text = optionalString(payload, 'certificate');
  const der = text === undefined ? undefined : fromBase64Url(text);
  if (der === undefined) {
    throw problem('malformed', '"certificate" must be the DER certificate in unpadded base64url');
  }
  const certificate = findCertificate(tx, der);
  requireAuthority(call, certificate);
  const reason = readReason(payload['reason']);
  if (rung(certificate, 'status') === 'revoked') {
    throw problem('alreadyRevoked', 'the certificate was revoked before');
  }
  const { account } = signed!;
  revoke(tx, certificate, reason, account === undefined ? 'its key' : `account ${account.id}`);
  return answer(200);
}

/** Writes the revocation. `by`: who wanted it, for the log. */
export function revoke(tx: Transaction, certificate: Draft, reason: number, by: string): void {
  const revocation = first(tx.stamp(), { atMs: tx.now.wallMs, reason });
  tx.put('certificate', certificate.id, { status: 'revoked', revocation });
  tx.log('info', 'ca', 'certificate revoked', { serial: certificate.id, reason, by });
}

function download(
  { tx, policy, signed, ids }: Call,
  chain: 'chainPem' | 'fullChainPem',
  alternate: string,
): Outcome {
  const certificate = issuedCertificate(tx, ids[0]!);
  if (certificate === undefined) {
    throw problem('malformed', 'there is no such certificate', { status: 404 });
  }
  const { account, ca, der } = certificateMade(certificate);
  if (account !== signed!.account!.id) {
    throw problem('unauthorized', 'this certificate belongs to another account');
  }
  return answer(200, {
    body: toPem(der) + (caById(policy, ca) ?? issuingCa(policy))[chain],
    contentType: 'application/pem-certificate-chain',
    links: [
      { url: `${policy.baseUrl}/ca/chain`, rel: 'up' },
      { url: `${policy.baseUrl}/acme/cert/${alternate}`, rel: 'alternate' },
    ],
  });
}

/** PEM (RFC 7468) of a certificate that is already base64. */
function toPem(base64: string): string {
  const lines: string[] = [];
  for (let start = 0; start < base64.length; start += 64) {
    lines.push(base64.slice(start, start + 64));
  }
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function findCertificate(tx: Transaction, der: Uint8Array): Draft {
  const reading = tx.primitives.readCertificate(der);
  if (!reading.ok) throw problem('malformed', `"certificate" is no certificate: ${reading.reason}`);
  const found = issuedCertificate(tx, reading.value.serial);
  if (found === undefined || certificateMade(found).der !== toBase64(der)) {
    throw problem('malformed', 'this certificate was not issued here', { status: 404 });
  }
  return found;
}

/** §7.6: the account that ordered it, its own key, or an account that controls all its names. */
function requireAuthority(call: Call, certificate: Draft): void {
  const { account, key } = call.signed!;
  const made = certificateMade(certificate);
  if (account === undefined) {
    if (key.spkiHash === made.spkiHash) return;
    throw problem('unauthorized', 'the request is not signed with the key of this certificate');
  }
  if (account.id === made.account) return;
  const held = reusableAuthorizations(call, account.id, made.identifiers);
  if (held.every((id) => id !== undefined)) return;
  throw problem(
    'unauthorized',
    'the account neither ordered this certificate nor holds authorizations for all its names',
    { mayBeStale: true },
  );
}

function readReason(reason: Json | undefined): number {
  if (reason === undefined) return 0;
  if (isRevocationReason(reason)) return reason;
  throw problem('badRevocationReason', `"reason" must be 0–6, 9 or 10 (RFC 5280 §5.3.1)`);
}
