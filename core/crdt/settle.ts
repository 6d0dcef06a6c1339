// Records that came in a page that was not the last, from a sender that is gone: nobody's vector
// speaks for their events. They become own events, so that they travel on.
// Invariant: only dots beyond the vector are given up, about which this node has promised nothing.
// Never here: when to call it. It may be called at any time, but costs a transfer to everyone; a
// node whose `ahead` stays over some rounds with all peers has such records.

import type { Dot, Origin, Record } from './record.ts';
import { type Outcome, type ReplicaState, vectorOf } from './replica.ts';
import { beyond } from './version-vector.ts';
import type { View } from './view.ts';

/**
 * Settles up to `limit` records of each of the origins, all of them unless some are given;
 * `state.ahead` has none of them when nothing is left. The rows of `view` must be of the instant of
 * `state`.
 */
export function settle(
  state: ReplicaState,
  view: View,
  limit: number,
  only?: ReadonlySet<Origin>,
): Outcome {
  // A record under another dot would slip past the count.
  if (state.uncounted !== null) return { state, put: [], remove: [] };
  const vector = vectorOf(state);
  const ahead = beyond(state.ahead, vector);
  const origins = [...ahead.keys()].filter((origin) => only?.has(origin) ?? true);
  const found = view.ranges(
    origins.map((origin) => ({ origin, afterSeq: vector.get(origin) ?? 0 })),
    limit,
  );
  let { seq } = state;
  const next = (): Dot => ({ origin: state.origin, seq: ++seq });
  const put: readonly Record[] = found.flat().map((record) => ({ ...record, dot: next() }));
  const left = origins.filter((_, i) => found[i]!.length === limit);
  const isDone = (origin: Origin): boolean => origins.includes(origin) && !left.includes(origin);
  const remaining = new Map([...ahead].filter(([origin]) => !isDone(origin)));
  // Cursors may have been handed out beyond what is taken out here.
  const generation = state.generation + 1;
  return { state: { ...state, seq, ahead: remaining, generation }, put, remove: [] };
}
