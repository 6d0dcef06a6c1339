// What the core asks of the CA and what it gets back. Invariant: the to-be-signed certificate is a
// function of this request and the CA alone, so two nodes that issue for one order make the same
// one (serial from a PRF under a CA-derived secret over order and CSR, validity from the order).
// Never here: keys, DER.

import type { Identifier } from './identifier.ts';

export interface IssueRequest {
  /** Id of the `[[ca]]` that issues. */
  readonly ca: string;
  readonly order: string;
  /** Canonical and sorted; equal to the names of the CSR. */
  readonly identifiers: readonly Identifier[];
  /** DER of the CSR, unpadded base64url, as the client sent it. */
  readonly csr: string;
  /** Unix milliseconds. The profile's validity counts from here when `notAfterMs` is absent. */
  readonly notBeforeMs: number;
  readonly notAfterMs?: number;
}

export interface IssuedCertificate {
  /** Lower-case hexadecimal, as `CertificateFacts.serial`. */
  readonly serial: string;
  /** DER, padded standard base64 (what PEM wraps). */
  readonly der: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 over the DER SubjectPublicKeyInfo, unpadded base64url. */
  readonly spkiHash: string;
}

export type IssueResult =
  | { readonly ok: true; readonly certificate: IssuedCertificate }
  /** `badCSR` is the client's fault; `serverInternal` is ours (lint refused what we made). */
  | {
      readonly ok: false;
      readonly problem: 'badCSR' | 'serverInternal';
      readonly detail: string;
    };
