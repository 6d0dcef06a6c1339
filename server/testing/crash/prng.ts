// Reproducible choices: a small integer generator (xorshift32, Marsaglia 2003).
// Invariant: the same seed gives the same choices. What the machine makes of them (which request is
// under way when a process is killed) is its own. Never here: floating point beyond the division.

export class Prng {
  #state: number;

  /** Any 32-bit seed; `stream` keeps users of one seed apart. */
  constructor(seed: number, stream = 0) {
    this.#state =
      (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) | 1;
    for (let i = 0; i < 8; i++) this.#next();
  }

  /** An integer from `low` up to and including `high`. */
  between(low: number, high: number): number {
    return low + (this.#next() % (high - low + 1));
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.between(0, 99) < percent;
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
}
