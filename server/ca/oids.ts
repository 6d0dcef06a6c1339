// The object identifiers this CA reads and writes, by name, with their encodings made once.
// Invariant: one row per identifier. Never here: what an identifier's parameters look like.

import { objectIdentifier } from '../../core/der.ts';

export const OID = {
  // Attributes of names (RFC 5280 appendix A.1) and of requests (RFC 2985 §5.4.2).
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensionRequest: '1.2.840.113549.1.9.14',
  // Certificate and CRL extensions (RFC 5280 §4.2, §5.2, §5.3).
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  // Values inside extensions.
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  accessOcsp: '1.3.6.1.5.5.7.48.1',
  accessCaIssuers: '1.3.6.1.5.5.7.48.2',
  anyPolicy: '2.5.29.32.0',
  domainValidated: '2.23.140.1.2.1',
  // Keys (RFC 3279 §2.3, RFC 5480 §2.1, RFC 8410 §3, RFC 9881 §2).
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  p521: '1.3.132.0.35',
  ed25519: '1.3.101.112',
  mlDsa44: '2.16.840.1.101.3.4.3.17',
  mlDsa65: '2.16.840.1.101.3.4.3.18',
  mlDsa87: '2.16.840.1.101.3.4.3.19',
  // Signatures (RFC 4055 §3, §5, RFC 5758 §3.2).
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',
  rsaPss: '1.2.840.113549.1.1.10',
  mgf1: '1.2.840.113549.1.1.8',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  // Hashes (RFC 5754 §2).
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;
export type OidName = keyof typeof OID;

const ENCODED: ReadonlyMap<OidName, Uint8Array> = new Map(
  Object.entries(OID).map(([name, dotted]) => [name as OidName, objectIdentifier(dotted)]),
);

/** The DER encoding of a named object identifier. */
export function encodedOid(name: OidName): Uint8Array {
  return ENCODED.get(name)!;
}
