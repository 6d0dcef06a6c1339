// The lattices a record's fields belong to. Each has a join that is commutative, associative and
// idempotent, the order that goes with it (a is at or below b exactly when their join is b), and a
// check of what a hostile peer sends.
// Invariant: the joins never invent content; bounds that hold for two values hold for their join,
// so no honest node can be brought to make a value that its peers refuse.
// Never here: what a field means, or any clock.

import { assert } from '../assert.ts';
import { compareJson, compareText, isJson, sameJson } from './canonical.ts';
import { isStamp, type Stamp } from './hlc.ts';
import type { Json } from './record.ts';

/** Join, order and check of one family of values. `join` and `leq` expect valid values. */
export interface Lattice {
  join(a: Json, b: Json): Json;
  leq(a: Json, b: Json): boolean;
  validate(json: unknown): json is Json;
}

/** A register for what is decided once: the earliest decision stands. */
export type First = { readonly at: Stamp; readonly value: Json };

/** A register that a write replaces: its version is one more than the version it replaces. */
export type Last = { readonly version: number; readonly at: Stamp; readonly value: Json };

/** A claim of ownership. The epoch is the fencing token. */
export type Lease = {
  readonly epoch: number;
  readonly claimedAt: Stamp;
  readonly node: string;
  /** Counted up by the holder, so that others see the lease change. */
  readonly renewals: number;
  /** The holder has finished; anyone may claim the next epoch at once. */
  readonly released: boolean;
};

/** A value in a field holds at most this many UTF-16 code units, and nests at most this deep. */
export const FIELD_BOUNDS = { size: 131_072, depth: 16 } as const;

/** The same for a field that this version does not know. */
export const UNKNOWN_BOUNDS = { size: 16_384, depth: 16 } as const;

/** A set keeps the least of its members beyond this number, which is still a lattice. */
export const MAX_SET_MEMBERS = 256;

/** The closed set of lattices. */
export const LATTICES: {
  readonly ladder: (rungs: readonly string[]) => Lattice;
  readonly max: Lattice;
  readonly first: Lattice;
  readonly last: Lattice;
  readonly set: Lattice;
  readonly lease: Lattice;
  readonly opaque: Lattice;
} = {
  /** The higher rung. For every status. */
  ladder: (rungs) =>
    chain(
      (json): json is Json => typeof json === 'string' && rungs.includes(json),
      (a, b) => rungs.indexOf(a as string) - rungs.indexOf(b as string),
    ),
  /** The greatest integer. */
  max: chain(isCount, (a, b) => (a as number) - (b as number)),
  /** The least (at, canonical value). */
  first: chain(isFirst, (a, b) => -compareFirst(a as First, b as First)),
  /** The greatest (version, at, canonical value). */
  last: chain(isLast, (a, b) => compareLast(a as Last, b as Last)),
  /** The union, as a sorted array of strings. */
  set: {
    join: (a, b) => unite(a as readonly string[], b as readonly string[]),
    leq: (a, b) => sameJson(unite(a as readonly string[], b as readonly string[]), b),
    validate: isSet,
  },
  /**
   * The highest epoch; in it the earliest claim, then the smaller node; then what its holder did.
   */
  lease: chain(isLease, (a, b) => compareLease(a as Lease, b as Lease)),
  /**
   * Fields that this version does not know. The shape tells the lattice (integer, register, set,
   * lease), so an older node joins most fields of a newer one exactly as the newer one does; among
   * anything else the greatest canonical text stands. Different shapes are ranked, never mixed.
   */
  opaque: {
    join: (a, b) => shaped(a, b, (lattice) => lattice.join(a, b), a, b),
    leq: (a, b) => shaped(a, b, (lattice) => lattice.leq(a, b), false, true),
    validate: (json): json is Json => isJson(json, UNKNOWN_BOUNDS),
  },
};

/** A decision made now. */
export function first(at: Stamp, value: Json): First {
  return { at, value };
}

/** A write that replaces `previous` (any earlier content of the field, or undefined). */
export function last(previous: Json | undefined, at: Stamp, value: Json): Last {
  const replaced = previous === undefined ? 0 : (previous as Last).version;
  // A peer that lies may have used up the versions; then the stamp alone has to decide.
  return { version: Math.min(replaced + 1, Number.MAX_SAFE_INTEGER), at, value };
}

/** The value in a `first` or `last` register; undefined when there is no register. */
export function valueOf(register: Json | undefined): Json | undefined {
  if (typeof register !== 'object' || register === null || Array.isArray(register))
    return undefined;
  return (register as First).value;
}

