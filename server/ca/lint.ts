// The last look at a leaf before anybody else sees it: the DER is parsed again and compared with
// what was promised. A certificate cannot be taken back, and a faulty RSA signature would give the
// CA key away (Boneh, DeMillo, Lipton 1997).
// Invariant: every check reads the finished bytes, none the plan they were made from.
// Never here: building certificates.

import { type Identifier, identifierKey, sortIdentifiers } from '../../core/acme/identifier.ts';
import { equalBytes } from '../../core/bytes.ts';
import { sequence, TAG, time } from '../../core/der.ts';
import { childrenOf, isDer, objectIdentifierOf, readDer } from '../../core/der-reader.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import {
  type Extension,
  findExtension,
  readAltNames,
  readBasicConstraints,
  readKeyUsage,
  readSubjectKeyIdentifier,
} from './extension-reader.ts';
import { authorityKeyIdentifier, certificatePolicies, KEY_USAGE } from './extensions.ts';
import { type Issuer, keyIdOf } from './issuer.ts';
import { commonNamesOf, encodeName, MAX_NAME_PART } from './name.ts';
import { OID, type OidName } from './oids.ts';
import { DAY_MS, LEAF_PURPOSES, type LeafPolicy, leafKeyUsages, pointers } from './profile.ts';
import type { PublicKey } from './public-key.ts';
import { attempt } from './refusal.ts';

/** What the leaf was to be. */
export interface Expectation {
  readonly issuer: Issuer;
  readonly policy: LeafPolicy;
  /** Canonical and sorted. */
  readonly identifiers: readonly Identifier[];
  readonly publicKey: PublicKey;
}

type Check = (certificate: Certificate, expected: Expectation) => boolean;

/** Every check by the sentence that holds when it passes, cheapest first. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['the version is 3', ({ version }) => version === 3],
  ['the serial number is positive', ({ serial }) => /[1-9a-f]/.test(serial)],
  ['the serial number has at most 20 octets', ({ serial }) => serialOctets(serial) <= 20],
  [
    'both signature algorithms are the one of the issuing key',
    ({ signedAlgorithm, signatureAlgorithm }, { issuer }) =>
      equalBytes(signedAlgorithm, signatureAlgorithm) &&
      equalBytes(signatureAlgorithm, issuer.key.signatureAlgorithm),
  ],
  [
    'the issuer is the subject of the issuing certificate',
    ({ issuer }, expected) => equalBytes(issuer, expected.issuer.certificate.subject),
  ],
  [
    'the times are written as RFC 5280 wants them',
    ({ validity, notBeforeMs, notAfterMs }) =>
      equalBytes(validity, sequence(time(notBeforeMs), time(notAfterMs))),
  ],
  ['it is valid for a while', ({ notBeforeMs, notAfterMs }) => notBeforeMs < notAfterMs],
  [
    'it is valid no longer than the policy allows',
    ({ notBeforeMs, notAfterMs }, { policy }) =>
      notAfterMs - notBeforeMs < policy.validityDays * DAY_MS,
  ],
  [
    'it is valid within the validity of the issuing certificate',
    ({ notBeforeMs, notAfterMs }, { issuer: { certificate } }) =>
      notBeforeMs >= certificate.notBeforeMs && notAfterMs <= certificate.notAfterMs,
  ],
  [
    'the public key is the one of the CSR',
    ({ spki }, { publicKey }) => equalBytes(spki, publicKey.spki),
  ],
  ['it holds the extensions of the profile and no others', hasProfileExtensions],
  [
    'subjectAltName holds the identifiers of the order and no others',
    ({ extensions }, { identifiers }) => sameNames(altNames(extensions), identifiers),
  ],
  ['the subject is empty or one of the names', hasProfileSubject],
  [
    'subjectAltName is critical exactly when the subject is empty',
    ({ extensions, subject }) =>
      findExtension(extensions, 'subjectAltName')?.critical === isEmptyName(subject),
  ],
  [
    'basicConstraints is critical and says that it is no CA',
    ({ extensions }) => {
      const found = findExtension(extensions, 'basicConstraints');
      return found?.critical === true && !readBasicConstraints(found.value).ca;
    },
  ],
  ['keyUsage is critical and fits the key', hasProfileKeyUsage],
  ['extKeyUsage holds the purposes of the profile', hasProfilePurposes],
  [
    'the subject key identifier is the hash of the key',
    ({ extensions }, { publicKey }) => {
      const found = findExtension(extensions, 'subjectKeyIdentifier');
      return (
        found !== undefined &&
        equalBytes(readSubjectKeyIdentifier(found.value), keyIdOf(publicKey.bits))
      );
    },
  ],
  [
    'the authority key identifier is the one of the issuing certificate',
    ({ extensions }, { issuer }) => holds(extensions, authorityKeyIdentifier(issuer.keyId)),
  ],
  [
    'the policy is domain validation',
    ({ extensions }) => holds(extensions, certificatePolicies('domainValidated')),
  ],
  [
    'CRL, OCSP and issuer addresses are the configured ones',
    ({ extensions }, { policy }) => pointers(policy).every((pointer) => holds(extensions, pointer)),
  ],
  ['it is DER', ({ der }) => isDer(der)],
  ['the signature verifies', ({ tbs, signature }, { issuer }) => issuer.key.verify(tbs, signature)],
]);

/** The sentences of the checks that failed; empty when the certificate may be handed out. */
export function lintLeaf(der: Uint8Array, expected: Expectation): readonly string[] {
  const reading = attempt('the certificate', () => {
    const certificate = parseCertificate(der);
    return [...CHECKS].filter(([, check]) => !check(certificate, expected)).map(([name]) => name);
  });
  return reading.ok ? reading.value : [`it can be read (${reading.reason})`];
}

