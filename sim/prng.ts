// Chance by key: a draw is a function of (seed, stream, entity, index) and of nothing else, so that
// taking one event out of a run leaves every other draw as it was. Integers only: mixing is the
// finalizer of MurmurHash3 (public domain), exponential times come from a table.
// A stream is a purpose ("network.delay"), an entity a node, link or client, an index its count.
// Invariant: no state but the counters of a `Sequence`. Never here: the host's randomness, floats.

/** A purpose of draws; made once at module level by `stream`. */
export type Stream = number;

/** Millionths: the unit of every probability in the simulator. */
export const CERTAIN = 1_000_000;

/** The stream of a name. Two purposes with one name share their draws, so names are unique. */
export function stream(name: string): Stream {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** All draws of one seed. */
export class Draws {
  readonly seed: number;
  readonly #low: number;
  readonly #high: number;

  /** `seed`: a safe integer that is not negative. */
  constructor(seed: number) {
    this.seed = seed;
    this.#low = seed >>> 0;
    this.#high = Math.floor(seed / 0x1_0000_0000) >>> 0;
  }

  /** 32 uniform bits. */
  u32(of: Stream, entity: number, index: number): number {
    let hash = mix(this.#low ^ Math.imul(of, 0x9e3779b1));
    hash = mix(hash + this.#high + Math.imul(entity + 1, 0x85ebca77));
    return mix(hash ^ Math.imul(index + 1, 0xc2b2ae3d)) >>> 0;
  }

  /** Uniform in 0 … bound - 1. */
  below(bound: number, of: Stream, entity: number, index: number): number {
    const word = this.u32(of, entity, index);
    if (bound <= 0x20_0000) return Math.floor((word * bound) / 0x1_0000_0000);
    const more = this.u32(of ^ 0x5bd1e995, entity, index);
    return (word * 0x20_0000 + (more >>> 11)) % bound;
  }

  /** Uniform in min … max, both included. */
  between(min: number, max: number, of: Stream, entity: number, index: number): number {
    return min + this.below(max - min + 1, of, entity, index);
  }

  /** True with a probability of so many millionths. */
  chance(millionths: number, of: Stream, entity: number, index: number): boolean {
    if (millionths <= 0) return false;
    return this.below(CERTAIN, of, entity, index) < millionths;
  }

  /** An exponentially distributed whole number with this mean, never above 22 times the mean. */
  exponential(mean: number, of: Stream, entity: number, index: number): number {
    return exponentialOf(this.u32(of, entity, index), mean);
  }

  bytes(length: number, of: Stream, entity: number, index: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.u32(of + Math.imul(i + 1, 0x27d4eb2f), entity, index);
      for (let k = 0; k < 4 && i + k < length; k++) bytes[i + k] = word >>> (8 * k);
    }
    return bytes;
  }

  /** The draws of one entity of one stream, one after the other. */
  sequence(of: Stream, entity: number): Sequence {
    return new Sequence(this, of, entity);
  }
}

/** Counts the index up by itself: for planning, and for what happens to an entity in one order. */
export class Sequence {
  readonly #draws: Draws;
  readonly #stream: Stream;
  readonly #entity: number;
  #index = 0;

  constructor(draws: Draws, of: Stream, entity: number) {
    this.#draws = draws;
    this.#stream = of;
    this.#entity = entity;
  }

  u32(): number {
    return this.#draws.u32(this.#stream, this.#entity, this.#index++);
  }

  below(bound: number): number {
    return this.#draws.below(bound, this.#stream, this.#entity, this.#index++);
  }

  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  chance(millionths: number): boolean {
    return this.#draws.chance(millionths, this.#stream, this.#entity, this.#index++);
  }

  exponential(mean: number): number {
    return exponentialOf(this.u32(), mean);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    return this.#draws.bytes(length, this.#stream, this.#entity, this.#index++);
  }
}

/** -ln(1 - i / 128) * 65536 for i = 0 … 64: the exponential distribution up to its median. */
const UP_TO_MEDIAN: readonly number[] = [
  0, 514, 1032, 1554, 2081, 2611, 3146, 3686, 4230, 4778, 5331, 5889, 6451, 7019, 7591, 8169, 8751,
  9339, 9932, 10530, 11135, 11744, 12360, 12981, 13608, 14241, 14880, 15526, 16178, 16837, 17502,
  18174, 18854, 19540, 20233, 20934, 21643, 22359, 23083, 23815, 24556, 25305, 26063, 26829, 27605,
  28390, 29184, 29988, 30802, 31627, 32461, 33307, 34164, 35032, 35911, 36803, 37707, 38624, 39553,
  40496, 41453, 42424, 43409, 44410, 45426,
];
const MEDIAN = 45_426;

/** The distribution has no memory: whole medians by leading one bits, the rest from the table. */
function exponentialOf(word: number, mean: number): number {
  const medians = Math.clz32(~word);
  const rest = medians >= 31 ? 0 : mix(word) >>> 10;
  const slot = rest >>> 16;
  const [from, to] = [UP_TO_MEDIAN[slot]!, UP_TO_MEDIAN[slot + 1]!];
  const value = medians * MEDIAN + from + (((to - from) * (rest & 0xffff)) >>> 16);
  const [high, low] = [Math.floor(mean / 65_536), mean % 65_536];
  return value * high + Math.floor((value * low) / 65_536);
}

function mix(word: number): number {
  let hash = word;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
