// A Bloom filter (Bloom 1970): whether a text may have been added, in a bounded amount of memory. It
// grows by tables, each larger than the one before (Almeida et al. 2007, Scalable Bloom Filters): a
// node that is new, or one of hundreds in a simulator, does not pay for ten million texts.
// Invariant: what was added is never denied; what was not is, but for a share that grows with the
// number of texts. Never here: removing one text, secrets: the hash has no key.

import { assert } from './assert.ts';

/** Bits a text sets. */
const PROBES = 4;
/** With so many bits a text one answer in 12,000 is wrong; then comes the next table. */
const BITS_PER_TEXT = 40;
const FIRST_BITS = 65_536;
/** How much larger each table is. */
const GROWTH = 16;

export class BloomFilter {
  readonly #size: number;
  /** Bits, the newest table first. */
  #tables: readonly Uint8Array[] = [];
  /** Texts the newest one takes. */
  #room = 0;

  /**
   * `size` of the last and largest table in bits, a power of two: it takes all that come. With 10 a
   * text one answer in 85 is wrong.
   */
  constructor(size: number) {
    assert(size >= 8 && size <= 2 ** 31 && (size & (size - 1)) === 0, 'the size is a power of two');
    this.#size = size;
    this.clear();
  }

  add(text: string): void {
    const [start, stride] = hashes(text);
    if (this.#mayHold(start, stride)) return;
    if (this.#room === 0) this.#grow(this.#tables[0]!.length * 8 * GROWTH);
    this.#room--;
    const table = this.#tables[0]!;
    const mask = table.length * 8 - 1;
    for (let i = 0; i < PROBES; i++) {
      const bit = (start + i * stride) & mask;
      table[bit >>> 3]! |= 1 << (bit & 7);
    }
  }

  /** False: was certainly not added. */
  mayHold(text: string): boolean {
    const [start, stride] = hashes(text);
    return this.#mayHold(start, stride);
  }

  clear(): void {
    this.#tables = [];
    this.#grow(FIRST_BITS);
  }

  #mayHold(start: number, stride: number): boolean {
    for (const table of this.#tables) if (isSet(table, start, stride)) return true;
    return false;
  }

  #grow(wanted: number): void {
    const bits = Math.min(wanted, this.#size);
    this.#tables = [new Uint8Array(bits / 8), ...this.#tables];
    this.#room = bits === this.#size ? Number.POSITIVE_INFINITY : Math.floor(bits / BITS_PER_TEXT);
  }
}

function isSet(table: Uint8Array, start: number, stride: number): boolean {
  const mask = table.length * 8 - 1;
  for (let i = 0; i < PROBES; i++) {
    const bit = (start + i * stride) & mask;
    if (((table[bit >>> 3]! >> (bit & 7)) & 1) === 0) return false;
  }
  return true;
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
