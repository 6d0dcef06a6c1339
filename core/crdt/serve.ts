// The sender's half of anti-entropy: the page that answers an ask. Events are taken per origin in
// the order of their numbers; if not everything fits, what is urgent is sought ahead and goes
// first, but for a newcomer, who does nothing before it has all.
// Invariant: a page is complete only if at the instant of the state nothing that the asker lacks is
// left out of this page and the ones before it. Serving changes nothing.
// Never here: what the receiver does with it.

import { assert } from '../assert.ts';
import { compareText, sizeOf } from './canonical.ts';
import { digestFrom } from './digest.ts';
import {
  type Ask,
  type Cursor,
  type Listing,
  MAX_PAGE_RECORDS,
  type Page,
  recordToJson,
} from './page.ts';
import type { Dot, Origin, Record } from './record.ts';
import { compareDay, heldOf, type ReplicaState, vectorOf } from './replica.ts';
import { isUrgent } from './schema.ts';
import { beyond, coversAll, EMPTY_VECTOR, joinVectors } from './version-vector.ts';
import type { Range, View } from './view.ts';

export interface PageLimits {
  readonly records: number;
  /** About how many octets before compression. One record fits always. */
  readonly octets: number;
}

/** Rows read of one origin even when there are very many. */
const MIN_ROWS = 16;
/** So many times faster than all is what is urgent sought. */
const LOOKAHEAD = 4;

/** Origins looked at for one page. Of most processes that are gone little is left. */
const MOST_ORIGINS = 1024;
/**
 * Records of one dot that a page takes however full it is: a cursor names dots, so what comes after
 * the end of a page must not have the dot of what came before. Only a node that lies, or one that
 * was copied while it ran, uses a dot twice.
 */
const MOST_OF_ONE_DOT = 16;

/** What is read of one origin, and from where. */
interface Stream {
  readonly origin: Origin;
  /** Its greatest number held. */
  readonly last: number;
  /** Everything up to here is known to the asker or was sent. */
  readonly from: number;
  /** Everything urgent up to here was sent. */
  readonly urgentFrom: number;
  readonly rows: readonly Record[];
  /** Rows beyond `urgentFrom`; the same rows when nothing urgent was sent ahead yet. */
  readonly urgentRows: readonly Record[];
  /** `rows` reach the end of what there is. */
  readonly isWhole: boolean;
}

/** The page that answers an ask. */
export function serve(state: ReplicaState, view: View, ask: Ask, limits: PageLimits): Page {
  assert(limits.records >= 1 && limits.records <= MAX_PAGE_RECORDS, 'a page holds some records');
  const since = usable(state, ask.cursor);
  const { streams, areAll } = readStreams(state, view, ask, since, limits.records);
  const basket = new Basket(limits);
  const isComplete =
    areAll &&
    streams.every(({ isWhole }) => isWhole) &&
    streams.every(({ rows, urgentFrom }) => {
      return rows.every((row) => isSentAhead(row, urgentFrom) || basket.take(row));
    });
  const filled = isComplete
    ? { records: basket.records, next: endOf(state, ask) }
    : fill(state, streams, limits);
  return {
    base: ask.vector,
    chain: ask.chain,
    since,
    known: lastKnown(state, ask.origin),
    records: filled.records,
    floor: state.floor,
    next: filled.next && { ...filled.next, ...alreadySent(filled.next, since) },
    complete: isComplete ? { vector: vectorOf(state), digest: digestOf(state) } : null,
    listing: ask.listing && list(state, view, ask.listing.after, limits),
    clockMs: state.clockMs,
    isEstablished: state.isEstablished,
  };
}

/** True for who has seen nothing but its own events. */
export function isNewcomer({ vector, origin }: Ask): boolean {
  return vector.size <= 1 && [...vector.keys()].every((seen) => seen === origin);
}

