// Filling the SQLite file of a stopped node with a population, quickly: without its indexes, which
// are made again at the end, and without syncing.
// Invariant: what a node finds at its next start is what it would have found had it written all of
// it itself: rows, facts and digest agree. Never here: what records look like (population.ts).

import Database from 'better-sqlite3';
import type { KeyedHash } from '../core/crdt/digest.ts';
import { changedFacts, replicaFrom } from '../core/crdt/facts.ts';
import type { Record } from '../core/crdt/record.ts';
import { recordOf, rowOf } from '../io/store/row.ts';
import { type Models, populate } from './population.ts';

export interface FillOptions {
  readonly file: string;
  readonly count: number;
  readonly seed: number;
  readonly hash: KeyedHash;
}

const CACHE_KIB = 400_000;
const KINDS = ['account', 'authorization', 'order', 'certificate'] as const;

/** Adds records in the likeness of those that are there; the file must hold one of each kind. */
export function fillDatabase({ file, count, seed, hash }: FillOptions): void {
  const database = new Database(file);
  try {
    database.pragma('synchronous = OFF');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    const facts = new Map(
      database.prepare('SELECT key, value FROM meta').raw().all() as [string, string][],
    );
    const before = replicaFrom(facts, 'fill');
    if (before === undefined || 'broken' in before) throw new Error(`${file} holds no replica`);
    const indexes = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
      .all() as { name: string; sql: string }[];
    for (const { name } of indexes) database.exec(`DROP INDEX ${name}`);
    const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    const insertAll = database.transaction((records: readonly Record[]) => {
      for (const record of records) insert.run(...rowOf(record));
    });
    let after = before;
    const options = { models: modelsIn(database), count, seed, nowMs: Date.now() };
    for (const { state, records } of populate(options, before, hash)) {
      insertAll(records);
      after = state;
    }
    const put = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    for (const [name, value] of changedFacts(before, after)) put.run(name, value);
    for (const { sql } of indexes) database.exec(sql);
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

/** The first record of each kind: those of one real issuance. */
export function modelsIn(database: Database.Database): Models {
  const one = database.prepare(
    'SELECT kind, id, origin, seq, fields FROM records WHERE kind = ? ORDER BY origin, seq LIMIT 1',
  );
  const found = KINDS.map((kind) => {
    const row = one.raw().get(kind) as Parameters<typeof recordOf> | undefined;
    if (row === undefined) throw new Error(`the database holds no ${kind} yet`);
    return [kind, recordOf(...row)] as const;
  });
  return Object.fromEntries(found) as unknown as Models;
}
