// A store in memory, for tests: the same contract as the databases, kept on a `MemoryDisk` that
// outlives the store as a file would.
// Invariant: nothing handed in or out is shared with what is kept. Never here: persistence.

import { meets, type Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import type { Loaded } from '../../core/input.ts';
import { isSatisfiable, recordOf, requireKey, requireLimit, requireMeta, rowOf } from './row.ts';
import { type Batch, type Query, type Store, StoreError, type StoreStats } from './store.ts';

/** What survives a reopening. */
export interface MemoryDisk {
  readonly rows: Map<string, Entry>;
  readonly meta: Map<string, string>;
}

/** The JSON text of a row's fields, and a private copy of the record to compare with. */
interface Entry {
  readonly text: string;
  readonly record: Record;
}

type Counters = { -readonly [K in keyof StoreStats]: StoreStats[K] };

export function memoryDisk(): MemoryDisk {
  return { rows: new Map(), meta: new Map() };
}

export class MemoryStore implements Store {
  readonly #disk: MemoryDisk;
  readonly #stats: Counters = { commits: 0, recordsWritten: 0, reads: 0, recordsRead: 0 };
  #refusal: StoreError | undefined;
  #nextFailure: string | undefined;

  constructor(disk: MemoryDisk = memoryDisk()) {
    this.#disk = disk;
  }

  /** Makes the next commit fail as a full disk would: nothing of it is kept. */
  failNextCommit(reason: string): void {
    this.#nextFailure = reason;
  }

  commit(batch: Batch): Promise<void> {
    return this.#answer(() => {
      try {
        this.#apply(batch);
      } catch (error) {
        this.#refusal = new StoreError('stopped', String(error));
        throw error;
      }
    });
  }

  load(keys: readonly RecordKey[]): Promise<(Record | undefined)[]> {
    return this.#answer(() => {
      const found = keys.map((key) => this.#disk.rows.get(rowKey(key)));
      this.#count(keys.length, found.filter((entry) => entry !== undefined).length);
      return found.map((entry) => entry && copyOf(entry));
    });
  }

  select(selection: Selection): Promise<Record[]> {
    return this.#answer(() => {
      requireLimit(selection.limit);
      if (!isSatisfiable(selection)) return [];
      const { afterId } = selection;
      return this.#page(selection.limit, (record) => {
        const isBeyond = afterId === undefined || compareBytes(record.id, afterId) > 0;
        return isBeyond && meets(record, selection);
      });
    });
  }

  after(origin: string, seq: number, limit: number): Promise<Record[]> {
    return this.#answer(() => {
      requireLimit(limit);
      return this.#page(limit, ({ dot }) => dot.origin === origin && dot.seq > seq, bySeq);
    });
  }

  async read({ keys, selections, ranges }: Query): Promise<Loaded> {
    const [records, selected, found] = await Promise.all([
      this.load(keys),
      Promise.all(selections.map((selection) => this.select(selection))),
      Promise.all(ranges.map(({ origin, afterSeq, limit }) => this.after(origin, afterSeq, limit))),
    ]);
    return { records, selections: selected, ranges: found };
  }

  meta(): Promise<Map<string, string>> {
    return this.#answer(() => {
      this.#count(1, 0);
      return new Map(this.#disk.meta);
    });
  }

  check(): Promise<void> {
    return this.#answer(() => undefined);
  }

  stats(): StoreStats {
    return { ...this.#stats };
  }

  async close(): Promise<void> {
    this.#refusal = new StoreError('closed');
    await nextTurn();
  }

  /** Takes effect at once, and is answered a turn later, as a database would. */
  async #answer<T>(effect: () => T): Promise<T> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const answer = effect();
    await nextTurn();
    return answer;
  }

  #apply(batch: Batch): void {
    const entries = batch.records.map(entryOf);
    for (const key of batch.forget) requireKey(key);
    requireMeta(batch.meta);
    if (this.#nextFailure !== undefined) throw new StoreError('failed', this.#nextFailure);
    const { rows, meta } = this.#disk;
    for (const entry of entries) rows.set(rowKey(entry.record), entry);
    for (const key of batch.forget) rows.delete(rowKey(key));
    for (const [name, value] of batch.meta) {
      if (value === null) meta.delete(name);
      else meta.set(name, value);
    }
    this.#stats.commits += 1;
    this.#stats.recordsWritten += entries.length;
  }

  #page(
    limit: number,
    wanted: (record: Record) => boolean,
    order: (a: Record, b: Record) => number = byId,
  ): Record[] {
    const entries = [...this.#disk.rows.values()].filter(({ record }) => wanted(record));
    const page = entries.sort((a, b) => order(a.record, b.record)).slice(0, limit);
    this.#count(1, page.length);
    return page.map(copyOf);
  }

  #count(reads: number, records: number): void {
    this.#stats.reads += reads;
    this.#stats.recordsRead += records;
  }
}

function entryOf(record: Record): Entry {
  const [kind, id, origin, seq, , , , , text] = rowOf(record);
  return { text, record: recordOf(kind, id, origin, seq, text) };
}

function copyOf({ text, record: { kind, id, dot } }: Entry): Record {
  return recordOf(kind, id, dot.origin, dot.seq, text);
}

/** No text that can be stored holds a NUL, so two keys never share one map key. */
function rowKey({ kind, id }: RecordKey): string {
  return `${kind}\0${id}`;
}

function byId(a: Record, b: Record): number {
  return compareBytes(a.id, b.id);
}

function bySeq(a: Record, b: Record): number {
  return a.dot.seq - b.dot.seq || compareBytes(a.kind, b.kind) || byId(a, b);
}

/** UTF-8 order, which differs from that of code units beyond U+FFFF. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