function serialOctets(serial: string): number {
  const needsZero = Number.parseInt(serial.slice(0, 2), 16) >= 0x80;
  return serial.length / 2 + (needsZero ? 1 : 0);
}

function hasProfileExtensions({ extensions }: Certificate, { policy }: Expectation): boolean {
  const wanted: OidName[] = [
    'keyUsage',
    'extKeyUsage',
    'basicConstraints',
    'subjectKeyIdentifier',
    'authorityKeyIdentifier',
    'subjectAltName',
    'certificatePolicies',
  ];
  return (
    extensions.length === wanted.length + pointers(policy).length &&
    wanted.every((name) => findExtension(extensions, name) !== undefined)
  );
}

function hasProfileSubject(certificate: Certificate, { identifiers }: Expectation): boolean {
  const { subject } = certificate;
  if (isEmptyName(subject)) return identifiers.every(({ value }) => value.length > MAX_NAME_PART);
  const [commonName] = commonNamesOf(subject, 'the subject');
  return (
    commonName !== undefined &&
    equalBytes(subject, encodeName({ commonName })) &&
    commonName.length <= MAX_NAME_PART &&
    identifiers.some(({ value }) => value === commonName)
  );
}

function hasProfileKeyUsage({ extensions }: Certificate, { publicKey }: Expectation): boolean {
  const found = findExtension(extensions, 'keyUsage');
  const wanted = leafKeyUsages(publicKey.kind).map((usage) => KEY_USAGE[usage]);
  return found?.critical === true && String(readKeyUsage(found.value)) === String(wanted);
}

function hasProfilePurposes({ extensions }: Certificate): boolean {
  const found = findExtension(extensions, 'extKeyUsage');
  if (found === undefined) return false;
  const purposes = childrenOf(readDer(found.value, TAG.sequence, 'extKeyUsage'), 'extKeyUsage');
  const wanted = LEAF_PURPOSES.map((name) => OID[name]);
  return (
    String(purposes.map((purpose) => objectIdentifierOf(purpose, 'a purpose'))) === String(wanted)
  );
}

function altNames(extensions: readonly Extension[]): Identifier[] {
  const found = findExtension(extensions, 'subjectAltName');
  return found === undefined ? [] : readAltNames(found.value, 'the certificate');
}

/** As lists, so that a name which stands twice is noticed. */
function sameNames(found: readonly Identifier[], wanted: readonly Identifier[]): boolean {
  const sorted = sortIdentifiers(wanted);
  return (
    found.length === sorted.length &&
    found.every((name, index) => identifierKey(name) === identifierKey(sorted[index]!))
  );
}

function isEmptyName(name: Uint8Array): boolean {
  return name.length === 2;
}

function holds(extensions: readonly Extension[], wanted: Uint8Array): boolean {
  return extensions.some(({ bytes }) => equalBytes(bytes, wanted));
}
