// A store in PostgreSQL: statements over one connection. A commit is one statement, so one round
// trip makes it durable, and there is no half of it to clean up.
// Invariant: texts compare bytewise (COLLATE "C"). Never here: connecting, order of requests.

import type pg from 'pg';
import type { Selection } from '../../core/crdt/columns.ts';
import type { RecordKey } from '../../core/crdt/record.ts';
import type { DatabaseServer } from '../config/database-url.ts';
import { type Condition, conditionsOf, RECORD_COLUMNS } from './conditions.ts';
import { connectPostgres, explainPostgres, preparePostgres } from './postgres-open.ts';
import type { FoundRow, Row } from './row.ts';
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
import { INDEXED_CHARACTERS } from './tables.ts';

const MOST_ROWS = 10_000;

// Each part takes arrays, one for each column, as its parameters.
const WRITE = `INSERT INTO records
  (kind, id, origin, seq, owner, name, state, expires_ms, fields)
  SELECT * FROM unnest($::text[], $::text[], $::text[], $::bigint[], $::text[], $::text[],
    $::text[], $::double precision[], $::text[])
  ON CONFLICT (kind, id) DO UPDATE SET
    origin = excluded.origin, seq = excluded.seq, owner = excluded.owner, name = excluded.name,
    state = excluded.state, expires_ms = excluded.expires_ms, fields = excluded.fields`;
const FORGET = `DELETE FROM records USING unnest($::text[], $::text[]) AS gone (kind, id)
  WHERE records.kind = gone.kind AND records.id = gone.id`;
const PUT = `INSERT INTO meta (key, value) SELECT * FROM unnest($::text[], $::text[])
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const DROP = 'DELETE FROM meta WHERE key = ANY ($::text[])';

const LOAD = `SELECT records.kind, records.id, origin, seq, fields
  FROM unnest($1::text[], $2::text[]) AS asked (kind, id)
  JOIN records ON records.kind = asked.kind AND records.id = asked.id`;
const AFTER = `SELECT ${RECORD_COLUMNS} FROM records
  WHERE origin = $1 AND seq > $2 ORDER BY seq, kind, id LIMIT $3`;

/** Opens the database. Rejects with a `StoreError` that names the remedy. */
export function openPostgres(server: DatabaseServer, options: ServerOptions = {}): Promise<Store> {
  const connector = {
    openWriter: async (onLost: OnLost): Promise<Session> => {
      const client = await connectPostgres(server, options, onLost);
      await preparePostgres(client, server, options);
      return new PostgresSession(client, server);
    },
    openReader: async (onLost: OnLost): Promise<Session> =>
      new PostgresSession(await connectPostgres(server, options, onLost), server),
  };
  return openServerStore(connector, options.maxConnections ?? 1);
}

class PostgresSession implements Session {
  readonly #client: pg.Client;
  readonly #server: DatabaseServer;

  constructor(client: pg.Client, server: DatabaseServer) {
    this.#client = client;
    this.#server = server;
  }

  async commit(changes: Changes): Promise<void> {
    const [first = [], ...others] = partsOf(changes.rows, MOST_ROWS, sizeOf);
    if (others.length === 0) {
      await this.#write({ ...changes, rows: first });
      return;
    }
    await this.#query('BEGIN');
    for (const rows of others) await this.#write({ rows, forget: [], put: [], drop: [] });
    await this.#write({ ...changes, rows: first });
    await this.#query('COMMIT');
  }

  async load(keys: readonly RecordKey[]): Promise<FoundRow[]> {
    return this.#find(LOAD, [keys.map(({ kind }) => kind), keys.map(({ id }) => id)]);
  }

  async select(selection: Selection): Promise<FoundRow[]> {
    const { sql, parameters } = selectionSql(selection);
    return this.#find(sql, parameters);
  }

  async after(origin: string, seq: number, limit: number): Promise<FoundRow[]> {
    return this.#find(AFTER, [origin, seq, limit]);
  }

  async meta(): Promise<[string, string][]> {
    return (await this.#query('SELECT key, value FROM meta')) as [string, string][];
  }

  async check(): Promise<void> {
    await this.#query('SELECT count(*) FROM migrations');
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  destroy(): void {
    streamOf(this.#client)?.destroy();
  }

  /** All parts as one statement: they see one state, and no row is touched by two of them. */
  async #write({ rows, forget, put, drop }: Changes): Promise<void> {
    const parts: string[] = [];
    const parameters: unknown[] = [];
    const add = (sql: string, lists: readonly unknown[]): void => {
      parameters.push(...lists);
      let at = parameters.length - lists.length;
      parts.push(sql.replaceAll('$::', () => `$${++at}::`));
    };
    if (rows.length > 0) add(WRITE, columnsOf(rows));
    if (forget.length > 0) add(FORGET, [forget.map(({ kind }) => kind), forget.map((k) => k.id)]);
    if (put.length > 0) add(PUT, [put.map(([key]) => key), put.map(([, value]) => value)]);
    if (drop.length > 0) add(DROP, [drop]);
    const last = parts.pop();
    if (last === undefined) return;
    const before = parts.map((sql, index) => `part${index} AS (${sql})`);
    const sql = before.length === 0 ? last : `WITH ${before.join(',\n')}\n${last}`;
    await this.#query(sql, parameters);
  }

  async #find(sql: string, parameters: readonly unknown[]): Promise<FoundRow[]> {
    const rows = await this.#query(sql, parameters);
    for (const row of rows) row[3] = Number(row[3]);
    return rows as FoundRow[];
  }

  async #query(text: string, values: readonly unknown[] = []): Promise<unknown[][]> {
    try {
      const name = statementName(text);
      const query = { name, text, values: [...values], rowMode: 'array' };
      return ((await this.#client.query(query)) as unknown as { rows: unknown[][] }).rows;
    } catch (error) {
      throw explainPostgres(this.#server, error);
    }
  }
}

/** Names of prepared statements: as many as there are shapes of selections and commits. */
const names = new Map<string, string>();

function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `akamu${names.size + 1}`;
    names.set(text, name);
  }
  return name;
}

/** Rows turned into columns, as `unnest` takes them. */
function columnsOf(rows: readonly Row[]): unknown[][] {
  const columns: unknown[][] = Array.from({ length: 9 }, () => []);
  for (const row of rows) for (const [at, cell] of row.entries()) columns[at]!.push(cell);
  return columns;
}

function selectionSql(selection: Selection): { sql: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const where = conditionsOf(selection).flatMap((condition) => sqlOf(condition, parameters));
  parameters.push(selection.limit);
  const sql = `SELECT ${RECORD_COLUMNS} FROM records WHERE ${where.join(' AND ')}
    ORDER BY id LIMIT $${parameters.length}`;
  return { sql, parameters };
}

function sqlOf({ column, operator, value, isWord }: Condition, parameters: unknown[]): string[] {
  if (isWord) return [`${column} ${operator} '${value}'`];
  parameters.push(value);
  const sql = `${column} ${operator} $${parameters.length}`;
  if (column !== 'owner' && column !== 'name') return [sql];
  // What the index holds; the whole text then decides.
  const beginning = `left($${parameters.length}, ${INDEXED_CHARACTERS})`;
  return [`left(${column}, ${INDEXED_CHARACTERS}) = ${beginning}`, sql];
}

/** pg has no call that ends a connection at once. */
function streamOf(client: pg.Client): { destroy(): void } | undefined {
  return (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection
    ?.stream;
}
