// Opening a MariaDB database: connected as the URL says, checked to keep what it acknowledges,
// locked against a second process, brought to the newest schema.
// Invariant: the lock belongs to the connection that writes, so what has lost the lock cannot
// write. Never here: records.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { type Connection, createConnection, type SqlError } from 'mariadb';
import { type DatabaseServer, isSocket } from '../config/database-url.ts';
import {
  explain,
  foreignTables,
  goneTables,
  lockedBy,
  newerThan,
  type TlsSettings,
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

const KEEP_ALIVE_MS = 10_000;
/** A statement carries some MiB, and one record may have as many. */
const LEAST_PACKET_BYTES = 16_777_216;
const OLDEST_VERSION = [10, 5] as const;
const NO_TLS = /ssl not enabled|does not support SSL/i;

// Codes of the server, and of the connector (its error-code list).
const REMEDIES: { readonly [code: string]: string } = {
  ER_ACCESS_DENIED_ERROR: 'correct user and password in [database] url',
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: 'correct user and password in [database] url',
  ER_HOST_NOT_PRIVILEGED: 'make the user for this host: CREATE USER …@…',
  ER_DBACCESS_DENIED_ERROR: 'allow it: GRANT ALL ON database.* TO user, if the database is there',
  ER_TABLEACCESS_DENIED_ERROR: 'allow it: GRANT ALL ON database.* TO user',
  ER_VIEW_INVALID: 'allow it: GRANT ALL ON database.* TO user',
  ER_BAD_DB_ERROR: 'make it: CREATE DATABASE … CHARACTER SET utf8mb4',
  ER_CON_COUNT_ERROR: 'raise max_connections of the server, or lower [database] max_connections',
  ER_OPTION_PREVENTS_STATEMENT: 'the server takes no writes: name the primary in [database] url',
  ER_LOCK_WAIT_TIMEOUT: 'somebody else has locked what must be written: end that transaction',
  ER_STATEMENT_TIMEOUT: 'the server was too slow',
  ER_RECORD_FILE_FULL: 'make room on the disk of the server',
  ER_SOCKET_TIMEOUT: 'look for a firewall between this host and the server',
  ER_CONNECTION_TIMEOUT: 'look for a firewall between this host and the server',
};

/** A connection, and the socket below it. */
export interface Link {
  readonly connection: Connection;
  /** Cuts it at once. The connector's own `destroy` may end the process with a rejection. */
  cut(): void;
}

/** Connects and sets up the session. `onLost` is called when it breaks later. */
export async function connectMariadb(
  server: DatabaseServer,
  options: ServerOptions,
  onLost: OnLost,
): Promise<Link> {
  const link = await linked(server);
  const { connection } = link;
  connection.on('error', (error) => onLost(explainMariadb(server, error, true)));
  connection.on('end', () => onLost(explainMariadb(server, new Error('connection lost'), true)));
  try {
    await setUp(connection, server, options);
  } catch (error) {
    link.cut();
    throw explainMariadb(server, error);
  }
  return link;
}

/** Takes the lock and brings the schema up to date; ends the connection when that fails. */
export async function prepareMariadb(
  { connection, cut }: Link,
  server: DatabaseServer,
  options: ServerOptions,
): Promise<void> {
  const late = (): StoreError => unfit(server, 'the schema took too long', 'try again');
  const work = async (): Promise<void> => {
    await lock(connection, server, options.busyMs ?? DEFAULT_BUSY_MS);
    await migrateMariadb(connection, server, options);
  };
  try {
    await within(MIGRATION_MS, late, cut, work());
  } catch (error) {
    cut();
    throw explainMariadb(server, error);
  }
}

/** Gives the lock back sooner than the end of the connection would. */
export async function releaseMariadb(connection: Connection): Promise<void> {
  await connection.query('DO RELEASE_ALL_LOCKS()');
}

/**
 * Brings the schema to the newest version, step by step: here each step is a transaction of its
 * own, so after a crash a migration begins again, and its steps bear that.
 */
export async function migrateMariadb(
  connection: Connection,
  server: DatabaseServer,
  { mustExist }: ServerOptions = {},
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const current = await versionOf(connection, server);
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest) throw newerThan(server, current, newest);
  if (current === 0 && mustExist) throw goneTables(server);
  if (current === newest) return;
  await connection.query(`SET max_statement_time = ${MIGRATION_MS / 1000}`);
  await connection.query(`CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, title TEXT NOT NULL, applied TIMESTAMP NOT NULL DEFAULT NOW()
  ) ENGINE = InnoDB CHARACTER SET utf8mb4 COMMENT = '${SCHEMA_MARK}'`);
  for (const { version, title, mariadb } of migrations) {
    if (version <= current) continue;
    for (const step of mariadb) await connection.query(step);
    await connection.query('INSERT INTO migrations (version, title) VALUES (?, ?)', [
      version,
      title,
    ]);
  }
  await connection.query(`SET max_statement_time = ${STATEMENT_MS / 1000}`);
}

export function explainMariadb(
  server: DatabaseServer,
  error: unknown,
  isLost: boolean = false,
): StoreError {
  if (error instanceof StoreError) return error;
  const { code, sqlMessage, message, fatal, errno } = error as Partial<SqlError>;
  const failure = {
    code: code ?? String(errno ?? ''),
    message: sqlMessage ?? message ?? String(error),
    isLost: isLost || fatal === true,
  };
  return explain(server, failure, REMEDIES);
}

