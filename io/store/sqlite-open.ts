// Opening a node's SQLite file: created private, locked against a second process, checked to be
// ours, brought to the newest schema.
// Invariant: whatever is refused here is left as it was found. Never here: records.

import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import Database from 'better-sqlite3';
import { MIGRATIONS, type Migration } from './schema.ts';
import { StoreError } from './store.ts';

/** "AKAM": what `file` and sqlite3 show of whose database it is. */
export const APPLICATION_ID = 0x414b414d;

export interface SqliteOptions {
  /** Most pages of 4 KiB the file may have: a quota, beyond which commits fail. */
  readonly maxPages?: number;
  /** How long to wait for an operator's own transaction, and for a predecessor's lock. */
  readonly busyMs?: number;
  /** Refuse to create the file: it was there a moment ago, and an empty one would hide its loss. */
  readonly mustExist?: boolean;
}

export interface OpenDatabase {
  readonly database: Database.Database;
  /** Throws a `StoreError` when the file or its log was deleted or replaced since it was opened. */
  requireInPlace(): void;
  /** Gives the file back, for another process to open. */
  release(): void;
}

const DEFAULT_BUSY_MS = 5_000;
// New ids are random, so beyond the upper levels of the indexes few pages are met twice: 8 MiB
// serve as well as 32, and the kernel has the rest.
const CACHE_KIB = 8_192;
const MOST_WAL_BYTES_KEPT = 67_108_864;

/** Opens or creates `file`. Throws a `StoreError`: locked, foreign, newer or failed. */
export function openDatabase(file: string, options: SqliteOptions = {}): OpenDatabase {
  if (options.mustExist && !existsSync(file)) throw new StoreError('failed', absent(file));
  const path = prepareFile(file);
  const busyMs = options.busyMs ?? DEFAULT_BUSY_MS;
  const unlock = lock(path, busyMs);
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: busyMs });
    identify(database, path);
    configure(database, options);
    migrate(database, path);
  } catch (error) {
    database?.close();
    unlock();
    throw error instanceof StoreError ? error : new StoreError('failed', reasonOf(error, path));
  }
  const opened = database;
  return {
    database: opened,
    requireInPlace: placeKeeper(path),
    release: () => {
      opened.close();
      unlock();
    },
  };
}

/** Brings the schema to the newest version: all missing steps in one transaction, or none. */
export function migrate(
  database: Database.Database,
  file: string,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const current = versionOf(database);
  if (current > newest) {
    const remedy = 'start that version again, or restore a backup from before the upgrade';
    throw new StoreError('newer', `${file} has schema ${current}, known is ${newest}; ${remedy}`);
  }
  if (current === newest) return;
  const apply = database.transaction(() => {
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.exec(`CREATE TABLE IF NOT EXISTS migrations
      (version INTEGER PRIMARY KEY, title TEXT NOT NULL, applied_ms INTEGER NOT NULL)`);
    const record = database.prepare('INSERT INTO migrations VALUES (?, ?, ?)');
    for (const { version, title, sqlite } of migrations) {
      if (version <= current) continue;
      for (const step of sqlite) database.exec(step);
      record.run(version, title, Date.now());
    }
  });
  apply.immediate();
}

/** Creates directory and file when missing, for the owner alone; answers the real path. */
function prepareFile(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    createPrivate(file);
    return realpathSync(file);
  } catch (error) {
    throw new StoreError('failed', `cannot create ${file}: ${(error as Error).message}`);
  }
}

function absent(file: string): string {
  const from = isAbsolute(file) ? '' : `; relative paths begin at ${process.cwd()}`;
  return `${file} is not there${from}`;
}

function reasonOf(error: unknown, path: string): string {
  const isClosed = error instanceof Database.SqliteError && error.code === 'SQLITE_CANTOPEN';
  const user = isClosed ? `; may user ${process.getuid?.() ?? ''} read and write there?` : '';
  return `${path}: ${error}${user}`;
}

/** A deleted file takes commits as before, and is gone with the process: nobody would notice. */
function placeKeeper(path: string): () => void {
  const opened = [path, `${path}-wal`].map((file) => ({ file, inode: inodeOf(file) }));
  return () => {
    const lost = opened.find(({ file, inode }) => inodeOf(file) !== inode);
    if (lost === undefined) return;
    throw new StoreError('failed', `${lost.file} was deleted or replaced while it was in use`);
  };
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

/** Never opens an existing file: closing it again would drop SQLite's locks (POSIX fcntl). */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Holds an exclusive SQLite lock on an empty file beside the database. The kernel drops it when
 * the process dies, so no stale lock can remain, and operators may still read the database itself.
 */
function lock(path: string, busyMs: number): () => void {
  const lockFile = `${path}.lock`;
  createPrivate(lockFile);
  const holder = new Database(lockFile, { timeout: busyMs });
  try {
    holder.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    holder.close();
    if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
    const remedy = 'stop that process, or give this node its own [database] url';
    throw new StoreError('locked', `${path} (lock: ${lockFile}); ${remedy}`);
  }
  return () => {
    holder.close();
  };
}

/** Refuses a file that some other program filled. */
function identify(database: Database.Database, path: string): void {
  const owner = readPragma(database, 'application_id', path);
  const isEmpty = readPragma(database, 'schema_version', path) === 0;
  if (owner === APPLICATION_ID || (owner === 0 && isEmpty)) return;
  throw foreign(path);
}

function readPragma(database: Database.Database, name: string, path: string): unknown {
  try {
    return database.pragma(name, { simple: true });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_NOTADB') throw foreign(path);
    throw error;
  }
}

function foreign(path: string): StoreError {
  return new StoreError('foreign', `${path}; move it away or choose another [database] url`);
}

function configure(database: Database.Database, { maxPages }: SqliteOptions): void {
  database.pragma('journal_mode = WAL');
  // FULL syncs the log at every commit: promise 1, nothing acknowledged is lost.
  database.pragma('synchronous = FULL');
  // The adapter checkpoints after it has answered, so that no commit waits for one.
  database.pragma('wal_autocheckpoint = 0');
  database.pragma(`journal_size_limit = ${MOST_WAL_BYTES_KEPT}`);
  database.pragma(`cache_size = -${CACHE_KIB}`);
  if (maxPages !== undefined) database.pragma(`max_page_count = ${Math.trunc(maxPages)}`);
}

function versionOf(database: Database.Database): number {
  const exists = database
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
    .get();
  if (exists === undefined) return 0;
  return Number(database.prepare('SELECT max(version) FROM migrations').pluck().get() ?? 0);
}
