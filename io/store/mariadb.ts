// A store in MariaDB: statements over one connection. The statements of a commit travel together;
// COMMIT is sent only when all of them have succeeded.
// Invariant: texts compare bytewise (utf8mb4_nopad_bin). Never here: connecting, order of requests.

import type { Connection } from 'mariadb';
import type { Selection } from '../../core/crdt/columns.ts';
import type { RecordKey } from '../../core/crdt/record.ts';
import type { DatabaseServer } from '../config/database-url.ts';
import { type Condition, conditionsOf, isIndexedState, RECORD_COLUMNS } from './conditions.ts';
import {
  connectMariadb,
  explainMariadb,
  type Link,
  prepareMariadb,
  releaseMariadb,
} from './mariadb-open.ts';
import { type FoundRow, ROW_CELLS } from './row.ts';
import { openServerStore } from './server-store.ts';
import {
  type Changes,
  type OnLost,
  partsOf,
  type ServerOptions,
  type Session,
  sizeOf,
} from './session.ts';
import type { Store } from './store.ts';

const ROWS_PER_STATEMENT = 500;
/** Beyond a thousand the server would turn the list into a table and join it. */
const KEYS_PER_STATEMENT = 500;

const ON_CONFLICT = `ON DUPLICATE KEY UPDATE
  origin = VALUES(origin), seq = VALUES(seq), owner = VALUES(owner), name = VALUES(name),
  state = VALUES(state), expires_ms = VALUES(expires_ms), fields = VALUES(fields)`;
const AFTER = `SELECT ${RECORD_COLUMNS} FROM records
  WHERE origin = ? AND seq > ? ORDER BY seq, kind, id LIMIT ?`;

/** Opens the database. Rejects with a `StoreError` that names the remedy. */
export function openMariadb(server: DatabaseServer, options: ServerOptions = {}): Promise<Store> {
  const connector = {
    openWriter: async (onLost: OnLost): Promise<Session> => {
      const link = await connectMariadb(server, options, onLost);
      await prepareMariadb(link, server, options);
      return new MariadbSession(link, server);
    },
    openReader: async (onLost: OnLost): Promise<Session> =>
      new MariadbSession(await connectMariadb(server, options, onLost), server),
  };
  return openServerStore(connector, options.maxConnections ?? 1);
}

class MariadbSession implements Session {
  readonly #connection: Connection;
  readonly #cut: () => void;
  readonly #server: DatabaseServer;

  constructor({ connection, cut }: Link, server: DatabaseServer) {
    this.#connection = connection;
    this.#cut = cut;
    this.#server = server;
  }

  async commit({ rows, forget, put, drop }: Changes): Promise<void> {
    const sent: Promise<unknown>[] = [this.#query('BEGIN')];
    for (const part of partsOf(rows, ROWS_PER_STATEMENT, sizeOf)) {
      const values = tuples(part.length, ROW_CELLS);
      const sql = `INSERT INTO records (kind, id, origin, seq, owner, name, state, expires_ms, fields)
        VALUES ${values} ${ON_CONFLICT}`;
      sent.push(this.#query(sql, part.flat()));
    }
    for (const [kind, ids] of byKind(forget)) {
      const sql = `DELETE FROM records WHERE kind = ? AND id IN ${tuples(1, ids.length)}`;
      sent.push(this.#query(sql, [kind, ...ids]));
    }
    for (const part of partsOf(put, ROWS_PER_STATEMENT, ([, value]) => value.length)) {
      const sql = `INSERT INTO meta (\`key\`, value) VALUES ${tuples(part.length, 2)}
        ON DUPLICATE KEY UPDATE value = VALUES(value)`;
      sent.push(this.#query(sql, part.flat()));
    }
    for (const keys of partsOf(drop, KEYS_PER_STATEMENT, () => 0)) {
      sent.push(this.#query(`DELETE FROM meta WHERE \`key\` IN ${tuples(1, keys.length)}`, keys));
    }
    await Promise.all(sent);
    await this.#query('COMMIT');
  }

  async load(keys: readonly RecordKey[]): Promise<FoundRow[]> {
    const found = byKind(keys).map(([kind, ids]) => {
      const sql = `SELECT ${RECORD_COLUMNS} FROM records
        WHERE kind = ? AND id IN ${tuples(1, ids.length)}`;
      return this.#query(sql, [kind, ...ids]);
    });
    return (await Promise.all(found)).flat() as FoundRow[];
  }

  async select(selection: Selection): Promise<FoundRow[]> {
    const parameters: unknown[] = [];
    const where = conditionsOf(selection).flatMap((condition) => sqlOf(condition, parameters));
    const sql = `SELECT ${RECORD_COLUMNS} FROM records ${hintFor(selection)}
      WHERE ${where.join(' AND ')} ORDER BY id LIMIT ?`;
    return (await this.#query(sql, [...parameters, selection.limit])) as FoundRow[];
  }

  async after(origin: string, seq: number, limit: number): Promise<FoundRow[]> {
    return (await this.#query(AFTER, [origin, seq, limit])) as FoundRow[];
  }

  async meta(): Promise<[string, string][]> {
    return (await this.#query('SELECT `key`, value FROM meta')) as [string, string][];
  }

  async check(): Promise<void> {
    await this.#query('SELECT count(*) FROM migrations');
  }

  async end(): Promise<void> {
    await releaseMariadb(this.#connection);
    await this.#connection.end();
  }

  destroy(): void {
    this.#cut();
  }

  async #query(sql: string, values: readonly unknown[] = []): Promise<unknown> {
    try {
      return await this.#connection.query(sql, values);
    } catch (error) {
      throw explainMariadb(this.#server, error);
    }
  }
}

/** `(?,?),(?,?)` */
function tuples(count: number, size: number): string {
  const tuple = `(${'?,'.repeat(size).slice(0, -1)})`;
  return `${tuple},`.repeat(count).slice(0, -1);
}

/** Ids by kind, in parts: a range of one index each. */
function byKind(keys: readonly RecordKey[]): (readonly [kind: string, ids: string[]])[] {
  const kinds = new Map<string, Set<string>>();
  for (const { kind, id } of keys) kinds.set(kind, (kinds.get(kind) ?? new Set()).add(id));
  return [...kinds].flatMap(([kind, ids]) => {
    return partsOf([...ids], KEYS_PER_STATEMENT, () => 0).map((part) => [kind, part] as const);
  });
}

/** The index is named, so that no plan depends on statistics; without one the primary key serves. */
function hintFor({ owner, state, expiresBeforeMs }: Selection): string {
  if (owner !== undefined) return 'FORCE INDEX (records_by_owner)';
  if (isIndexedState(state)) return 'FORCE INDEX (records_by_state)';
  return expiresBeforeMs === undefined ? '' : 'FORCE INDEX (records_by_expiry)';
}

function sqlOf({ column, operator, value }: Condition, parameters: unknown[]): string[] {
  parameters.push(value);
  return [`${column} ${operator} ?`];
}
