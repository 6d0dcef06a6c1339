// Distinguished names (RFC 5280 §4.1.2.4): made for our own certificates, and read for the common
// names of requests. Invariant: a name read from a certificate is compared and copied as bytes,
// never decoded and encoded again. Never here: which common name a certificate gets.

import { characterString, sequence, setOf, TAG } from '../../core/der.ts';
import {
  childrenOf,
  DerReader,
  objectIdentifierOf,
  readDer,
  textOf,
} from '../../core/der-reader.ts';
import { encodedOid, OID } from './oids.ts';
import { refuse } from './refusal.ts';

/** Upper bound of a common name and of an organization, characters (RFC 5280 appendix A.1). */
export const MAX_NAME_PART = 64;

/** DER of a name with the parts that are given, the organization first. */
export function encodeName(parts: { organization?: string; commonName?: string }): Uint8Array {
  const attributes = (['organization', 'commonName'] as const)
    .filter((type) => parts[type] !== undefined)
    .map((type) => {
      const value = characterString(TAG.utf8String, parts[type]!);
      return setOf(sequence(encodedOid(type), value));
    });
  return sequence(...attributes);
}

/** All common names in a DER name, in the order they stand in. Throws Refusal or DerError. */
export function commonNamesOf(name: Uint8Array, what: string): string[] {
  const relativeNames = childrenOf(readDer(name, TAG.sequence, what), what);
  return relativeNames.flatMap((relative) => {
    if (relative.tag !== TAG.set) refuse(`${what} holds something that is not a set of attributes`);
    return childrenOf(relative, what).flatMap((attribute) => commonNameOf(attribute.bytes, what));
  });
}

function commonNameOf(attribute: Uint8Array, what: string): string[] {
  const fields = new DerReader(readDer(attribute, TAG.sequence, what).content, what);
  const type = objectIdentifierOf(fields.next(TAG.objectIdentifier, 'an attribute type'), what);
  const value = fields.any('an attribute value');
  fields.end();
  if (type !== OID.commonName) return [];
  const text = textOf(value);
  return [text ?? refuse(`the common name in ${what} is not readable text; use UTF8String`)];
}
