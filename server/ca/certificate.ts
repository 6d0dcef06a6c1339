// Certificates (RFC 5280 §4.1): built from a plan, signed, and parsed back.
// Invariant: what is built is the plan and nothing else, so one plan and one deterministic key
// make one certificate. Never here: what a certificate should contain (profile.ts, lint.ts).

import { hash } from 'node:crypto';
import { toHex } from '../../core/bytes.ts';
import {
  bitString,
  contextTag,
  explicit,
  integer,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from '../../core/der.ts';
import {
  DerReader,
  readDer,
  smallIntegerOf,
  timeOf,
  unsignedOf,
  wholeBitsOf,
} from '../../core/der-reader.ts';
import type { CertificateFacts, Reading } from '../../core/primitives.ts';
import { type Extension, readExtensions } from './extension-reader.ts';
import type { CaKey } from './keys.ts';
import { attempt, refuse } from './refusal.ts';

/** What a certificate will say; byte strings are DER unless told otherwise. */
export interface CertificatePlan {
  /** Big-endian magnitude, not DER. */
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Uint8Array;
  /** Whole Extensions. */
  readonly extensions: readonly Uint8Array[];
}

/** A parsed certificate; byte strings are views of its DER. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Lower-case hexadecimal without leading zero octets. */
  readonly serial: string;
  /** The AlgorithmIdentifier inside the signed part, and the one outside. */
  readonly signedAlgorithm: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly validity: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly signature: Uint8Array;
}

const V3 = explicit(0, integer(2));

/** Builds and signs; DER. */
export function signCertificate(plan: CertificatePlan, key: CaKey): Uint8Array {
  const tbs = encodeTbs(plan, key.signatureAlgorithm);
  return sequence(tbs, key.signatureAlgorithm, bitString(key.sign(tbs)));
}

/** The part that is signed. */
export function encodeTbs(plan: CertificatePlan, signatureAlgorithm: Uint8Array): Uint8Array {
  return sequence(
    V3,
    unsignedInteger(plan.serial),
    signatureAlgorithm,
    plan.issuer,
    sequence(time(plan.notBeforeMs), time(plan.notAfterMs)),
    plan.subject,
    plan.spki,
    explicit(3, sequence(...plan.extensions)),
  );
}

/** Reads a DER certificate far enough to find it again (RFC 8555 §7.6). */
export function readCertificate(der: Uint8Array): Reading<CertificateFacts> {
  return attempt('the certificate', () => {
    const { serial, spki, notBeforeMs, notAfterMs } = parseCertificate(der);
    return { serial, spkiHash: hash('sha256', spki, 'base64url'), notBeforeMs, notAfterMs };
  });
}

/** Parses a DER certificate. Throws Refusal or DerError; the signature is not verified. */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(readDer(der, TAG.sequence, 'it').content, 'the certificate');
  const tbs = outer.next(TAG.sequence, 'the signed part');
  const signatureAlgorithm = outer.next(TAG.sequence, 'the signature algorithm').bytes;
  const signature = wholeBitsOf(outer.next(TAG.bitString, 'the signature'), 'the signature');
  outer.end();
  return { der, tbs: tbs.bytes, signatureAlgorithm, signature, ...parseTbs(tbs.content) };
}

function parseTbs(
  content: Uint8Array,
): Omit<Certificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature'> {
  const fields = new DerReader(content, 'the signed part');
  const version = fields.optional(contextTag(0, 'constructed'), 'the version');
  const serial = unsignedOf(fields.next(TAG.integer, 'the serial number'), 'the serial number');
  const signedAlgorithm = fields.next(TAG.sequence, 'the signed algorithm').bytes;
  const issuer = fields.next(TAG.sequence, 'the issuer').bytes;
  const validity = fields.next(TAG.sequence, 'the validity');
  const subject = fields.next(TAG.sequence, 'the subject').bytes;
  const spki = fields.next(TAG.sequence, 'the public key').bytes;
  for (const number of [1, 2]) fields.optional(contextTag(number, 'primitive'), 'a unique id');
  const extensions = fields.optional(contextTag(3, 'constructed'), 'the extensions');
  fields.end();
  return {
    version: version === undefined ? 1 : versionOf(version.content),
    serial: toHex(serial),
    signedAlgorithm,
    issuer,
    validity: validity.bytes,
    ...parseValidity(validity.content),
    subject,
    spki,
    extensions: extensions === undefined ? [] : readExtensions(extensions.content, 'it'),
  };
}

function versionOf(der: Uint8Array): number {
  const version = smallIntegerOf(readDer(der, TAG.integer, 'the version'), 'the version') + 1;
  return version <= 3 ? version : refuse(`the certificate is of version ${version}; 3 is the last`);
}

function parseValidity(content: Uint8Array): { notBeforeMs: number; notAfterMs: number } {
  const fields = new DerReader(content, 'the validity');
  const notBeforeMs = timeOf(fields.any('notBefore'), 'notBefore');
  const notAfterMs = timeOf(fields.any('notAfter'), 'notAfter');
  fields.end();
  return { notBeforeMs, notAfterMs };
}
