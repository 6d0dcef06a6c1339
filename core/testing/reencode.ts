// Decodes DER and encodes it anew, the slow way to tell whether bytes are DER.
// Invariant: what comes out is DER. Never here: deciding what to do when it differs.

import { concatBytes } from '../bytes.ts';
import { encode, setOf, TAG } from '../der.ts';
import { childrenOf, DerError, DerReader } from '../der-reader.ts';

/** Values one after the other; `depth` bounds the nesting. Throws a DerError. */
export function reencode(bytes: Uint8Array, depth = 24): Uint8Array {
  if (depth === 0) throw new DerError('the value is nested too deeply');
  const reader = new DerReader(bytes, 'the value');
  const parts: Uint8Array[] = [];
  while (!reader.done) {
    const { tag, content } = reader.any('a part');
    if (tag === TAG.set) {
      const members = childrenOf({ tag, content, bytes: content }, 'a set');
      parts.push(setOf(...members.map((member) => reencode(member.bytes, depth - 1))));
    } else parts.push(encode(tag, (tag & 0x20) !== 0 ? reencode(content, depth - 1) : content));
  }
  return concatBytes(...parts);
}
