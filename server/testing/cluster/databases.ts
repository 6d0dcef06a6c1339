// A database of its own for each node of a cluster under test: an SQLite file, or a new database on
// a PostgreSQL or MariaDB server that the environment names.
// Invariant: what is made here is dropped at the end. Never here: what is in them.

import { createConnection } from 'mariadb';
import { Client } from 'pg';

export const DATABASE_KINDS = ['sqlite', 'postgres', 'mariadb'] as const;
export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** The environment's URL of a server for each kind that needs one. */
const SERVERS = { postgres: 'AKAMU_TEST_POSTGRES_URL', mariadb: 'AKAMU_TEST_MARIADB_URL' } as const;

export interface FreshDatabase {
  /** Undefined: the node keeps its own SQLite file. */
  readonly url: string | undefined;
  readonly drop: () => Promise<void>;
}

/** The variable that is missing for this kind of database, if one is. */
export function missingFor(kind: DatabaseKind): string | undefined {
  if (kind === 'sqlite') return undefined;
  return process.env[SERVERS[kind]] === undefined ? SERVERS[kind] : undefined;
}

export async function freshDatabase(kind: DatabaseKind): Promise<FreshDatabase> {
  if (kind === 'sqlite') return { url: undefined, drop: async () => {} };
  const server = process.env[SERVERS[kind]]!;
  const name = `akamu_cluster_${process.pid}_${Math.floor(Math.random() * 1e9)}`;
  await execute(kind, server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = kind === 'postgres' ? `DROP DATABASE ${name} WITH (FORCE)` : `DROP DATABASE ${name}`;
  return { url: url.href, drop: () => execute(kind, server, drop) };
}

async function execute(
  kind: Exclude<DatabaseKind, 'sqlite'>,
  server: string,
  sql: string,
): Promise<void> {
  if (kind === 'postgres') {
    const client = new Client({ connectionString: server });
    await client.connect();
    await client.query(sql);
    await client.end();
    return;
  }
  const { hostname, port, username, password, pathname } = new URL(server);
  const connection = await createConnection({
    host: hostname,
    port: Number(port === '' ? 3306 : port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  });
  await connection.query(sql);
  await connection.end();
}
