// State digest: an incremental hash over live content, independent of order and of dots. It is a
// sum of 128-bit field hashes (two times modulo 2^64), so a write touches only the fields that
// changed. Expiring records are summed per day of expiry and compared from a common day on;
// tombstones count nothing. So the digest does not tell who pruned or purged first.
// The hash is HalfSipHash-2-4 with 64-bit output, under two keys: a keyed pseudo-random function
// made of 32-bit additions, rotations and exclusive ors, which JavaScript has at full speed.
// Never here: a proof against a peer that holds the key. It finds our faults, not forgeries.

import { canonical } from './canonical.ts';
import type { Json, Record, RecordKey } from './record.ts';
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

/** The sums over fields, with whose they are. */
const COUNTED = new WeakMap<Record['fields'], RecordKey & { key: DigestKey; sum: Sum }>();

const NEVER = -1;
const ZERO: Sum = [0, 0, 0, 0];
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
const SUM = /^[0-9a-f]{32}$/;

/** The digest after some changes. */
export function advance(digest: Digest, key: DigestKey, steps: readonly Step[]): Digest {
  const sums = new Map(digest.sums);
  for (const { before, after } of steps) {
    const isLess = before !== undefined && isCounted(digest, before);
    if (isLess) update(sums, dayOf(before), subtract, contribution(before, key, undefined));
    if (after === undefined || !isCounted(digest, after)) continue;
    update(sums, dayOf(after), add, contribution(after, key, isLess ? before : undefined));
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

/** The last text made of some sums: in an idle cluster it is wanted again and again. */
const TEXTS = new WeakMap<Digest['sums'], { readonly day: number; readonly text: string }>();

/** The digest over what does not expire before `day`; 32 hexadecimal digits. */
export function digestFrom({ sums }: Digest, day: number): string {
  const made = TEXTS.get(sums);
  if (made?.day === day) return made.text;
  let total = ZERO;
  for (const [of, sum] of sums) if (of === NEVER || of >= day) total = add(total, sum);
  const text = sumText(total);
  TEXTS.set(sums, { day, text });
  return text;
}

/** 32 hexadecimal digits. */
export function sumText(sum: Sum): string {
  return hex(sum[0]) + hex(sum[1]) + hex(sum[2]) + hex(sum[3]);
}

/** The sum of a text that `sumText` made, or undefined. */
export function sumFromText(text: string): Sum | undefined {
  if (!isSumText(text)) return undefined;
  const word = (at: number): number => Number.parseInt(text.slice(at, at + 8), 16);
  return [word(0), word(8), word(16), word(24)];
}

function hex(word: number): string {
  const [a, b] = [HEX[word >>> 24]!, HEX[(word >>> 16) & 0xff]!];
  return a + b + HEX[(word >>> 8) & 0xff]! + HEX[word & 0xff]!;
}

export function isSumText(text: string): boolean {
  return SUM.test(text);
}

/** The day on which an expiring record expires, by its own `expiresMs`. */
function dayOf(record: Record): number {
  const expiresMs = expiresMsOf(record);
  return expiresMs === undefined ? NEVER : Math.max(0, Math.floor(expiresMs / DAY_MS));
}

function isCounted(digest: Digest, record: Record): boolean {
  return !isTombstone(record) && !isPastHorizon(digest, record);
}

/**
 * The sum over the record's fields. It is kept beside them, since what is counted once is taken
 * away once; and only those that `before` does not hold as the very same value are hashed.
 */
function contribution(record: Record, key: DigestKey, before: Record | undefined): Sum {
  const made = COUNTED.get(record.fields);
  if (made?.id === record.id && made.kind === record.kind && made.key === key) return made.sum;
  const { kind, id, fields } = record;
  let sum = before === undefined ? ZERO : contribution(before, key, undefined);
  const old = before?.fields ?? {};
  for (const field in old) {
    if (fields[field] !== old[field]) sum = subtract(sum, hashOf(record, field, old[field]!, key));
  }
  for (const field in fields) {
    if (fields[field] !== old[field]) sum = add(sum, hashOf(record, field, fields[field]!, key));
  }
  COUNTED.set(fields, { kind, id, key, sum });
  return sum;
}

function hashOf({ kind, id }: Record, field: string, value: Json, key: DigestKey): Sum {
  return hash(`${kind}/${id}/${field}=${canonical(value)}`, key);
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

/**
 * Two HalfSipHash-2-4-64 (Aumasson, Bernstein 2012; reference code halfsiphash.c) of a text under
 * the two halves of the key, computed side by side. Text within Latin-1 counts as one octet a
 * character, other text as UTF-16LE, which bit 16 of the last word tells apart. Words are (low,
 * high) of each.
 */
export function hash(text: string, [k0, k1, m0, m1]: DigestKey): Sum {
  const perWord = isLatin1(text) ? 4 : 2;
  const words = Math.floor(text.length / perWord);
  let [a0, a1, a2, a3] = [k0, k1 ^ 0xee, k0 ^ 0x6c796765, k1 ^ 0x74656462];
  let [b0, b1, b2, b3] = [m0, m1 ^ 0xee, m0 ^ 0x6c796765, m1 ^ 0x74656462];
  let [lowA, lowB] = [0, 0];
  // The text's words and the last one have two rounds each; then four rounds for each half of
  // output.
  for (let i = 0; i <= words + 2; i++) {
    const word = i < words ? wordAt(text, i, perWord) : i === words ? lastWord(text, perWord) : 0;
    if (i === words + 1) {
      a2 ^= 0xee;
      b2 ^= 0xee;
    } else if (i === words + 2) {
      lowA = a1 ^ a3;
      lowB = b1 ^ b3;
      a1 ^= 0xdd;
      b1 ^= 0xdd;
    }
    a3 ^= word;
    b3 ^= word;
    for (let rounds = i <= words ? 2 : 4; rounds > 0; rounds--) {
      a0 = (a0 + a1) | 0;
      b0 = (b0 + b1) | 0;
      a1 = ((a1 << 5) | (a1 >>> 27)) ^ a0;
      b1 = ((b1 << 5) | (b1 >>> 27)) ^ b0;
      a0 = (a0 << 16) | (a0 >>> 16);
      b0 = (b0 << 16) | (b0 >>> 16);
      a2 = (a2 + a3) | 0;
      b2 = (b2 + b3) | 0;
      a3 = ((a3 << 8) | (a3 >>> 24)) ^ a2;
      b3 = ((b3 << 8) | (b3 >>> 24)) ^ b2;
      a0 = (a0 + a3) | 0;
      b0 = (b0 + b3) | 0;
      a3 = ((a3 << 7) | (a3 >>> 25)) ^ a0;
      b3 = ((b3 << 7) | (b3 >>> 25)) ^ b0;
      a2 = (a2 + a1) | 0;
      b2 = (b2 + b1) | 0;
      a1 = ((a1 << 13) | (a1 >>> 19)) ^ a2;
      b1 = ((b1 << 13) | (b1 >>> 19)) ^ b2;
      a2 = (a2 << 16) | (a2 >>> 16);
      b2 = (b2 << 16) | (b2 >>> 16);
    }
    a0 ^= word;
    b0 ^= word;
  }
  return [lowA >>> 0, (a1 ^ a3) >>> 0, lowB >>> 0, (b1 ^ b3) >>> 0];
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

function wordAt(text: string, index: number, perWord: number): number {
  const at = index * perWord;
  if (perWord === 2) return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/** What is left of the text, and its length in octets in the upper eight bits. */
function lastWord(text: string, perWord: number): number {
  const width = 4 / perWord;
  let word = (text.length * width) << 24;
  if (width === 2) word |= 1 << 16;
  const tail = text.length - (text.length % perWord);
  for (let i = tail; i < text.length; i++) word |= text.charCodeAt(i) << (8 * (i - tail));
  return word;
}
