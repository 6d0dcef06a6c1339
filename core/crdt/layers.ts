// Large vectors as a base that many share, and a few entries on top of it, so that what a write or a
// message costs follows from what it changes and not from how many origins there ever were.
// Invariant: no vector is ever mutated, nor a map that was made part of one; which layers a vector is
// made of shows in nothing but time. Never here: what vectors mean.

import type { Origin } from './record.ts';

type Entries = ReadonlyMap<Origin, number>;
type Entry = readonly [origin: Origin, seq: number];

/** From so many entries on it is worth it. */
const LARGE = 64;
/** Entries on top of a base; then all become a base of their own. */
const MOST_ON_TOP = 64;

/** Where two bases differ; found out once. */
const PLACES = new WeakMap<Entries, WeakMap<Entries, readonly Origin[]>>();

class Layered implements Entries {
  readonly base: Entries;
  readonly top: Entries;
  readonly size: number;

  constructor(base: Entries, top: Entries) {
    this.base = base;
    this.top = top;
    let size = base.size;
    for (const origin of top.keys()) if (!base.has(origin)) size++;
    this.size = size;
  }

  get(origin: Origin): number | undefined {
    return this.top.get(origin) ?? this.base.get(origin);
  }

  has(origin: Origin): boolean {
    return this.top.has(origin) || this.base.has(origin);
  }

  *entries(): MapIterator<[Origin, number]> {
    for (const [origin, seq] of this.base) yield [origin, this.top.get(origin) ?? seq];
    for (const [origin, seq] of this.top) if (!this.base.has(origin)) yield [origin, seq];
  }

  *keys(): MapIterator<Origin> {
    for (const [origin] of this.entries()) yield origin;
  }

  *values(): MapIterator<number> {
    for (const [, seq] of this.entries()) yield seq;
  }

  [Symbol.iterator](): MapIterator<[Origin, number]> {
    return this.entries();
  }

  forEach(visit: (seq: number, origin: Origin, map: Entries) => void): void {
    for (const [origin, seq] of this.entries()) visit(seq, origin, this);
  }
}

/** The vector with these entries; zero removes one. */
export function amended(vector: Entries, changes: readonly Entry[]): Entries {
  if (changes.length === 0) return vector;
  const [base, before] = layersOf(vector);
  const isFlat = base.size < LARGE || changes.some(([, seq]) => seq === 0);
  if (isFlat || changes.length > MOST_ON_TOP) return rebased(vector, changes);
  const top = new Map(before);
  for (const [origin, seq] of changes) top.set(origin, seq);
  if (top.size > MOST_ON_TOP) return rebased(vector, changes);
  return new Layered(base, top);
}

function rebased(vector: Entries, changes: readonly Entry[]): Entries {
  const all = new Map(vector);
  for (const [origin, seq] of changes) {
    if (seq === 0) all.delete(origin);
    else all.set(origin, seq);
  }
  return all;
}

/**
 * Origins that `a` has or `b` has, at which alone they can differ, perhaps more than once; undefined
 * when that is not known without looking at all of them.
 */
export function placesOf(a: Entries, b: Entries): readonly Origin[] | undefined {
  if (a.size < LARGE || b.size < LARGE) return undefined;
  const [[below, ours], [beneath, theirs]] = [layersOf(a), layersOf(b)];
  const places = below === beneath ? [] : placesOfBases(below, beneath);
  if (ours.size + theirs.size === 0) return places;
  return [...places, ...ours.keys(), ...theirs.keys()];
}

function placesOfBases(a: Entries, b: Entries): readonly Origin[] {
  const known = PLACES.get(a)?.get(b) ?? PLACES.get(b)?.get(a);
  if (known !== undefined) return known;
  const places: Origin[] = [];
  for (const [origin, seq] of a) if (b.get(origin) !== seq) places.push(origin);
  for (const origin of b.keys()) if (!a.has(origin)) places.push(origin);
  let ofA = PLACES.get(a);
  if (ofA === undefined) PLACES.set(a, (ofA = new WeakMap()));
  ofA.set(b, places);
  return places;
}

const NOTHING: Entries = new Map();

function layersOf(vector: Entries): readonly [base: Entries, top: Entries] {
  return vector instanceof Layered ? [vector.base, vector.top] : [vector, NOTHING];
}
