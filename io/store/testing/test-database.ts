// Databases on real servers for tests: each is fresh, and dropped after. Where the servers are is
// said by the environment; without it their tests are skipped, and say so.
// Never here: what is tested.

import { randomBytes } from 'node:crypto';
import { type Connection, createConnection } from 'mariadb';
import pg from 'pg';
import { type Callback, suite, type Test } from 'uvu';
import { type DatabaseServer, readDatabaseUrl } from '../../config/database-url.ts';
import { openMariadb } from '../mariadb.ts';
import { openPostgres } from '../postgres.ts';
import type { ServerOptions } from '../session.ts';
import type { Store } from '../store.ts';

/** One database, empty at first. */
export interface TestDatabase {
  readonly url: string;
  readonly server: DatabaseServer;
  open(options?: ServerOptions): Promise<Store>;
  /** Runs SQL as an operator would, in this database; rows as arrays. */
  sql(text: string): Promise<unknown[][]>;
  /** Locks all facts as an operator's open transaction would; settles with what ends it. */
  hold(): Promise<() => Promise<void>>;
  /**
   * Ends the connection that has the database and takes the lock before anybody else can; gives it
   * back when `work` is done, whose SQL runs meanwhile.
   */
  seize(work: (sql: (text: string) => Promise<unknown>) => Promise<void>): Promise<void>;
  /** Ends the connection that has the database, on the server: how many there were. */
  kill(): Promise<number>;
  /** How many connections Akamu has to it. */
  connections(): Promise<number>;
  dispose(): Promise<void>;
}

export interface TestServer {
  readonly kind: DatabaseServer['kind'];
  /** The environment variable that says where it is. */
  readonly variable: string;
  readonly url: string | undefined;
  create(): Promise<TestDatabase>;
}

export const POSTGRES: TestServer = {
  kind: 'postgres',
  variable: 'AKAMU_TEST_POSTGRES_URL',
  url: process.env['AKAMU_TEST_POSTGRES_URL'],
  create: () => createPostgres(urlOf(POSTGRES)),
};

export const MARIADB: TestServer = {
  kind: 'mariadb',
  variable: 'AKAMU_TEST_MARIADB_URL',
  url: process.env['AKAMU_TEST_MARIADB_URL'],
  create: () => createMariadb(urlOf(MARIADB)),
};

/**
 * A suite that needs a server: `define` adds its tests. Without the server one test stands for
 * all of them and is counted as skipped. The caller runs it.
 */
export function suiteOn(
  server: TestServer,
  what: string,
  define: (test: (title: string, run: Callback) => void) => void,
): Test {
  const tests: Test = suite(`${server.kind}: ${what}`);
  if (server.url === undefined) {
    console.log(`skipped: ${server.kind}: ${what} (${server.variable} is not set)`);
    tests.skip(`${server.kind}: ${what}`);
  } else define((title, run) => void tests(`${server.kind}: ${title}`, run));
  return tests;
}

function urlOf({ url, variable }: TestServer): string {
  if (url === undefined) throw new Error(`${variable} is not set`);
  return url;
}

const LOCK_FACTS = 'DELETE FROM meta';

/** As the adapter has it. */
const LOCK_CLASS = 0x414b414d;
/** How long a request for the lock takes to stand first in line. */
const QUEUE_MS = 300;

async function seizeWith(lock: Promise<unknown>, kill: () => Promise<unknown>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, QUEUE_MS));
  await kill();
  await lock;
}

/** A schema of its own serves as a database, and costs a tenth of one. */
async function createPostgres(base: string): Promise<TestDatabase> {
  const schema = newName();
  const url = new URL(base);
  url.search = `${url.search}${url.search === '' ? '?' : '&'}options=-csearch_path%3D${schema}`;
  const server = read(url.href);
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ ...server, ssl: false });
    await client.connect();
    return client;
  };
  const sql = async (text: string): Promise<unknown[][]> => {
    const client = await connect();
    try {
      const result = await client.query({ text, rowMode: 'array' });
      return (Array.isArray(result) ? result.at(-1) : result).rows;
    } finally {
      await client.end();
    }
  };
  await sql(`CREATE SCHEMA ${schema}`);
  const mine = `FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'
    AND granted AND objid::bigint = hashtext('${schema}')::bigint & 4294967295`;
  return {
    url: url.href,
    server,
    sql,
    open: (options) => openPostgres(server, options),
    hold: async () => {
      const client = await connect();
      await client.query(`BEGIN; ${LOCK_FACTS}`);
      return () => client.end();
    },
    seize: async (work) => {
      const client = await connect();
      const lock = `SELECT pg_advisory_lock(${LOCK_CLASS}, hashtext('${schema}'))`;
      try {
        await seizeWith(client.query(lock), () => sql(`SELECT pg_terminate_backend(pid) ${mine}`));
        await work((text) => client.query(text));
      } finally {
        await client.end();
      }
    },
    kill: async () => (await sql(`SELECT pg_terminate_backend(pid) ${mine}`)).length,
    connections: async () => Number((await sql(`SELECT count(*) ${mine}`))[0]![0]),
    dispose: async () => {
      await sql(`DROP SCHEMA ${schema} CASCADE`);
    },
  };
}

async function createMariadb(base: string): Promise<TestDatabase> {
  const name = newName();
  const root = read(base);
  const url = new URL(base);
  url.pathname = `/${name}`;
  const server = read(url.href);
  const connect = async (database: string): Promise<Connection> => {
    const { host, port, user, password } = server;
    return createConnection({
      ...(host.startsWith('/') ? { socketPath: host } : { host, port }),
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      database,
      rowsAsArray: true,
    });
  };
  const run = async (database: string, text: string): Promise<unknown[][]> => {
    const connection = await connect(database);
    try {
      return await connection.query(text);
    } finally {
      await connection.end();
    }
  };
  await run(root.database, `CREATE DATABASE ${name}`);
  const others = async (): Promise<unknown[][]> =>
    run(
      root.database,
      `SELECT id FROM information_schema.processlist WHERE db = '${name}'
        AND id <> connection_id() AND command <> 'Killed'`,
    );
  const lockName = `CONCAT('akamu-', LEFT(SHA2('${name}', 256), 40))`;
  const kill = async (): Promise<number> => {
    const [row] = await run(root.database, `SELECT IS_USED_LOCK(${lockName})`);
    if (row?.[0] === null) return 0;
    await run(root.database, `KILL ${row?.[0]}`).catch(() => {});
    return 1;
  };
  return {
    url: url.href,
    server,
    sql: (text) => run(name, text),
    open: (options) => openMariadb(server, options),
    hold: async () => {
      const connection = await connect(name);
      await connection.query('BEGIN');
      await connection.query(LOCK_FACTS);
      return () => connection.end();
    },
    seize: async (work) => {
      const connection = await connect(name);
      try {
        await seizeWith(connection.query(`SELECT GET_LOCK(${lockName}, 30)`), kill);
        await work((text) => connection.query(text));
      } finally {
        await connection.end();
      }
    },
    kill,
    connections: async () => (await others()).length,
    dispose: async () => {
      await run(root.database, `DROP DATABASE ${name}`);
    },
  };
}

function newName(): string {
  return `akamu_test_${randomBytes(6).toString('hex')}`;
}

function read(url: string): DatabaseServer {
  const server = readDatabaseUrl(url);
  if ('fault' in server) throw new Error(`the URL of the test server ${server.fault}`);
  return server;
}
