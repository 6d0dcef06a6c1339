// Who works on what. A node that validates a challenge or has a certificate made says so in the
// record itself, in its field `owner`: node, moment of the claim, epoch. Others leave the record
// alone while that lease is good, and one of them takes it over, in the next epoch, when it lapses.
//
// The owner counts `ttlMs` from its claim, and acts no longer. Everybody else counts a little more,
// from the moment at which this lease, in this version, was first seen here; so no clock is ever
// compared with another. Who takes over is settled by rendezvous hash over record and node: the
// first of the live nodes at once, each other a step later, so nothing hangs on one dead node.
//
// Invariant: a lease saves work and excludes nobody: on two sides of a partition both take over,
// and records have to merge all the same. Never here: what the work is.
//
// To measure it from outside: each version of a lease appears once in a persist of its owner. Its
// window ends `ttlMs` later on that owner's monotonic clock. A taking over is a persist whose
// `owner` has another epoch; the gap is its moment less the end of the window of the version that
// was replaced. A version the taker had not seen, such as a renewal behind a partition, has no gap.

import { toHex } from '../bytes.ts';
import { stateOf } from '../crdt/columns.ts';
import type { Stamp } from '../crdt/hlc.ts';
import { claim, type Lease, renewed } from '../crdt/lattice.ts';
import { keyText, type Record, type RecordKey } from '../crdt/record.ts';

/** A lease is good for so long, unless the configuration says otherwise (`ownership_ttl_secs`). */
export const OWNERSHIP_TTL_MS = 150_000;
/** Leases watched at once. Those beyond are found by the next sweep. */
export const MOST_WATCHED = 16_384;
/** Taken over in one go, and how soon the next ones follow. */
const BATCH = 256;
const BATCH_PAUSE_MS = 100;
/** Others wait longer than the owner by one part in so many: clocks run at different rates. */
const RATE_MARGIN = 20;
/** Kinds of records that say who works on them. Records of others may say anything. */
const OWNED: ReadonlySet<string> = new Set(['authorization', 'order']);

export interface LeaseOptions {
  /** The id of this node. */
  readonly node: string;
  /** For how long a claim is good, ms. */
  readonly ttlMs: number;
  /** How long a node leaves to each that ranks before it, ms: more than a change takes to arrive. */
  readonly stepMs: number;
  readonly mostWatched?: number;
}

/** What a choice by rank needs: who else is there, and a hash. */
export interface Candidates {
  /** Ids of other nodes that have been heard of lately. */
  readonly live: readonly string[];
  readonly sha256: (text: string) => Uint8Array;
}

/** A record or what is to become of one. */
type Draft = Omit<Record, 'dot'>;

interface Watched {
  readonly key: RecordKey;
  /** Undefined: the work began before this node was in a cluster. */
  readonly lease: Lease | undefined;
  /** When it was first seen as it is. */
  readonly sinceMonoMs: number;
  /** When to look at it next; not before it has lapsed. */
  readonly lookMonoMs: number;
}

