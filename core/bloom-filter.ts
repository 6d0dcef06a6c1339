// A Bloom filter (Bloom 1970): whether a text may have been added, in a fixed amount of memory.
// Invariant: what was added is never denied; what was not is, but for a share that grows with the
// number of texts. Never here: removing one text, secrets: the hash has no key.

import { assert } from './assert.ts';

/** Bits a text sets. */
const PROBES = 4;

export class BloomFilter {
  readonly #bits: Uint8Array;
  readonly #mask: number;

  /** `size` in bits, a power of two: with 40 a text one answer in 12,000 is wrong, with 10 in 85. */
  constructor(size: number) {
    assert(size >= 8 && size <= 2 ** 31 && (size & (size - 1)) === 0, 'the size is a power of two');
    this.#bits = new Uint8Array(size / 8);
    this.#mask = size - 1;
  }

  add(text: string): void {
    const [start, stride] = hashes(text);
    for (let i = 0; i < PROBES; i++) {
      const bit = (start + i * stride) & this.#mask;
      this.#bits[bit >>> 3]! |= 1 << (bit & 7);
    }
  }

  /** False: was certainly not added. */
  mayHold(text: string): boolean {
    const [start, stride] = hashes(text);
    for (let i = 0; i < PROBES; i++) {
      const bit = (start + i * stride) & this.#mask;
      if (((this.#bits[bit >>> 3]! >> (bit & 7)) & 1) === 0) return false;
    }
    return true;
  }

  clear(): void {
    this.#bits.fill(0);
  }
}

/** Two hashes, from which the others are made (Kirsch, Mitzenmacher 2006): FNV-1a, then mixed. */
function hashes(text: string): readonly [start: number, stride: number] {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return [mixed(hash), mixed(hash ^ text.length ^ 0x9e3779b9) | 1];
}

/** MurmurHash3's finalizer: every bit of the input reaches every bit of the output. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
