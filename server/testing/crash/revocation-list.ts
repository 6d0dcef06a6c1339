// Reading a CRL (RFC 5280 §5.1) as far as a crash test needs it: its number and its entries.
// Invariant: an entry is kept as the bytes it has, so that any change of it shows.
// Never here: its signature, which the interop scenarios have OpenSSL verify.

import { TAG } from '../../../core/der.ts';
import { childrenOf, DerReader, readDer, unsignedOf } from '../../../core/der-reader.ts';

export interface RevocationList {
  readonly number: bigint;
  /** Serial in upper-case hexadecimal to the hexadecimal bytes of its entry. */
  readonly entries: ReadonlyMap<string, string>;
}

const EXTENSIONS = 0xa0;
/** id-ce-cRLNumber, 2.5.29.20. */
const CRL_NUMBER = '551d14';

/** Reads DER. Throws a DerError for anything else. */
export function readRevocationList(der: Uint8Array): RevocationList {
  const [tbs] = childrenOf(readDer(der, TAG.sequence, 'the CRL'), 'the CRL');
  const reader = new DerReader(tbs!.content, 'the list');
  for (const part of ['version', 'algorithm', 'issuer', 'this update', 'next update']) {
    reader.any(part);
  }
  const revoked = reader.optional(TAG.sequence, 'the entries');
  const entries = (revoked === undefined ? [] : childrenOf(revoked, 'the entries')).map((entry) => {
    const [serial] = childrenOf(entry, 'an entry');
    return [hex(unsignedOf(serial!, 'a serial')), hex(entry.bytes)] as const;
  });
  const [extensions] = childrenOf(reader.next(EXTENSIONS, 'extensions'), 'extensions');
  return { number: numberIn(childrenOf(extensions!, 'extensions')), entries: new Map(entries) };
}

function numberIn(extensions: readonly { readonly content: Uint8Array }[]): bigint {
  for (const { content } of extensions) {
    const reader = new DerReader(content, 'an extension');
    if (hex(reader.next(TAG.objectIdentifier, 'its name').content) !== CRL_NUMBER.toUpperCase()) {
      continue;
    }
    const value = readDer(reader.any('its value').content, TAG.integer, 'the CRL number');
    return BigInt(`0x${hex(unsignedOf(value, 'the CRL number'))}`);
  }
  throw new Error('the CRL has no number');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}
