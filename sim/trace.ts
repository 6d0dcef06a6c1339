// The trace of a run: the chain of hashes that its recorder builds, with a checkpoint every 1,000
// events, so that two runs can be compared by looking at a handful of numbers. Text is built only
// when somebody asks for it (trace-line.ts).
// Invariant: two traces with one hash observed the same; from the first difference on, every
// checkpoint differs, which is what makes bisection right. Never here: what is hashed, the meaning.

import { assert } from '../core/assert.ts';
import { RunningHash } from './hash.ts';
import type { Observation } from './observation.ts';
import { CHECKPOINT_EVENTS, type TraceSink } from './recorder.ts';
import { lineOf } from './trace-line.ts';

/** Events whose link of the chain a trace can keep: 4 octets each. */
const MAX_LINKS = 50_000_000;

export interface TraceOptions {
  /** Keep every link of the chain, so that another trace can be compared with this one. */
  readonly forComparison?: boolean;
  /** Gets the line of every event as it happens. */
  readonly print?: (line: string) => void;
  /** Compares as it goes, and keeps the line of the first event that differs from this trace. */
  readonly against?: Trace;
  /** Keeps the line of the event of this index. */
  readonly watch?: number;
}

/** One event of a trace, in words. */
export interface Place {
  readonly index: number;
  /** 32 bits of the chain after it. */
  readonly link: number;
  readonly line: string;
}

/** The first event in which two runs differ. */
export interface Divergence {
  /** Events before it, all the same. */
  readonly index: number;
  /** Links that were compared to find it. */
  readonly comparisons: number;
}

export class Trace {
  readonly #options: TraceOptions;
  #hash = new RunningHash();
  readonly #checkpoints: string[] = [];
  #links = new Uint32Array(0);
  #events = 0;
  #divergence: Place | undefined;
  #watched: Place | undefined;

  constructor(options: TraceOptions = {}) {
    this.#options = options;
  }

  /** What the recorder of a run shows every event to. */
  get sink(): TraceSink {
    return (seen, index, hash) => this.#observe(seen, index, hash);
  }

  #observe(seen: Observation, index: number, hash: RunningHash): void {
    this.#hash = hash;
    this.#events = index + 1;
    if (this.#events % CHECKPOINT_EVENTS === 0) this.#checkpoints.push(this.#hash.hex());
    const { forComparison, print, against, watch } = this.#options;
    if (forComparison) this.#keep(index);
    if (print !== undefined) print(lineOf(seen, index));
    if (watch === index) this.#watched = this.#place(seen, index);
    if (against !== undefined && this.#divergence === undefined) {
      const isSame = index < against.count && against.linkAt(index) === this.#hash.word;
      if (!isSame) this.#divergence = this.#place(seen, index);
    }
  }

  /** Events observed so far. */
  get count(): number {
    return this.#events;
  }

  /** The hash of everything so far, 16 hexadecimal digits. */
  get hash(): string {
    return this.#hash.hex();
  }

  /** The hash after every 1,000 events. */
  get checkpoints(): readonly string[] {
    return this.#checkpoints;
  }

  /** With `against`: the first event of this run that the other one had not, or had otherwise. */
  get divergence(): Place | undefined {
    return this.#divergence;
  }

  /** With `watch`: the event of that index, if there was one. */
  get watched(): Place | undefined {
    return this.#watched;
  }

  /** With `forComparison`: 32 bits of the chain after the event of this index. */
  linkAt(index: number): number {
    assert(index < this.#events && index < this.#links.length, `no link ${index} was kept`);
    return this.#links[index]!;
  }

  #place(seen: Observation, index: number): Place {
    return { index, link: this.#hash.word, line: lineOf(seen, index) };
  }

  #keep(index: number): void {
    if (index >= MAX_LINKS) return;
    if (index >= this.#links.length) {
      const grown = new Uint32Array(Math.max(4096, this.#links.length * 2));
      grown.set(this.#links);
      this.#links = grown;
    }
    this.#links[index] = this.#hash.word;
  }
}

/** What `firstDivergence` reads of a trace. */
export interface Chain {
  readonly count: number;
  readonly hash: string;
  readonly checkpoints: readonly string[];
  linkAt(index: number): number;
}

/** The first event in which two runs differ, by bisection; undefined when there is none. */
export function firstDivergence(a: Chain, b: Chain): Divergence | undefined {
  if (a.hash === b.hash && a.count === b.count) return undefined;
  let comparisons = 1;
  const search = (from: number, to: number, isSame: (at: number) => boolean): number => {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      comparisons++;
      if (isSame(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const shared = Math.min(a.checkpoints.length, b.checkpoints.length);
  const block = search(0, shared, (at) => a.checkpoints[at] === b.checkpoints[at]);
  const from = block * CHECKPOINT_EVENTS;
  const to = Math.min(from + CHECKPOINT_EVENTS, a.count, b.count);
  const index = search(from, to, (at) => a.linkAt(at) === b.linkAt(at));
  return { index, comparisons };
}
