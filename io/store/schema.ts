// The tables of a node's database, as a list of migrations: what brought each version about, in
// the words of each database.
// Invariant: a migration that was released is never edited; a change is a new one at the end.
// Steps for MariaDB, where each is a transaction of its own, can be run again after a crash.
// Never here: connections, the tables themselves (tables.ts).

import { MARIADB_TABLES, POSTGRES_TABLES, SQLITE_TABLES } from './tables.ts';
import { type Dialect, nodeKeysView, recordViews, VIEW_NAMES } from './views.ts';

export interface Migration extends Readonly<Record<Dialect, readonly string[]>> {
  /** 1, 2, 3… without a gap. */
  readonly version: number;
  /** What it does, for the operator who reads table `migrations`. */
  readonly title: string;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    title: 'records, small facts and the views for operators',
    sqlite: [...SQLITE_TABLES, ...recordViews('sqlite')],
    postgres: [...POSTGRES_TABLES, ...recordViews('postgres')],
    mariadb: [...MARIADB_TABLES, ...recordViews('mariadb')],
  },
  {
    version: 2,
    title: 'a view of the keys of the node',
    sqlite: [nodeKeysView('sqlite')],
    postgres: [nodeKeysView('postgres')],
    mariadb: [nodeKeysView('mariadb')],
  },
];

/** Everything that is made in a database. Another program's tables of these names are refused. */
export const RELATION_NAMES: readonly string[] = ['migrations', 'records', 'meta', ...VIEW_NAMES];

/** What table `migrations` is marked with, so that no other program's is taken for ours. */
export const SCHEMA_MARK = 'schema of akamu';
