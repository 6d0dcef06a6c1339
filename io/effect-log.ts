// The one ordered log of a node's effects: changes are gathered into group commits, whatever shows
// them outside waits until every change before it is durable, and a read finds the changes before it
// and none of those behind it.
// Invariant: an action given after a change runs only once that change is durable; actions run in
// the order given. After a failed commit nothing runs any more. Never here: what actions do.

import type { Facts } from '../core/crdt/facts.ts';
import { keyText, type Record, type RecordKey } from '../core/crdt/record.ts';
import { joinBatches } from './store/batch.ts';
import type { Batch, Store } from './store/store.ts';

/** Changes of one step: what a persist effect carries. */
export interface Changes {
  readonly records: readonly Record[];
  readonly forget: readonly RecordKey[];
  readonly facts: Facts;
}

type Action = () => void;

export class EffectLog {
  readonly #store: Store;
  readonly #committedIn: (seconds: number) => void;
  readonly #fail: (error: unknown) => void;
  /** Changes not yet handed to the store, in order, and what waits for them. */
  #gathered: Batch[] = [];
  #afterGathered: Action[] = [];
  /** What waits for each commit under way, oldest first. */
  readonly #flights: Action[][] = [];
  #scheduled = false;
  #failed = false;
  #idle: Action[] = [];

  /** `fail` is called once. */
  constructor(
    store: Store,
    committedIn: (seconds: number) => void,
    fail: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#committedIn = committedIn;
    this.#fail = fail;
  }

  /** Appends changes. They are committed together with what else this turn of the loop brings. */
  persist({ records, forget, facts }: Changes): void {
    this.#gathered.push({ records, forget, meta: facts });
    this.#schedule();
  }

  /** Runs `action` once everything appended so far is durable; at once when it is already. */
  visible(action: Action): void {
    if (this.#failed) return;
    if (this.#gathered.length > 0) this.#afterGathered.push(action);
    else if (this.#flights.length > 0) this.#flights.at(-1)!.push(action);
    else action();
  }

  /**
   * Runs `query` at this place of the log: the store takes requests in the order they are made.
   * `keys`: all that it looks at, if it looks at records by their keys alone. When nothing gathered
   * concerns them, the query says the same before it as after it, and the commit need not hurry.
   */
  read(query: Action, keys?: readonly RecordKey[]): void {
    if (keys === undefined || this.#hasGathered(keys)) this.#commit();
    if (!this.#failed) query();
  }

  /** Settles when everything appended so far is durable or the log has failed. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failed) resolve();
      else this.visible(resolve);
      this.#idle.push(resolve);
    });
  }

  #hasGathered(keys: readonly RecordKey[]): boolean {
    if (this.#gathered.length === 0) return false;
    const wanted = new Set(keys.map(keyText));
    const isWanted = (key: RecordKey): boolean => wanted.has(keyText(key));
    return this.#gathered.some(({ records, forget }) => {
      return records.some(isWanted) || forget.some(isWanted);
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#flights.length > 0 || this.#gathered.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#failed || this.#gathered.length === 0) return;
    const batch = joinBatches(this.#gathered);
    this.#flights.push(this.#afterGathered);
    this.#gathered = [];
    this.#afterGathered = [];
    const startedMs = performance.now();
    this.#store.commit(batch).then(
      () => {
        this.#committedIn((performance.now() - startedMs) / 1000);
        this.#committed();
      },
      (error: unknown) => this.#stop(error),
    );
  }

  #committed(): void {
    const actions = this.#flights.shift() ?? [];
    // What has gathered meanwhile goes first: it is synced while answers are written here.
    this.#commit();
    for (const action of actions) action();
    this.#schedule();
  }

  #stop(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    for (const resolve of this.#idle) resolve();
    this.#fail(error);
  }
}
