// The clock that removing goes by. What was removed by a wrong clock would be lost, so the moment
// taken is the earliest that the wall clock has shown for some time of monotonic running.
// Invariant: a clock that is ahead for less than the caution removes nothing that a right one keeps.
// Never here: what is removed.

import type { Now } from '../time.ts';

export class SweepClock {
  readonly #cautionMs: number;
  readonly #startMonoMs: number;
  #samples: readonly Now[] = [];

  constructor(cautionMs: number, startMonoMs: number) {
    this.#cautionMs = cautionMs;
    this.#startMonoMs = startMonoMs;
  }

  /** Takes a reading. Returns the moment to go by, or undefined while it is too early to tell. */
  read(now: Now): number | undefined {
    const sinceMonoMs = now.monoMs - this.#cautionMs;
    this.#samples = [...this.#samples.filter(({ monoMs }) => monoMs >= sinceMonoMs), now];
    if (this.#startMonoMs > sinceMonoMs) return undefined;
    return Math.min(...this.#samples.map(({ wallMs }) => wallMs));
  }
}