/** A cursor, unless a record may have come in below it since, or it is of another process. */
function usable(state: ReplicaState, cursor: Cursor | null): Cursor | null {
  if (cursor === null || cursor.boot !== state.boot) return null;
  return cursor.generation === state.generation ? cursor : null;
}

function readStreams(
  state: ReplicaState,
  view: View,
  ask: Ask,
  since: Cursor | null,
  records: number,
): { readonly streams: readonly Stream[]; readonly areAll: boolean } {
  const held = heldOf(state);
  const bulk = joinVectors(ask.vector, since?.bulk ?? EMPTY_VECTOR);
  // The idle case: nothing is read, whatever is held.
  if (coversAll(bulk, held)) return { streams: [], areAll: true };
  // The own events first: they are why peers call.
  const rank = (origin: Origin): number => (origin === state.origin ? 0 : 1);
  const starts: Omit<Stream, 'rows' | 'urgentRows' | 'isWhole'>[] = [];
  for (const [origin, last] of beyond(held, bulk)) {
    const from = bulk.get(origin) ?? 0;
    starts.push({ origin, last, from, urgentFrom: Math.max(from, since?.urgent.get(origin) ?? 0) });
  }
  if (starts.length > 1) {
    starts.sort((a, b) => rank(a.origin) - rank(b.origin) || compareText(a.origin, b.origin));
  }
  const areAll = starts.splice(MOST_ORIGINS).length === 0;
  const share = Math.ceil((2 * records) / Math.max(1, starts.length));
  // One more than fits the page shows that there is more. The first page looks ahead as it is.
  const isNew = isNewcomer(ask);
  const isFirst = since === null && !isNew;
  const limit = Math.max(MIN_ROWS, isFirst ? share : Math.min(records + 1, share));
  const lookahead = isNew ? [] : starts.filter(({ from, urgentFrom }) => urgentFrom > from);
  const ranges: Range[] = [
    ...starts.map(({ origin, from }) => ({ origin, afterSeq: from })),
    ...lookahead.map(({ origin, urgentFrom: afterSeq }) => {
      return { origin, afterSeq, limit: LOOKAHEAD * limit };
    }),
  ];
  const found = ranges.length === 0 ? [] : view.ranges(ranges, limit);
  const streams = starts.map((start, i) => {
    const rows = found[i]!;
    const at = lookahead.indexOf(start);
    const urgentRows = isNew ? [] : at < 0 ? rows : found[starts.length + at]!;
    return { ...start, rows, urgentRows, isWhole: rows.length < limit };
  });
  return { streams, areAll };
}

/** A page that is not the last: half of it for what is urgent ahead, the rest in order. */
function fill(
  state: ReplicaState,
  streams: readonly Stream[],
  limits: PageLimits,
): { readonly records: readonly Record[]; readonly next: Cursor } {
  const basket = new Basket(limits);
  const urgent = new Map<Origin, number>();
  const half = { records: limits.records / 2, octets: limits.octets / 2 };
  for (const { origin, urgentFrom, urgentRows } of streams) {
    urgent.set(origin, takeUrgent(basket, urgentFrom, urgentRows, half));
  }
  const bulk = new Map<Origin, number>();
  for (const { origin, last, from, rows, isWhole } of streams) {
    const ahead = urgent.get(origin)!;
    const left = firstLeft(basket, rows, ahead);
    const taken = left < 0 ? rows : rows.slice(0, left);
    // Where nothing is left the cursor goes to the end, or events without a record would keep it.
    bulk.set(origin, left < 0 && isWhole ? last : reachedBy(taken, from, left < 0));
  }
  const { boot, generation } = state;
  return { records: basket.records, next: { boot, generation, bulk, urgent } };
}

/** Where the first row stands that there is no room for; less than zero: all of them are taken. */
function firstLeft(basket: Basket, rows: readonly Record[], ahead: number): number {
  return rows.findIndex((row, at) => {
    const isSame = row.dot.seq === rows[at - 1]?.dot.seq;
    return !isSentAhead(row, ahead) && !basket.take(row, isSame);
  });
}

