// One page's worth of merging: takes a peer's records one by one and gathers what has to be stored;
// and what a listing shows to be deleted.
// Invariant: nothing of the replica changes until `outcome` is asked for.
// Never here: which pages count as seen (receive.ts).

import { isPastHorizon, type KeyedHash, type Step } from './digest.ts';
import { mergeRecord } from './merge.ts';
import type { Listing } from './page.ts';
import { keyText, type Origin, type Record, type RecordKey } from './record.ts';
import { type Outcome, type ReplicaState, vectorOf } from './replica.ts';
import { expiresMsOf, isDeletable, isTombstone } from './schema.ts';
import { digestAfter } from './uncounted.ts';
import { covers, dotFromText, type VersionVector } from './version-vector.ts';
import type { View } from './view.ts';

export class Merging {
  readonly #state: ReplicaState;
  readonly #vector: VersionVector;
  readonly #before = new Map<string, Record | undefined>();
  readonly #after = new Map<string, Record>();
  #ahead: ReadonlyMap<Origin, number>;
  readonly #expiredMs: number;
  #seq: number;
  #isLate = false;

  /** Loads our versions of all these records, before anything is decided. */
  constructor(state: ReplicaState, view: View, records: readonly Record[], expiredMs: number) {
    this.#state = state;
    this.#expiredMs = expiredMs;
    this.#vector = vectorOf(state);
    this.#ahead = state.ahead;
    this.#seq = state.seq;
    const keys = new Map(records.map((record) => [keyText(record), record]));
    const ours = view.load([...keys.values()].map(({ kind, id }) => ({ kind, id })));
    [...keys.keys()].forEach((key, i) => {
      this.#before.set(key, ours[i]);
    });
  }

  /** Merges one version from a peer. */
  take(theirs: Record): void {
    if (this.#hasExpired(theirs)) return;
    const key = keyText(theirs);
    const ours = this.#after.get(key) ?? this.#before.get(key);
    if (ours === undefined && isDeletable(theirs.kind) && wasSeen(this.#vector, theirs)) return;
    const { origin } = this.#state;
    const { outcome, record } = mergeRecord(ours, theirs, { origin, seq: this.#seq + 1 });
    if (outcome === 'keep') return;
    if (outcome === 'join') this.#seq += 1;
    else this.#note(record);
    this.#after.set(key, record);
  }

  /** The state with the records merged; its vector is as it was. */
  outcome(hash: KeyedHash): Outcome {
    if (this.#after.size === 0) return { state: this.#state, put: [], remove: [] };
    const steps: Step[] = [...this.#after].map(([text, after]) => {
      return { before: this.#before.get(text), after };
    });
    const state: ReplicaState = {
      ...this.#state,
      seq: this.#seq,
      ahead: this.#ahead,
      generation: this.#state.generation + (this.#isLate ? 1 : 0),
      digest: digestAfter(this.#state, hash, steps),
    };
    return { state, put: [...this.#after.values()], remove: [] };
  }

  /**
   * Whether a record was let go here. A horizon that wrong clocks have set must not keep out what is
   * new and alive by the right ones.
   */
  #hasExpired(theirs: Record): boolean {
    if (!isPastHorizon(this.#state.digest, theirs)) return false;
    if (covers(this.#vector, theirs.dot)) return true;
    return (expiresMsOf(theirs) ?? Number.POSITIVE_INFINITY) < this.#expiredMs;
  }

  /**
   * A record came in under a foreign dot: either at the end of what is held of its origin, or late.
   */
  #note({ dot: { origin, seq } }: Record): void {
    const last = Math.max(this.#vector.get(origin) ?? 0, this.#ahead.get(origin) ?? 0);
    if (seq <= last) this.#isLate = true;
    else this.#ahead = new Map(this.#ahead).set(origin, seq);
  }
}

/**
 * Of our deletable records those that a peer's listing of their range shows to be deleted: the peer
 * has seen them and lacks them. A record is seen if its birth is, whoever has changed it since.
 */
export function deletedFrom(listing: Listing, ours: readonly Record[]): readonly RecordKey[] {
  const theirs = new Set(listing.records.map(keyText));
  return ours
    .filter((record) => {
      const isThere = theirs.has(keyText(record)) || isTombstone(record);
      return !isThere && wasSeen(listing.vector, record);
    })
    .map(({ kind, id }) => ({ kind, id }));
}

/** The removal of live records of which we have learnt that they were deleted. */
export function removal(
  state: ReplicaState,
  hash: KeyedHash,
  records: readonly (Record | undefined)[],
): Outcome {
  if (records.length === 0) return { state, put: [], remove: [] };
  const remove = records.flatMap((record) => (record && !isTombstone(record) ? [record] : []));
  const steps = remove.map((before) => ({ before, after: undefined }));
  return { state: { ...state, digest: digestAfter(state, hash, steps) }, put: [], remove };
}

/** True when the vector has seen the record in some version. */
function wasSeen(vector: VersionVector, record: Record): boolean {
  const born = dotFromText(record.fields['born']);
  return covers(vector, record.dot) || (born !== undefined && covers(vector, born));
}
