// A store in a SQLite file. This side only packs and unpacks; the database lives in a thread.
// Packing to flat rows of text here costs this thread 3 µs a record and the whole machine half of
// what structured clones of records cost.
// Invariant: answers come in the order of requests. Never here: SQL.

import { Worker } from 'node:worker_threads';
import type { Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import {
  type Cell,
  type FoundRow,
  isSatisfiable,
  isStorable,
  recordOf,
  requireKey,
  requireLimit,
  requireMeta,
  rowOf,
} from './row.ts';
import type { PackedBatch } from './sqlite-database.ts';
import type { SqliteOptions } from './sqlite-open.ts';
import type { Failure, Request, WorkerStart } from './sqlite-worker.ts';
import { type Batch, type Store, StoreError, type StoreStats } from './store.ts';

export type { SqliteOptions } from './sqlite-open.ts';

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

type Counters = { -readonly [K in keyof StoreStats]: StoreStats[K] };

/** Most requests that may wait for the thread. The driver joins batches long before this. */
const MOST_WAITING = 4_096;

// The path of the compiled module, which stands beside this one.
const WORKER = new URL('./sqlite-worker.js', import.meta.url);

/** Opens or creates the database `file`. Rejects with a `StoreError` that names the remedy. */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<Store> {
  const workerData: WorkerStart = { file, options };
  const worker = new Worker(WORKER, { workerData, name: 'sqlite' });
  const store = new SqliteStore(worker);
  try {
    await store.opened;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return store;
}

class SqliteStore implements Store {
  readonly opened: Promise<unknown>;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #stats: Counters = { commits: 0, recordsWritten: 0, reads: 0, recordsRead: 0 };
  #refusal: StoreError | undefined;
  #isLost = false;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.opened = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    worker.on('message', (answer: unknown) => this.#settle(answer));
    worker.on('error', (error: Error) => this.#lose(`its thread died: ${error.message}`));
    worker.on('exit', () => this.#lose('its thread ended'));
  }

  async commit(batch: Batch): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      await this.#ask(['commit', pack(batch)]);
    } catch (error) {
      this.#refusal ??= new StoreError('stopped', (error as Error).message);
      throw error;
    }
    this.#stats.commits += 1;
    this.#stats.recordsWritten += batch.records.length;
  }

  async load(keys: readonly RecordKey[]): Promise<(Record | undefined)[]> {
    // No row has an empty key, so it stands for one that no row can have.
    const asked = keys.flatMap(({ kind, id }) => (isStorable(kind + id) ? [kind, id] : ['', '']));
    const found = (await this.#ask(['load', asked])) as (FoundRow | undefined)[];
    const records = found.map((row) => row && recordOf(...row));
    this.#count(keys.length, records.filter((record) => record !== undefined).length);
    return records;
  }

  async select(selection: Selection): Promise<Record[]> {
    requireLimit(selection.limit);
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!isSatisfiable(selection)) return [];
    return this.#unpack((await this.#ask(['select', selection])) as FoundRow[]);
  }

  async after(origin: string, seq: number, limit: number): Promise<Record[]> {
    requireLimit(limit);
    return this.#unpack((await this.#ask(['after', origin, seq, limit])) as FoundRow[]);
  }

  async meta(): Promise<Map<string, string>> {
    const facts = (await this.#ask(['meta'])) as [string, string][];
    this.#count(1, 0);
    return new Map(facts);
  }

  async check(): Promise<void> {
    await this.#ask(['check']);
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#refusal = new StoreError('closed');
    if (this.#isLost) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    await this.#send(['close']).finally(() => exited);
  }

  async #ask(request: Request): Promise<unknown> {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#waiting.length >= MOST_WAITING) throw new StoreError('overloaded');
    return this.#send(request);
  }

  #send(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  #settle(answer: unknown): void {
    const asker = this.#waiting.shift();
    if (isFailure(answer)) asker?.reject(new StoreError(answer.fault, answer.detail));
    else asker?.resolve(answer);
  }

  /** Without its thread the store is lost: all who wait are told, all who come are refused. */
  #lose(reason: string): void {
    const error = new StoreError('failed', reason);
    this.#isLost = true;
    this.#refusal ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #unpack(rows: readonly FoundRow[]): Record[] {
    this.#count(1, rows.length);
    return rows.map((row) => recordOf(...row));
  }

  #count(reads: number, records: number): void {
    this.#stats.reads += reads;
    this.#stats.recordsRead += records;
  }
}

function pack(batch: Batch): PackedBatch {
  const rows: Cell[] = [];
  for (const record of batch.records) rows.push(...rowOf(record));
  const forget: string[] = [];
  for (const key of batch.forget) {
    requireKey(key);
    forget.push(key.kind, key.id);
  }
  requireMeta(batch.meta);
  return { rows, forget, meta: [...batch.meta].flat() };
}

function isFailure(answer: unknown): answer is Failure {
  return typeof answer === 'object' && answer !== null && 'fault' in answer;
}
