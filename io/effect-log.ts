// The one ordered log of a node's effects: changes are gathered into group commits, and whatever
// shows them outside waits until every change before it is durable.
// Invariant: an action given after a change runs only once that change is durable; actions run in
// the order given. After a failed commit nothing runs any more. Never here: what actions do.

import type { Record, RecordKey } from '../core/crdt/record.ts';
import { joinBatches } from './store/batch.ts';
import type { Batch, Store } from './store/store.ts';

/** Changes of one step: what a persist effect carries. */
export interface Changes {
  readonly records: readonly Record[];
  readonly forget: readonly RecordKey[];
  readonly position: number;
}

/** Where the number of the node's last event is kept, under its origin. */
export function positionKey(origin: string): string {
  return `position ${origin}`;
}

type Action = () => void;

export class EffectLog {
  readonly #store: Store;
  readonly #origin: string;
  readonly #fail: (error: unknown) => void;
  /** Changes not yet handed to the store, in order. */
  #gathered: Changes[] = [];
  /** What waits for the gathered changes, and for the ones under way. */
  #afterGathered: Action[] = [];
  #afterFlight: Action[] | undefined;
  #scheduled = false;
  #failed = false;
  #idle: Action[] = [];

  constructor(store: Store, origin: string, fail: (error: unknown) => void) {
    this.#store = store;
    this.#origin = origin;
    this.#fail = fail;
  }

  /** Appends changes. They are committed together with what else this turn of the loop brings. */
  persist(changes: Changes): void {
    this.#gathered.push(changes);
    if (this.#scheduled || this.#afterFlight !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => this.#commit());
  }

  /** Runs `action` once everything appended so far is durable; at once when it is already. */
  visible(action: Action): void {
    if (this.#failed) return;
    if (this.#gathered.length > 0) this.#afterGathered.push(action);
    else if (this.#afterFlight !== undefined) this.#afterFlight.push(action);
    else action();
  }

  /** Settles when everything appended so far is durable or the log has failed. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failed) resolve();
      else this.visible(resolve);
      this.#idle.push(resolve);
    });
  }

  #commit(): void {
    this.#scheduled = false;
    if (this.#failed || this.#gathered.length === 0) return;
    const changes = this.#gathered;
    this.#afterFlight = this.#afterGathered;
    this.#gathered = [];
    this.#afterGathered = [];
    this.#store.commit(batchOf(changes, this.#origin)).then(
      () => this.#committed(),
      (error: unknown) => this.#stop(error),
    );
  }

  #committed(): void {
    const actions = this.#afterFlight ?? [];
    this.#afterFlight = undefined;
    // The next commit goes out first: the database works while the answers are sent.
    this.#commit();
    for (const action of actions) action();
  }

  #stop(error: unknown): void {
    this.#failed = true;
    for (const resolve of this.#idle) resolve();
    this.#fail(error);
  }
}

function batchOf(changes: readonly Changes[], origin: string): Batch {
  const position = String(changes.at(-1)!.position);
  const meta = new Map([[positionKey(origin), position]]);
  return joinBatches(changes.map(({ records, forget }) => ({ records, forget, meta })));
}