async function linked(server: DatabaseServer): Promise<Link> {
  const tls = readTls(server);
  try {
    return await linkWith(server, tls);
  } catch (error) {
    const isRefused = NO_TLS.test((error as Error).message);
    if (isRefused && server.tlsMode === 'prefer') {
      return linkWith(server, undefined).catch((e) => {
        throw explainMariadb(server, e);
      });
    }
    if (isRefused) {
      throw unfit(server, 'the server does not speak TLS', 'set ssl_cert and ssl_key there');
    }
    throw explainMariadb(server, error);
  }
}

function readTls(server: DatabaseServer): TlsSettings | undefined {
  try {
    return tlsOptions(server, (file) => readFileSync(file, 'utf8'));
  } catch (error) {
    throw unfit(server, (error as Error).message, 'correct the file in [database] url');
  }
}

async function linkWith(server: DatabaseServer, tls: TlsSettings | undefined): Promise<Link> {
  const { host, port, user, password, database } = server;
  let socket: Socket | undefined;
  const cut = (): void => void socket?.destroy();
  try {
    const connection = await createConnection({
      stream: (take) => {
        socket = isSocket(host) ? connect(host) : connect(port, host);
        socket.setNoDelay(true);
        // TypeScript knows a stream only; the connector wants a socket that still connects.
        take(undefined, socket);
      },
      // For the name in the certificate; the socket above is what is used.
      host,
      port,
      user: user ?? userInfo().username,
      ...(password !== undefined && { password }),
      database,
      ...(tls !== undefined && { ssl: tls }),
      charset: 'utf8mb4',
      collation: 'UTF8MB4_BIN',
      connectTimeout: CONNECT_MS,
      keepAliveDelay: KEEP_ALIVE_MS,
      rowsAsArray: true,
      bigIntAsNumber: true,
      checkNumberRange: true,
      permitLocalInfile: false,
      multipleStatements: false,
      // Statements of several MiB in an error would bury what happened.
      logParam: false,
    });
    return { connection, cut };
  } catch (error) {
    cut();
    throw error;
  }
}

async function setUp(
  connection: Connection,
  server: DatabaseServer,
  { lockWaitSecs = LOCK_WAIT_SECS }: ServerOptions,
): Promise<void> {
  const [row] = await connection.query(`SELECT version(), @@innodb_flush_log_at_trx_commit,
    @@log_bin, @@sync_binlog, @@max_allowed_packet, @@read_only`);
  const [version, flush, binlog, sync, packet, readOnly] = row;
  const [major = 0, minor = 0] = String(version).split('.').map(Number);
  const isOld = major < OLDEST_VERSION[0] || (major === 10 && minor < OLDEST_VERSION[1]);
  if (isOld || !/mariadb/i.test(version)) {
    throw unfit(server, `the server is ${version}`, 'use MariaDB 10.5 or newer');
  }
  if (Number(flush) !== 1 || (Number(binlog) === 1 && Number(sync) !== 1)) {
    const remedy = 'set innodb_flush_log_at_trx_commit = 1 there, and with log_bin sync_binlog = 1';
    throw unfit(server, 'the server does not keep what it acknowledges', remedy);
  }
  if (Number(packet) < LEAST_PACKET_BYTES) {
    throw unfit(server, 'max_allowed_packet is too small', 'set it to 16M or more there');
  }
  if (Number(readOnly) === 1) {
    throw unfit(server, 'the server is read-only', 'name the primary in [database] url');
  }
  await connection.query(`SET SESSION
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
    autocommit = 1,
    max_statement_time = ${STATEMENT_MS / 1000},
    lock_wait_timeout = ${lockWaitSecs},
    innodb_lock_wait_timeout = ${lockWaitSecs},
    wait_timeout = ${SILENCE_SECS}`);
}

/** A lock of the session: the server drops it when the connection is gone. */
async function lock(connection: Connection, server: DatabaseServer, busyMs: number): Promise<void> {
  // Names of locks are the server's, not the database's, and end at 64 characters.
  const hash = createHash('sha256').update(server.database).digest('hex');
  const name = `akamu-${hash.slice(0, 40)}`;
  const [row] = await connection.query('SELECT GET_LOCK(?, ?), IS_USED_LOCK(?)', [
    name,
    busyMs / 1000,
    name,
  ]);
  const [isLocked, holder] = row;
  if (Number(isLocked) !== 1) throw lockedBy(server, `connection ${holder}`);
}

/** 0 for a database that has nothing of ours. Throws `foreign` when our names are taken. */
async function versionOf(connection: Connection, server: DatabaseServer): Promise<number> {
  const rows: [string, string][] = await connection.query(
    `SELECT table_name, table_comment FROM information_schema.tables
      WHERE table_schema = database() AND table_name IN (?)`,
    [RELATION_NAMES],
  );
  const isOurs = rows.some(([name, mark]) => name === 'migrations' && mark === SCHEMA_MARK);
  if (!isOurs && rows.length > 0) {
    throw foreignTables(
      server,
      rows.map(([name]) => name),
    );
  }
  if (!isOurs) return 0;
  const [row] = await connection.query('SELECT max(version) FROM migrations');
  return Number(row[0] ?? 0);
}
