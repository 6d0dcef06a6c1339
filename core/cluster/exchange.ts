// Anti-entropy as the node does it: calling a peer with what it seems to lack, answering an ask with
// a page, taking in a page, and what follows. Invariant: an answer is made of one instant: the
// replica state and the rows belong together. Never here: when to ask (rounds.ts), the mathematics (core/crdt).

import { faultOf } from '../acme/contents.ts';
import { falseCertificate, isDisputed } from '../acme/genuine-certificate.ts';
import type { Selection } from '../crdt/columns.ts';
import type { DigestKey, KeyedHash } from '../crdt/digest.ts';
import { valueOf } from '../crdt/lattice.ts';
import { type Ask, askToJson, type Page, pageToJson, readAsk, readPage } from '../crdt/page.ts';
import { askOf, type Receipt, receive } from '../crdt/receive.ts';
import type { Json, Record } from '../crdt/record.ts';
import { pullEverything, type ReplicaState, reincarnate, vectorOf } from '../crdt/replica.ts';
import { DELETABLE, isTombstone } from '../crdt/schema.ts';
import { isNewcomer, type PageLimits, serve } from '../crdt/serve.ts';
import {
  coversAll,
  EMPTY_VECTOR,
  joinVectors,
  MAX_ORIGINS,
  type VersionVector,
} from '../crdt/version-vector.ts';
import type { View } from '../crdt/view.ts';
import type { Call, Prepare } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { readDescriptor, sameDescriptor } from './descriptor.ts';
import type { Disputes } from './disputes.ts';
import type { Membership } from './membership.ts';
import type { PreparedPages } from './prepared.ts';
import type { RoundOptions } from './rounds.ts';
import { IN_FULL, type Vocabularies, wantsInFull } from './vocabulary.ts';

export interface ExchangeOptions {
  readonly digestKey: DigestKey;
  readonly page: PageLimits;
  /** For a new node, while no client of this one would have to wait for it. */
  readonly bulkPage?: PageLimits;
}

/** What an exchange needs besides records. */
export interface Exchanging extends Pick<ExchangeOptions, 'page'> {
  /** The limits of a page for a new node. */
  bulkPage(wallMs: number): PageLimits;
  readonly hash: KeyedHash;
  readonly vocabularies: Vocabularies;
  readonly prepared: PreparedPages;
  readonly disputes: Disputes;
  readonly membership: Pick<Membership, 'members' | 'isGenuine' | 'self'>;
}

/**
 * What to do with a peer next: ask it at once, wait for the next round, or leave it alone. `lost`: it
 * names what is forgotten here and says it in full next; it is there all the same.
 */
export type FollowUp = 'ask' | 'rest' | 'refuse' | 'lost';

/** What a page brought. */
export interface Gain {
  /** The kinds of the records that this node did not have, one for each. */
  readonly kinds: readonly string[];
  /** All that the peer had seen is covered now. */
  readonly isComplete: boolean;
  /** The peer has served: see ReplicaState. */
  readonly isEstablished: boolean;
}

/** What an exchange came to: what to do next, and what the peer said it has seen. */
export interface Exchanged {
  readonly followUp: FollowUp;
  readonly seen: VersionVector | undefined;
  /** Its clock, as in ReplicaState. */
  readonly clockMs: number;
  /** Whether contents agree, where they can be compared. */
  readonly agrees?: boolean | undefined;
  /** The name under which the peer numbers its events, where it says so. */
  readonly origin?: string | undefined;
  /** What the peer is going to ask next. */
  readonly nextAsk?: Ask;
  /** What its page brought; absent when there was none, or nothing of it was merged. */
  readonly gain?: Gain;
}

/** The peer has sent what cannot be read. */
export const REFUSED: Exchanged = { followUp: 'refuse', seen: undefined, clockMs: 0 };

/** The peer names a vector that this node has forgotten. */
export const LOST: Exchanged = { followUp: 'lost', seen: undefined, clockMs: 0 };

