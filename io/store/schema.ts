// The tables of a node's database, as a list of migrations: what brought each version about.
// Measured for SQLite: a rowid table takes 10 µs a record, WITHOUT ROWID 23 µs (fields of 2 KB
// spill into overflow pages); partial indexes take 10 µs against 16 µs for full ones.
// Invariant: a migration that was released is never edited; a change is a new one at the end.
// Never here: connections. Ids compare bytewise (SQLite's default; elsewhere COLLATE "C", binary).

import { SQLITE_VIEWS } from './views.ts';

export interface Migration {
  /** 1, 2, 3… without a gap. */
  readonly version: number;
  /** What it does, for the operator who reads table `migrations`. */
  readonly title: string;
  readonly sqlite: readonly string[];
}

/** States that a start-up or a CRL looks for. They are few, so their index stays small. */
export const INDEXED_STATES: readonly string[] = ['pending', 'processing', 'revoked'];

// A dot is not declared unique: a database that was cloned into two running nodes uses dots twice,
// and that mistake must not stop every other node of the cluster when the records reach it.
const TABLES = [
  `CREATE TABLE records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    origin TEXT NOT NULL,
    seq INTEGER NOT NULL,
    owner TEXT,
    name TEXT,
    state TEXT,
    expires_ms INTEGER,
    fields TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  )`,
  'CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID',
];

const INDEXES = [
  'CREATE INDEX records_by_dot ON records (origin, seq)',
  "CREATE INDEX orders_by_owner ON records (owner, id) WHERE kind = 'order'",
  `CREATE INDEX authorizations_by_owner ON records (owner, name, id)
    WHERE kind = 'authorization'`,
  `CREATE INDEX records_by_state ON records (kind, state, id)
    WHERE ${INDEXED_STATES.map((state) => `state = '${state}'`).join(' OR ')}`,
  `CREATE INDEX records_by_expiry ON records (kind, expires_ms, id)
    WHERE expires_ms IS NOT NULL`,
];

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    title: 'records, small facts and the views for operators',
    sqlite: [...TABLES, ...INDEXES, ...SQLITE_VIEWS],
  },
];
