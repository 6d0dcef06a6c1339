// State digest: an incremental hash over live content, independent of order and of dots. It is a
// sum of 128-bit record hashes (two times modulo 2^64), so a write touches only its record.
// Expiring records are summed per day of expiry and compared from a common day on; tombstones count
// nothing. So the digest does not tell who pruned or purged first.
// The hash is SHA-256 over the key and the canonical text, cut to 128 bits: the host has it at the
// speed of the machine, and the text is what is stored.
// Never here: a proof against a peer that holds the key. It finds our faults, not forgeries.

import { fieldsText } from './canonical.ts';
import type { Record, RecordKey } from './record.ts';
import { expiresMsOf, isTombstone } from './schema.ts';

/** Four 32-bit words: (low, high) of two 64-bit sums. */
export type Sum = readonly [number, number, number, number];

/** Four 32-bit words, the same on all nodes of a cluster and unknown outside. */
export type DigestKey = readonly [number, number, number, number];

/** The hash of a text under a key. */
export type KeyedHash = (text: string) => Sum;

type Sha256 = (text: string) => Uint8Array;

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

/** What records count, with whose fields they are. */
const COUNTED = new WeakMap<Record['fields'], RecordKey & { hash: KeyedHash; sum: Sum }>();

const HASHES = new WeakMap<DigestKey, { readonly sha256: Sha256; readonly hash: KeyedHash }>();

/** Of more changes at once, which are a fetch, the sums are not kept. */
const MOST_KEPT = 64;

const NEVER = -1;
const ZERO: Sum = [0, 0, 0, 0];
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
const SUM = /^[0-9a-f]{32}$/;

/** The hash under which all nodes of a cluster compare what they hold; one for each key. */
export function keyedHash(key: DigestKey, sha256: Sha256): KeyedHash {
  const made = HASHES.get(key);
  if (made?.sha256 === sha256) return made.hash;
  const prefix = `${sumText(key)}/`;
  const hash: KeyedHash = (text) => {
    const octets = sha256(prefix + text);
    return [wordAt(octets, 0), wordAt(octets, 4), wordAt(octets, 8), wordAt(octets, 12)];
  };
  HASHES.set(key, { sha256, hash });
  return hash;
}

/** The digest after some changes. */
export function advance(digest: Digest, hash: KeyedHash, steps: readonly Step[]): Digest {
  const sums = new Map(digest.sums);
  const isKept = steps.length <= MOST_KEPT;
  for (const { before, after } of steps) {
    if (before !== undefined && isCounted(digest, before)) {
      update(sums, dayOf(before), subtract, contribution(before, hash, isKept));
    }
    if (after === undefined || !isCounted(digest, after)) continue;
    update(sums, dayOf(after), add, contribution(after, hash, isKept));
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

/** What a record counts. It is kept beside its fields: what is counted once is taken away once. */
function contribution({ kind, id, fields }: Record, hash: KeyedHash, isKept: boolean): Sum {
  const made = COUNTED.get(fields);
  if (made?.id === id && made.kind === kind && made.hash === hash) return made.sum;
  const sum = hash(`${kind}/${id}/${fieldsText(fields)}`);
  if (isKept) COUNTED.set(fields, { kind, id, hash, sum });
  return sum;
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

function wordAt(octets: Uint8Array, at: number): number {
  const [a, b, c, d] = [octets[at]!, octets[at + 1]!, octets[at + 2]!, octets[at + 3]!];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
