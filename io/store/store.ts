// The port to a node's own database: what the driver asks of it and nothing more. One adapter per
// database, all held to store.contract.ts.
// Invariant: requests take effect in the order they were made, so a read sees every commit asked
// for before it. Never here: SQL, and what any kind of record means.

import { assert } from '../../core/assert.ts';
import type { Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import type { EffectOf } from '../../core/effect.ts';
import type { Loaded } from '../../core/input.ts';
import { LIMITS } from '../../core/limits.ts';
import { OperatorError } from '../operator-error.ts';

/** Changes that become durable together. Applied in this order: records, forget, meta. */
export interface Batch {
  /** Upserts; the last of one key wins. */
  readonly records: readonly Record[];
  /** Rows removed for good: expired, or deleted behind a tombstone. Absent ones do no harm. */
  readonly forget: readonly RecordKey[];
  /** Small facts: version vector entries, incarnation, CRL numbers. Null removes one. */
  readonly meta: ReadonlyMap<string, string | null>;
}

/** What the core asks for at once. */
export type Query = Pick<EffectOf<'load'>, 'keys' | 'selections' | 'ranges'>;

/**
 * Most requests that may wait for a database: more than the core lets wait, with its exchanges. So a
 * flood of requests is refused one by one, and does not look like a database that has failed.
 */
export const MOST_WAITING = 16_384;
assert(MOST_WAITING > 1.5 * LIMITS.parkedInputs, 'what the core lets wait can wait here');

/** What the store has done since it was opened. */
export interface StoreStats {
  readonly commits: number;
  /** Records written by those commits. */
  readonly recordsWritten: number;
  /** SELECT statements run for load, select, after and meta. */
  readonly reads: number;
  /** Records those statements found. */
  readonly recordsRead: number;
}

/**
 * Every method rejects with a `StoreError`. Ids, kinds and origins compare as UTF-8 bytes.
 * What is handed in is copied before the call returns; what is handed out belongs to the caller.
 */
export interface Store {
  /**
   * All of it, durable when the promise settles, or none. After a rejection the store's state is
   * unknown until it is reopened: it refuses everything but `close`.
   */
  commit(batch: Batch): Promise<void>;
  /** The records of these keys, in the order asked. */
  load(keys: readonly RecordKey[]): Promise<(Record | undefined)[]>;
  /** Whole records, ordered by id, at most `selection.limit` of them. */
  select(selection: Selection): Promise<Record[]>;
  /** Records of one origin beyond `seq`, by seq, then key: what a peer has not seen of it. */
  after(origin: string, seq: number, limit: number): Promise<Record[]>;
  /**
   * All of a load at one instant, and as one request: however much one asks for, it is one that
   * waits.
   */
  read(query: Query): Promise<Loaded>;
  /** All the small facts. */
  meta(): Promise<Map<string, string>>;
  /** Settles when the database answers; rejects with the reason why it cannot be used. */
  check(): Promise<void>;
  stats(): StoreStats;
  /** Finishes what was asked before, then releases the database. Safe to call again. */
  close(): Promise<void>;
}

/** Why a store refuses. The text says what an operator can do about it. */
export const STORE_FAULTS = {
  closed: 'the store was closed',
  stopped: 'an earlier commit failed, so the state is unknown until the store is reopened',
  failed: 'the database reported an error',
  refused: 'the request cannot be stored in any database',
  overloaded: 'too many requests wait for the database',
  locked: 'another process has the database open',
  newer: 'the database was written by a newer version',
  foreign: 'the file is not a database of this program',
} as const;

export type StoreFault = keyof typeof STORE_FAULTS;

/** The one error a store raises; `fault` says which kind, the message what happened. */
export class StoreError extends OperatorError {
  override readonly name = 'StoreError';
  readonly fault: StoreFault;
  readonly detail: string;

  constructor(fault: StoreFault, detail = '') {
    super(detail === '' ? STORE_FAULTS[fault] : `${STORE_FAULTS[fault]}: ${detail}`);
    this.fault = fault;
    this.detail = detail;
  }
}