/** Asks a peer, and hands it what it seems to lack, so that a write is there after one call. */
export function callPeer(
  tx: Transaction,
  options: Exchanging & Pick<RoundOptions, 'fanOut'>,
  { peer, url, seen, isFarewell, isRound }: Call,
): void {
  if (isFarewell) {
    tx.emit({
      kind: 'ask',
      peer,
      url,
      ask: askToJson(askOf(tx.replica, peer)),
      push: pushOf(tx, peer),
      isBrief: false,
    });
    return;
  }
  const state = tx.instant;
  // What came from others they hand over themselves, unless a round leaves some out. And while a
  // long fetch from this peer is under way, it knows better than we what it lacks.
  const lacks = seen !== null && !coversAll(seen, vectorOf(state));
  const isOurs = lacks && (options.fanOut > 0 || state.seq > (seen.get(state.origin) ?? 0));
  const isFetching = tx.replica.pulls.has(peer);
  const speech = options.vocabularies.of(peer).speech(tx.primitives.sha256);
  const page = isOurs && !isFetching ? pushFor(tx, options, seen) : null;
  if (page !== null) tx.mark('a call carried what the peer lacked');
  const push = page === null ? null : pageToJson(page, speech);
  // A peer not heard yet in this process may know keys of ours that are given up, and then nothing
  // that it says is understood: it is told first who we are.
  const greeting = seen === null ? pushOf(tx, options.membership.self.node) : null;
  const ask = askToJson(askOf(tx.replica, peer), speech);
  const isBrief = !isRound && seen !== null && !isFetching;
  tx.emit({ kind: 'ask', peer, url, ask, push: push ?? greeting, isBrief });
}

/** A page of nothing but the record of a node; null when there is none yet. */
function pushOf(tx: Transaction, node: string): Json | null {
  const record = tx.stored({ kind: 'node', id: node });
  if (record === undefined) return null;
  return pageToJson({
    base: EMPTY_VECTOR,
    chain: '',
    clockMs: 0,
    complete: null,
    floor: EMPTY_VECTOR,
    isEstablished: false,
    known: null,
    listing: null,
    next: null,
    records: [record],
    since: null,
  });
}

/** A page for a peer that has seen this much. */
function pushFor(tx: Transaction, options: Exchanging, vector: VersionVector): Page {
  const ask = { origin: null, vector, cursor: null, chain: '', listing: null, clockMs: 0 };
  return serve(tx.instant, viewOf(tx), ask, options.page);
}

/** Takes in what a peer hands over with its ask. `lost`: it is told to say it in full. */
export function takePush(
  tx: Transaction,
  options: Exchanging,
  exchange: number,
  peer: string,
  json: Json,
): Exchanged {
  const listener = options.vocabularies.of(peer).listen(tx.primitives.sha256);
  const page = readPage(json, listener);
  if (listener.isLost) {
    tx.emit({ kind: 'tell', exchange, page: IN_FULL });
    return LOST;
  }
  if (page === undefined || page.listing !== null) return REFUSED;
  const merged = merge(tx, options, peer, page);
  // Whether to ask on shows when the ask that came with it has been answered.
  return { ...merged, followUp: 'rest', seen: page.complete?.vector, clockMs: page.clockMs };
}

/**
 * Answers a peer's ask. `ask` when the peer has seen what we have not; `lost`: it is told to say it
 * in full.
 */
export function answerAsk(
  tx: Transaction,
  options: Exchanging,
  exchange: number,
  peer: string,
  json: Json,
): Exchanged {
  const vocabulary = options.vocabularies.of(peer);
  const listener = vocabulary.listen(tx.primitives.sha256);
  const ask = readAsk(json, listener);
  if (listener.isLost) {
    tx.emit({ kind: 'tell', exchange, page: IN_FULL });
    return LOST;
  }
  if (ask === undefined) return REFUSED;
  const prepared = options.prepared.take(peer, ask);
  if (prepared !== undefined) tx.mark('a page was made before it was asked for');
  const page = prepared ?? pageFor(tx, options, ask);
  const speech = vocabulary.speech(tx.primitives.sha256, listener.named);
  tx.emit({ kind: 'tell', exchange, page: pageToJson(page, speech) });
  const followUp = coversAll(vectorOf(tx.replica), ask.vector) ? 'rest' : 'ask';
  const origin = ask.origin ?? undefined;
  const answered = { followUp, seen: ask.vector, clockMs: ask.clockMs, origin } as const;
  if (!isNewcomer(ask) || page.next === null || page.complete !== null) return answered;
  return { ...answered, nextAsk: { ...ask, cursor: page.next, listing: null } };
}

