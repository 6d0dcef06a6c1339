// The digest of a database that was written to by a node alone, which keeps none. Before the first
// comparison all records are walked, by origin and number, which finds kinds of every version.
// Invariant: a record counts once. What lies before the walk is skipped by writes and merges, and
// what they make lies behind it or beyond where it ends.
// Never here: when the walk goes on.

import { advance, type Digest, type KeyedHash, type Step } from './digest.ts';
import { type Outcome, type ReplicaState, vectorOf } from './replica.ts';
import { beyond, EMPTY_VECTOR, joinVectors } from './version-vector.ts';
import type { View } from './view.ts';

/** Origins that one step of the walk looks at: many of them have left next to nothing. */
const ORIGINS = 100;

/** Begins the walk, where the digest was not kept or a walk was broken off. */
export function beginCount(state: ReplicaState): ReplicaState {
  const to = joinVectors(vectorOf(state), state.ahead);
  const isLacking = state.digest.sums.size === 0 && to.size > 0;
  if (state.uncounted === null && !isLacking) return state;
  const digest: Digest = { ...state.digest, sums: new Map() };
  return { ...state, digest, uncounted: to.size === 0 ? null : { from: EMPTY_VECTOR, to } };
}

/** Counts about `limit` records more. The rows of `view` must be of the instant of `state`. */
export function count(state: ReplicaState, view: View, hash: KeyedHash, limit: number): Outcome {
  const { uncounted } = state;
  const all = uncounted === null ? EMPTY_VECTOR : beyond(uncounted.to, uncounted.from);
  const open = [...all].slice(0, ORIGINS);
  if (uncounted === null || open.length === 0) {
    return { state: { ...state, uncounted: null }, put: [], remove: [] };
  }
  const most = Math.ceil(limit / open.length);
  const ranges = open.map(([origin]) => ({ origin, afterSeq: uncounted.from.get(origin) ?? 0 }));
  const found = view.ranges(ranges, most);
  const steps = open.flatMap(([, last], at): readonly Step[] => {
    const rows = found[at]!.filter(({ dot }) => dot.seq <= last);
    return rows.map((after) => ({ before: undefined, after }));
  });
  const reached = open.map(([origin, last], at): [string, number] => {
    const rows = found[at]!;
    return [origin, rows.length < most ? last : Math.min(last, rows.at(-1)!.dot.seq)];
  });
  const from = joinVectors(uncounted.from, new Map(reached));
  const digest = advance(state.digest, hash, steps);
  return { state: { ...state, digest, uncounted: { ...uncounted, from } }, put: [], remove: [] };
}
