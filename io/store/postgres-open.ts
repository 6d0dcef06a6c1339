// Opening a PostgreSQL database: connected as the URL says, checked to keep what it acknowledges,
// locked against a second process, brought to the newest schema.
// Invariant: the lock belongs to the connection that writes, so what has lost the lock cannot
// write. Never here: records.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type DatabaseServer, labelOf } from '../config/database-url.ts';
import {
  explain,
  foreignTables,
  goneTables,
  lockedBy,
  newerThan,
  tlsOptions,
  unfit,
} from './remedies.ts';
import { MIGRATIONS, type Migration, RELATION_NAMES, SCHEMA_MARK } from './schema.ts';
import {
  CONNECT_MS,
  DEFAULT_BUSY_MS,
  LOCK_WAIT_SECS,
  MIGRATION_MS,
  type OnLost,
  type ServerOptions,
  SILENCE_SECS,
  STATEMENT_MS,
  within,
} from './session.ts';
import { StoreError } from './store.ts';

/** "AKAM", and beside it the schema: one lock for each schema of each database. */
const LOCK_CLASS = 0x414b414d;
const LOCK_POLL_MS = 50;
const KEEP_ALIVE_MS = 10_000;
const OLDEST_VERSION = 120_000;
const HAS_IDLE_TIMEOUT = 140_000;
const NO_TLS = 'The server does not support SSL connections';

// SQLSTATE, PostgreSQL's appendix A.
const REMEDIES: { readonly [code: string]: string } = {
  '28P01': 'correct user and password in [database] url',
  '28000': 'make the role, let it log in from this host (pg_hba.conf), or correct [database] url',
  '3D000': 'make it: CREATE DATABASE … OWNER … ENCODING UTF8 TEMPLATE template0',
  '42501': 'make the user of the URL the owner of the database and of everything in it',
  '53300': 'raise max_connections of the server, or lower [database] max_connections',
  '53100': 'make room on the disk of the server',
  '57P03': 'wait until the server has started',
  '25006': 'the server takes no writes: name the primary in [database] url',
  '57014': 'the server was too slow, or somebody cancelled the statement',
  '55P03': 'somebody else has locked what must be written: end that transaction',
};

/** Errors after which the connection is gone, or not to be trusted. */
const IS_LOST = /^(?:08|57P0|ECONN|EPIPE|ETIMEDOUT|ENOTCONN)/;
const IS_BROKEN = /^Connection terminated|^Client (?:has encountered|was closed)/i;

/** Connects and sets up the session. `onLost` is called when it breaks later. */
export async function connectPostgres(
  server: DatabaseServer,
  options: ServerOptions,
  onLost: OnLost,
): Promise<pg.Client> {
  const client = await connected(server);
  // What the server says before it ends the connection comes first, and is the better reason.
  client.on('error', (error) => onLost(explainPostgres(server, error, true)));
  client.on('end', () => onLost(explainPostgres(server, new Error('connection lost'), true)));
  try {
    await setUp(client, server, options);
  } catch (error) {
    client.end().catch(() => {});
    throw error instanceof StoreError ? error : explainPostgres(server, error);
  }
  return client;
}

/** Takes the lock and brings the schema up to date; ends the connection when that fails. */
export async function preparePostgres(
  client: pg.Client,
  server: DatabaseServer,
  options: ServerOptions,
): Promise<void> {
  const late = (): StoreError => unfit(server, 'the schema took too long', 'try again');
  const cut = (): void => void client.end().catch(() => {});
  const work = async (): Promise<void> => {
    await lock(client, server, options.busyMs ?? DEFAULT_BUSY_MS);
    await migratePostgres(client, server, options);
  };
  try {
    await within(MIGRATION_MS, late, cut, work());
  } catch (error) {
    cut();
    throw error instanceof StoreError ? error : explainPostgres(server, error);
  }
}

