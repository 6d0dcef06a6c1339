// What our certificates say (RFC 5280 §4, and the CA/Browser Forum baseline where it makes sense
// for a private CA): root, issuing intermediate and leaf.
// Invariant: a leaf's plan is a function of the order, the CSR, the issuer and the policy, so every
// node plans the same certificate. Never here: signing, checking what was signed (lint.ts).

import { createHmac, hash } from 'node:crypto';
import type { Identifier } from '../../core/acme/identifier.ts';
import type { IssueRequest } from '../../core/acme/issuance.ts';
import { toUtf8 } from '../../core/bytes.ts';
import type { CertificatePlan } from './certificate.ts';
import type { Csr } from './csr.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraintsCa,
  basicConstraintsLeaf,
  certificatePolicies,
  crlDistributionPoints,
  extKeyUsage,
  type KeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { type Issuer, keyIdOf } from './issuer.ts';
import { encodeName, MAX_NAME_PART } from './name.ts';
import type { KeyKind, PublicKey } from './public-key.ts';

export interface LeafPolicy {
  readonly validityDays: number;
  readonly crlUrl?: string;
  readonly ocspUrl?: string;
  /** Where the issuing certificate can be fetched. */
  readonly issuerUrl?: string;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What the plan of a CA certificate is made of. */
export interface CaPlanParts extends Validity {
  readonly serial: Uint8Array;
  /** DER names. */
  readonly subject: Uint8Array;
  readonly publicKey: PublicKey;
}

export const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

/**
 * Private CAs need clientAuth for mutual TLS, which public ones may no longer sell: both, then.
 */
export const LEAF_PURPOSES = ['serverAuth', 'clientAuth'] as const;
/** digitalSignature lets the issuing key answer OCSP itself (RFC 6960 §4.2.2.2). */
export const CA_KEY_USAGES: readonly KeyUsage[] = ['digitalSignature', 'keyCertSign', 'crlSign'];

/** Extensions that are the same in every leaf. */
const PURPOSES = extKeyUsage(LEAF_PURPOSES);
const NO_CA = basicConstraintsLeaf();
const DOMAIN_VALIDATED = certificatePolicies('domainValidated');

/** Only RSA keys encipher keys (TLS 1.2 RSA key exchange); all others just sign. */
export function leafKeyUsages(kind: KeyKind): readonly KeyUsage[] {
  return kind === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

/**
 * The leaf of an order. Left out on purpose: must-staple and every other extension a CSR may ask
 * for, because a certificate that only works with a stapling server fails later, far from here.
 */
export function planLeaf(
  request: IssueRequest,
  csr: Csr,
  issuer: Issuer,
  policy: LeafPolicy,
  validity: Validity,
  serial: Uint8Array,
): CertificatePlan {
  const commonName = leafCommonName(csr.commonName, request.identifiers);
  return {
    serial,
    issuer: issuer.certificate.subject,
    subject: encodeName(commonName === undefined ? {} : { commonName }),
    ...validity,
    spki: csr.publicKey.spki,
    extensions: [
      keyUsage(leafKeyUsages(csr.publicKey.kind)),
      PURPOSES,
      NO_CA,
      subjectKeyIdentifier(keyIdOf(csr.publicKey.bits)),
      authorityKeyIdentifier(issuer.keyId),
      subjectAltName(request.identifiers, commonName === undefined ? 'critical' : 'not critical'),
      DOMAIN_VALIDATED,
      ...pointers(policy),
    ],
  };
}

/**
 * The CN the CSR has, else the first name that fits. Old clients and every list of certificates
 * show the CN, and some (older Java, LibreSSL) choke on an empty subject with its critical SAN; so
 * the subject stays empty only where no name fits into 64 characters.
 */
export function leafCommonName(
  requested: string | undefined,
  names: readonly Identifier[],
): string | undefined {
  return [requested, ...names.map(({ value }) => value)].find(
    (name) => name !== undefined && name.length <= MAX_NAME_PART,
  );
}

/**
 * The validity of a leaf in whole seconds; both ends count (RFC 5280 §4.1.2.5), hence the second
 * less. It is cut to the issuer's own. `problem` tells whose mistake a refusal is.
 */
export function leafValidity(
  request: IssueRequest,
  issuer: Issuer,
  validityDays: number,
):
  | { ok: true; value: Validity }
  | { ok: false; problem: 'badCSR' | 'serverInternal'; detail: string } {
  const { notBeforeMs: issuerStart, notAfterMs: issuerEnd } = issuer.certificate;
  const notBeforeMs = Math.max(wholeSecond(request.notBeforeMs), issuerStart);
  const limit = notBeforeMs + validityDays * DAY_MS;
  const wanted = request.notAfterMs === undefined ? limit : wholeSecond(request.notAfterMs);
  if (wanted > limit) {
    const detail = `notAfter is later than the ${validityDays} days this CA issues for`;
    return { ok: false, problem: 'badCSR', detail };
  }
  if (wanted <= notBeforeMs) {
    return { ok: false, problem: 'badCSR', detail: 'notAfter is not later than notBefore' };
  }
  const notAfterMs = Math.min(wanted, limit - SECOND_MS, issuerEnd);
  if (notAfterMs <= notBeforeMs) {
    const detail = 'the issuing certificate expires before a certificate could begin; renew the CA';
    return { ok: false, problem: 'serverInternal', detail };
  }
  return { ok: true, value: { notBeforeMs, notAfterMs } };
}

/**
 * A serial number of 127 bits: a PRF over order and CSR, so that two nodes which issue for one
 * order number the certificate alike, and nobody else can foresee it.
 */
export function leafSerial(secret: Uint8Array, order: string, csrDer: Uint8Array): Uint8Array {
  const name = toUtf8(order);
  const prefix = new Uint8Array(4);
  new DataView(prefix.buffer).setUint32(0, name.length);
  const csrHash = hash('sha256', csrDer, 'buffer');
  const tag = createHmac('sha256', secret).update(prefix).update(name).update(csrHash).digest();
  return positiveSerial(tag.subarray(0, 16));
}

/** 16 octets made a serial number: the first bit cleared, and never zero. */
export function positiveSerial(octets: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(octets);
  serial[0]! &= 0x7f;
  if (serial.every((octet) => octet === 0)) serial[serial.length - 1] = 1;
  return serial;
}

/** A self-signed root. */
export function planRoot(parts: CaPlanParts): CertificatePlan {
  const { publicKey, ...rest } = parts;
  return {
    ...rest,
    issuer: parts.subject,
    spki: publicKey.spki,
    extensions: [
      keyUsage(CA_KEY_USAGES),
      basicConstraintsCa(),
      subjectKeyIdentifier(keyIdOf(publicKey.bits)),
    ],
  };
}

/** An intermediate that issues leaves and no further CAs. */
export function planIntermediate(parts: CaPlanParts, root: Issuer): CertificatePlan {
  const { publicKey, ...rest } = parts;
  return {
    ...rest,
    issuer: root.certificate.subject,
    notAfterMs: Math.min(parts.notAfterMs, root.certificate.notAfterMs),
    spki: publicKey.spki,
    extensions: [
      keyUsage(CA_KEY_USAGES),
      basicConstraintsCa(0),
      subjectKeyIdentifier(keyIdOf(publicKey.bits)),
      authorityKeyIdentifier(root.keyId),
      certificatePolicies('anyPolicy'),
    ],
  };
}

export function wholeSecond(unixMs: number): number {
  return Math.floor(unixMs / SECOND_MS) * SECOND_MS;
}

/** CRL and authority information access, as far as the policy has addresses for them. */
export function pointers(policy: LeafPolicy): Uint8Array[] {
  const { crlUrl, ocspUrl, issuerUrl } = policy;
  const access = {
    ...(ocspUrl !== undefined && { ocsp: ocspUrl }),
    ...(issuerUrl !== undefined && { caIssuers: issuerUrl }),
  };
  return [
    ...(crlUrl === undefined ? [] : [crlDistributionPoints(crlUrl)]),
    ...(Object.keys(access).length === 0 ? [] : [authorityInfoAccess(access)]),
  ];
}
