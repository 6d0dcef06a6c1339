// The receiver's half of anti-entropy: what to ask a peer, and what its page does to this replica.
// Invariant: records are merged whenever they come; the vector moves only by a complete page whose
// base this node covers and whose earlier pages it has all merged. While deletable records are
// being reconciled with one peer, those of others wait: an old one could slip in behind the
// listing.
// Never here: reading the wire (page.ts), storage, which peer to call.

import { compareText } from './canonical.ts';
import { DAY_MS, digestFrom, type KeyedHash } from './digest.ts';
import { deletedFrom, Merging, removal } from './merging.ts';
import { type Ask, type Listing, type Page, type Position, sameCursor } from './page.ts';
import type { Dot, Record, RecordKey } from './record.ts';
import {
  compareDay,
  dropPull,
  hasForgotten,
  type Outcome,
  type Pull,
  type ReplicaState,
  reconciler,
  vectorOf,
  waitTurn,
  withListing,
} from './replica.ts';
import { isDeletable } from './schema.ts';
import {
  beyond,
  coversAll,
  EMPTY_VECTOR,
  joinVectors,
  meetVectors,
  sameVector,
  type VersionVector,
} from './version-vector.ts';
import type { View } from './view.ts';

/** What a page came to. */
export interface Receipt extends Outcome {
  /**
   * `forgotten`: the peer has seen own events that this node does not know, so its database was
   * restored; nothing was merged, and it must take a new incarnation first. `waits`: deletable
   * records have to wait for the reconciliation with another peer; ask again when it is over.
   * `merged`: more is to come. `complete`: all that the peer had seen is covered now.
   */
  readonly result: 'forgotten' | 'waits' | 'merged' | 'complete';
  /** After a complete page between equal vectors: false when the contents differ nevertheless. */
  readonly agrees: boolean | undefined;
}

/**
 * Days that a peer may have let go of before they are old here. One that speaks of more is not
 * believed: from then on nothing that expires would ever be compared, with nobody.
 */
const DAYS_AHEAD = 8;
/** Own deletable records compared with one page of a listing, at most. */
const LISTING_ROWS = 10_000;

/** What to ask a peer next. */
export function askOf(state: ReplicaState, peer: string): Ask {
  const pull = state.pulls.get(peer);
  const listing = pull?.listing;
  return {
    origin: state.origin,
    vector: pull?.everything ? EMPTY_VECTOR : vectorOf(state),
    cursor: pull?.cursor ?? null,
    chain: pull?.chain ?? '',
    listing: listing && !listing.done ? { after: listing.after } : null,
    clockMs: state.clockMs,
  };
}

/**
 * Merges a page that `readPage` let through. What expires before `expiredMs` is left out, if it was
 * let go here.
 */
export function receive(
  before: ReplicaState,
  view: View,
  hash: KeyedHash,
  peer: string,
  page: Page,
  expiredMs: number,
): Receipt {
  if (knowsMore(before, page)) {
    return { state: before, put: [], remove: [], result: 'forgotten', agrees: undefined };
  }
  const isAboutDeletions =
    !coversAll(vectorOf(before), page.floor) || page.records.some(({ kind }) => isDeletable(kind));
  const state = waitTurn(before, peer, isAboutDeletions);
  const listing = expectedListing(state, peer, page);
  const range = listing && rangeOf(view, listing);
  const goneBefore = state.pulls.get(peer)?.listing?.gone ?? [];
  const gone = [...goneBefore, ...(listing && range ? deletedFrom(listing, range.rows) : [])];
  const doomed = page.complete === null || gone.length === 0 ? [] : view.load(gone);
  const incoming = [...page.records, ...(listing?.records ?? [])];
  const mustWait = (reconciler(state) ?? peer) !== peer;
  const taken = mustWait ? incoming.filter(({ kind }) => !isDeletable(kind)) : incoming;
  const merging = new Merging(state, view, taken, expiredMs);
  for (const record of taken) merging.take(record);
  const merged = merging.outcome(hash);
  if (taken.length < incoming.length) return { ...merged, result: 'waits', agrees: undefined };
  const listed = range ? listedThrough(merged.state, peer, range.through, gone) : merged.state;
  const lastDay = Math.floor(expiredMs / DAY_MS) + DAYS_AHEAD;
  const followed = follow(listed, peer, page, lastDay);
  const ended = removal(followed.state, hash, followed.endsFetch ? doomed : []);
  const isComplete = followed.result === 'complete';
  const agrees = isComplete ? agreement(ended.state, page.complete!) : undefined;
  return { ...ended, put: merged.put, result: followed.result, agrees };
}

/** What a page does to the fetch and to the vector. */
interface Progress {
  readonly state: ReplicaState;
  readonly result: 'merged' | 'complete';
  readonly endsFetch: boolean;
}

/** Moves the fetch, and the vector if the page allows it. */
function follow(state: ReplicaState, peer: string, page: Page, lastDay: number): Progress {
  const stay = { state, result: 'merged', endsFetch: false } as const;
  const pull = state.pulls.get(peer);
  // A page that was not asked for may be complete by itself, but takes no part in the fetch.
  const isFetch = pull === undefined || pull.chain === page.chain;
  const vector = vectorOf(state);
  if (!coversAll(vector, page.base) || !continues(pull, page)) return stay;
  const listing = isFetch ? (pull?.listing ?? null) : null;
  const listedFloor = listing?.done ? listing.floor : EMPTY_VECTOR;
  const misses = !coversAll(joinVectors(vector, listedFloor), page.floor);
  if (page.complete === null || misses || listing?.done === false) {
    return isFetch ? { ...stay, state: onward(state, peer, page, misses) } : stay;
  }
  const promoted = promote(state, page, page.complete, listedFloor, lastDay);
  const after = isFetch ? dropPull(promoted, peer) : promoted;
  return { state: after, result: 'complete', endsFetch: isFetch };
}

