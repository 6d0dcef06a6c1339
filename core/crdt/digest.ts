// State digest: an incremental hash over live content, independent of order and of dots. It is a sum
// of 128-bit field hashes (two times modulo 2^64), so a write touches only the fields that changed.
// Expiring records are summed per day of expiry and compared from a common day on; tombstones count
// nothing. So the digest does not tell who pruned or purged first.
// The hash is HalfSipHash-2-4 with 64-bit output, twice, under two keys: a keyed pseudo-random
// function made of 32-bit additions, rotations and exclusive ors, all of which JavaScript has.
// Never here: a proof against a peer that holds the key. It finds our faults, not forgeries.

import { canonical } from './canonical.ts';
import type { Record } from './record.ts';
import { expiresMsOf, isTombstone } from './schema.ts';

/** Four 32-bit words: (low, high) of two 64-bit sums. */
export type Sum = readonly [number, number, number, number];

/** Four 32-bit words, the same on all nodes of a cluster and unknown outside. */
export type DigestKey = readonly [number, number, number, number];

/** Sums by day of expiry; -1 for what does not expire. Days before `horizonDay` are gone. */
export interface Digest {
  readonly sums: ReadonlyMap<number, Sum>;
  readonly horizonDay: number;
}

/** A change of one record: created, replaced or removed. */
export interface Step {
  readonly before: Record | undefined;
  readonly after: Record | undefined;
}

export const EMPTY_DIGEST: Digest = { sums: new Map(), horizonDay: 0 };
export const DAY_MS = 86_400_000;

const NEVER = -1;
const ZERO: Sum = [0, 0, 0, 0];

/** The digest after some changes. */
export function advance(digest: Digest, key: DigestKey, steps: readonly Step[]): Digest {
  const sums = new Map(digest.sums);
  for (const { before, after } of steps) {
    const from = before && dayOf(before);
    const to = after && dayOf(after);
    // Where the day stays the same, fields that stay the same cancel out and are not hashed.
    const kept = from === to ? [before, after] : [];
    if (before && isCounted(digest, before)) {
      update(sums, from!, subtract, contribution(before, key, kept[1]));
    }
    if (after && isCounted(digest, after)) {
      update(sums, to!, add, contribution(after, key, kept[0]));
    }
  }
  return { ...digest, sums };
}

/** Forgets the days before `day`. Days never come back. */
export function forgetDays(digest: Digest, day: number): Digest {
  const gone = [...digest.sums.keys()].filter((of) => of !== NEVER && of < day);
  if (gone.length === 0) return digest;
  const sums = new Map(digest.sums);
  for (const of of gone) sums.delete(of);
  return { sums, horizonDay: Math.max(digest.horizonDay, Math.max(...gone) + 1) };
}

/** True for a record that has expired here for good: it is not stored again. */
export function isPastHorizon(digest: Digest, record: Record): boolean {
  const day = dayOf(record);
  return day !== NEVER && day < digest.horizonDay;
}

/** The digest over what does not expire before `day`; 32 hexadecimal digits. */
export function digestFrom(digest: Digest, day: number): string {
  let total = ZERO;
  for (const [of, sum] of digest.sums) if (of === NEVER || of >= day) total = add(total, sum);
  return sumText(total);
}

/** 32 hexadecimal digits. */
export function sumText(sum: Sum): string {
  return sum.map((word) => word.toString(16).padStart(8, '0')).join('');
}

/** The sum of a text that `sumText` made, or undefined. */
export function sumFromText(text: string): Sum | undefined {
  if (!/^[0-9a-f]{32}$/.test(text)) return undefined;
  const word = (at: number): number => Number.parseInt(text.slice(at, at + 8), 16);
  return [word(0), word(8), word(16), word(24)];
}

/** The day on which an expiring record expires, by its own `expiresMs`. */
function dayOf(record: Record): number {
  const expiresMs = expiresMsOf(record);
  return expiresMs === undefined ? NEVER : Math.max(0, Math.floor(expiresMs / DAY_MS));
}

function isCounted(digest: Digest, record: Record): boolean {
  return !isTombstone(record) && !isPastHorizon(digest, record);
}

/** The sum over the record's fields, but for those that `other` holds as the very same value. */
function contribution(record: Record, key: DigestKey, other: Record | undefined): Sum {
  const shared = other !== undefined && !isTombstone(other) ? other.fields : {};
  let total = ZERO;
  for (const [field, value] of Object.entries(record.fields)) {
    if (shared[field] === value) continue;
    const text = `${record.kind}/${record.id}/${field}=${canonical(value)}`;
    total = add(total, hash(text, key));
  }
  return total;
}

function update(
  sums: Map<number, Sum>,
  day: number,
  operation: (a: Sum, b: Sum) => Sum,
  by: Sum,
): void {
  const sum = operation(sums.get(day) ?? ZERO, by);
  if (sum.every((word) => word === 0)) sums.delete(day);
  else sums.set(day, sum);
}

function add(a: Sum, b: Sum): Sum {
  const low0 = a[0] + b[0];
  const low1 = a[2] + b[2];
  const carry0 = low0 > 0xffffffff ? 1 : 0;
  const carry1 = low1 > 0xffffffff ? 1 : 0;
  return [low0 >>> 0, (a[1] + b[1] + carry0) >>> 0, low1 >>> 0, (a[3] + b[3] + carry1) >>> 0];
}

function subtract(a: Sum, b: Sum): Sum {
  const borrow0 = a[0] < b[0] ? 1 : 0;
  const borrow1 = a[2] < b[2] ? 1 : 0;
  return [
    (a[0] - b[0]) >>> 0,
    (a[1] - b[1] - borrow0) >>> 0,
    (a[2] - b[2]) >>> 0,
    (a[3] - b[3] - borrow1) >>> 0,
  ];
}

/** Both halves of the hash of a text. */
export function hash(text: string, key: DigestKey): Sum {
  const [a0, a1] = halfSipHash(text, key[0], key[1]);
  const [b0, b1] = halfSipHash(text, key[2], key[3]);
  return [a0, a1, b0, b1];
}

/**
 * HalfSipHash-2-4-64 (Aumasson, Bernstein 2012; reference code halfsiphash.c) of a text as UTF-16LE,
 * as (low, high) word of the output.
 */
export function halfSipHash(
  text: string,
  k0: number,
  k1: number,
): readonly [low: number, high: number] {
  let v0 = k0;
  let v1 = k1 ^ 0xee;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;
  let low = 0;
  const { length } = text;
  const words = length >> 1;
  // The text's words, the padding word with the length in octets, then two times finalization.
  for (let i = 0; i <= words + 2; i++) {
    let word = 0;
    let rounds = 2;
    if (i < words) word = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16);
    else if (i === words)
      word = ((length & 1) === 1 ? text.charCodeAt(length - 1) : 0) | (length << 25);
    else rounds = 4;
    if (i === words + 1) v2 ^= 0xee;
    if (i === words + 2) {
      low = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    for (; rounds > 0; rounds--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return [low >>> 0, (v1 ^ v3) >>> 0];
}
