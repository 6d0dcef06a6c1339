// Unpredictable bytes from the host, drawn in blocks because one call a request costs more than
// the bytes do. Invariant: no octet is handed out twice. Never here: anything predictable.

import { randomFillSync } from 'node:crypto';

const BLOCK = 8192;
let block = new Uint8Array(0);
let used = 0;

/** `length` fresh octets, at most a block. */
export function entropy(length: number): Uint8Array {
  if (used + length > block.length) {
    block = randomFillSync(new Uint8Array(BLOCK));
    used = 0;
  }
  used += length;
  return block.subarray(used - length, used);
}
