// A replica: what one node knows beside its records. Each origin numbers its events; a record
// carries the dot of an event whose content it equals; `vector` says which events were seen.
//
//   Held(e):    a record at or above the content of e, or e's record was deleted or has expired.
//   Invariant:  vector covers e  ⇒  Held(e).
//
// A write takes the next dot. A merge keeps, adopts theirs with its dot, or makes a new event of
// the join, so Held is never lost. A page moves no vector: while it travels, the sender may replace
// a record by one that is in no page yet. Only when at one instant nothing is left beyond the
// cursors, and no tombstone was missed (floor ≤ vector), does the receiver hold all that the
// sender's vector covers. A record that is absent while its birth dot is covered was deleted.

import { assert } from '../assert.ts';
import { inOrder } from './canonical.ts';
import {
  DAY_MS,
  type Digest,
  EMPTY_DIGEST,
  forgetDays,
  type KeyedHash,
  type Step,
} from './digest.ts';
import { type Stamp, stampMs } from './hlc.ts';
import { first } from './lattice.ts';
import { type Fields, joinFields, leqFields } from './merge.ts';
import type { Cursor, Position } from './page.ts';
import type { Dot, Origin, Record, RecordKey } from './record.ts';
import { isDeletable, isTombstone } from './schema.ts';
import { digestAfter, NOT_KEPT, type Uncounted } from './uncounted.ts';
import {
  covers,
  dotFromText,
  dotText,
  EMPTY_VECTOR,
  joinVectors,
  type VersionVector,
  withDot,
} from './version-vector.ts';

/** Pages of other peers that wait for one reconciliation, at most. */
const MOST_WAITS = 64;

/** What is being fetched from one peer. Lost with the process: then the fetch starts again. */
export interface Pull {
  /** Where the peer's last page ended. */
  readonly cursor: Cursor | null;
  /**
   * Names the pages that led to the cursor, so that a page of an earlier fetch is not taken for
   * one.
   */
  readonly chain: string;
  /** Ask for everything the peer has, whatever was seen: the cure for a divergence. */
  readonly everything: boolean;
  /** The full reconciliation of deletable records that is under way or done. */
  readonly listing: {
    /** The peer's floor when it began, which it therefore makes good for. */
    readonly floor: VersionVector;
    readonly after: Position;
    readonly done: boolean;
    /** Own records that were deleted, as the listing shows; removed when the vector moves. */
    readonly gone: readonly RecordKey[];
    /** Pages of other peers that had to wait for it. */
    readonly waits: number;
  } | null;
}

export interface ReplicaState {
  /** The own origin: this node in this incarnation. */
  readonly origin: Origin;
  /** The number of the last own event. */
  readonly seq: number;
  /** What was seen of other origins. The own origin is never in it. */
  readonly seen: VersionVector;
  /** Up to where tombstones have been purged here, or by whom the state was taken from. */
  readonly floor: VersionVector;
  /** Greatest dots of records held beyond `seen`, from pages that were not the last. */
  readonly ahead: VersionVector;
  readonly digest: Digest;
  /** Some peer had let go of what expires before this day when its vector was taken over. */
  readonly peerDay: number;
  /** What the digest lacks, because a node alone keeps none; null: nothing. */
  readonly uncounted: Uncounted | null;
  /** This node has served: alone, or after it had merged what a cluster knows. */
  readonly isEstablished: boolean;
  /** This process. It and all below are not persisted. */
  readonly boot: string;
  /** What the own clock has shown for some time, Unix ms; 0 while that cannot be told. */
  readonly clockMs: number;
  /** Counts records that came in below a cursor that may have been handed out. */
  readonly generation: number;
  /** Counts the fetches begun, to name them. */
  readonly chains: number;
  /** Per peer. */
  readonly pulls: ReadonlyMap<string, Pull>;
}

/** A write: all fields of the record as they should be, and the version it replaces. */
export interface Change extends RecordKey {
  readonly before: Record | undefined;
  readonly fields: Fields;
}

