// Records by the dot they carry: per origin a list sorted by number, for what a peer has not seen.
// Invariant: `after` gives exactly the records held now, each once, by number.
// Never here: version vectors.

import type { Origin, Record } from '../core/crdt/record.ts';

interface Log {
  /** Sorted by number; undefined where a record has moved on to another dot. */
  entries: (Record | undefined)[];
  numbers: number[];
  holes: number;
}

/** Holes are closed when they are this many and more than half. */
const HOLES = 32;

export class DotIndex {
  readonly #logs = new Map<Origin, Log>();

  add(record: Record): void {
    const { origin, seq } = record.dot;
    let log = this.#logs.get(origin);
    if (log === undefined) {
      log = { entries: [], numbers: [], holes: 0 };
      this.#logs.set(origin, log);
    }
    const at = firstFrom(log.numbers, seq);
    if (at === log.numbers.length) {
      log.numbers.push(seq);
      log.entries.push(record);
    } else if (log.numbers[at] === seq && log.entries[at] === undefined) {
      log.entries[at] = record;
      log.holes--;
    } else {
      // Also two records with one dot, which the checkers report: both are kept, as a table would.
      log.numbers.splice(at, 0, seq);
      log.entries.splice(at, 0, record);
    }
  }

  remove(record: Record): void {
    const log = this.#logs.get(record.dot.origin);
    if (log === undefined) return;
    const { seq } = record.dot;
    for (let at = firstFrom(log.numbers, seq); log.numbers[at] === seq; at++) {
      if (log.entries[at] !== record) continue;
      log.entries[at] = undefined;
      log.holes++;
      break;
    }
    if (log.holes > HOLES && log.holes * 2 > log.entries.length) close(log);
  }

  after(origin: Origin, afterSeq: number, limit: number): readonly Record[] {
    const log = this.#logs.get(origin);
    if (log === undefined) return [];
    const found: Record[] = [];
    for (let at = firstFrom(log.numbers, afterSeq + 1); at < log.entries.length; at++) {
      if (found.length === limit) break;
      const record = log.entries[at];
      if (record !== undefined) found.push(record);
    }
    return found;
  }
}

/** Index of the first number that is at least `seq`. */
function firstFrom(numbers: readonly number[], seq: number): number {
  let low = 0;
  let high = numbers.length;
  if (high > 0 && numbers[high - 1]! < seq) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function close(log: Log): void {
  const kept = log.entries.flatMap((entry, at) => (entry === undefined ? [] : [at]));
  log.numbers = kept.map((at) => log.numbers[at]!);
  log.entries = kept.map((at) => log.entries[at]);
  log.holes = 0;
}
