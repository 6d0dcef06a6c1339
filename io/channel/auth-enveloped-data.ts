// CMS AuthEnvelopedData (RFC 5083) for one recipient with a KEM key: KEMRecipientInfo (RFC 9629),
// content in AES-GCM (RFC 5084), no attributes.
// Invariant: what opens is, byte for byte, what `build` makes of its parts: there is one encoding
// of a message and every other is refused. Never here: who sent it.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { equalBytes } from '../../core/bytes.ts';
import {
  contextTag,
  encode,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  TAG,
} from '../../core/der.ts';
import { DerReader, readDer } from '../../core/der-reader.ts';
import type { KemSuite } from './kem.ts';

/** id-ct-authEnvelopedData (RFC 5083 §2.1). */
export const AUTH_ENVELOPED_DATA = '1.2.840.113549.1.9.16.1.23';
const ORI_KEM = objectIdentifier('1.2.840.113549.1.9.16.13.3');
const HKDF_SHA256 = sequence(objectIdentifier('1.2.840.113549.1.9.16.3.28'));
const DATA = objectIdentifier('1.2.840.113549.1.7.1');
const VERSION_0 = integer(0);
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
/** RFC 3394 §2.2.3.1. */
const WRAP_IV = Buffer.from('a6a6a6a6a6a6a6a6', 'hex');

export interface KemRecipient {
  /** subjectKeyIdentifier of the KEM key. */
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface KemPrivateKey {
  readonly keyId: Uint8Array;
  readonly secretKey: Uint8Array;
}

interface Parts {
  readonly keyId: Uint8Array;
  readonly kemCiphertext: Uint8Array;
  readonly wrappedKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** The AuthEnvelopedData (without ContentInfo), DER. */
export function envelop(suite: KemSuite, to: KemRecipient, content: Uint8Array): Uint8Array {
  const { cipherText, sharedSecret } = suite.kem.encapsulate(to.publicKey);
  const contentKey = randomBytes(suite.keyOctets);
  const wrap = createCipheriv(suite.wrapCipher, keyEncryptionKey(suite, sharedSecret), WRAP_IV);
  const nonce = randomBytes(NONCE_OCTETS);
  const cipher = createCipheriv(suite.contentCipher, contentKey, nonce, {
    authTagLength: TAG_OCTETS,
  });
  const ciphertext = cipher.update(content);
  cipher.final();
  return build(suite, {
    keyId: to.keyId,
    kemCiphertext: cipherText,
    wrappedKey: Buffer.concat([wrap.update(contentKey), wrap.final()]),
    nonce,
    ciphertext,
    tag: cipher.getAuthTag(),
  });
}

/** The content, with whichever of the keys it was made for. Throws when there is none. */
export function openEnvelope(
  suite: KemSuite,
  keys: readonly KemPrivateKey[],
  der: Uint8Array,
): Uint8Array {
  const parts = read(der);
  if (parts.kemCiphertext.length !== suite.ciphertextOctets) throw new Error('kemct: length');
  if (!equalBytes(build(suite, parts), der)) throw new Error('not the one encoding');
  const key = keys.find(({ keyId }) => equalBytes(keyId, parts.keyId));
  if (key === undefined) throw new Error('made for another KEM key');
  const sharedSecret = suite.kem.decapsulate(parts.kemCiphertext, key.secretKey);
  const kek = keyEncryptionKey(suite, sharedSecret);
  const unwrap = createDecipheriv(suite.wrapCipher, kek, WRAP_IV);
  const contentKey = Buffer.concat([unwrap.update(parts.wrappedKey), unwrap.final()]);
  const decipher = createDecipheriv(suite.contentCipher, contentKey, parts.nonce, {
    authTagLength: TAG_OCTETS,
  });
  decipher.setAuthTag(parts.tag);
  const content = decipher.update(parts.ciphertext);
  decipher.final();
  return content;
}

/** CMSORIforKEMOtherInfo (RFC 9629 §5): what the KDF is told beside the secret. */
export function kemOtherInfo(suite: KemSuite): Uint8Array {
  return sequence(sequence(objectIdentifier(suite.wrapOid)), integer(suite.keyOctets));
}

/** HKDF without salt (RFC 8619 §2, RFC 9936 §2.2.1). */
export function keyEncryptionKey(suite: KemSuite, sharedSecret: Uint8Array): Uint8Array {
  const info = kemOtherInfo(suite);
  return new Uint8Array(hkdfSync('sha256', sharedSecret, '', info, suite.keyOctets));
}

function build(suite: KemSuite, parts: Parts): Uint8Array {
  const recipient = sequence(
    VERSION_0,
    implicit(0, octetString(parts.keyId)),
    sequence(objectIdentifier(suite.kemOid)),
    octetString(parts.kemCiphertext),
    HKDF_SHA256,
    integer(suite.keyOctets),
    sequence(objectIdentifier(suite.wrapOid)),
    octetString(parts.wrappedKey),
  );
  const gcm = sequence(octetString(parts.nonce), integer(TAG_OCTETS));
  return sequence(
    VERSION_0,
    setOf(encode(contextTag(4, 'constructed'), ORI_KEM, recipient)),
    sequence(
      DATA,
      sequence(objectIdentifier(suite.contentOid), gcm),
      encode(contextTag(0, 'primitive'), parts.ciphertext),
    ),
    octetString(parts.tag),
  );
}

/** Takes the parts out; everything that is not a part is compared by building anew. */
function read(der: Uint8Array): Parts {
  const outer = inside(readDer(der, TAG.sequence, 'the envelope').content);
  outer.any('version');
  const recipients = inside(outer.next(TAG.set, 'recipients').content);
  const other = inside(recipients.next(contextTag(4, 'constructed'), 'the recipient').content);
  other.any('its type');
  const kem = inside(other.next(TAG.sequence, 'KEMRecipientInfo').content);
  kem.any('version');
  const keyId = kem.next(contextTag(0, 'primitive'), 'rid').content;
  kem.any('kem');
  const kemCiphertext = kem.next(TAG.octetString, 'kemct').content;
  kem.any('kdf');
  kem.any('kekLength');
  kem.any('wrap');
  const wrappedKey = kem.next(TAG.octetString, 'encryptedKey').content;
  const info = inside(outer.next(TAG.sequence, 'the content').content);
  info.any('its type');
  const algorithm = inside(info.next(TAG.sequence, 'the content algorithm').content);
  algorithm.any('its identifier');
  const gcm = inside(algorithm.next(TAG.sequence, 'GCMParameters').content);
  const nonce = gcm.next(TAG.octetString, 'the nonce').content;
  const ciphertext = info.next(contextTag(0, 'primitive'), 'the ciphertext').content;
  const tag = outer.next(TAG.octetString, 'the tag').content;
  return { keyId, kemCiphertext, wrappedKey, nonce, ciphertext, tag };
}

function inside(content: Uint8Array): DerReader {
  return new DerReader(content, 'the envelope');
}
