// A store on a database server: a queue of requests over one connection that writes and some that
// only read.
// Invariant: requests take effect in the order made. A commit starts when everything before it is
// done, and nothing after it starts before it is durable; only reads between two commits run side
// by side. Nothing is ever connected again: a store whose connection broke stays refused, because
// what was under way is unknown and the lock is gone. Never here: SQL.

import type { Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import type { Loaded } from '../../core/input.ts';
import { type FoundRow, isSatisfiable, isStorable, recordOf, requireLimit } from './row.ts';
import { ConnectionLost, type Connector, changesOf, type Session, within } from './session.ts';
import {
  type Batch,
  MOST_WAITING,
  type Query,
  type Store,
  StoreError,
  type StoreStats,
} from './store.ts';

interface Job {
  readonly isWrite: boolean;
  readonly run: (session: Session) => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

type Counters = { -readonly [K in keyof StoreStats]: StoreStats[K] };

/** The server ends statements sooner; beyond this the network or the server is gone. */
const ANSWER_MS = 45_000;
/** Idle connections are asked this often, so that a loss is found before a client finds it. */
const HEARTBEAT_MS = 15_000;
const GOODBYE_MS = 2_000;
/** A server that has no connection left is asked for another one again after this long. */
const READER_RETRY_MS = 30_000;

/** Opens the database. Rejects with a `StoreError` that names the remedy. */
export async function openServerStore(
  connector: Connector,
  maxConnections: number,
): Promise<Store> {
  const store = new ServerStore(connector, maxConnections);
  await store.open();
  return store;
}

class ServerStore implements Store {
  readonly #connector: Connector;
  readonly #maxConnections: number;
  readonly #stats: Counters = { commits: 0, recordsWritten: 0, reads: 0, recordsRead: 0 };
  readonly #queue: Job[] = [];
  readonly #running = new Set<Job>();
  /** Sessions with nothing to do; the one that writes stands first. */
  readonly #idle: Session[] = [];
  readonly #sessions = new Set<Session>();
  #writer: Session | undefined;
  #opening = false;
  #noReaderBeforeMs = 0;
  #refusal: StoreError | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(connector: Connector, maxConnections: number) {
    this.#connector = connector;
    this.#maxConnections = maxConnections;
  }

  async open(): Promise<void> {
    this.#writer = await this.#connector.openWriter((error) => this.#lose(error));
    if (this.#refusal !== undefined) {
      this.#writer.destroy();
      throw this.#refusal;
    }
    this.#sessions.add(this.#writer);
    this.#idle.push(this.#writer);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
  }

  async commit(batch: Batch): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    let changes: ReturnType<typeof changesOf>;
    try {
      changes = changesOf(batch);
    } catch (error) {
      this.#refusal = new StoreError('stopped', (error as Error).message);
      throw error;
    }
    const records = batch.records.length;
    await this.#ask(true, (session) => session.commit(changes));
    this.#stats.commits += 1;
    this.#stats.recordsWritten += records;
  }

  async load(keys: readonly RecordKey[]): Promise<(Record | undefined)[]> {
    const [texts, possible] = keysOf(keys);
    const ask = (session: Session): Promise<FoundRow[]> => session.load(possible);
    const rows = await this.#ask(false, possible.length === 0 ? async () => [] : ask);
    return this.#unpackSome(texts, rows);
  }

  async read({ keys, selections, ranges }: Query): Promise<Loaded> {
    for (const { limit } of [...selections, ...ranges]) requireLimit(limit);
    const [texts, possible] = keysOf(keys);
    const asked = selections.map((selection) => isSatisfiable(selection) && { ...selection });
    const [rows, selected, found] = await this.#ask(
      false,
      async (session) =>
        [
          possible.length === 0 ? [] : await session.load(possible),
          await inTurn(asked, async (selection) => (selection ? session.select(selection) : [])),
          await inTurn(ranges, ({ origin, afterSeq, limit }) =>
            session.after(origin, afterSeq, limit),
          ),
        ] as const,
    );
    return {
      records: this.#unpackSome(texts, rows),
      selections: selected.map((page) => this.#unpack(page)),
      ranges: found.map((page) => this.#unpack(page)),
    };
  }

  async select(selection: Selection): Promise<Record[]> {
    requireLimit(selection.limit);
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!isSatisfiable(selection)) return [];
    const copy = { ...selection };
    return this.#unpack(await this.#ask(false, (session) => session.select(copy)));
  }

  async after(origin: string, seq: number, limit: number): Promise<Record[]> {
    requireLimit(limit);
    return this.#unpack(await this.#ask(false, (session) => session.after(origin, seq, limit)));
  }

  async meta(): Promise<Map<string, string>> {
    const facts = await this.#ask(false, (session) => session.meta());
    this.#count(1, 0);
    return new Map(facts);
  }

  async check(): Promise<void> {
    await this.#ask(false, (session) => session.check());
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#refusal = new StoreError('closed');
    clearInterval(this.#heartbeat);
    if (this.#queue.length + this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    const sessions = [...this.#sessions];
    this.#sessions.clear();
    await Promise.all(sessions.map(goodbye));
  }

  #ask<T>(isWrite: boolean, run: (session: Session) => Promise<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#queue.length + this.#running.size >= MOST_WAITING) {
      return Promise.reject(new StoreError('overloaded'));
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ isWrite, run, resolve: resolve as Job['resolve'], reject });
      this.#advance();
    });
  }

  #advance(): void {
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const [busy] = this.#running;
      if (busy !== undefined && (busy.isWrite || job.isWrite)) return;
      const session = this.#idle.shift();
      if (session === undefined) {
        void this.#openReader();
        return;
      }
      this.#queue.shift();
      this.#running.add(job);
      void this.#carryOut(job, session);
    }
    if (this.#running.size === 0) this.#drained?.();
  }

  async #carryOut(job: Job, session: Session): Promise<void> {
    const timer = setTimeout(() => {
      this.#lose(new ConnectionLost(`no answer for ${ANSWER_MS / 1000} s`));
    }, ANSWER_MS).unref();
    try {
      job.resolve(await job.run(session));
    } catch (error) {
      this.#failed(job, error as StoreError);
    } finally {
      clearTimeout(timer);
      this.#running.delete(job);
      if (session === this.#writer) this.#idle.unshift(session);
      else this.#idle.push(session);
      this.#advance();
    }
  }

  #failed(job: Job, error: StoreError): void {
    job.reject(error);
    if (error instanceof ConnectionLost) this.#lose(error);
    else if (job.isWrite) this.#stop(new StoreError('stopped', error.message), error);
  }

  #lose(error: StoreError): void {
    this.#stop(error, error);
  }

  /** From now on nothing is done: who comes is refused, who waits is told, all connections are cut. */
  #stop(refusal: StoreError, reason: StoreError): void {
    this.#refusal ??= refusal;
    clearInterval(this.#heartbeat);
    for (const job of this.#queue.splice(0)) job.reject(refusal);
    for (const job of this.#running) job.reject(reason);
    for (const session of this.#sessions) session.destroy();
    this.#sessions.clear();
    this.#running.clear();
    this.#drained?.();
  }

  async #openReader(): Promise<void> {
    const isFull = this.#sessions.size >= this.#maxConnections;
    if (this.#opening || isFull || performance.now() < this.#noReaderBeforeMs) return;
    this.#opening = true;
    try {
      const session = await this.#connector.openReader((error) => this.#lose(error));
      if (this.#refusal === undefined) {
        this.#sessions.add(session);
        this.#idle.push(session);
      } else session.destroy();
    } catch {
      // The connections there are do the work; they say so when the server is gone.
      this.#noReaderBeforeMs = performance.now() + READER_RETRY_MS;
    } finally {
      this.#opening = false;
    }
    if (this.#refusal === undefined) this.#advance();
  }

  /** Asks every idle connection for a sign of life; what does not answer is lost. */
  #beat(): void {
    if (this.#queue.length + this.#running.size > 0) return;
    for (const session of this.#idle.splice(0)) {
      const job: Job = {
        isWrite: false,
        run: () => session.check(),
        resolve: () => {},
        reject: () => {},
      };
      this.#running.add(job);
      void this.#carryOut(job, session);
    }
  }

  #unpackSome(texts: readonly string[], rows: readonly FoundRow[]): (Record | undefined)[] {
    const found = new Map(rows.map((row) => [`${row[0]}\0${row[1]}`, row]));
    const records = texts.map((text) => {
      const row = found.get(text);
      return row && recordOf(...row);
    });
    this.#count(texts.length === 0 ? 0 : 1, rows.length);
    return records;
  }

  #unpack(rows: readonly FoundRow[]): Record[] {
    this.#count(1, rows.length);
    return rows.map((row) => recordOf(...row));
  }

  #count(reads: number, records: number): void {
    this.#stats.reads += reads;
    this.#stats.recordsRead += records;
  }
}

async function goodbye(session: Session): Promise<void> {
  const late = (): StoreError => new StoreError('failed', 'the server did not say goodbye');
  await within(GOODBYE_MS, late, () => session.destroy(), session.end()).catch(() => {
    session.destroy();
  });
}

/** The keys as texts, and copies of those that a row can have. */
function keysOf(keys: readonly RecordKey[]): readonly [texts: string[], possible: RecordKey[]] {
  const texts = keys.map(({ kind, id }) => `${kind}\0${id}`);
  return [texts, keys.filter(({ kind, id }) => isStorable(kind + id)).map(copyOfKey)];
}

/** One after the other: a session does one thing at a time. */
async function inTurn<T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await each(item));
  return results;
}

function copyOfKey({ kind, id }: RecordKey): RecordKey {
  return { kind, id };
}