/** Brings the schema to the newest version: all missing steps in one transaction, or none. */
export async function migratePostgres(
  client: pg.Client,
  server: DatabaseServer,
  { mustExist }: ServerOptions = {},
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const current = await versionOf(client, server);
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest) throw newerThan(server, current, newest);
  if (current === 0 && mustExist) throw goneTables(server);
  if (current === newest) return;
  await client.query(`BEGIN; SET LOCAL statement_timeout = ${MIGRATION_MS}`);
  try {
    if (current === 0) {
      await client.query(
        'CREATE TABLE migrations (version INTEGER PRIMARY KEY, title TEXT NOT NULL, applied TIMESTAMPTZ NOT NULL DEFAULT now())',
      );
      await client.query(`COMMENT ON TABLE migrations IS '${SCHEMA_MARK}'`);
    }
    for (const { version, title, postgres } of migrations) {
      if (version <= current) continue;
      for (const step of postgres) await client.query(step);
      await client.query('INSERT INTO migrations (version, title) VALUES ($1, $2)', [
        version,
        title,
      ]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

export function explainPostgres(
  server: DatabaseServer,
  error: unknown,
  isLost: boolean = false,
): StoreError {
  if (error instanceof StoreError) return error;
  const { code = '', message, severity } = error as Partial<pg.DatabaseError>;
  const isFatal = severity === 'FATAL' || severity === 'PANIC';
  const isBroken = isFatal || IS_LOST.test(code) || IS_BROKEN.test(message ?? '');
  const failure = { code, message: message ?? String(error), isLost: isLost || isBroken };
  return explain(server, failure, REMEDIES);
}

/** A client over TLS or not, as the mode says. */
async function connected(server: DatabaseServer): Promise<pg.Client> {
  const tls = readTls(server);
  try {
    return await connectWith(server, tls ?? false);
  } catch (error) {
    const { message = '' } = error as Error;
    if (server.tlsMode === 'prefer' && message === NO_TLS) {
      return connectWith(server, false).catch((e) => {
        throw explainPostgres(server, e);
      });
    }
    if (message === NO_TLS) {
      throw unfit(
        server,
        'the server does not speak TLS',
        'set ssl = on there, or sslmode=disable',
      );
    }
    throw explainPostgres(server, error);
  }
}

function readTls(server: DatabaseServer): ReturnType<typeof tlsOptions> {
  try {
    return tlsOptions(server, (file) => readFileSync(file, 'utf8'));
  } catch (error) {
    throw unfit(server, (error as Error).message, 'correct the file in [database] url');
  }
}

async function connectWith(
  server: DatabaseServer,
  ssl: false | NonNullable<ReturnType<typeof tlsOptions>>,
): Promise<pg.Client> {
  const { host, port, user, password, database, options } = server;
  const client = new pg.Client({
    host,
    port,
    database,
    ssl,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: 'akamu',
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(options !== undefined && { options }),
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
  return client;
}

async function setUp(
  client: pg.Client,
  server: DatabaseServer,
  { lockWaitSecs = LOCK_WAIT_SECS }: ServerOptions,
): Promise<void> {
  const { rows } = await client.query(`SELECT
    current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synced,
    pg_is_in_recovery() AS standby,
    current_schema() AS schema`);
  const { version, encoding, fsync, synced, standby, schema } = rows[0];
  if (version < OLDEST_VERSION) throw unfit(server, 'the server is too old', 'use PostgreSQL 12');
  if (encoding !== 'UTF8') {
    const remedy = 'make it again with ENCODING UTF8 TEMPLATE template0';
    throw unfit(server, `the database is encoded as ${encoding}`, remedy);
  }
  if (standby) throw unfit(server, 'this is a standby', 'name the primary in [database] url');
  if (fsync !== 'on') {
    throw unfit(server, 'the server does not keep what it acknowledges', 'set fsync = on there');
  }
  if (schema === null) {
    throw unfit(server, 'the user has no schema', 'make one, or correct its search_path');
  }
  // Synchronous replication that goes further than `on` is left as it is.
  const isDurable = synced === 'on' || synced === 'remote_apply';
  await client.query(`
    SET synchronous_commit = ${isDurable ? synced : 'on'};
    SET statement_timeout = ${STATEMENT_MS};
    SET lock_timeout = ${lockWaitSecs * 1000};
    SET idle_in_transaction_session_timeout = ${SILENCE_SECS * 1000};
    ${version >= HAS_IDLE_TIMEOUT ? `SET idle_session_timeout = ${SILENCE_SECS * 1000};` : ''}
    SET tcp_keepalives_idle = ${SILENCE_SECS / 4};
    SET tcp_keepalives_interval = ${SILENCE_SECS / 12};
    SET tcp_keepalives_count = 3`);
}

/** A lock of the session: the server drops it when the connection is gone. */
async function lock(client: pg.Client, server: DatabaseServer, busyMs: number): Promise<void> {
  const endMs = performance.now() + busyMs;
  for (;;) {
    const { rows } = await client.query(
      'SELECT pg_try_advisory_lock($1, hashtext(current_schema())) AS locked',
      [LOCK_CLASS],
    );
    if (rows[0].locked) return;
    if (performance.now() >= endMs) break;
    await sleep(LOCK_POLL_MS);
  }
  const { rows } = await client.query(
    `SELECT pid, coalesce(host(client_addr), 'a socket') AS host FROM pg_locks
      JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND classid::bigint = $1`,
    [LOCK_CLASS],
  );
  const holders = rows.map(({ pid, host }) => `backend ${pid} from ${host}`);
  throw lockedBy(server, holders.join(', ') || labelOf(server));
}

/** 0 for a database that has nothing of ours. Throws `foreign` when our names are taken. */
async function versionOf(client: pg.Client, server: DatabaseServer): Promise<number> {
  const { rows } = await client.query(
    `SELECT relname AS name, obj_description(c.oid, 'pg_class') AS mark
      FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relname = ANY ($1)`,
    [RELATION_NAMES],
  );
  const isOurs = rows.some(({ name, mark }) => name === 'migrations' && mark === SCHEMA_MARK);
  if (!isOurs && rows.length > 0) {
    throw foreignTables(
      server,
      rows.map(({ name }) => name),
    );
  }
  if (!isOurs) return 0;
  const found = await client.query('SELECT max(version) AS version FROM migrations');
  return Number(found.rows[0].version ?? 0);
}
