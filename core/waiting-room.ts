// Jobs that wait for a record to change, each until its moment. Invariant: a job leaves exactly
// once: when its record changes, when its time is over, or when its client has gone.
// Never here: running jobs, clocks.

import { keyText, type RecordKey } from './crdt/record.ts';
import type { Input } from './input.ts';
import type { Memory } from './transaction.ts';

/** An input on its way through the node, with what it remembers between runs. */
export interface Job {
  readonly input: Input;
  readonly memory: Memory;
  /** How often it had to be parked for records. */
  loads: number;
}

interface Waiting {
  readonly job: Job;
  readonly untilMonoMs: number;
}

export class WaitingRoom {
  readonly #byKey = new Map<string, Waiting[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  enter(job: Job, key: RecordKey, untilMonoMs: number): void {
    const text = keyText(key);
    const entry = { job, untilMonoMs };
    const others = this.#byKey.get(text);
    // Ten thousand may wait for one revocation list: copying would take quadratic time.
    if (others === undefined) this.#byKey.set(text, [entry]);
    else others.push(entry);
    this.#size++;
  }

  /** The jobs that waited for this record, in the order they came. */
  leave(key: RecordKey): readonly Job[] {
    if (this.#size === 0) return [];
    const text = keyText(key);
    const waiting = this.#byKey.get(text) ?? [];
    this.#byKey.delete(text);
    this.#size -= waiting.length;
    // Emptied, for V8's Map may keep a dead reference to it beyond the next collection.
    return waiting.splice(0).map(({ job }) => job);
  }

  /** The jobs whose time is over. */
  expire(monoMs: number): readonly Job[] {
    return this.#remove(({ untilMonoMs }) => untilMonoMs <= monoMs);
  }

  /** Forgets the request whose client has gone. */
  abandon(request: number): void {
    this.#remove(({ job }) => isRequest(job, request));
  }

  #remove(isDone: (waiting: Waiting) => boolean): readonly Job[] {
    const removed: Job[] = [];
    for (const [key, waiting] of this.#byKey) {
      const stay = waiting.filter((entry) => !isDone(entry));
      if (stay.length === waiting.length) continue;
      removed.push(...waiting.filter(isDone).map(({ job }) => job));
      if (stay.length === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, stay);
    }
    this.#size -= removed.length;
    return removed;
  }
}

export function isRequest({ input }: Job, request: number): boolean {
  return input.kind === 'request' && input.request === request;
}
