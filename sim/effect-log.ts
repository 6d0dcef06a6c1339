// The ordered log of a simulated node's effects: group commit and visibility as the production
// shell has them. Changes wait to be committed together; what shows them outside waits behind them;
// a load ends a group, so that it reads before every change behind it.
// Invariant: an effect becomes visible only after every change before it is durable, in order.
// Never here: disks, what effects do.

import type { Effect } from '../core/effect.ts';
import type { Changes, CrashPoint } from './observation.ts';

type Entry =
  | { readonly kind: 'changes'; readonly changes: Changes }
  | { readonly kind: 'effect'; readonly effect: Effect };

/** What the log has others do. */
export interface EffectLogHost {
  /** False in a defective build only: nothing waits for the disk. */
  readonly waits: boolean;
  /** Calls `begin` a moment later: what else this turn brings is committed together. */
  soon(begin: () => void): void;
  /** Makes changes durable and calls back once they are. */
  commit(changes: readonly Changes[], durable: () => void): void;
  perform(effect: Effect): void;
  /** True when the process dies here: nothing may be done any more. */
  diesAt(point: CrashPoint): boolean;
}

export class EffectLog {
  readonly #host: EffectLogHost;
  /** What has not been handed to the disk: changes, and effects that wait behind them. */
  #waiting: Entry[] = [];
  /** Effects behind the commit under way, undefined when there is none. */
  #behindFlight: Effect[] | undefined;
  #inFlight: readonly Changes[] = [];
  #isScheduled = false;

  constructor(host: EffectLogHost) {
    this.#host = host;
  }

  /** Changes that are not durable: what a crash now would lose. */
  get unsynced(): readonly Changes[] {
    const waiting = this.#waiting.flatMap((entry) => {
      return entry.kind === 'changes' ? [entry.changes] : [];
    });
    return [...this.#inFlight, ...waiting];
  }

  /** Nothing waits, and nothing is on its way to the disk. */
  get isClean(): boolean {
    return this.#waiting.length === 0 && this.#behindFlight === undefined;
  }

  persist(changes: Changes): void {
    this.#waiting.push({ kind: 'changes', changes });
    if (this.#isScheduled || this.#behindFlight !== undefined) return;
    this.#isScheduled = true;
    this.#host.soon(() => this.#commit());
  }

  /** Performs an effect once everything before it is durable; at once when it is already. */
  visible(effect: Effect): void {
    if (!this.#host.waits) this.#host.perform(effect);
    else if (this.#waiting.length > 0) this.#waiting.push({ kind: 'effect', effect });
    else if (this.#behindFlight !== undefined) this.#behindFlight.push(effect);
    else this.#host.perform(effect);
  }

  #commit(): void {
    this.#isScheduled = false;
    if (this.#host.diesAt({ at: 'commit' })) return;
    const { changes, behind, rest } = nextGroup(this.#waiting);
    this.#waiting = rest;
    this.#behindFlight = behind;
    this.#inFlight = changes;
    this.#host.commit(changes, () => this.#durable());
  }

  #durable(): void {
    const behind = this.#behindFlight ?? [];
    this.#behindFlight = undefined;
    this.#inFlight = [];
    if (this.#host.diesAt({ at: 'durable' })) return;
    // The next commit goes out first, but it is not applied before the loads below have read.
    if (this.#waiting.length > 0) this.#commit();
    for (const effect of behind) {
      if (this.#host.diesAt({ at: 'visible', next: effect.kind })) return;
      this.#host.perform(effect);
    }
  }
}

/** Takes entries up to the first change behind a load. */
function nextGroup(waiting: readonly Entry[]): {
  readonly changes: readonly Changes[];
  readonly behind: Effect[];
  readonly rest: Entry[];
} {
  const changes: Changes[] = [];
  const behind: Effect[] = [];
  let hasLoad = false;
  let taken = 0;
  for (const entry of waiting) {
    if (entry.kind === 'changes' && hasLoad) break;
    taken++;
    if (entry.kind === 'changes') changes.push(entry.changes);
    else {
      behind.push(entry.effect);
      hasLoad ||= entry.effect.kind === 'load';
    }
  }
  return { changes, behind, rest: waiting.slice(taken) };
}
