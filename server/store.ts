// Opening the database a URL names. Invariant: the one place that knows which adapters there are.
// Never here: SQL.

import { parseDatabaseUrl } from '../io/config/address.ts';
import { MemoryStore } from '../io/store/memory.ts';
import { openSqlite } from '../io/store/sqlite.ts';
import { type Store, StoreError } from '../io/store/store.ts';

/** Opens or creates the database. Rejects with a StoreError that names the fix. */
export async function openStore(
  url: string,
  options: { readonly mustExist: boolean },
): Promise<Store> {
  const target = parseDatabaseUrl(url);
  switch (target?.kind) {
    case 'memory':
      return new MemoryStore();
    case 'sqlite':
      return await openSqlite(target.path, options);
    default:
      throw new StoreError('failed', `${url.split(':')[0]} databases are not available yet`);
  }
}
