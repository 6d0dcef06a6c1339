// X.509 extensions (RFC 5280 §4.2): the encodings this CA writes.
// Invariant: each function returns one whole Extension, with the criticality RFC 5280 asks for.
// Never here: which certificate gets which extension (profile.ts), reading (extension-reader.ts).

import type { Identifier } from '../../core/acme/identifier.ts';
import { ipToBytes } from '../../core/acme/ip-address.ts';
import {
  boolean,
  contextTag,
  encode,
  explicit,
  integer,
  namedBits,
  octetString,
  sequence,
} from '../../core/der.ts';
import { encodedOid, type OidName } from './oids.ts';

/** Bit numbers of keyUsage (RFC 5280 §4.2.1.3) that this CA sets. */
export const KEY_USAGE = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyCertSign: 5,
  crlSign: 6,
} as const;
export type KeyUsage = keyof typeof KEY_USAGE;

/** Tags of GeneralName (RFC 5280 §4.2.1.6) that this CA writes: [2], [6] and [7], IMPLICIT. */
export const GENERAL_NAME = { dns: 0x82, uri: 0x86, ip: 0x87 } as const;

/** One Extension; `criticality` DEFAULT FALSE is left out when false, as DER has it. */
export function extension(
  name: OidName,
  criticality: 'critical' | 'not critical',
  value: Uint8Array,
): Uint8Array {
  const critical = criticality === 'critical' ? [boolean(true)] : [];
  return sequence(encodedOid(name), ...critical, octetString(value));
}

export function basicConstraintsCa(pathLength?: number): Uint8Array {
  const limit = pathLength === undefined ? [] : [integer(pathLength)];
  return extension('basicConstraints', 'critical', sequence(boolean(true), ...limit));
}

export function basicConstraintsLeaf(): Uint8Array {
  return extension('basicConstraints', 'critical', sequence());
}

export function keyUsage(usages: readonly KeyUsage[]): Uint8Array {
  return extension('keyUsage', 'critical', namedBits(usages.map((usage) => KEY_USAGE[usage])));
}

export function extKeyUsage(purposes: readonly OidName[]): Uint8Array {
  return extension('extKeyUsage', 'not critical', sequence(...purposes.map(encodedOid)));
}

export function subjectKeyIdentifier(keyId: Uint8Array): Uint8Array {
  return extension('subjectKeyIdentifier', 'not critical', octetString(keyId));
}

export function authorityKeyIdentifier(keyId: Uint8Array): Uint8Array {
  const value = sequence(encode(contextTag(0, 'primitive'), keyId));
  return extension('authorityKeyIdentifier', 'not critical', value);
}

export function certificatePolicies(policy: OidName): Uint8Array {
  return extension('certificatePolicies', 'not critical', sequence(sequence(encodedOid(policy))));
}

/** Critical exactly when the subject is empty (RFC 5280 §4.2.1.6). */
export function subjectAltName(
  names: readonly Identifier[],
  criticality: 'critical' | 'not critical',
): Uint8Array {
  return extension('subjectAltName', criticality, sequence(...names.map(generalName)));
}

export function crlDistributionPoints(url: string): Uint8Array {
  const point = sequence(explicit(0, explicit(0, uri(url))));
  return extension('crlDistributionPoints', 'not critical', sequence(point));
}

/** Where to ask for status and where to get the issuer; at least one is given. */
export function authorityInfoAccess(urls: { ocsp?: string; caIssuers?: string }): Uint8Array {
  const rows: readonly [OidName, string | undefined][] = [
    ['accessOcsp', urls.ocsp],
    ['accessCaIssuers', urls.caIssuers],
  ];
  const descriptions = rows
    .filter(([, url]) => url !== undefined)
    .map(([method, url]) => sequence(encodedOid(method), uri(url!)));
  return extension('authorityInfoAccess', 'not critical', sequence(...descriptions));
}

export function generalName(name: Identifier): Uint8Array {
  return name.type === 'dns'
    ? encode(GENERAL_NAME.dns, ascii(name.value))
    : encode(GENERAL_NAME.ip, ipToBytes(name.value)!);
}

function uri(url: string): Uint8Array {
  return encode(GENERAL_NAME.uri, ascii(url));
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