/** Makes the page that a new node is going to ask for next, and keeps it. */
export function preparePage(tx: Transaction, options: Exchanging, { peer, ask }: Prepare): void {
  options.prepared.put(peer, ask, pageFor(tx, options, ask));
}

function pageFor(tx: Transaction, options: Exchanging, ask: Ask): Page {
  const limits = isNewcomer(ask) ? options.bulkPage(tx.memory.firstRunMs) : options.page;
  return serve(tx.instant, viewOf(tx), ask, limits);
}

/** Takes in the page a peer answered with. */
export function takePage(
  tx: Transaction,
  options: Exchanging,
  peer: string,
  json: Json,
): Exchanged {
  const vocabulary = options.vocabularies.of(peer);
  const listener = vocabulary.listen(tx.primitives.sha256);
  const page = wantsInFull(json) ? undefined : readPage(json, listener);
  if (wantsInFull(json) || listener.isLost) {
    tx.mark('a vector had to be said in full again');
    if (vocabulary.forget()) return { ...REFUSED, followUp: 'ask' };
    // It is no liar's privilege: answers to what a slow node has asked before come so as well.
    tx.log('warn', 'gossip', 'peer and this node do not understand each other', { peer });
    return LOST;
  }
  if (page === undefined) return REFUSED;
  vocabulary.understood();
  // Own rows that a listing is compared with must be of this very instant. Where writes never pause
  // long enough for that, the page is left alone: the next round brings it again.
  if (page.listing !== null && tx.instant !== tx.replica) {
    if (!tx.forgetRows()) return { followUp: 'rest', seen: undefined, clockMs: page.clockMs };
  }
  const merged = merge(tx, options, peer, page);
  return { ...merged, seen: page.complete?.vector, clockMs: page.clockMs };
}

/** Merges a page, asked for or not, and says what is to follow. */
function merge(
  tx: Transaction,
  options: Exchanging,
  peer: string,
  page: Page,
): Pick<Exchanged, 'followUp' | 'agrees' | 'gain'> {
  if (hasTooManyOrigins(tx.replica, page)) {
    tx.log('error', 'gossip', 'peer speaks of more origins than there can be', { peer });
    return { followUp: 'refuse' };
  }
  const incoming = [...page.records, ...(page.listing?.records ?? [])];
  const held = tx.records(incoming.map(({ kind, id }) => ({ kind, id })));
  for (const [at, record] of incoming.entries()) {
    const field =
      faultOf(record) ??
      forgeryIn(record, options.membership) ??
      falseCertificate(record, held[at], tx.primitives);
    if (field === undefined) continue;
    const { id } = record;
    tx.log('error', 'gossip', 'peer sent a record that makes no sense', { peer, field, id });
    return { followUp: 'refuse' };
  }
  const settled = settle(tx, options, peer, page, incoming, held);
  const expiredMs = tx.now.wallMs - LIMITS.expiredRetentionMs;
  const receipt = receive(tx.replica, viewOf(tx), options.hash, peer, settled, expiredMs);
  if (receipt.result === 'forgotten') {
    if (!mayReincarnate(tx.replica)) {
      tx.log('error', 'gossip', 'peer speaks of own events that were never made', { peer });
      return { followUp: 'refuse' };
    }
    const origin = nextIncarnation(tx.replica);
    tx.advance({ state: reincarnate(tx.replica, origin), put: [], remove: [] });
    tx.mark('a new incarnation was taken');
    tx.log('warn', 'gossip', 'this database has forgotten events; taking a new incarnation', {
      peer,
      origin,
    });
    return { followUp: 'ask' };
  }
  tx.advance(receipt);
  markMerge(tx, peer, receipt);
  const { agrees } = receipt;
  const isNew = (record: Record): boolean => !tx.stored(record) && !isTombstone(record);
  const kinds = receipt.put.filter(isNew).map(({ kind }) => kind);
  const isComplete = receipt.result === 'complete';
  const gain = { kinds, isComplete, isEstablished: page.isEstablished };
  const isMore = receipt.result === 'merged' && page.next !== null;
  if (agrees !== false || !options.disputes.mayReconcile(peer, tx.now.monoMs)) {
    return { followUp: isMore ? 'ask' : 'rest', agrees, gain };
  }
  tx.mark('a divergence was noticed');
  tx.log('error', 'gossip', 'digests differ at equal vectors; reconciling in full', { peer });
  tx.advance({ ...receipt, state: pullEverything(receipt.state, peer) });
  // At the next round and not at once: if that does not heal it, the log and not the network fills.
  return { followUp: 'rest', agrees, gain };
}

