// Opening the database a URL names. Invariant: the one place that knows which adapters there are.
// Never here: SQL.

import { parseDatabaseUrl } from '../io/config/address.ts';
import type { DatabaseConfig } from '../io/config/config.ts';
import { labelOf } from '../io/config/database-url.ts';
import { openMariadb } from '../io/store/mariadb.ts';
import { MemoryStore } from '../io/store/memory.ts';
import { openPostgres } from '../io/store/postgres.ts';
import { openSqlite } from '../io/store/sqlite.ts';
import { type Store, StoreError } from '../io/store/store.ts';

/** What operators call it; without a password. */
export function databaseName({ url }: DatabaseConfig): string {
  const target = parseDatabaseUrl(url);
  if (target?.kind === 'sqlite') return target.path;
  return target === undefined || target.kind === 'memory' ? 'in memory' : labelOf(target);
}

/** Opens or creates the database. Rejects with a StoreError that names the fix. */
export async function openStore(
  { url, maxConnections }: DatabaseConfig,
  options: { readonly mustExist: boolean },
): Promise<Store> {
  const target = parseDatabaseUrl(url);
  switch (target?.kind) {
    case 'memory':
      return new MemoryStore();
    case 'sqlite':
      return await openSqlite(target.path, options);
    case 'postgres':
      return await openPostgres(target, { ...options, maxConnections });
    case 'mariadb':
      return await openMariadb(target, { ...options, maxConnections });
    case undefined:
      throw new StoreError('failed', 'the URL names no database');
  }
}
