// Two cheap hashes in 32-bit integer arithmetic: a digest of 256 bits (from 128 bits of state) that
// stands in for SHA-256 and HMAC, and the running hash of a trace.
// Invariant: a string counts as its UTF-8, so text and bytes of one content have one digest.
// Never here: security. Nobody in the simulator looks for collisions.

import { toUtf8 } from '../core/bytes.ts';
import type { Json } from '../core/crdt/record.ts';

/** 32 octets; `salt` separates uses. */
export function digestOf(data: Uint8Array | string, salt: number): Uint8Array {
  const state = new Int32Array(4);
  state.set([salt ^ 0x243f6a88, salt + 0x13198a2e, ~salt ^ 0x03707344, salt ^ 0x299f31d0]);
  if (typeof data !== 'string') absorbBytes(state, data);
  else if (!absorbAscii(state, data)) return digestOf(toUtf8(data), salt);
  return squeeze(state);
}

/** A digest over a key and data. */
export function keyedDigest(key: Uint8Array, data: Uint8Array | string, salt: number): Uint8Array {
  const inner = digestOf(key, salt ^ 0x36363636);
  return digestOf(data, (inner[0]! << 24) ^ (inner[5]! << 16) ^ (inner[9]! << 8) ^ inner[14]!);
}

function absorbBytes(state: Int32Array, bytes: Uint8Array): void {
  const whole = bytes.length & ~3;
  let at = 0;
  for (; at < whole; at += 4) {
    absorb(
      state,
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24),
    );
  }
  let last = 0x80;
  for (let i = bytes.length - 1; i >= at; i--) last = (last << 8) | bytes[i]!;
  absorb(state, last);
  absorb(state, bytes.length);
}

/** False when the text is not ASCII; then the state is spoilt. */
function absorbAscii(state: Int32Array, text: string): boolean {
  const whole = text.length & ~3;
  let seen = 0;
  let at = 0;
  for (; at < whole; at += 4) {
    const [a, b] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
    const [c, d] = [text.charCodeAt(at + 2), text.charCodeAt(at + 3)];
    seen |= a | b | c | d;
    absorb(state, a | (b << 8) | (c << 16) | (d << 24));
  }
  let last = 0x80;
  for (let i = text.length - 1; i >= at; i--) {
    seen |= text.charCodeAt(i);
    last = (last << 8) | text.charCodeAt(i);
  }
  absorb(state, last);
  absorb(state, text.length);
  return seen < 128;
}

function absorb(state: Int32Array, word: number): void {
  let a = state[0]! ^ word;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  a = Math.imul(a, 0x9e3779b1);
  b = Math.imul(b ^ ((a << 13) | (a >>> 19)), 0x85ebca77) + word;
  c = Math.imul(c ^ ((b << 11) | (b >>> 21)), 0xc2b2ae3d) ^ word;
  d = Math.imul(d + ((c << 17) | (c >>> 15)), 0x27d4eb2f);
  state[0] = a ^ ((d << 7) | (d >>> 25));
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function squeeze(state: Int32Array): Uint8Array {
  const out = new Uint8Array(32);
  for (let i = 0; i < 8; i++) {
    absorb(state, i);
    absorb(state, 0x517cc1b7);
    const word = state[i & 3]! ^ (state[i & 3]! >>> 15);
    out[4 * i] = word;
    out[4 * i + 1] = word >>> 8;
    out[4 * i + 2] = word >>> 16;
    out[4 * i + 3] = word >>> 24;
  }
  return out;
}

/** Grows with everything that is put in, in order; 64 bits. */
export class RunningHash {
  #low = 0x6a09e667;
  #high = 0xbb67ae85 | 0;

  number(value: number): void {
    this.#word(value | 0);
    // Times and seeds are longer than 32 bits.
    if (value > 0x7fff_ffff || value < -0x8000_0000) this.#word(Math.floor(value / 0x1_0000_0000));
  }

  text(value: string): void {
    const { length } = value;
    let low = this.#low ^ length;
    let high = this.#high;
    for (let i = 0; i < length; i += 2) {
      // Two UTF-16 units at a time; of the unit beyond an odd end nothing is left.
      const code = value.charCodeAt(i) | (value.charCodeAt(i + 1) << 16);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high + code, 0x9e3779b1) ^ (low >>> 15);
    }
    this.#low = low;
    this.#high = high;
    this.#word(0x55);
  }

  bytes(value: Uint8Array): void {
    this.#word(value.length);
    for (const octet of value) this.#word(octet);
  }

  /** Members in the order they were made, which is the same in every run. */
  json(value: Json): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (value === null || typeof value === 'boolean') this.#word(value ? 3 : 5);
    else if (Array.isArray(value)) {
      this.#word(value.length + 7);
      for (const item of value as readonly Json[]) this.json(item);
    } else {
      this.#word(11);
      for (const name in value as { readonly [member: string]: Json }) {
        this.text(name);
        this.json((value as { readonly [member: string]: Json })[name]!);
      }
    }
  }

  /** 32 bits of what has been put in so far. */
  get word(): number {
    return (this.#high ^ (this.#low >>> 16)) >>> 0;
  }

  /** What has been put in so far, as 16 hexadecimal digits. */
  hex(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.#high ^ (this.#low >>> 16)) + hex(this.#low ^ Math.imul(this.#high, 31));
  }

  #word(word: number): void {
    const low = Math.imul(this.#low ^ word, 0x85ebca77);
    this.#low = low ^ (low >>> 15);
    this.#high = Math.imul((this.#high + word) ^ low, 0xc2b2ae3d);
  }
}
