// Issuing one leaf: request in, linted certificate out.
// Invariant: the to-be-signed part depends on nothing but the request, the CSR, the issuer and the
// policy; no clock, no randomness. Never here: who may ask, where certificates are kept.

import { identifierKey } from '../../core/acme/identifier.ts';
import type { IssueRequest, IssueResult } from '../../core/acme/issuance.ts';
import { fromBase64Url, toHex } from '../../core/bytes.ts';
import { signCertificate } from './certificate.ts';
import { type Csr, readFullCsr } from './csr.ts';
import type { Issuer } from './issuer.ts';
import { lintLeaf } from './lint.ts';
import { type LeafPolicy, leafSerial, leafValidity, planLeaf } from './profile.ts';

/** What one CA issues with. */
export interface LeafAuthority {
  readonly issuer: Issuer;
  readonly policy: LeafPolicy;
  /** Key of the PRF that makes serial numbers. */
  readonly serialSecret: Uint8Array;
  /** SPKI hashes of the CA's own keys: nobody else may use them. */
  readonly ownKeys: ReadonlySet<string>;
}

type Refused = Extract<IssueResult, { ok: false }>;

/**
 * Issues for an order. One request makes one certificate, but for the signature of ECDSA. Whatever
 * goes wrong is the order's end: a node that failed here would fail again after each start.
 */
export function issueLeaf(authority: LeafAuthority, request: IssueRequest): IssueResult {
  try {
    return issue(authority, request);
  } catch (error) {
    return refused('serverInternal', error instanceof Error ? error.message : String(error));
  }
}

function issue(authority: LeafAuthority, request: IssueRequest): IssueResult {
  const { issuer, policy } = authority;
  const csrDer = fromBase64Url(request.csr);
  if (csrDer === undefined) return refused('badCSR', 'the CSR is not unpadded base64url');
  const reading = readFullCsr(csrDer);
  if (!reading.ok) return refused('badCSR', reading.reason);
  const csr = reading.value;
  const mistake = csrMistake(authority, request, csr);
  if (mistake !== undefined) return refused('badCSR', mistake);
  const validity = leafValidity(request, issuer, policy.validityDays);
  if (!validity.ok) return validity;
  // The period is in it too: whatever goes wrong, two certificates never share a serial number.
  const { notBeforeMs, notAfterMs } = validity.value;
  const name = `${request.order} ${notBeforeMs} ${notAfterMs}`;
  const serial = leafSerial(authority.serialSecret, name, csrDer);
  const plan = planLeaf(request, csr, issuer, policy, validity.value, serial);
  const der = signCertificate(plan, issuer.key);
  const { identifiers } = request;
  const failures = lintLeaf(der, { issuer, policy, identifiers, publicKey: csr.publicKey });
  if (failures.length > 0) {
    const what = failures.join('; ');
    return refused('serverInternal', `the certificate failed its checks: not so that ${what}`);
  }
  return {
    ok: true,
    certificate: {
      serial: serialText(serial),
      der: Buffer.from(der).toString('base64'),
      ...validity.value,
      spkiHash: csr.spkiHash,
    },
  };
}

/** Magnitude as `CertificateFacts.serial` has it. */
export function serialText(serial: Uint8Array): string {
  return toHex(serial).replace(/^(?:00)+(?=..)/, '');
}

function csrMistake(
  { ownKeys }: LeafAuthority,
  { identifiers }: IssueRequest,
  { names, spkiHash }: Csr,
): string | undefined {
  if (ownKeys.has(spkiHash)) return 'the key of the CSR is the key of this CA; make a new key';
  const wanted = new Set(identifiers.map(identifierKey));
  const found = new Set(names.map(identifierKey));
  const missing = identifiers.filter((name) => !found.has(identifierKey(name)));
  const extra = names.filter((name) => !wanted.has(identifierKey(name)));
  if (missing.length === 0 && extra.length === 0) return undefined;
  const list = (label: string, values: readonly { value: string }[]): string[] =>
    values.length === 0 ? [] : [`${label} ${values.map(({ value }) => value).join(', ')}`];
  const parts = [...list('it lacks', missing), ...list('it adds', extra)];
  return `the names of the CSR are not those of the order: ${parts.join(' and ')}`;
}

function refused(problem: Refused['problem'], detail: string): Refused {
  return { ok: false, problem, detail };
}