export class Leases {
  readonly #options: LeaseOptions;
  readonly #lapseMs: number;
  /** By the moment they were first seen: whatever changes goes to the end. */
  readonly #watched = new Map<string, Watched>();
  #nextMonoMs = Number.POSITIVE_INFINITY;
  #isIncomplete = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#lapseMs = options.ttlMs + Math.ceil(options.ttlMs / RATE_MARGIN);
  }

  /** Leases of work under way, of whichever node. */
  get size(): number {
    return this.#watched.size;
  }

  /** When `lapsed` may have something to say. */
  get nextMonoMs(): number {
    return this.#nextMonoMs;
  }

  /** Says once whether there was no room for some: then work under way is to be observed again. */
  takeIncomplete(): boolean {
    const isIncomplete = this.#isIncomplete;
    this.#isIncomplete = false;
    return isIncomplete;
  }

  /** Sees a version of a record: a lease that changed is young again, work that ended is no more. */
  observe(record: Record, monoMs: number): void {
    const isUnderWay = OWNED.has(record.kind) && stateOf(record) === 'processing';
    if (!isUnderWay && this.#watched.size === 0) return;
    const text = keyText(record);
    if (!isUnderWay) {
      this.#watched.delete(text);
      return;
    }
    const before = this.#watched.get(text);
    const lease = ownerOf(record);
    if (before !== undefined && isSame(before.lease, lease)) return;
    this.#watched.delete(text);
    if (this.#watched.size >= (this.#options.mostWatched ?? MOST_WATCHED)) {
      this.#isIncomplete = true;
      return;
    }
    const { kind, id } = record;
    const lookMonoMs = monoMs + this.#lapseMs;
    this.#watched.set(text, { key: { kind, id }, lease, sinceMonoMs: monoMs, lookMonoMs });
    this.#nextMonoMs = Math.min(this.#nextMonoMs, lookMonoMs);
  }

  /** The record has been removed. */
  forget(key: RecordKey): void {
    this.#watched.delete(keyText(key));
  }

  /** The field of a record that this node begins to work on, or takes over. */
  claimed({ fields }: Draft, at: Stamp): { readonly owner: Lease } {
    return { owner: claim(fields['owner'], at, this.#options.node) };
  }

  /** The field of a record that this node goes on working on after a start. */
  continued(record: Draft, at: Stamp): { readonly owner: Lease } {
    const lease = ownerOf(record);
    const isOurs = lease?.node === this.#options.node && !lease.released;
    return isOurs ? { owner: renewed(lease) } : this.claimed(record, at);
  }

  /** Whether a record under way is this node's, whoever of its processes began. */
  isOwn(record: Record): boolean {
    const { origin } = record.dot;
    const writer = origin.slice(0, origin.lastIndexOf('.'));
    return (ownerOf(record)?.node ?? writer) === this.#options.node;
  }

  /** Whether another node works on it. */
  isForeign(record: Draft): boolean {
    const lease = ownerOf(record);
    return lease !== undefined && lease.node !== this.#options.node;
  }

  /** Whether this node may still act on it: it owns it, and its time is not over. */
  isHeld(record: Draft, monoMs: number): boolean {
    if (this.isForeign(record)) return false;
    const watched = this.#watched.get(keyText(record));
    return watched === undefined || monoMs < watched.sinceMonoMs + this.#options.ttlMs;
  }

  /** Whether its lease has lapsed; undefined or for how long it has not changed here, ms. */
  lapsedMs(record: Draft, monoMs: number): number | undefined {
    const watched = this.#watched.get(keyText(record));
    if (watched === undefined || !isSame(watched.lease, ownerOf(record))) return undefined;
    const quietMs = monoMs - watched.sinceMonoMs;
    return quietMs >= this.#lapseMs ? quietMs : undefined;
  }

  /**
   * The records that this node has to take over now. Each is named again after a step, should
   * nothing have come of it.
   */
  lapsed(monoMs: number, candidates: Candidates): readonly RecordKey[] {
    if (monoMs < this.#nextMonoMs) return [];
    const { stepMs } = this.#options;
    const taken: RecordKey[] = [];
    let nextMonoMs = Number.POSITIVE_INFINITY;
    for (const [text, watched] of this.#watched) {
      const lapseMonoMs = watched.sinceMonoMs + this.#lapseMs;
      let { lookMonoMs } = watched;
      if (lookMonoMs <= monoMs) {
        const turnMonoMs = lapseMonoMs + stepMs * this.#rank(text, candidates);
        if (turnMonoMs > monoMs) {
          lookMonoMs = Math.min(turnMonoMs, monoMs + stepMs);
        } else if (taken.length < BATCH) {
          taken.push(watched.key);
          lookMonoMs = monoMs + stepMs;
        } else lookMonoMs = monoMs + BATCH_PAUSE_MS;
        this.#watched.set(text, { ...watched, lookMonoMs });
      }
      nextMonoMs = Math.min(nextMonoMs, lookMonoMs);
      // Those behind it were seen later, and none is looked at before it lapses.
      if (lapseMonoMs > monoMs) break;
    }
    this.#nextMonoMs = nextMonoMs;
    return taken;
  }

  /** How many of the live nodes come before this one for this record. */
  #rank(record: string, { live, sha256 }: Candidates): number {
    const score = (node: string): string => toHex(sha256(`lease ${record} ${node}`));
    const own = score(this.#options.node);
    return live.filter((node) => node !== this.#options.node && score(node) < own).length;
  }
}

/** The lease on a record, if it has one. */
export function ownerOf({ fields }: Pick<Record, 'fields'>): Lease | undefined {
  return fields['owner'] as Lease | undefined;
}

function isSame(a: Lease | undefined, b: Lease | undefined): boolean {
  return (
    a?.epoch === b?.epoch &&
    a?.claimedAt === b?.claimedAt &&
    a?.node === b?.node &&
    a?.renewals === b?.renewals
  );
}
