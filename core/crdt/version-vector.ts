// Version vectors: per origin, up to which of its events a node has seen. An origin that is missing
// stands at zero. The size is one entry per incarnation that ever wrote, whatever the records.
// Invariant: a vector is never mutated; the text form is sorted, so one vector has one form.
// Never here: which records exist.

import { compareText } from './canonical.ts';
import { amended, placesOf } from './layers.ts';
import type { Dot, Json, Origin } from './record.ts';

export type VersionVector = ReadonlyMap<Origin, number>;

export const EMPTY_VECTOR: VersionVector = new Map();

/** An origin whose entry is another one; zero: it has none. */
export type Difference = readonly [origin: Origin, seq: number];

/**
 * A peer's vector has at most this many entries, a megabyte in full. In a year ten nodes that are
 * started every day make 3650.
 */
export const MAX_ORIGINS = 16_384;

/** A vector is written and read once, however often it is said: in an idle cluster, always. */
const WRITTEN = new WeakMap<VersionVector, readonly Json[]>();
const READ = new WeakMap<object, VersionVector>();

const ORIGIN = /^[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,32}$/;

/** True when the vector has seen the event. */
export function covers(vector: VersionVector, dot: Dot): boolean {
  return dot.seq <= (vector.get(dot.origin) ?? 0);
}

/** True when `above` has seen everything that `below` has. */
export function coversAll(above: VersionVector, below: VersionVector): boolean {
  if (above === below) return true;
  const places = placesOf(above, below);
  if (places !== undefined) {
    return places.every((origin) => (below.get(origin) ?? 0) <= (above.get(origin) ?? 0));
  }
  for (const [origin, seq] of below) if (seq > (above.get(origin) ?? 0)) return false;
  return true;
}

/**
 * The least vector that covers both, leaving out what `b` says of `but`; `a` itself when it covers
 * `b` already.
 */
export function joinVectors(a: VersionVector, b: VersionVector, but?: Origin): VersionVector {
  if (coversAll(a, b)) return a;
  return amended(
    a,
    gains(b, a).filter(([origin]) => origin !== but),
  );
}

/** The greatest vector that both cover. */
export function meetVectors(a: VersionVector, b: VersionVector): VersionVector {
  const common = [...a].map(
    ([origin, seq]) => [origin, Math.min(seq, b.get(origin) ?? 0)] as const,
  );
  return new Map(common.filter(([, seq]) => seq > 0));
}

/** The vector with one more event seen. */
export function withDot(vector: VersionVector, dot: Dot): VersionVector {
  return covers(vector, dot) ? vector : amended(vector, [[dot.origin, dot.seq]]);
}

/** The entries of `vector` that reach beyond `seen`. */
export function beyond(vector: VersionVector, seen: VersionVector): VersionVector {
  return new Map(gains(vector, seen));
}

function gains(vector: VersionVector, seen: VersionVector): readonly Difference[] {
  const places = placesOf(vector, seen);
  const entries = places?.map((origin) => [origin, vector.get(origin) ?? 0] as const) ?? [
    ...vector,
  ];
  return entries.filter(([origin, seq]) => seq > (seen.get(origin) ?? 0));
}

export function sameVector(a: VersionVector, b: VersionVector): boolean {
  return coversAll(a, b) && coversAll(b, a);
}

/** How two vectors relate. */
export function compareVectors(
  a: VersionVector,
  b: VersionVector,
): 'equal' | 'less' | 'greater' | 'concurrent' {
  const isLess = coversAll(b, a);
  const isGreater = coversAll(a, b);
  if (isLess) return isGreater ? 'equal' : 'less';
  return isGreater ? 'greater' : 'concurrent';
}

/**
 * Where `vector` differs from `base`, sorted by origin; zero where it has no entry. Undefined when
 * there are more than `most` such places.
 */
export function differences(
  vector: VersionVector,
  base: VersionVector,
  most: number,
): readonly Difference[] | undefined {
  if (vector === base) return [];
  const places = placesOf(vector, base) ?? [...vector.keys(), ...base.keys()];
  const found = new Map<Origin, number>();
  for (const origin of places) {
    const seq = vector.get(origin) ?? 0;
    if (seq !== (base.get(origin) ?? 0) && found.set(origin, seq).size > most) return undefined;
  }
  return [...found].sort(([a], [b]) => compareText(a, b));
}

/** The vector that differs so from `base`. */
export function withDifferences(
  base: VersionVector,
  differences: readonly Difference[],
): VersionVector {
  return amended(base, differences);
}

/** For the wire: `[[origin, seq], …]`, sorted by origin. */
export function vectorToJson(vector: VersionVector): Json {
  let json = WRITTEN.get(vector);
  if (json === undefined) {
    json = [...vector].filter(([, seq]) => seq > 0).sort(([a], [b]) => compareText(a, b));
    WRITTEN.set(vector, json);
    READ.set(json, vector);
  }
  return json;
}

/** The vector of exactly the form that `vectorToJson` makes, or undefined. */
export function vectorFromJson(json: unknown): VersionVector | undefined {
  if (!Array.isArray(json) || json.length > MAX_ORIGINS) return undefined;
  const known = READ.get(json);
  if (known !== undefined) return known;
  const vector = readVector(json);
  if (vector !== undefined) READ.set(json, vector);
  return vector;
}

function readVector(json: readonly unknown[]): VersionVector | undefined {
  const entries = readEntries(json, 1);
  return entries && new Map(entries);
}

/** The differences of exactly the form that `differences` makes, or undefined. */
export function differencesFromJson(json: unknown): readonly Difference[] | undefined {
  return Array.isArray(json) && json.length <= MAX_ORIGINS ? readEntries(json, 0) : undefined;
}

function readEntries(json: readonly unknown[], least: 0 | 1): readonly Difference[] | undefined {
  let previous = '';
  for (const entry of json) {
    if (!Array.isArray(entry) || entry.length !== 2) return undefined;
    const [origin, seq] = entry as readonly unknown[];
    if (!isOrigin(origin) || origin <= previous) return undefined;
    if (!isSeq(seq) && !(least === 0 && seq === 0)) return undefined;
    previous = origin;
  }
  return json as readonly Difference[];
}

/** True for `<node id>.<incarnation>`. */
export function isOrigin(json: unknown): json is Origin {
  return typeof json === 'string' && ORIGIN.test(json);
}

/** True for a number that an event can have. */
export function isSeq(json: unknown): json is number {
  return Number.isSafeInteger(json) && (json as number) > 0;
}

/** `<origin>:<seq>`, the dot as a string. */
export function dotText(dot: Dot): string {
  return `${dot.origin}:${dot.seq}`;
}

/** The dot of a text that `dotText` made, or undefined. */
export function dotFromText(text: unknown): Dot | undefined {
  if (typeof text !== 'string') return undefined;
  const colon = text.indexOf(':');
  const origin = text.slice(0, colon);
  const seq = Number(text.slice(colon + 1));
  const dot = { origin, seq };
  return isOrigin(origin) && isSeq(seq) && dotText(dot) === text ? dot : undefined;
}
