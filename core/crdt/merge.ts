// Merging two versions of one record: field by field in the lattices of the schema. A field that is
// absent is below every value. A tombstone is above everything that is not deleted.
// Invariant: the content of the result is the least that is at or above both, and its dot is the
// dot of an event with exactly this content, so whoever has seen that event needs nothing more.
// Never here: version vectors, storage, clocks.

import { compareText, sameJson } from './canonical.ts';
import type { Dot, Json, Record } from './record.ts';
import { isDeletable, isKnownField, latticeOf, MAX_UNKNOWN_FIELDS } from './schema.ts';

export type Fields = Record['fields'];

/** How the content of one version relates to that of another. */
export type Relation = 'equal' | 'less' | 'greater' | 'concurrent';

/** What a merge came to: nothing new, theirs under its own dot, or a new local event. */
export interface Merge {
  readonly outcome: 'keep' | 'adopt' | 'join';
  readonly record: Record;
}

/** The least content at or above both. */
export function joinFields(kind: string, a: Fields, b: Fields): Fields {
  const isGone = isDeletable(kind) && ('deleted' in a || 'deleted' in b);
  const joined: { [field: string]: Json } = {};
  for (const field of fieldNames(kind, a, b)) {
    if (isGone && field !== 'deleted' && field !== 'born') continue;
    const left = a[field];
    const right = b[field];
    if (left === undefined || right === undefined || left === right) {
      joined[field] = left === undefined ? right! : left;
    } else joined[field] = latticeOf(kind, field).join(left, right);
  }
  return joined;
}

/** Relates the contents of two versions of one record. */
export function compare(kind: string, a: Fields, b: Fields): Relation {
  // What comes from one peer comes from the others too: nearly always it is just the same.
  if (sameJson(a, b)) return 'equal';
  const isLess = leqFields(kind, a, b);
  const isGreater = leqFields(kind, b, a);
  if (isLess) return isGreater ? 'equal' : 'less';
  return isGreater ? 'greater' : 'concurrent';
}

/**
 * Merges a peer's version into ours. `nextDot` is used only for the outcome `join`.
 * Equal content keeps our dot, whatever theirs is: exchanging it for another would let a record
 * drop below a cursor that a peer's paged delta has already passed (replica.ts).
 */
export function mergeRecord(ours: Record | undefined, theirs: Record, nextDot: Dot): Merge {
  if (ours === undefined) return { outcome: 'adopt', record: theirs };
  const { kind, id } = ours;
  switch (compare(kind, ours.fields, theirs.fields)) {
    case 'equal':
    case 'greater':
      return { outcome: 'keep', record: ours };
    case 'less':
      return { outcome: 'adopt', record: theirs };
    case 'concurrent': {
      const fields = joinFields(kind, ours.fields, theirs.fields);
      return { outcome: 'join', record: { kind, id, fields, dot: nextDot } };
    }
  }
}

/** True when b already holds everything of a. */
export function leqFields(kind: string, a: Fields, b: Fields): boolean {
  if (isDeletable(kind) && ('deleted' in a || 'deleted' in b)) {
    return sameJson(joinFields(kind, a, b), b);
  }
  let unknown = 0;
  for (const field of Object.keys(a)) {
    const right = b[field];
    if (right === undefined) {
      // A field cut off by the bound on unknown fields is in no join either.
      if (isKnownField(kind, field) || unknownOf(kind, b) < MAX_UNKNOWN_FIELDS) return false;
      unknown++;
    } else if (a[field] !== right && !latticeOf(kind, field).leq(a[field]!, right)) return false;
  }
  return unknown === 0 || sameJson(joinFields(kind, a, b), b);
}

/**
 * The fields of either, sorted; of the unknown ones only the first few, which is still a lattice.
 */
function fieldNames(kind: string, a: Fields, b: Fields): readonly string[] {
  const names = Object.keys(a);
  for (const name of Object.keys(b)) if (!Object.hasOwn(a, name)) names.push(name);
  names.sort(compareText);
  if (names.length <= MAX_UNKNOWN_FIELDS) return names;
  const known = names.filter((name) => isKnownField(kind, name));
  if (names.length - known.length <= MAX_UNKNOWN_FIELDS) return names;
  const unknown = names.filter((name) => !isKnownField(kind, name));
  return [...known, ...unknown.slice(0, MAX_UNKNOWN_FIELDS)];
}

function unknownOf(kind: string, fields: Fields): number {
  return Object.keys(fields).filter((field) => !isKnownField(kind, field)).length;
}
