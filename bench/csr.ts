// A PKCS #10 certification request (RFC 2986) for one DNS name and a P-256 key of its own.
// Invariant: the name stands in subjectAltName only (RFC 8555 §7.4 allows it), the subject is
// empty.
// Never here: a key kept after signing; nobody will use these certificates.

import { generateKeyPairSync, sign } from 'node:crypto';
import {
  bitString,
  characterString,
  contextTag,
  encode,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
} from '../core/der.ts';

export const ecdsaWithSha256: Uint8Array = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

const extensionRequest = objectIdentifier('1.2.840.113549.1.9.14');
const subjectAltName = objectIdentifier('2.5.29.17');
const version1 = integer(0);
const emptyName = sequence();

/** DER of a request for `name`, signed by a fresh P-256 key. */
export function makeCsr(name: string): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const info = sequence(version1, emptyName, publicKey, attributes(name));
  const key = { key: privateKey, format: 'der', type: 'pkcs8' } as const;
  return sequence(info, ecdsaWithSha256, bitString(sign('sha256', info, key)));
}

/** The subjectAltName extension of these general names (RFC 5280 §4.2.1.6). */
export function subjectAltNames(...generalNames: readonly Uint8Array[]): Uint8Array {
  return sequence(subjectAltName, octetString(sequence(...generalNames)));
}

/** A dNSName. */
export function dnsName(name: string): Uint8Array {
  return characterString(contextTag(2, 'primitive'), name);
}

function attributes(name: string): Uint8Array {
  const extensions = sequence(subjectAltNames(dnsName(name)));
  return encode(contextTag(0, 'constructed'), sequence(extensionRequest, setOf(extensions)));
}
