// What a handler sees while it runs: a consistent view of records (get, put, select), the clocks,
// a source of ids, and a place for effects. Nothing it does counts until the node commits it; when
// it needs a record that is not warm it is stopped by a Miss and run again from the start.
// Invariant: a handler that does not finish leaves no trace. Never here: domain knowledge.

import { assert } from './assert.ts';
import { toBase64Url } from './bytes.ts';
import type { Cache } from './cache.ts';
import type { Redemption } from './cluster/redemptions.ts';
import type { Selection } from './crdt/columns.ts';
import type { Stamp } from './crdt/hlc.ts';
import type { Recent } from './crdt/recent.ts';
import { type Json, keyText, type Record, type RecordKey } from './crdt/record.ts';
import type { Outcome, ReplicaState } from './crdt/replica.ts';
import type { Effect, RangeQuery } from './effect.ts';
import type { Loaded } from './input.ts';
import { LIMITS } from './limits.ts';
import type { Primitives } from './primitives.ts';
import type { Now } from './time.ts';

/**
 * Whether the other members were asked for what may be lacking here: `in part` when some did not
 * answer in time.
 */
export type Asked = 'no' | 'in part' | 'yes';

/** What a handler is about to do because of what is not here. */
export type Resort = 'a refusal' | 'a key is bound';

/** Thrown through a handler that has to wait until the members were asked. Only the node catches it. */
export class Unasked {
  readonly before: Resort;

  constructor(before: Resort) {
    this.before = before;
  }
}

/** Thrown through a handler by a read that is not warm. Only the node catches it. */
export class Miss {
  readonly keys: readonly RecordKey[];
  readonly selections: readonly Selection[];
  readonly ranges: readonly RangeQuery[];

  constructor(
    keys: readonly RecordKey[],
    selections: readonly Selection[],
    ranges: readonly RangeQuery[] = [],
  ) {
    this.keys = keys;
    this.selections = selections;
    this.ranges = ranges;
  }
}

/** What survives from one run of an input to the next. */
export interface Memory {
  /** Answers to selections and ranges, by their text. */
  selections: Map<string, readonly Record[]>;
  /** The replica at the moment rows were first asked for; undefined while none were. */
  instant: ReplicaState | undefined;
  /** 32 bytes from the door; undefined for inputs that make no ids. */
  readonly entropy: Uint8Array | undefined;
  /** What a handler wants to keep, such as an authenticated request. */
  note: unknown;
  /** What has become of its nonce, where another node issued it. */
  redemption: Redemption | undefined;
  asked: Asked;
  /** How often rows had to be read anew because the replica had moved on. */
  rereads: number;
  /** Whether this input has waited its time already. */
  waited: boolean;
  /**
   * Wall clock when this input first ran, Unix ms. Selections by time name it: the clock of the
   * moment would make them new ones in every run, and the input would never have what it needs.
   */
  readonly firstRunMs: number;
}

const NO_ROWS: Map<string, readonly Record[]> = new Map();
const NO_DRAFTS: ReadonlyMap<string, Draft> = new Map();

/** The memory of an input that has not run yet. */
export function freshMemory(entropy: Uint8Array | undefined, firstRunMs: number): Memory {
  return {
    selections: NO_ROWS,
    instant: undefined,
    entropy,
    note: undefined,
    redemption: undefined,
    asked: 'no',
    rereads: 0,
    waited: false,
    firstRunMs,
  };
}

/** Rows that were read are read anew in the next run. */
export function forgetRows(memory: Memory): void {
  memory.selections.clear();
  memory.instant = undefined;
}

/** A record to be: fields given replace the old ones of the same name. */
export interface Draft extends RecordKey {
  readonly fields: Record['fields'];
}

/** What the node lends to a transaction. */
export interface Setting {
  readonly now: Now;
  readonly primitives: Primitives;
  readonly cache: Cache;
  /** Absent in a node that works alone: nobody asks it. */
  readonly recent: Recent | undefined;
  readonly replica: ReplicaState;
  /** This node gossips with nobody: what it has not written does not exist. */
  readonly isAlone: boolean;
  readonly nextStamp: () => Stamp;
}

export class Transaction {
  readonly now: Now;
  readonly primitives: Primitives;
  readonly memory: Memory;
  /** What the node knows beside its records, before this input. */
  readonly replica: ReplicaState;
  readonly isAlone: boolean;
  /** What a page of a peer came to, once a handler has said so. */
  outcome: Outcome | undefined;
  /** Made by the first write: most inputs only read. */
  #drafts: Map<string, Draft> | undefined;
  readonly forgotten: RecordKey[] = [];
  readonly notified: RecordKey[] = [];
  readonly effects: Effect[] = [];
  readonly #cache: Cache;
  readonly #recent: Recent | undefined;
  readonly #nextStamp: () => Stamp;
  #drawn = 0;

  constructor(setting: Setting, memory: Memory) {
    this.now = setting.now;
    this.primitives = setting.primitives;
    this.replica = setting.replica;
    this.isAlone = setting.isAlone;
    this.memory = memory;
    this.#cache = setting.cache;
    this.#recent = setting.recent;
    this.#nextStamp = setting.nextStamp;
  }

  get drafts(): ReadonlyMap<string, Draft> {
    return this.#drafts ?? NO_DRAFTS;
  }

  /** These records were there at the start; `isAll`: and no others that were not told of before. */
  know(keys: readonly RecordKey[], isAll: boolean): void {
    for (const key of keys) this.#cache.know(key);
    if (isAll) this.#cache.knowAll();
  }