/** The page with what this node holds of certificates in the place of what contradicts it. */
function settle(
  tx: Transaction,
  { disputes }: Exchanging,
  peer: string,
  page: Page,
  incoming: readonly Record[],
  held: readonly (Record | undefined)[],
): Page {
  const settled = incoming.map((record, at): Record => {
    const ours = held[at];
    if (ours === undefined || !isDisputed(record, ours)) return record;
    const { id, fields } = record;
    disputes.note(peer, tx.now.monoMs);
    const message = 'peer says something else of a certificate than this node, which keeps its own';
    tx.log('error', 'gossip', message, { peer, id });
    return { ...record, fields: { ...fields, made: ours.fields['made']! } };
  });
  if (settled.every((record, at) => record === incoming[at])) return page;
  const { length } = page.records;
  const listing = page.listing && { ...page.listing, records: settled.slice(length) };
  return { ...page, records: settled.slice(0, length), listing };
}

/**
 * The field of a `node` record that its node has not said: written often enough, it would hide that
 * node from all who start later, and for good.
 */
function forgeryIn(
  { kind, id, fields }: Record,
  membership: Exchanging['membership'],
): string | undefined {
  if (kind !== 'node' || fields['descriptor'] === undefined) return undefined;
  const descriptor = readDescriptor(valueOf(fields['descriptor']));
  const isOwn = descriptor?.node === id;
  const isKnown = isOwn && sameDescriptor(membership.members.get(id), descriptor);
  return isKnown || (isOwn && membership.isGenuine(descriptor)) ? undefined : 'node.descriptor';
}

function markMerge(tx: Transaction, peer: string, { put, result, state }: Receipt): void {
  const isOwn = ({ dot }: Record): boolean => dot.origin === tx.replica.origin;
  if (put.length > 0) tx.mark('records merged from a peer');
  if (put.some(isOwn)) tx.mark('concurrent versions were joined');
  if (result === 'merged') tx.mark('a page was not the last');
  const wasListing = tx.replica.pulls.get(peer)?.listing != null;
  if (wasListing && !state.pulls.has(peer)) tx.mark('a full reconciliation ran');
}

/**
 * The same node under a new name; its old events become those of a stranger. The name comes from
 * the process and not from a count: a backup that is restored twice would count to the same.
 * `node`: its id, when that may have changed.
 */
export function nextIncarnation({ origin, seen, boot }: ReplicaState, node?: string): string {
  const name = `${node ?? origin.slice(0, origin.lastIndexOf('.'))}.${boot}`;
  let next = name;
  for (let n = 2; next === origin || seen.has(next); n++) next = `${name}-${n}`;
  return next;
}

/**
 * Whether this process takes another name. Each process has one of its own, so it is told of events
 * that it has forgotten when its memory was put back with its machine, or by a peer that lies.
 */
function mayReincarnate({ origin, seen, boot }: ReplicaState): boolean {
  const name = `${origin.slice(0, origin.lastIndexOf('.'))}.${boot}`;
  const before = [...seen.keys()].filter((known) => known.startsWith(name));
  return before.length < LIMITS.incarnationsPerProcess;
}

/** No vector may grow beyond what peers accept. */
function hasTooManyOrigins(state: ReplicaState, { complete }: Page): boolean {
  if (complete === null || complete.vector.size + state.seen.size < MAX_ORIGINS) return false;
  return joinVectors(vectorOf(state), complete.vector).size >= MAX_ORIGINS;
}

/** What the replica sees of the records. */
export function viewOf(tx: Transaction): View {
  return {
    load: (keys) => tx.records(keys),
    ranges: (ranges, limit) => tx.ranges(ranges.map((range) => ({ limit, ...range }))),
    deletables: (after, limit) => {
      const kinds = DELETABLE.filter((kind) => after === null || kind >= after.kind);
      const selections = kinds.map((kind): Selection => {
        return { kind, ...(after?.kind === kind && { afterId: after.id }), limit };
      });
      tx.need([], selections);
      return selections.flatMap((selection) => tx.select(selection)).slice(0, limit);
    },
  };
}
