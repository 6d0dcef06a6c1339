// A store in a SQLite file. This side only packs and unpacks; the database lives in a thread.
// Packing to flat rows of text here costs this thread 3 µs a record and the whole machine half of
// what structured clones of records cost.
// Invariant: answers come in the order of requests. Never here: SQL.

import { Worker } from 'node:worker_threads';
import type { Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import type { Loaded } from '../../core/input.ts';
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
import type { Failure, FoundRows, Request, WorkerStart } from './sqlite-worker.ts';
import {
  type Batch,
  MOST_WAITING,
  type Query,
  type Store,
  StoreError,
  type StoreStats,
} from './store.ts';

export type { SqliteOptions } from './sqlite-open.ts';

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

type Counters = { -readonly [K in keyof StoreStats]: StoreStats[K] };

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
    const found = (await this.#ask(['load', keysOf(keys)])) as (FoundRow | undefined)[];
    return this.#unpackSome(found);
  }

  async read({ keys, selections, ranges }: Query): Promise<Loaded> {
    for (const { limit } of [...selections, ...ranges]) requireLimit(limit);
    const asked = selections.map((selection) => (isSatisfiable(selection) ? selection : null));
    const found = (await this.#ask(['read', keysOf(keys), asked, ranges])) as FoundRows;
    return {
      records: this.#unpackSome(found.rows),
      selections: found.selections.map((rows) => this.#unpack(rows)),
      ranges: found.ranges.map((rows) => this.#unpack(rows)),
    };
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

  #unpackSome(rows: readonly (FoundRow | undefined)[]): (Record | undefined)[] {
    const records = rows.map((row) => row && recordOf(...row));
    this.#count(rows.length, records.filter((record) => record !== undefined).length);
    return records;
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

/** No row has an empty key, so it stands for one that no row can have. */
function keysOf(keys: readonly RecordKey[]): string[] {
  return keys.flatMap(({ kind, id }) => (isStorable(kind + id) ? [kind, id] : ['', '']));
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