  /** The record as this handler has it, or undefined when there is none. Throws Miss when cold. */
  get(kind: string, id: string): Draft | undefined {
    const key = { kind, id };
    // Most handlers only read, and most reads come before any write.
    const draft = this.#drafts?.get(keyText(key));
    if (draft !== undefined) return draft;
    const found = this.#cache.get(key);
    if (found === undefined) throw new Miss([key], []);
    return found ?? undefined;
  }

  /** The stored version if it is warm: null when there is none, undefined when it has to be loaded. */
  peek(key: RecordKey): Record | null | undefined {
    return this.#cache.get(key);
  }

  /** The stored version, without what this handler has written. Throws Miss when cold. */
  stored(key: RecordKey): Record | undefined {
    const found = this.#cache.get(key);
    if (found === undefined) throw new Miss([key], []);
    return found ?? undefined;
  }

  /** The stored versions of all these keys. */
  records(keys: readonly RecordKey[]): readonly (Record | undefined)[] {
    this.need(keys);
    return keys.map((key) => this.stored(key));
  }

  /** The replica that belongs to the rows `select` and `ranges` gave. */
  get instant(): ReplicaState {
    return this.memory.instant ?? this.replica;
  }

  /** Rows of origins, all of the same instant: `instant`. */
  ranges(ranges: readonly RangeQuery[]): readonly (readonly Record[])[] {
    const { memory } = this;
    const found: (readonly Record[])[] = [];
    for (const range of ranges) {
      const { origin, afterSeq, limit } = range;
      const rows =
        memory.selections.get(rangeText(range)) ?? this.#recent?.rows(origin, afterSeq, limit);
      if (rows === undefined) throw new Miss([], [], ranges);
      found.push(rows);
    }
    // Rows from memory are of this instant, and stay so if the input is run again.
    memory.instant ??= this.replica;
    remember(memory, new Miss([], [], ranges), { records: [], selections: [], ranges: found });
    return found;
  }

  /** Has rows that were read before be read anew; false when that was done too often already. */
  forgetRows(): boolean {
    forgetRows(this.memory);
    return ++this.memory.rereads <= LIMITS.rereads;
  }

  /**
   * What is not here may be on another node: returns once the reachable members were asked for what
   * this one lacks, and says whether all of them have answered. The first time it throws Unasked.
   */
  askMembers(before: Resort): boolean {
    if (this.isAlone) return true;
    if (this.memory.asked === 'no') throw new Unasked(before);
    return this.memory.asked === 'yes';
  }

  /** Has the node take over a replica state with its records, instead of local writes. */
  advance(outcome: Outcome): void {
    this.outcome = outcome;
  }

  mark(name: string): void {
    this.emit({ kind: 'mark', name });
  }

  /** Makes all of these warm at once, so that a handler misses once and not for each. */
  need(keys: readonly RecordKey[], selections: readonly Selection[] = []): void {
    const stored = keys.filter((key) => !this.drafts.has(keyText(key)));
    const isCold = stored.some((key) => this.#cache.get(key) === undefined);
    const open = selections.filter((selection) => {
      return !this.memory.selections.has(selectionText(selection));
    });
    // All of them, or while some come others may go: one load has to bring what one run needs.
    if (isCold || open.length > 0) throw new Miss(isCold ? stored : [], open);
  }

  /** Writes fields; the others keep their value. */
  put(kind: string, id: string, fields: Record['fields']): void {
    const before = this.get(kind, id);
    this.create(kind, id, { ...before?.fields, ...fields });
  }

  /** Writes a record whose id was drawn here and now, so that nothing needs to be looked up. */
  create(kind: string, id: string, fields: Record['fields']): void {
    const draft = { kind, id, fields };
    this.#drafts ??= new Map();
    this.#drafts.set(keyText(draft), draft);
  }

  /** Removes an expired record for good. */
  forget(key: RecordKey): void {
    this.forgotten.push(key);
  }

  /** Runs again whoever waits for this record, although it was not written. */
  notify(key: RecordKey): void {
    this.notified.push(key);
  }

  /** Records of the database, as of when the input first ran; each is warm afterwards. */
  select(selection: Selection): readonly Record[] {
    const found = this.memory.selections.get(selectionText(selection));
    if (found === undefined) throw new Miss([], [selection]);
    return found;
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  log(
    level: 'error' | 'warn' | 'info' | 'debug',
    target: string,
    message: string,
    fields: { readonly [name: string]: Json } = {},
  ): void {
    this.emit({ kind: 'log', level, target, message, fields });
  }

  stamp(): Stamp {
    return this.#nextStamp();
  }

  /** A new 128-bit id, 22 characters of base64url: the same one each time this input is run. */
  newId(): string {
    const { entropy } = this.memory;
    assert(entropy !== undefined, 'this input brought no entropy');
    const text = `${toBase64Url(entropy)}/${this.#drawn++}`;
    return toBase64Url(this.primitives.sha256(text).subarray(0, 16));
  }
}

/** Remembers what a load, or the memory of the node, brought for this input. */
export function remember(memory: Memory, miss: Miss, loaded: Loaded): void {
  if (miss.selections.length + miss.ranges.length === 0) return;
  if (memory.selections === NO_ROWS) memory.selections = new Map();
  for (const [index, selection] of miss.selections.entries()) {
    memory.selections.set(selectionText(selection), loaded.selections[index] ?? []);
  }
  for (const [index, range] of miss.ranges.entries()) {
    memory.selections.set(rangeText(range), loaded.ranges[index] ?? []);
  }
}

/** Never the text of a selection, which begins with a brace. */
function rangeText({ origin, afterSeq, limit }: RangeQuery): string {
  return `${origin}/${afterSeq}/${limit}`;
}

function selectionText(selection: Selection): string {
  return JSON.stringify(selection);
}