/** Up to which event rows reach. `isCut`: the next one may have the dot of the last. */
function reachedBy(rows: readonly Record[], from: number, isCut: boolean): number {
  const last = rows.at(-1)?.dot.seq ?? from;
  const before = isCut ? rows.findLast(({ dot }) => dot.seq < last) : undefined;
  return before?.dot.seq ?? last;
}

/** Takes what is urgent while less than half of the basket is full; up to where it got. */
function takeUrgent(
  basket: Basket,
  from: number,
  rows: readonly Record[],
  half: PageLimits,
): number {
  let reached = from;
  for (const row of rows) {
    const isSame = row.dot.seq === reached;
    const isFull = basket.isBeyond(half) && !isSame;
    if (isUrgent(row) && (isFull || !basket.take(row, isSame))) break;
    reached = row.dot.seq;
  }
  return reached;
}

/**
 * Where a complete page ends: wanted by an asker that must reconcile deletions before it can end.
 */
function endOf(state: ReplicaState, ask: Ask): Cursor | null {
  if (ask.listing === null && coversAll(ask.vector, state.floor)) return null;
  const all = heldOf(state);
  return { boot: state.boot, generation: state.generation, bulk: all, urgent: all };
}

/** Cursors for origins that this page did not look at. */
function alreadySent(next: Cursor, since: Cursor | null): Pick<Cursor, 'bulk' | 'urgent'> {
  const bulk = joinVectors(since?.bulk ?? EMPTY_VECTOR, next.bulk);
  const urgent = joinVectors(since?.urgent ?? EMPTY_VECTOR, next.urgent);
  return { bulk, urgent: beyond(urgent, bulk) };
}

function isSentAhead(row: Record, urgentFrom: number): boolean {
  return row.dot.seq <= urgentFrom && isUrgent(row);
}

function lastKnown(state: ReplicaState, origin: Origin | null): Dot | null {
  const seq = origin === null ? undefined : vectorOf(state).get(origin);
  return origin === null || seq === undefined ? null : { origin, seq };
}

/** One page of the listing of everything deletable. */
function list(
  state: ReplicaState,
  view: View,
  after: Listing['after'],
  limits: PageLimits,
): Listing {
  const rows = view.deletables(after, limits.records);
  const basket = new Basket(limits);
  const isEnd = rows.every((row) => basket.take(row)) && rows.length < limits.records;
  const { records } = basket;
  const last = records.at(-1);
  const through = isEnd || last === undefined ? null : { kind: last.kind, id: last.id };
  return { after, through, vector: vectorOf(state), records };
}

function digestOf(state: ReplicaState): NonNullable<Page['complete']>['digest'] {
  const day = compareDay(state);
  const isWhole = state.ahead.size === 0 && state.uncounted === null;
  return { day, sum: isWhole ? digestFrom(state.digest, day) : null };
}

/** Records up to a limit; the first one always fits. */
class Basket {
  readonly records: Record[] = [];
  readonly #limits: PageLimits;
  #octets = 0;
  /** Records in a row that there was no room for. */
  #forced = 0;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  /** False when there is no room. `mustFit`: it has the dot of the one before. */
  take(record: Record, mustFit = false): boolean {
    const size = sizeOf(recordToJson(record));
    const { records, octets } = this.#limits;
    const isFull = this.records.length >= records || this.#octets + size > octets;
    this.#forced = isFull && mustFit ? this.#forced + 1 : 0;
    const mayOverflow = mustFit && this.#forced < MOST_OF_ONE_DOT;
    if (isFull && this.records.length > 0 && !mayOverflow) return false;
    this.records.push(record);
    this.#octets += size;
    return true;
  }

  isBeyond(limits: PageLimits): boolean {
    return this.records.length >= limits.records || this.#octets >= limits.octets;
  }
}