/** A new state, and what has to become durable together with it. */
export interface Outcome {
  readonly state: ReplicaState;
  readonly put: readonly Record[];
  readonly remove: readonly RecordKey[];
}

/** A node that has seen nothing. */
export function emptyReplica(origin: Origin, boot: string): ReplicaState {
  return {
    origin,
    seq: 0,
    seen: EMPTY_VECTOR,
    floor: EMPTY_VECTOR,
    ahead: EMPTY_VECTOR,
    digest: EMPTY_DIGEST,
    peerDay: 0,
    uncounted: null,
    isEstablished: false,
    boot,
    clockMs: 0,
    generation: 0,
    chains: 0,
    pulls: new Map(),
  };
}

/** The last vector made of what was seen of others, with the own event that is its last. */
const VECTORS = new WeakMap<VersionVector, Dot & { readonly vector: VersionVector }>();

/** The version vector: what was seen of every origin, the own one included. */
export function vectorOf({ seen, origin, seq }: ReplicaState): VersionVector {
  const made = VECTORS.get(seen);
  if (made !== undefined && made.seq === seq && made.origin === origin) return made.vector;
  const vector = withDot(seen, { origin, seq });
  VECTORS.set(seen, { origin, seq, vector });
  return vector;
}

/** The greatest number of each origin among the records held, seen or not. */
export function heldOf(state: ReplicaState): VersionVector {
  return joinVectors(vectorOf(state), state.ahead);
}

/** The dot of the next own event. */
export function nextDot(state: ReplicaState): Dot {
  return { origin: state.origin, seq: state.seq + 1 };
}

/**
 * Local writes, in this order; what refers to a record is written after it. Fields that would step
 * back stay where they are, and a write that changes nothing makes no event. Without a hash no
 * digest is kept: a node that works alone has nobody to compare with.
 */
export function write(
  state: ReplicaState,
  hash: KeyedHash | undefined,
  changes: readonly Change[],
): Outcome {
  let { seq } = state;
  const put: Record[] = [];
  const steps: Step[] = [];
  for (const { kind, id, before, fields } of changes) {
    const wanted = before === undefined ? fields : joinFields(kind, before.fields, fields);
    // A join is never below what it was made of: here not above means equal.
    if (before !== undefined && leqFields(kind, wanted, before.fields)) continue;
    const dot = { origin: state.origin, seq: ++seq };
    const isBirth = before === undefined && isDeletable(kind);
    const born = isBirth ? { ...wanted, born: dotText(dot) } : wanted;
    const after: Record = { kind, id, fields: inOrder(born), dot };
    put.push(after);
    steps.push({ before, after });
  }
  if (put.length === 0) return { state, put, remove: [] };
  if (hash === undefined) {
    const isKnown = state.isEstablished && state.uncounted !== null;
    const alone = isKnown ? state : { ...state, isEstablished: true, uncounted: NOT_KEPT };
    return { state: { ...alone, seq }, put, remove: [] };
  }
  return { state: { ...state, seq, digest: digestAfter(state, hash, steps) }, put, remove: [] };
}

/** The fields that delete a record of a deletable kind, to be written like any other change. */
export function deletion(at: Stamp): Fields {
  return { deleted: first(at, true) };
}

/** Takes a new incarnation: from now on the old origin is one like those of other nodes. */
export function reincarnate(state: ReplicaState, origin: Origin): ReplicaState {
  const seen = vectorOf(state);
  assert(origin !== state.origin && !seen.has(origin), `${origin} has written before`);
  return { ...state, origin, seq: 0, seen };
}

/** True when a peer has seen events of this origin that this node has forgotten. */
export function hasForgotten(state: ReplicaState, peer: VersionVector): boolean {
  return (peer.get(state.origin) ?? 0) > state.seq;
}

/**
 * Lets go of orders and authorizations that expired more than `retentionMs` ago: from the digest at
 * once, and none comes back from a peer. The rows below `horizonMs` can be removed at leisure.
 */
