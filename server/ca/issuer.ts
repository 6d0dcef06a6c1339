// The issuing side of a CA as certificates, CRLs and OCSP answers need it: a key, and the
// certificate that vouches for it. Invariant: subject and key identifier are the certificate's own
// bytes, so what we issue chains to it whatever tool made it. Never here: files, profiles.

import { hash } from 'node:crypto';
import { type Certificate, parseCertificate } from './certificate.ts';
import { findExtension, readSubjectKeyIdentifier } from './extension-reader.ts';
import type { CaKey } from './keys.ts';

export interface Issuer {
  readonly key: CaKey;
  readonly certificate: Certificate;
  /** The certificate's subjectKeyIdentifier, or what it would be: our authorityKeyIdentifier. */
  readonly keyId: Uint8Array;
}

/** An issuer of its key and DER certificate. Throws Refusal or DerError. */
export function makeIssuer(key: CaKey, certificateDer: Uint8Array): Issuer {
  const certificate = parseCertificate(certificateDer);
  const own = findExtension(certificate.extensions, 'subjectKeyIdentifier');
  const keyId =
    own === undefined ? keyIdOf(key.publicKey.bits) : readSubjectKeyIdentifier(own.value);
  return { key, certificate, keyId };
}

/** RFC 7093 §2 method 1: the leftmost 160 bits of SHA-256 over the key bits. */
export function keyIdOf(keyBits: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', keyBits, 'buffer').subarray(0, 20));
}
