// The database of a crash test: a file, or one on a server whose connections can be ended.
// Never here: when that is done, what is examined.

import Database from 'better-sqlite3';
import { MARIADB, POSTGRES } from '../../../io/store/testing/test-database.ts';

export const DATABASES = ['sqlite', 'postgres', 'mariadb'] as const;
export type DatabaseName = (typeof DATABASES)[number];

export interface CrashDatabase {
  readonly url: string;
  readonly isServer: boolean;
  /** Ends the connections of the node, on the server: how many there were. */
  kill(): Promise<number>;
  /** What the database itself finds wrong after all this. */
  damage(): Promise<string | undefined>;
  dispose(): Promise<void>;
}

/** `file` is where SQLite keeps it; servers are named by the environment. */
export async function crashDatabase(name: DatabaseName, file: string): Promise<CrashDatabase> {
  if (name === 'sqlite') return inFile(file);
  const database = await (name === 'postgres' ? POSTGRES : MARIADB).create();
  const damage = async (): Promise<string | undefined> => {
    const left = await database.connections();
    if (left > 0) return `${left} connections are left after the stop`;
    if (name === 'postgres') return undefined;
    const [row] = await database.sql('CHECK TABLE records, meta EXTENDED');
    return row?.at(-1) === 'OK' ? undefined : String(row?.at(-1));
  };
  return { ...database, isServer: true, damage };
}

function inFile(file: string): CrashDatabase {
  return {
    url: `sqlite://${file}`,
    isServer: false,
    kill: async () => 0,
    damage: async () => {
      const database = new Database(file, { readonly: true });
      const result = String(database.pragma('integrity_check', { simple: true }));
      database.close();
      return result === 'ok' ? undefined : result;
    },
    dispose: async () => {},
  };
}
