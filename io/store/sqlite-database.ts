// What is done to an open SQLite database, synchronously: one transaction per commit, prepared
// statements throughout. Rows and facts arrive and leave as flat lists, cheap to pass a thread.
// Invariant: after a failed commit every further use throws. Never here: threads, records.

import type Database from 'better-sqlite3';
import type { Selection } from '../../core/crdt/columns.ts';
import { RECORD_COLUMNS } from './conditions.ts';
import { type Cell, type FoundRow, ROW_CELLS } from './row.ts';
import { type OpenDatabase, openDatabase, type SqliteOptions } from './sqlite-open.ts';
import { selectionQuery } from './sqlite-select.ts';
import { StoreError } from './store.ts';

/** Rows end to end; kinds and ids alternating; meta keys and values alternating. */
export interface PackedBatch {
  readonly rows: readonly Cell[];
  readonly forget: readonly string[];
  readonly meta: readonly (string | null)[];
}

// Most upserts change neither owner, name nor expiry. Leaving those columns alone leaves their
// indexes alone; where one did change, nothing happens here and the second statement runs.
const INSERT = `INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET
    origin = excluded.origin, seq = excluded.seq, state = excluded.state, fields = excluded.fields`;
const UPSERT_USUAL = `${INSERT} WHERE owner IS excluded.owner AND name IS excluded.name
    AND expires_ms IS excluded.expires_ms`;
const UPSERT_ALL = `${INSERT}, owner = excluded.owner, name = excluded.name,
    expires_ms = excluded.expires_ms`;
const AFTER = `SELECT ${RECORD_COLUMNS} FROM records
  WHERE origin = ? AND seq > ? ORDER BY seq, kind, id LIMIT ?`;

// A commit touches about four pages a record. The log may reach some 16 MB between checkpoints,
// so that a page that many commits touched is copied once.
const PAGES_PER_RECORD = 4;
const PAGES_PER_COMMIT = 2;
const PAGES_PER_CHECKPOINT = 4_000;

export class SqliteDatabase {
  readonly #opened: OpenDatabase;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();
  #pagesSinceCheckpoint = 0;
  #failure: string | undefined;

  constructor(file: string, options: SqliteOptions) {
    this.#opened = openDatabase(file, options);
  }

  /** All of the batch, durable on return. Throws, and refuses everything from then on. */
  commit(batch: PackedBatch): void {
    this.#requireSound();
    try {
      this.#statement('BEGIN IMMEDIATE').run();
      this.#write(batch);
      this.#statement('COMMIT').run();
      this.#opened.requireInPlace();
    } catch (error) {
      this.#failure = String(error);
      if (this.#opened.database.inTransaction) this.#statement('ROLLBACK').run();
      throw error;
    }
    const records = batch.rows.length / ROW_CELLS;
    this.#pagesSinceCheckpoint += PAGES_PER_COMMIT + PAGES_PER_RECORD * records;
  }

  /** Kinds and ids alternating; answers a row or nothing for each. */
  load(keys: readonly string[]): (FoundRow | undefined)[] {
    this.#requireSound();
    const get = this.#statement(`SELECT ${RECORD_COLUMNS} FROM records WHERE kind = ? AND id = ?`);
    const found: (FoundRow | undefined)[] = [];
    for (let at = 0; at < keys.length; at += 2) {
      found.push(get.raw().get(keys[at], keys[at + 1]) as FoundRow | undefined);
    }
    return found;
  }

  select(selection: Selection): FoundRow[] {
    this.#requireSound();
    const { sql, parameters } = selectionQuery(selection);
    return this.#statement(sql)
      .raw()
      .all(...parameters) as FoundRow[];
  }

  after(origin: string, seq: number, limit: number): FoundRow[] {
    this.#requireSound();
    return this.#statement(AFTER).raw().all(origin, seq, limit) as FoundRow[];
  }

  meta(): [key: string, value: string][] {
    this.#requireSound();
    return this.#statement('SELECT key, value FROM meta').raw().all() as [string, string][];
  }

  check(): void {
    this.#requireSound();
    this.#statement('SELECT count(*) FROM migrations').get();
  }

  /**
   * Copies the log into the database once enough has gathered. To be called after a commit was
   * answered. An operator who reads meanwhile only delays it.
   */
  checkpointWhenDue(): void {
    if (this.#pagesSinceCheckpoint < PAGES_PER_CHECKPOINT || this.#failure !== undefined) return;
    this.#pagesSinceCheckpoint = 0;
    this.#opened.database.pragma('wal_checkpoint(PASSIVE)');
  }

  close(): void {
    this.#failure = 'closed';
    this.#opened.release();
  }

  #write({ rows, forget, meta }: PackedBatch): void {
    const upsert = this.#statement(UPSERT_USUAL);
    for (let at = 0; at < rows.length; at += ROW_CELLS) {
      const row = rows.slice(at, at + ROW_CELLS);
      if (upsert.run(row).changes === 0) this.#statement(UPSERT_ALL).run(row);
    }
    const remove = this.#statement('DELETE FROM records WHERE kind = ? AND id = ?');
    for (let at = 0; at < forget.length; at += 2) remove.run(forget[at], forget[at + 1]);
    const put = this.#statement('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    const drop = this.#statement('DELETE FROM meta WHERE key = ?');
    for (let at = 0; at < meta.length; at += 2) {
      if (meta[at + 1] === null) drop.run(meta[at]);
      else put.run(meta[at], meta[at + 1]);
    }
  }

  #statement(sql: string): Database.Statement<unknown[]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#opened.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #requireSound(): void {
    if (this.#failure !== undefined) throw new StoreError('stopped', this.#failure);
  }
}
