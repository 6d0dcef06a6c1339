// The one timer of a process, by the monotonic clock of its machine, which may be turned meanwhile.
// Invariant: it rings once for each time it is set, and never before its clock says so.
// Never here: what happens then.

import type { NodeClock } from './clock.ts';
import type { Queue, Timer } from './queue.ts';

export class Alarm {
  readonly #queue: Queue;
  readonly #clock: NodeClock;
  /** Runs what a timer brings: at once, or when the process goes on. */
  readonly #whenAwake: (action: () => void) => void;
  readonly #ring: () => void;
  #monoMs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(
    queue: Queue,
    clock: NodeClock,
    whenAwake: (action: () => void) => void,
    ring: () => void,
  ) {
    this.#queue = queue;
    this.#clock = clock;
    this.#whenAwake = whenAwake;
    this.#ring = ring;
  }

  /** Replaces the wish before. */
  set(monoMs: number): void {
    this.#monoMs = monoMs;
    this.plan();
  }

  /** The clock was turned: it may be due sooner or later. */
  plan(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#monoMs === Number.POSITIVE_INFINITY) return;
    const atUs = this.#clock.whenMono(this.#queue.nowUs, this.#monoMs);
    this.#timer = this.#queue.add(atUs, () => this.#whenAwake(() => this.#due()));
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#monoMs = Number.POSITIVE_INFINITY;
  }

  #due(): void {
    if (this.#clock.now(this.#queue.nowUs).monoMs < this.#monoMs) {
      this.plan();
      return;
    }
    this.#monoMs = Number.POSITIVE_INFINITY;
    this.#ring();
  }
}
