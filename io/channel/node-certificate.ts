// The self-signed certificate (RFC 5280) by which a node vouches for its descriptor: subject is the
// node id, notBefore when the descriptor was made, the names its URL and, as a `ni` URI (RFC 6920),
// the hash of its KEM key.
// Invariant: the signed part is a function of the descriptor and the signing key, so checking one
// is making it anew; nobody but the node can move its URL or its KEM key.
// Never here: trust. A descriptor that is genuine need not be a member's.

import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { equalBytes, toBase64Url } from '../../core/bytes.ts';
import {
  bitString,
  boolean,
  characterString,
  contextTag,
  explicit,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TAG,
  time,
  unsignedInteger,
} from '../../core/der.ts';
import { DerReader, readDer, wholeBitsOf } from '../../core/der-reader.ts';
import { kemSpki, keyIdentifier } from './kem.ts';

const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
/** A SubjectPublicKeyInfo of P-256 with an uncompressed point: what stands before the point. */
const P256_SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
const P256_SPKI_OCTETS = 91;
/** RFC 5280 §4.1.2.5: there is no date of expiry. */
const NO_EXPIRY_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** What a certificate says. */
export interface CertificateContent {
  readonly url: string;
  readonly kemPublicKey: Uint8Array;
  /** Whole seconds, Unix ms. */
  readonly madeMs: number;
}

export interface NodeCertificate {
  readonly der: Uint8Array;
  readonly spki: Uint8Array;
  /** Its subjectKeyIdentifier, by which messages name their signer. */
  readonly keyId: Uint8Array;
}

/** The first 20 octets of SHA-256 over the SubjectPublicKeyInfo, base64url. */
export function nodeIdOf(spki: Uint8Array): string {
  return toBase64Url(hash('sha256', spki, 'buffer').subarray(0, 20));
}

export function makeNodeCertificate(content: CertificateContent, key: KeyObject): Uint8Array {
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const tbs = signedPart(content, spki);
  return sequence(tbs, ECDSA_SHA256, bitString(sign('sha256', tbs, key)));
}

/** Reads one as far as its key goes. Throws when it is no certificate of a P-256 key. */
export function readNodeCertificate(der: Uint8Array): NodeCertificate {
  const { spki } = partsOf(der);
  return { der, spki, keyId: keyIdentifier(pointOf(spki)) };
}

/** True when the key inside has signed exactly this content. */
export function vouchesFor(der: Uint8Array, content: CertificateContent): boolean {
  const { tbs, spki } = partsOf(der);
  return equalBytes(tbs, signedPart(content, spki)) && isSelfSigned(der);
}

export function isSelfSigned(der: Uint8Array): boolean {
  const { tbs, spki, signature } = partsOf(der);
  return verify('sha256', tbs, publicKeyOf(spki), signature);
}

export function publicKeyOf(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
}

function signedPart(content: CertificateContent, spki: Uint8Array): Uint8Array {
  const { url, kemPublicKey, madeMs } = content;
  const kemHash = hash('sha256', kemSpki(kemPublicKey), 'base64url');
  const id = nodeIdOf(spki);
  const name = sequence(
    setOf(sequence(objectIdentifier('2.5.4.3'), characterString(TAG.utf8String, id))),
  );
  const serial = hash('sha256', `${id} ${madeMs} ${url} ${kemHash}`, 'buffer').subarray(0, 16);
  const names = [url, `ni:///sha-256;${kemHash}`].map((uri) =>
    characterString(contextTag(6, 'primitive'), uri),
  );
  const extensions = [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, namedBits([0])),
    extension('2.5.29.14', false, octetString(keyIdentifier(pointOf(spki)))),
    extension('2.5.29.17', false, sequence(...names)),
  ];
  return sequence(
    explicit(0, integer(2)),
    unsignedInteger(serial),
    ECDSA_SHA256,
    name,
    sequence(time(madeMs), time(NO_EXPIRY_MS)),
    name,
    spki,
    explicit(3, sequence(...extensions)),
  );
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [boolean(true)] : [];
  return sequence(objectIdentifier(oid), ...flag, octetString(value));
}

interface CertificateParts {
  readonly tbs: Uint8Array;
  readonly spki: Uint8Array;
  readonly signature: Uint8Array;
}

function partsOf(der: Uint8Array): CertificateParts {
  const what = 'the certificate';
  const outer = new DerReader(readDer(der, TAG.sequence, what).content, what);
  const tbs = outer.next(TAG.sequence, 'the signed part');
  const algorithm = outer.next(TAG.sequence, 'the algorithm').bytes;
  const signature = wholeBitsOf(outer.next(TAG.bitString, 'the signature'), 'the signature');
  outer.end();
  const fields = new DerReader(tbs.content, what);
  for (let skipped = 0; skipped < 6; skipped++) fields.any('a field');
  const spki = fields.next(TAG.sequence, 'the public key').bytes;
  const isP256 =
    spki.length === P256_SPKI_OCTETS &&
    equalBytes(spki.subarray(0, P256_SPKI_HEAD.length), P256_SPKI_HEAD) &&
    spki[P256_SPKI_HEAD.length] === 4;
  if (!isP256) throw new Error('the key of the certificate is not of P-256');
  if (!equalBytes(algorithm, ECDSA_SHA256)) throw new Error('the algorithm is not ECDSA-SHA-256');
  return { tbs: tbs.bytes, spki, signature };
}

function pointOf(spki: Uint8Array): Uint8Array {
  return spki.subarray(P256_SPKI_HEAD.length);
}
