// CMS SignedData (RFC 5652 §5) by one signer with ECDSA P-256 and SHA-256 (RFC 5753), its
// certificate inside, signed attributes content-type and message-digest.
// Invariant: what verifies is, byte for byte, what `build` makes of its parts, so every octet is
// either signed or fixed, or of a certificate that the caller must judge.
// Never here: what is signed, and whose key is trusted.

import { hash, type KeyObject, sign, verify } from 'node:crypto';
import { equalBytes } from '../../core/bytes.ts';
import {
  contextTag,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TAG,
} from '../../core/der.ts';
import { DerReader, readDer } from '../../core/der-reader.ts';

const SIGNED_DATA = objectIdentifier('1.2.840.113549.1.7.2');
const CONTENT_TYPE = objectIdentifier('1.2.840.113549.1.9.3');
const MESSAGE_DIGEST = objectIdentifier('1.2.840.113549.1.9.4');
const SHA256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'));
const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
/** RFC 5652 §5.1: content other than id-data; §5.3: the signer named by key identifier. */
const VERSION_3 = integer(3);

export interface Signer {
  readonly key: KeyObject;
  readonly certificate: Uint8Array;
  /** subjectKeyIdentifier of the certificate. */
  readonly keyId: Uint8Array;
}

export interface SignedParts {
  readonly content: Uint8Array;
  readonly certificate: Uint8Array;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** ContentInfo with SignedData over content of this type, DER. */
export function signContent(signer: Signer, contentType: string, content: Uint8Array): Uint8Array {
  const signature = sign('sha256', signedAttributes(contentType, content), signer.key);
  return build(contentType, { ...signer, content, signature });
}

/** The parts, not yet verified. Throws when these are not the bytes `signContent` makes. */
export function readSigned(contentType: string, der: Uint8Array): SignedParts {
  const info = inside(readDer(der, TAG.sequence, 'the message').content);
  info.any('its type');
  const explicitly = info.next(contextTag(0, 'constructed'), 'the content');
  const signed = inside(readDer(explicitly.content, TAG.sequence, 'SignedData').content);
  signed.any('version');
  signed.any('digest algorithms');
  const encapsulated = inside(signed.next(TAG.sequence, 'the content').content);
  encapsulated.any('its type');
  const wrapped = encapsulated.next(contextTag(0, 'constructed'), 'the content').content;
  const content = readDer(wrapped, TAG.octetString, 'the content').content;
  const certificate = signed.next(contextTag(0, 'constructed'), 'the certificate').content;
  const signers = inside(signed.next(TAG.set, 'the signers').content);
  const signer = inside(signers.next(TAG.sequence, 'the signer').content);
  signer.any('version');
  const keyId = signer.next(contextTag(0, 'primitive'), 'its key identifier').content;
  signer.any('its digest algorithm');
  signer.any('its signed attributes');
  signer.any('its signature algorithm');
  const signature = signer.next(TAG.octetString, 'its signature').content;
  const parts = { content, certificate, keyId, signature };
  if (!equalBytes(build(contentType, parts), der)) throw new Error('not the one encoding');
  return parts;
}

/** Whether the signature is that of this key. */
export function verifySigned(contentType: string, parts: SignedParts, key: KeyObject): boolean {
  return verify('sha256', signedAttributes(contentType, parts.content), key, parts.signature);
}

/** SET OF Attribute as it is signed (RFC 5652 §5.4). */
function signedAttributes(contentType: string, content: Uint8Array): Uint8Array {
  const digest = hash('sha256', content, 'buffer');
  return setOf(
    sequence(CONTENT_TYPE, setOf(objectIdentifier(contentType))),
    sequence(MESSAGE_DIGEST, setOf(octetString(digest))),
  );
}

function build(contentType: string, parts: SignedParts): Uint8Array {
  const signer = sequence(
    VERSION_3,
    implicit(0, octetString(parts.keyId)),
    SHA256,
    implicit(0, signedAttributes(contentType, parts.content)),
    ECDSA_SHA256,
    octetString(parts.signature),
  );
  const signedData = sequence(
    VERSION_3,
    setOf(SHA256),
    sequence(objectIdentifier(contentType), explicit(0, octetString(parts.content))),
    explicit(0, parts.certificate),
    setOf(signer),
  );
  return sequence(SIGNED_DATA, explicit(0, signedData));
}

function inside(content: Uint8Array): DerReader {
  return new DerReader(content, 'the message');
}
