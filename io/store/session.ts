// What a server database offers to the store above it: one connection, used for one thing at a
// time. Each adapter has a connector that opens such connections.
// Invariant: a method rejects with a StoreError; with ConnectionLost when the connection is of no
// more use. Never here: order, waiting, SQL.

import type { Selection } from '../../core/crdt/columns.ts';
import type { RecordKey } from '../../core/crdt/record.ts';
import { type FoundRow, type Row, requireKey, requireMeta, rowOf } from './row.ts';
import { type Batch, StoreError } from './store.ts';

/** A batch ready for a database: of each key only its last change, all of it storable. */
export interface Changes {
  readonly rows: readonly Row[];
  readonly forget: readonly RecordKey[];
  readonly put: readonly (readonly [key: string, value: string])[];
  readonly drop: readonly string[];
}

export interface Session {
  /** One transaction, durable when it settles. */
  commit(changes: Changes): Promise<void>;
  /** The rows there are of these keys, in any order. */
  load(keys: readonly RecordKey[]): Promise<FoundRow[]>;
  select(selection: Selection): Promise<FoundRow[]>;
  after(origin: string, seq: number, limit: number): Promise<FoundRow[]>;
  meta(): Promise<[key: string, value: string][]>;
  check(): Promise<void>;
  /** Says goodbye and gives back the lock. */
  end(): Promise<void>;
  /** Cuts the connection at once. */
  destroy(): void;
}

/** Called once, when a connection that was open has broken. */
export type OnLost = (error: StoreError) => void;

export interface Connector {
  /** Takes the lock of the database and brings its schema up to date. */
  openWriter(onLost: OnLost): Promise<Session>;
  openReader(onLost: OnLost): Promise<Session>;
}

export interface ServerOptions {
  /** Connections at most: one writes, the others only read. */
  readonly maxConnections?: number;
  /** How long to wait for a predecessor's lock. */
  readonly busyMs?: number;
  /** How long a commit waits for a row or table that an operator has locked. */
  readonly lockWaitSecs?: number;
  /** Refuse to begin an empty database: it was filled a moment ago, and this would hide its loss. */
  readonly mustExist?: boolean;
}

export const DEFAULT_BUSY_MS = 5_000;
/** A statement of a server is ended after this long, by the server itself. */
export const STATEMENT_MS = 30_000;
export const LOCK_WAIT_SECS = 10;
/** A step of a migration may have to build an index over everything. */
export const MIGRATION_MS = 1_800_000;
export const CONNECT_MS = 10_000;
/** A connection that said nothing for so long is ended by the server, and its lock is free. */
export const SILENCE_SECS = 120;
/** Bytes of text that go into one statement; more are split, within the transaction. */
const STATEMENT_BYTES = 4_194_304;

/** The error of a connection that broke: what was under way may or may not have happened. */
export class ConnectionLost extends StoreError {
  constructor(detail: string) {
    super('failed', detail);
  }
}

/** Throws `refused` when some of the batch could not be stored in every database. */
export function changesOf({ records, forget, meta }: Batch): Changes {
  requireMeta(meta);
  const rows = new Map(records.map((record) => [`${record.kind}\0${record.id}`, rowOf(record)]));
  for (const key of forget) {
    requireKey(key);
    rows.delete(`${key.kind}\0${key.id}`);
  }
  const put: [string, string][] = [];
  const drop: string[] = [];
  for (const [key, value] of meta) {
    if (value === null) drop.push(key);
    else put.push([key, value]);
  }
  const keys = forget.map(({ kind, id }) => ({ kind, id }));
  return { rows: [...rows.values()], forget: keys, put, drop };
}

/** Cuts a list so that no part has more than `most` members or much more text than a statement. */
export function partsOf<T>(list: readonly T[], most: number, bytes: (item: T) => number): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let size = 0;
  for (const item of list) {
    const more = bytes(item);
    if (part.length === most || (part.length > 0 && size + more > STATEMENT_BYTES)) {
      parts.push(part);
      [part, size] = [[], 0];
    }
    part.push(item);
    size += more;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** Characters of a row that are not bounded, about. */
export function sizeOf([, , , , owner, name, state, , fields]: Row): number {
  return (owner?.length ?? 0) + (name?.length ?? 0) + (state?.length ?? 0) + fields.length;
}

/** Settles as `work` does, or rejects and calls `cut` when that takes too long. */
export async function within<T>(
  ms: number,
  late: () => StoreError,
  cut: () => void,
  work: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(late());
      cut();
    }, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