export function expire(state: ReplicaState, nowMs: number, retentionMs: number): ReplicaState {
  const day = Math.floor((nowMs - retentionMs) / DAY_MS);
  return { ...state, digest: forgetDays(state.digest, day) };
}

/** Records of expiring kinds that expire before this moment no longer exist. */
export function horizonMs(state: ReplicaState): number {
  return state.digest.horizonDay * DAY_MS;
}

/** The first day of expiry from which contents can be compared: all that is covered is held. */
export function compareDay(state: ReplicaState): number {
  return Math.max(state.peerDay, state.digest.horizonDay);
}

/**
 * Purges those of the given records that are tombstones older than `ttlMs`, and raises the floor.
 */
export function purge(
  state: ReplicaState,
  records: readonly Record[],
  nowMs: number,
  ttlMs: number,
): Outcome {
  const vector = vectorOf(state);
  const remove = records.filter((record) => {
    const isDue = isTombstone(record) && deletedMs(record) + ttlMs <= nowMs;
    // Whoever lacks a record must have seen its birth to know that it was deleted.
    const born = dotFromText(record.fields['born']) ?? record.dot;
    return isDue && covers(vector, record.dot) && covers(vector, born);
  });
  const floor = remove.reduce((below, { dot }) => withDot(below, dot), state.floor);
  return { state: { ...state, floor }, put: [], remove };
}

/** Gives up fetching from a peer: the next fetch starts from the vector. */
export function dropPull(state: ReplicaState, peer: string): ReplicaState {
  if (!state.pulls.has(peer)) return state;
  const pulls = new Map(state.pulls);
  pulls.delete(peer);
  return { ...state, pulls };
}

/** A peer does not answer: what is being reconciled with it holds up others no longer. */
export function stall(state: ReplicaState, peer: string): ReplicaState {
  const pull = state.pulls.get(peer);
  return pull?.listing == null ? state : withListing(state, peer, { waits: MOST_WAITS });
}

/**
 * A peer has to wait, if `mustWait`, for the reconciliation with another one. It does so for so
 * many of its pages only: then that one is given up, to begin again when its turn comes.
 */
export function waitTurn(state: ReplicaState, peer: string, mustWait: boolean): ReplicaState {
  const other = reconciler(state);
  if (other === undefined || other === peer) return state;
  const { waits } = state.pulls.get(other)!.listing!;
  if (waits >= MOST_WAITS) return withListing(state, other, null);
  return mustWait ? withListing(state, other, { waits: waits + 1 }) : state;
}

/** The peer that deletable records are being reconciled with, if any. */
export function reconciler(state: ReplicaState): string | undefined {
  for (const [peer, { listing }] of state.pulls) if (listing !== null) return peer;
  return undefined;
}

/** A fetch with its reconciliation changed or (null) given up. */
export function withListing(
  state: ReplicaState,
  peer: string,
  change: Partial<NonNullable<Pull['listing']>> | null,
): ReplicaState {
  const pull = state.pulls.get(peer)!;
  const listing = change && { ...pull.listing!, ...change };
  return { ...state, pulls: new Map(state.pulls).set(peer, { ...pull, listing }) };
}

/**
 * Fetches everything from a peer and reconciles deletions, because digests differ. Unchanged while
 * deletions are being reconciled with some peer.
 */
export function pullEverything(before: ReplicaState, peer: string): ReplicaState {
  const state = waitTurn(before, peer, true);
  if (reconciler(state) !== undefined) return state;
  const chains = state.chains + 1;
  const listing = { floor: EMPTY_VECTOR, after: null, done: false, gone: [], waits: 0 };
  const pull: Pull = { cursor: null, chain: `${state.boot}.${chains}`, everything: true, listing };
  return { ...state, chains, pulls: new Map(state.pulls).set(peer, pull) };
}

function deletedMs(tombstone: Record): number {
  return stampMs((tombstone.fields['deleted'] as { readonly at: Stamp }).at);
}
