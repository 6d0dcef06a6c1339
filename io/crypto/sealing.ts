// Secrets that stand in records: AES-256-GCM (NIST SP 800-38D) under a synthetic nonce, which is a
// MAC over what is sealed, so that equal contents have equal sealings on every node and no two
// contents share a nonce (the idea of RFC 5297 and RFC 8452). Layout: nonce, ciphertext, tag.
// Invariant: a function of its arguments; what does not open under key and context gives nothing.
// Never here: where the key comes from.

import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const CIPHER = 'aes-256-gcm';

/** Seals for a context, without which it cannot be opened. `key`: 32 octets. */
export function seal(key: Uint8Array, context: string, content: Uint8Array): Uint8Array {
  const nonce = nonceOf(key, context, content);
  const cipher = createCipheriv(CIPHER, subkey(key, 'encryption'), nonce);
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const parts = [nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()];
  return new Uint8Array(Buffer.concat(parts));
}

/** What was sealed, or undefined when key, context or a single bit is another. */
export function unseal(
  key: Uint8Array,
  context: string,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE_OCTETS + TAG_OCTETS) return undefined;
  const nonce = sealed.subarray(0, NONCE_OCTETS);
  const decipher = createDecipheriv(CIPHER, subkey(key, 'encryption'), nonce);
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(sealed.subarray(-TAG_OCTETS));
  try {
    const body = decipher.update(sealed.subarray(NONCE_OCTETS, -TAG_OCTETS));
    const content = new Uint8Array(Buffer.concat([body, decipher.final()]));
    return timingSafeEqual(nonce, nonceOf(key, context, content)) ? content : undefined;
  } catch {
    // The tag does not fit.
    return undefined;
  }
}

function nonceOf(key: Uint8Array, context: string, content: Uint8Array): Buffer {
  const hmac = createHmac('sha256', subkey(key, 'nonce'));
  const text = Buffer.from(context, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return hmac.update(length).update(text).update(content).digest().subarray(0, NONCE_OCTETS);
}

function subkey(key: Uint8Array, use: string): Buffer {
  return createHmac('sha256', key).update(`akamu sealing/${use}`).digest();
}