/** True for a page that begins where the one before ended, or at the vector. */
function continues(pull: Pull | undefined, page: Page): boolean {
  if (page.since === null) return true;
  if (pull === undefined || pull.chain !== page.chain || pull.cursor === null) return false;
  return sameCursor(page.since, pull.cursor);
}

/** Takes over the vector of a peer, and the floor that the reconciliation with it made good for. */
function promote(
  state: ReplicaState,
  { isEstablished: isFromEstablished }: Page,
  { vector, digest }: NonNullable<Page['complete']>,
  listedFloor: VersionVector,
  lastDay: number,
): ReplicaState {
  const seen = joinVectors(state.seen, vector, state.origin);
  // A peer that was restored meanwhile no longer speaks for all of the floor that it began with.
  const floor = joinVectors(state.floor, meetVectors(listedFloor, vector));
  const ahead = state.ahead.size === 0 ? state.ahead : beyond(state.ahead, seen);
  const peerDay = digest.day > lastDay ? state.peerDay : Math.max(state.peerDay, digest.day);
  const isEstablished = state.isEstablished || isFromEstablished;
  const isSame =
    seen === state.seen &&
    floor === state.floor &&
    ahead === state.ahead &&
    peerDay === state.peerDay &&
    isEstablished === state.isEstablished;
  return isSame ? state : { ...state, seen, floor, ahead, peerDay, isEstablished };
}

/**
 * The fetch after a page that was not the last; reconciles deletions if the peer has purged some.
 */
function onward(state: ReplicaState, peer: string, page: Page, misses: boolean): ReplicaState {
  const before = state.pulls.get(peer);
  const mayList = (reconciler(state) ?? peer) === peer;
  const mustList = misses && mayList && (before?.listing == null || before.listing.done);
  const restarts = page.since === null && (before === undefined || before.cursor !== null);
  const isNew = restarts || mustList || before === undefined;
  const pull: Pull = {
    cursor: page.next,
    chain: isNew ? `${state.boot}.${state.chains + 1}` : before.chain,
    everything: before?.everything ?? false,
    listing: mustList
      ? { floor: page.floor, after: null, done: false, gone: [], waits: 0 }
      : (before?.listing ?? null),
  };
  const pulls = new Map(state.pulls).set(peer, pull);
  return { ...state, pulls, chains: state.chains + 1 };
}

/** Whether the contents agree; undefined when they cannot be compared. */
function agreement(
  state: ReplicaState,
  { vector, digest }: NonNullable<Page['complete']>,
): boolean | undefined {
  const isComparable =
    digest.sum !== null &&
    state.ahead.size === 0 &&
    state.uncounted === null &&
    compareDay(state) === digest.day &&
    sameVector(vectorOf(state), vector);
  return isComparable ? digestFrom(state.digest, digest.day) === digest.sum : undefined;
}

/** True when the page speaks of own events that this node has no memory of. */
function knowsMore(state: ReplicaState, page: Page): boolean {
  const { base, known, floor, complete, listing, records } = page;
  const isUnknown = ({ origin, seq }: Dot): boolean => origin === state.origin && seq > state.seq;
  return (
    hasForgotten(state, base) ||
    hasForgotten(state, floor) ||
    (complete !== null && hasForgotten(state, complete.vector)) ||
    (listing !== null && hasForgotten(state, listing.vector)) ||
    (known !== null && isUnknown(known)) ||
    records.some(({ dot }) => isUnknown(dot)) ||
    (listing?.records.some(({ dot }) => isUnknown(dot)) ?? false)
  );
}

/** The listing of the page when it is the next one of the reconciliation under way. */
function expectedListing(state: ReplicaState, peer: string, page: Page): Listing | null {
  const pull = state.pulls.get(peer);
  if (page.listing === null || pull?.listing == null || pull.listing.done) return null;
  const isNext = pull.chain === page.chain && order(pull.listing.after, page.listing.after) === 0;
  return isNext ? page.listing : null;
}

/** Own records that the listing speaks about, and up to where they were all read; null: the end. */
function rangeOf(
  view: View,
  listing: Listing,
): { readonly rows: readonly Record[]; readonly through: Position } {
  const rows = view.deletables(listing.after, LISTING_ROWS);
  const last = rows.length < LISTING_ROWS ? null : rows.at(-1)!;
  const { through } = listing;
  if (through === null) return { rows, through: last && { kind: last.kind, id: last.id } };
  const isCut = last !== null && order(last, through) < 0;
  const inside = rows.filter((row) => order(row, through) <= 0);
  return { rows: inside, through: isCut ? { kind: last.kind, id: last.id } : through };
}

/** The fetch after one page of the listing. */
function listedThrough(
  state: ReplicaState,
  peer: string,
  through: Position,
  gone: readonly RecordKey[],
): ReplicaState {
  return withListing(state, peer, { after: through, done: through === null, gone });
}

/** Listing order: kind, then id; the beginning is before everything. */
function order(a: Position, b: Position): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return compareText(a.kind, b.kind) || compareText(a.id, b.id);
}
