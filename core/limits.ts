// Every bound of the core, by name, and what they must satisfy among themselves.
// Invariant: nothing in the core grows without one of these. Never here: what an operator sets
// (policy) and bounds of the shell (io/).

import { assert } from './assert.ts';

export const LIMITS = {
  /** Records kept warm. About 2 KiB each, so some 16 MiB. */
  cacheRecords: 8_192,
  /** Of so many records kept warm, one is also remembered by its number, for peers. */
  cachePerRecent: 4,
  /** Records merged at once of which none is kept warm for its own sake. */
  bulkRecords: 256,
  /** After a client's request, how long pages stay small. */
  quietMs: 2000,
  /** Bits that tell what a database does not hold: of a million records all but a few. */
  writtenFilterBits: 67_108_864,
  /** Inputs that wait for a load or for a record to change, all together. */
  parkedInputs: 10_000,
  /** How often one input may be run again because what it needs was not warm. */
  loadsPerInput: 64,
  /** How many of these ask only for what is not warm; later ones for all that was not. */
  loadsApart: 3,
  /** How often rows are read anew because the replica moved on meanwhile. */
  rereads: 8,
  /** Records one page of a selection brings. */
  selectionPage: 500,
  /** Authorizations that are indexed at once after a start, and the pause before the next ones. */
  indexPage: 200,
  indexPauseMs: 100,
  /** Valid authorizations found by name without asking the database. */
  reusableAuthorizations: 8_192,
  /** Bits of the filter for names beyond those: of 400,000, one new name in a hundred is asked. */
  reusableFilterBits: 4_194_304,

  /** Nodes of one cluster, this one aside. */
  members: 128,
  /** Ids of removed nodes that are named to the shell; all of them are refused anyhow. */
  removedMembers: 1024,
  /** Incarnations a process takes because a peer says that it has forgotten events. */
  incarnationsPerProcess: 8,
  /** Length of a node's URL, characters. */
  nodeUrlLength: 512,
  /** Length of a node's encapsulation key and of its certificate, characters each. */
  nodeKeyLength: 4096,
  /** Attempts to reach a configured peer before it is worth a warning. */
  introductionsBeforeWarning: 3,

  /** How long a request waits for the issuer of its nonce; the shell gives up sooner. */
  redemptionMs: 5000,
  /** Nonces that go with one call to their issuer; and for how long others gather meanwhile. */
  redemptionNonces: 64,
  redemptionGatherMs: 50,
  /** How long it then waits for what the issuer had written before, where a page was not enough. */
  coverageMs: 1000,
  /** What the answer about a nonce carries at most. */
  redemptionRecords: 200,
  redemptionOctets: 262_144,
  /** Length of a read that goes with a nonce to its issuer, characters. */
  readLength: 8_192,
  /** How long the members are asked for what seems not to exist; then nobody can say that. */
  catchUpMs: 2_000,
  /** How far apart such waves of asks begin at least: strangers can provoke them. */
  catchUpPauseMs: 100,

  /** Identifiers in one order. */
  orderIdentifiers: 100,
  /** Orders on one page of an account's list. */
  ordersPage: 100,
  /** Contacts of one account. */
  contacts: 10,
  /** Length of one contact URL, characters. */
  contactLength: 320,
  /** Valid authorizations of one account for one name that a search looks at. */
  reuseCandidates: 10,
  /** Length of a JSON payload's `csr`, characters: room for ML-DSA-87 and a hundred names. */
  csrLength: 49_152,

  /** Nonces issued and not yet spent that are remembered, one bit each. */
  nonceWindow: 4_194_304,
  /** Clients pool nonces and send them much later. */
  nonceLifetimeMs: 86_400_000,

  /** A request for something under way is answered no later than this. */
  longPollMs: 1000,
  /** How often waiting requests are looked at for having waited long enough. */
  waitCheckMs: 200,
  /** A finalize request waits this long for its certificate before it answers `processing`. */
  finalizeWaitMs: 10_000,
  /** What a client that must wait is told (Retry-After). */
  retryAfterSecs: 1,
  /** How long expired orders and authorizations can still be looked at. */
  expiredRetentionMs: 86_400_000,
  /** For how long the clock must have said so before anything is removed: it may be wrong. */
  sweepCautionMs: 21_600_000,
  /** How long a deletion is told about, and a silent peer waited for, unless an operator says. */
  tombstoneTtlMs: 604_800_000,
  /** How far ahead of the own clock a stamp may be that it follows, unless an operator says. */
  clockToleranceMs: 604_800_000,
  /** How long records that came in part, of a node that is gone, wait at least. */
  settleAfterMs: 60_000,
  /** How often expired orders and authorizations are removed. */
  sweepIntervalMs: 600_000,
} as const;

assert(LIMITS.rereads * 4 < LIMITS.loadsPerInput, 'reading anew ends before patience does');
assert(LIMITS.selectionPage <= LIMITS.cacheRecords / 4, 'a page must fit the cache');
assert(LIMITS.ordersPage < LIMITS.selectionPage, 'an order list page is one selection');
assert(LIMITS.orderIdentifiers * 8 < LIMITS.cacheRecords, 'an order and its parts fit the cache');
assert(LIMITS.waitCheckMs < LIMITS.longPollMs, 'waiting ends about when it should');
assert(LIMITS.sweepIntervalMs * 4 < LIMITS.sweepCautionMs, 'a wrong clock is seen to be wrong');
assert(LIMITS.nonceLifetimeMs >= 3_600_000, 'clients send nonces after many minutes');
