// What is going to happen, by time: a binary heap. Events of one moment happen in the order they
// were scheduled, so the order is total.
// Invariant: pops never go back in time. Never here: what the events do.

/** One thing to come. `cancel` makes it a nothing; it stays in the heap until its time. */
export interface Timer {
  readonly atUs: number;
  cancel(): void;
}

class Entry implements Timer {
  readonly atUs: number;
  readonly order: number;
  action: (() => void) | undefined;

  constructor(atUs: number, order: number, action: () => void) {
    this.atUs = atUs;
    this.order = order;
    this.action = action;
  }

  cancel(): void {
    this.action = undefined;
  }
}

export class Queue {
  readonly #heap: Entry[] = [];
  #scheduled = 0;
  #nowUs = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Entries in the heap, cancelled ones included. */
  get size(): number {
    return this.#heap.length;
  }

  /** Time of the next event, or Infinity when nothing is left to happen. */
  get nextUs(): number {
    return this.#heap[0]?.atUs ?? Number.POSITIVE_INFINITY;
  }

  /** Schedules; a moment in the past counts as now. */
  add(atUs: number, action: () => void): Timer {
    const moment = Math.max(atUs, this.#nowUs);
    const entry = new Entry(moment, this.#scheduled++, action);
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
    return entry;
  }

  /** Moves time to the next event and does it. False when nothing is left before `endUs`. */
  runNext(endUs: number): boolean {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.atUs > endUs) break;
      this.#removeFirst();
      const { action } = first;
      if (action === undefined) continue;
      this.#nowUs = first.atUs;
      action();
      return true;
    }
    if (Number.isFinite(endUs) && endUs > this.#nowUs) this.#nowUs = endUs;
    return false;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
