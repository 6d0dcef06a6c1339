// The thread in which SQLite runs, so that no fsync ever blocks the event loop.
// Invariant: one answer per request, in the order of the requests; so neither carries a number.
// Never here: SQL.

import { parentPort, workerData } from 'node:worker_threads';
import type { Selection } from '../../core/crdt/columns.ts';
import type { RangeQuery } from '../../core/effect.ts';
import type { FoundRow } from './row.ts';
import { type PackedBatch, SqliteDatabase } from './sqlite-database.ts';
import type { SqliteOptions } from './sqlite-open.ts';
import { StoreError, type StoreFault } from './store.ts';

/** What the thread is started with. */
export interface WorkerStart {
  readonly file: string;
  readonly options: SqliteOptions;
}

export type Request =
  | readonly ['commit', PackedBatch]
  | readonly ['load', readonly string[]]
  | readonly ['select', Selection]
  | readonly ['after', string, number, number]
  | readonly ['read', readonly string[], readonly (Selection | null)[], readonly RangeQuery[]]
  | readonly ['meta']
  | readonly ['check']
  | readonly ['close'];

/** The answer to a `read`: null among the selections stands for what no row can meet. */
export interface FoundRows {
  readonly rows: readonly (FoundRow | undefined)[];
  readonly selections: readonly (readonly FoundRow[])[];
  readonly ranges: readonly (readonly FoundRow[])[];
}

/** A request that failed; every other answer is the bare value, null for none. */
export interface Failure {
  readonly fault: StoreFault;
  readonly detail: string;
}

/** The first answer says whether the database could be opened. */
function main(port: NonNullable<typeof parentPort>): void {
  const { file, options } = workerData as WorkerStart;
  let database: SqliteDatabase;
  try {
    database = new SqliteDatabase(file, options);
  } catch (error) {
    port.postMessage(failureOf(error));
    return;
  }
  port.postMessage(null);
  port.on('message', (request: Request) => {
    port.postMessage(answer(database, request));
    if (request[0] === 'close') port.close();
    else if (request[0] === 'commit') database.checkpointWhenDue();
  });
}

function answer(database: SqliteDatabase, request: Request): unknown {
  try {
    return perform(database, request) ?? null;
  } catch (error) {
    return failureOf(error);
  }
}

function perform(database: SqliteDatabase, request: Request): unknown {
  switch (request[0]) {
    case 'commit':
      return database.commit(request[1]);
    case 'load':
      return database.load(request[1]);
    case 'select':
      return database.select(request[1]);
    case 'after':
      return database.after(request[1], request[2], request[3]);
    case 'read':
      return read(database, request);
    case 'meta':
      return database.meta();
    case 'check':
      return database.check();
    case 'close':
      return database.close();
  }
}

function read(
  database: SqliteDatabase,
  [, keys, selections, ranges]: Extract<Request, readonly ['read', ...unknown[]]>,
): FoundRows {
  return {
    rows: database.load(keys),
    selections: selections.map((selection) => (selection ? database.select(selection) : [])),
    ranges: ranges.map(({ origin, afterSeq, limit }) => database.after(origin, afterSeq, limit)),
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof StoreError) return { fault: error.fault, detail: error.detail };
  return { fault: 'failed', detail: String(error) };
}

if (parentPort !== null) main(parentPort);
