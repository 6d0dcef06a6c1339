// Reading the keys and certificates of a CA from PEM, and judging whether they can be one.
// Invariant: what passes here is a CA that may sign certificates and CRLs, with its own key, and
// every certificate is signed by the next. Never here: which files there are, making new ones.

import { equalBytes } from '../../core/bytes.ts';
import { CaError } from './ca-config.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { findExtension, readBasicConstraints, readKeyUsage } from './extension-reader.ts';
import { KEY_USAGE } from './extensions.ts';
import { type Issuer, makeIssuer } from './issuer.ts';
import { type CaKey, readCaKey } from './keys.ts';
import { fromPem } from './pem.ts';
import { readPublicKey } from './public-key.ts';
import { attempt } from './refusal.ts';
import { readSignatureAlgorithm, verifySignature } from './signature-algorithm.ts';

export function readKeyFile(label: string, path: string, pem: string): CaKey {
  const reading = readCaKey(pem);
  if (!reading.ok) throw new CaError(`${label} ${path}: ${reading.reason}`);
  return reading.value;
}

export function readCertFile(label: string, path: string, pem: string): Certificate[] {
  const reading = attempt('the certificate', () =>
    fromPem(pem)
      .filter((block) => block.label === 'CERTIFICATE')
      .map((block) => parseCertificate(block.der)),
  );
  if (!reading.ok) throw new CaError(`${label} ${path}: ${reading.reason}`);
  if (reading.value.length > 0) return reading.value;
  throw new CaError(`${label} ${path}: there is no PEM block "CERTIFICATE" in it`);
}

export function issuerOf(
  key: CaKey,
  certificateDer: Uint8Array,
  keyPath: string,
  certPath: string,
): Issuer {
  const issuer = makeIssuer(key, certificateDer);
  if (belongsTogether(issuer)) return issuer;
  throw new CaError(
    `the key in ${keyPath} is not the key of the first certificate in ${certPath}; ` +
      'put the issuing certificate first, or bring back the key that belongs to it',
  );
}

export function belongsTogether({ key, certificate }: Issuer): boolean {
  return equalBytes(key.publicKey.spki, certificate.spki);
}

export function checkIssuing(certificate: Certificate, path: string, nowMs: number): void {
  const { extensions, notAfterMs } = certificate;
  const constraints = findExtension(extensions, 'basicConstraints');
  if (constraints === undefined || !readBasicConstraints(constraints.value).ca) {
    throw new CaError(`${path}: the certificate is not a CA's (basicConstraints must say CA:TRUE)`);
  }
  // Without the extension a key may do everything (RFC 5280 §6.1.4 (n)).
  const usage = findExtension(extensions, 'keyUsage');
  const bits = usage === undefined ? undefined : readKeyUsage(usage.value);
  for (const name of ['keyCertSign', 'crlSign'] as const) {
    if (bits?.includes(KEY_USAGE[name]) === false) {
      throw new CaError(
        `${path}: the certificate's keyUsage lacks ${name}; have it issued with it`,
      );
    }
  }
  if (notAfterMs > nowMs) return;
  throw new CaError(
    `${path}: the certificate expired at ${new Date(notAfterMs).toISOString()}; ` +
      'renew it, or move key and certificate away to let new ones be made ' +
      '(and check the clock of this machine)',
  );
}

/** Each certificate is signed by the one that follows. */
export function checkChain(chain: readonly Certificate[], path: string): void {
  for (const [index, upper] of chain.slice(1).entries()) {
    if (isSignedBy(chain[index]!, upper)) continue;
    throw new CaError(
      `${path}: certificate ${index + 1} is not signed by the one after it; ` +
        'put the issuing certificate first, then the one that signed it, and so on',
    );
  }
}

function isSignedBy(lower: Certificate, upper: Certificate): boolean {
  if (!equalBytes(lower.issuer, upper.subject)) return false;
  const key = readPublicKey(upper.spki);
  const algorithm = attempt('it', () => readSignatureAlgorithm(lower.signatureAlgorithm, 'it'));
  return (
    key.ok &&
    algorithm.ok &&
    verifySignature(algorithm.value, key.value, lower.tbs, lower.signature)
  );
}

/** A root names itself as issuer. */
export function isSelfIssued(certificate: Certificate): boolean {
  return equalBytes(certificate.issuer, certificate.subject);
}
