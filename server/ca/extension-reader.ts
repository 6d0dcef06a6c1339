// X.509 extensions (RFC 5280 §4.2) read back from certificates and requests.
// Invariant: a list never holds one extension twice (RFC 5280 §4.2); names come out canonical.
// Never here: judging whether an extension's content suits us.

import { type Identifier, readDnsName, readIpAddress } from '../../core/acme/identifier.ts';
import { bytesToIp } from '../../core/acme/ip-address.ts';
import { contextTag, TAG } from '../../core/der.ts';
import {
  booleanOf,
  childrenOf,
  DerReader,
  type DerValue,
  namedBitsOf,
  objectIdentifierOf,
  readDer,
  smallIntegerOf,
} from '../../core/der-reader.ts';
import { GENERAL_NAME } from './extensions.ts';
import { OID, type OidName } from './oids.ts';
import { refuse } from './refusal.ts';

export interface Extension {
  /** Dotted object identifier. */
  readonly oid: string;
  readonly critical: boolean;
  /** Content of the OCTET STRING. */
  readonly value: Uint8Array;
  /** The whole Extension. */
  readonly bytes: Uint8Array;
}

/** The GeneralName choices by tag, for the sentence that refuses one. */
const GENERAL_NAME_TYPES: ReadonlyMap<number, string> = new Map([
  [contextTag(0, 'constructed'), 'otherName'],
  [contextTag(1, 'primitive'), 'rfc822Name (an e-mail address)'],
  [contextTag(3, 'constructed'), 'x400Address'],
  [contextTag(4, 'constructed'), 'directoryName'],
  [contextTag(5, 'constructed'), 'ediPartyName'],
  [contextTag(6, 'primitive'), 'uniformResourceIdentifier'],
  [contextTag(8, 'primitive'), 'registeredID'],
]);

/** Extensions ::= SEQUENCE OF Extension, as DER. Throws Refusal or DerError. */
export function readExtensions(der: Uint8Array, what: string): Extension[] {
  const list = childrenOf(readDer(der, TAG.sequence, `the extensions of ${what}`), what);
  const extensions = list.map((member) => readExtension(member, what));
  const seen = new Set<string>();
  for (const { oid } of extensions) {
    if (seen.has(oid)) refuse(`${what} holds extension ${oid} twice`);
    seen.add(oid);
  }
  return extensions;
}

export function findExtension(list: readonly Extension[], name: OidName): Extension | undefined {
  return list.find(({ oid }) => oid === OID[name]);
}

/** Names of a subjectAltName extension value, as they stand. */
export function readAltNames(value: Uint8Array, what: string): Identifier[] {
  const names = childrenOf(readDer(value, TAG.sequence, 'subjectAltName'), 'subjectAltName');
  if (names.length === 0) refuse(`the subjectAltName of ${what} is empty; put the names in it`);
  return names.map((name) => readGeneralName(name, what));
}

export function readBasicConstraints(value: Uint8Array): { ca: boolean; pathLength?: number } {
  const fields = new DerReader(
    readDer(value, TAG.sequence, 'basicConstraints').content,
    'basicConstraints',
  );
  const ca = fields.optional(TAG.boolean, 'cA');
  const pathLength = fields.optional(TAG.integer, 'pathLenConstraint');
  fields.end();
  return {
    ca: ca !== undefined && booleanOf(ca, 'cA'),
    ...(pathLength && { pathLength: smallIntegerOf(pathLength, 'pathLenConstraint') }),
  };
}

/** Numbers of the bits that are set. */
export function readKeyUsage(value: Uint8Array): number[] {
  return namedBitsOf(readDer(value, TAG.bitString, 'keyUsage'), 'keyUsage');
}

/** Content of the OCTET STRING. */
export function readSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  return readDer(value, TAG.octetString, 'subjectKeyIdentifier').content;
}

/** The keyIdentifier of an AuthorityKeyIdentifier, if it has one. */
export function readAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const what = 'authorityKeyIdentifier';
  const fields = new DerReader(readDer(value, TAG.sequence, what).content, what);
  return fields.optional(contextTag(0, 'primitive'), 'keyIdentifier')?.content;
}

function readExtension(member: DerValue, what: string): Extension {
  const whole = `an extension of ${what}`;
  const fields = new DerReader(readDer(member.bytes, TAG.sequence, whole).content, whole);
  const oid = objectIdentifierOf(fields.next(TAG.objectIdentifier, 'its identifier'), whole);
  const critical = fields.optional(TAG.boolean, 'its criticality');
  const value = fields.next(TAG.octetString, 'its value').content;
  fields.end();
  const isCritical = critical !== undefined && booleanOf(critical, 'criticality');
  return { oid, critical: isCritical, value, bytes: member.bytes };
}

function readGeneralName(name: DerValue, what: string): Identifier {
  const { tag, content } = name;
  if (tag === GENERAL_NAME.dns) {
    const reading = readDnsName(String.fromCharCode(...content.subarray(0, 512)));
    if (reading.ok) return reading.value;
    return refuse(`a dNSName in the subjectAltName of ${what} is wrong: ${reading.reason}`);
  }
  if (tag === GENERAL_NAME.ip) {
    if (content.length === 4 || content.length === 16) {
      const reading = readIpAddress(bytesToIp(content));
      if (reading.ok) return reading.value;
    }
    return refuse(`an iPAddress in the subjectAltName of ${what} is not 4 or 16 octets`);
  }
  const type = GENERAL_NAME_TYPES.get(tag) ?? `of tag ${tag}`;
  return refuse(
    `the subjectAltName of ${what} holds a name of type ${type}; ` +
      'only dNSName and iPAddress can be issued',
  );
}
