// What one node has durable: records with the indexes a database would have, and small facts.
// Commits arrive here whole and only once they are durable; what was not, is not here.
// Invariant: a disk changes in `apply` only; records are shared, never copied, never changed.
// Never here: time, failures (machine.ts), what records mean.

import { columnsOf, meets, type Selection } from '../core/crdt/columns.ts';
import { keyText, type Record, type RecordKey } from '../core/crdt/record.ts';
import type { Effect, RangeQuery } from '../core/effect.ts';
import type { Loaded } from '../core/input.ts';
import { DotIndex } from './dot-index.ts';
import type { Changes } from './observation.ts';

/** A disk as others may see it. */
export interface DiskView {
  readonly size: number;
  readonly facts: ReadonlyMap<string, string>;
  get(kind: string, id: string): Record | undefined;
  /** All records, in no order that means anything but the same in every run. */
  records(): IterableIterator<Record>;
  /** As a database answers it: whole records, by id, at most `limit`. */
  select(selection: Selection): readonly Record[];
  /** Records of one origin beyond a number, by number. */
  range(query: RangeQuery): readonly Record[];
}

/** A copy of a disk that nothing changes any more: a backup. */
export interface DiskImage {
  readonly rows: ReadonlyMap<string, Record>;
  readonly facts: ReadonlyMap<string, string>;
}

/** A record, and the index entries it has. */
interface Row {
  readonly record: Record;
  readonly entries: readonly string[];
}

type Indexed = 'owner' | 'name' | 'state';
const INDEXED: readonly Indexed[] = ['owner', 'name', 'state'];

export class Disk implements DiskView {
  readonly #rows = new Map<string, Row>();
  readonly #facts = new Map<string, string>();
  readonly #dots = new DotIndex();
  /** kind → column → value → keys. */
  readonly #index = new Map<string, Map<string, Record>>();

  static of(image: DiskImage): Disk {
    const disk = new Disk();
    for (const record of image.rows.values()) disk.#put(record);
    for (const [name, value] of image.facts) disk.#facts.set(name, value);
    return disk;
  }

  get size(): number {
    return this.#rows.size;
  }

  get facts(): ReadonlyMap<string, string> {
    return this.#facts;
  }

  get(kind: string, id: string): Record | undefined {
    return this.#rows.get(`${kind}/${id}`)?.record;
  }

  *records(): IterableIterator<Record> {
    for (const { record } of this.#rows.values()) yield record;
  }

  /** Everything that a load asks for. */
  read({ keys, selections, ranges }: Extract<Effect, { kind: 'load' }>): Loaded {
    return {
      records: this.load(keys),
      selections: selections.map((selection) => this.select(selection)),
      ranges: ranges.map((range) => this.range(range)),
    };
  }

  load(keys: readonly RecordKey[]): readonly (Record | undefined)[] {
    return keys.map((key) => this.#rows.get(keyText(key))?.record);
  }

  select(selection: Selection): readonly Record[] {
    const { afterId, limit } = selection;
    const found: Record[] = [];
    for (const record of this.#candidates(selection)) {
      if (afterId !== undefined && record.id <= afterId) continue;
      if (meets(record, selection)) found.push(record);
    }
    return found.sort(byId).slice(0, limit);
  }

  range({ origin, afterSeq, limit }: RangeQuery): readonly Record[] {
    return this.#dots.after(origin, afterSeq, limit);
  }

  /** One transaction. */
  apply({ records, forget, facts }: Changes): void {
    for (const record of records) this.#put(record);
    for (const key of forget) this.#remove(keyText(key));
    for (const [name, value] of facts) {
      if (value === null) this.#facts.delete(name);
      else this.#facts.set(name, value);
    }
  }

  image(): DiskImage {
    const rows = [...this.#rows].map(([key, { record }]) => [key, record] as const);
    return { rows: new Map(rows), facts: new Map(this.#facts) };
  }

  /** The smallest indexed set that holds everything the selection can meet. */
  #candidates(selection: Selection): Iterable<Record> {
    let best: Map<string, Record> | undefined = this.#index.get(selection.kind);
    for (const column of INDEXED) {
      const value = selection[column];
      if (value === undefined) continue;
      const set = this.#index.get(indexKey(selection.kind, column, value));
      if (set === undefined) return [];
      if (best === undefined || set.size < best.size) best = set;
    }
    return best?.values() ?? [];
  }

  #put(record: Record): void {
    const key = keyText(record);
    const before = this.#rows.get(key);
    const entries = entriesOf(record);
    if (before !== undefined) {
      this.#dots.remove(before.record);
      for (const entry of before.entries) {
        if (!entries.includes(entry)) this.#unindex(key, entry);
      }
    }
    this.#rows.set(key, { record, entries });
    this.#dots.add(record);
    for (const entry of entries) {
      let set = this.#index.get(entry);
      if (set === undefined) this.#index.set(entry, (set = new Map()));
      set.set(key, record);
    }
  }

  #remove(key: string): void {
    const before = this.#rows.get(key);
    if (before === undefined) return;
    this.#dots.remove(before.record);
    for (const entry of before.entries) this.#unindex(key, entry);
    this.#rows.delete(key);
  }

  #unindex(key: string, entry: string): void {
    const set = this.#index.get(entry);
    set?.delete(key);
    if (set?.size === 0) this.#index.delete(entry);
  }
}

function entriesOf(record: Record): readonly string[] {
  const columns = columnsOf(record);
  const keys = [record.kind];
  for (const column of INDEXED) {
    const value = columns[column];
    if (value !== undefined) keys.push(indexKey(record.kind, column, value));
  }
  return keys;
}

/** Kinds contain no slash. */
function indexKey(kind: string, column: Indexed, value: string): string {
  return `${kind}/${column}/${value}`;
}

function byId(a: Record, b: Record): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
