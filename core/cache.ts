// The warm records: a bounded map in front of the database, least recently used out first (in two
// generations, which costs one map operation instead of a linked list). It also remembers that a
// record does not exist.
// Invariant: an entry written while a load was under way stays until that load has come back, so
// a late answer can never replace a newer version that was evicted meanwhile. Reading drops
// nothing: what one load brought can be read as a whole, however small the cache is.
// Never here: what a record means.

import { assert } from './assert.ts';
import { BloomFilter } from './bloom-filter.ts';
import { keyText, type Record, type RecordKey } from './crdt/record.ts';
import { isKnownKind } from './crdt/schema.ts';

interface Entry {
  /** null: known to be absent. */
  readonly record: Record | null;
  /** Number of the first load issued after this entry was written. */
  readonly nextLoad: number;
}

export class Cache {
  readonly #limit: number;
  /** Keys of records that may exist. Absent in a node that works alone: nobody asks it for others. */
  readonly #written: BloomFilter | undefined;
  /** Nothing else exists, of the kinds that this version knows. */
  #isWhole: boolean;
  #young = new Map<string, Entry>();
  #old = new Map<string, Entry>();
  /** Loads issued and not yet answered, in order. */
  readonly #underWay = new Set<number>();
  #nextLoad = 1;

  /**
   * `filterBits`: for a filter of the keys that there are. `isEmpty`: the database holds nothing yet,
   * so that all it ever holds is seen here; otherwise see `know`.
   */
  constructor(limit: number, filterBits?: number, isEmpty: boolean = true) {
    assert(limit >= 2, 'the cache needs room');
    this.#limit = limit;
    this.#isWhole = isEmpty;
    this.#written = filterBits === undefined ? undefined : new BloomFilter(filterBits);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The record, null when it is known to be absent, undefined when it is not warm. */
  get(key: RecordKey): Record | null | undefined {
    const text = keyText(key);
    const young = this.#young.get(text);
    if (young !== undefined) return young.record;
    const old = this.#old.get(text);
    if (old === undefined) return this.#isAbsent(key, text) ? null : undefined;
    this.#old.delete(text);
    this.#young.set(text, old);
    return old.record;
  }

  /** A version this node just wrote. */
  write(record: Record): void {
    const text = keyText(record);
    this.#written?.add(text);
    this.#old.delete(text);
    this.#young.set(text, { record, nextLoad: this.#nextLoad });
    this.#trim();
  }

  /** There is such a record, in a database that held some at the start. */
  know(key: RecordKey): void {
    this.#written?.add(keyText(key));
  }

  /** All that were there at the start are known by now, but for kinds of later versions. */
  knowAll(): void {
    this.#isWhole = true;
  }

  /** One of many versions that were just stored: nothing warm makes room for it. */
  pass(record: Record): void {
    const text = keyText(record);
    const isWarm = this.#young.has(text) || this.#old.has(text);
    if (isWarm || this.#underWay.size > 0) this.write(record);
    else this.#written?.add(text);
  }

  /** A key that was removed for good. */
  remove(key: RecordKey): void {
    const text = keyText(key);
    this.#old.delete(text);
    this.#young.set(text, { record: null, nextLoad: this.#nextLoad });
    this.#trim();
  }

  /** Announces a load; its number goes into the effect. */
  beginLoad(): number {
    const load = this.#nextLoad++;
    this.#underWay.add(load);
    return load;
  }

  /** What a load brought: all of it is young now. Whatever is warm already is newer and stays. */
  fill(key: RecordKey, record: Record | undefined): void {
    const text = keyText(key);
    if (this.#young.has(text)) return;
    const old = this.#old.get(text);
    this.#old.delete(text);
    this.#young.set(text, old ?? { record: record ?? null, nextLoad: 0 });
  }

  endLoad(load: number): void {
    assert(this.#underWay.has(load), 'a load is answered once');
    this.#trim();
    this.#underWay.delete(load);
  }

  #isAbsent({ kind }: RecordKey, text: string): boolean {
    if (this.#written === undefined || !this.#isWhole || !isKnownKind(kind)) return false;
    return !this.#written.mayHold(text);
  }

  /**
   * When the young are too many: drops the old generation, but for what a load under way could
   * still contradict.
   */
  #trim(): void {
    if (this.#young.size <= this.#limit / 2) return;
    const [oldest = this.#nextLoad] = this.#underWay;
    const dropped = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
    for (const [text, entry] of dropped) {
      if (entry.nextLoad > oldest) this.#young.set(text, entry);
    }
  }
}