/** A claim of the epoch after `previous`. Whether it may be made is for the caller to judge. */
export function claim(previous: Json | undefined, claimedAt: Stamp, node: string): Lease {
  const epoch = previous === undefined ? 1 : (previous as Lease).epoch + 1;
  return {
    epoch: Math.min(epoch, Number.MAX_SAFE_INTEGER),
    claimedAt,
    node,
    renewals: 0,
    released: false,
  };
}

/** The holder is still at work. */
export function renewed(lease: Lease): Lease {
  assert(!lease.released, 'a released lease is claimed anew, not renewed');
  return { ...lease, renewals: Math.min(lease.renewals + 1, Number.MAX_SAFE_INTEGER) };
}

/** The holder is done. Release is final within the epoch. */
export function released(lease: Lease): Lease {
  return { ...lease, released: true };
}

/** A lattice whose values are totally ordered: the join is the greater. */
function chain(
  validate: (json: unknown) => json is Json,
  compare: (a: Json, b: Json) => number,
): Lattice {
  return {
    join: (a, b) => (compare(a, b) >= 0 ? a : b),
    leq: (a, b) => compare(a, b) <= 0,
    validate,
  };
}

function compareFirst(a: First, b: First): number {
  return compareText(a.at, b.at) || compareJson(a.value, b.value);
}

function compareLast(a: Last, b: Last): number {
  return a.version - b.version || compareText(a.at, b.at) || compareJson(a.value, b.value);
}

/**
 * Within one claim only its holder writes, and release is the last thing it does. A release of the
 * losing claim of an epoch does not release the winning one.
 */
function compareLease(a: Lease, b: Lease): number {
  return (
    a.epoch - b.epoch ||
    compareText(b.claimedAt, a.claimedAt) ||
    compareText(b.node, a.node) ||
    Number(a.released) - Number(b.released) ||
    a.renewals - b.renewals
  );
}

/** The union, cut to its least members: what is cut once can be in no later join either. */
function unite(a: readonly string[], b: readonly string[]): readonly string[] {
  const union: string[] = [];
  for (let i = 0, k = 0; (i < a.length || k < b.length) && union.length < MAX_SET_MEMBERS; ) {
    const order = i === a.length ? 1 : k === b.length ? -1 : compareText(a[i]!, b[k]!);
    union.push(order <= 0 ? a[i]! : b[k]!);
    if (order <= 0) i++;
    if (order >= 0) k++;
  }
  return union;
}

/** The shapes of opaque content, from the lowest rank; what fits none is below them all. */
function shapes(): readonly Lattice[] {
  return [LATTICES.max, LATTICES.set, LATTICES.first, LATTICES.last, LATTICES.lease];
}

/** `same` of the common lattice of both values, else what the higher ranked of them yields. */
function shaped<T>(a: Json, b: Json, same: (lattice: Lattice) => T, ifA: T, ifB: T): T {
  const rankA = shapes().findIndex((lattice) => lattice.validate(a));
  const rankB = shapes().findIndex((lattice) => lattice.validate(b));
  if (rankA !== rankB) return rankA > rankB ? ifA : ifB;
  return same(shapes()[rankA] ?? PLAIN);
}

const PLAIN: Lattice = chain((json): json is Json => isJson(json, FIELD_BOUNDS), compareJson);

function isCount(json: unknown): json is number {
  return Number.isSafeInteger(json) && (json as number) >= 0;
}

function isSet(json: unknown): json is readonly string[] {
  if (!Array.isArray(json) || json.length > MAX_SET_MEMBERS || !isJson(json, FIELD_BOUNDS)) {
    return false;
  }
  const members: readonly Json[] = json;
  return members.every(
    (member, i) => typeof member === 'string' && (i === 0 || (members[i - 1] as string) < member),
  );
}

function isFirst(json: unknown): json is First {
  return hasExactly(json, ['at', 'value']) && isStamp(json['at']) && isJson(json, FIELD_BOUNDS);
}

function isLast(json: unknown): json is Last {
  return (
    hasExactly(json, ['at', 'value', 'version']) &&
    isStamp(json['at']) &&
    isCount(json['version']) &&
    json['version'] > 0 &&
    isJson(json, FIELD_BOUNDS)
  );
}

function isLease(json: unknown): json is Lease {
  return (
    hasExactly(json, ['claimedAt', 'epoch', 'node', 'released', 'renewals']) &&
    isStamp(json['claimedAt']) &&
    isCount(json['epoch']) &&
    json['epoch'] > 0 &&
    typeof json['node'] === 'string' &&
    /^[A-Za-z0-9_-]{1,64}$/.test(json['node']) &&
    typeof json['released'] === 'boolean' &&
    isCount(json['renewals'])
  );
}

/** `names` are sorted. */
function hasExactly(
  json: unknown,
  names: readonly string[],
): json is { readonly [member: string]: unknown } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  const own = Object.keys(json).sort(compareText);
  return own.length === names.length && own.every((name, i) => name === names[i]);
}
