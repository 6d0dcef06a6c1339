// The keyed hash that tests of digests use. Invariant: it is the one of production, under a fixed
// key. Never here: other keys.

import { createHash } from 'node:crypto';
import { type DigestKey, type KeyedHash, keyedHash } from '../digest.ts';

export const HASH: KeyedHash = hashUnder([1, 2, 3, 4]);

export function hashUnder(key: DigestKey): KeyedHash {
  return keyedHash(key, (text) => createHash('sha256').update(text).digest());
}
