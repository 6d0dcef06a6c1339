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
  /** The records that it was parked for, some perhaps more than once. */
  readonly missed: RecordKey[];
}

interface Waiting {
  readonly job: Job;
  readonly key: string;
  readonly untilMonoMs: number;
}

export class WaitingRoom {
  readonly #byKey = new Map<string, Set<Waiting>>();
  /** A request waits for one thing at a time. */
  readonly #byRequest = new Map<number, Waiting>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  enter(job: Job, key: RecordKey, untilMonoMs: number): void {
    const waiting = { job, key: keyText(key), untilMonoMs };
    const others = this.#byKey.get(waiting.key);
    if (others === undefined) this.#byKey.set(waiting.key, new Set([waiting]));
    else others.add(waiting);
    if (job.input.kind === 'request') this.#byRequest.set(job.input.request, waiting);
    this.#size++;
  }

  /** The jobs that waited for this record, in the order they came. */
  leave(key: RecordKey): readonly Job[] {
    if (this.#size === 0) return [];
    return this.#remove(this.#byKey.get(keyText(key)) ?? []);
  }

  /** The jobs whose time is over. */
  expire(monoMs: number): readonly Job[] {
    const all = [...this.#byKey.values()].flatMap((waiting) => [...waiting]);
    return this.#remove(all.filter(({ untilMonoMs }) => untilMonoMs <= monoMs));
  }

  /** Forgets the request whose client has gone. */
  abandon(request: number): void {
    const waiting = this.#byRequest.get(request);
    if (waiting !== undefined) this.#remove([waiting]);
  }

  #remove(leaving: Iterable<Waiting>): readonly Job[] {
    const jobs: Job[] = [];
    for (const waiting of leaving) {
      const { job, key } = waiting;
      const others = this.#byKey.get(key)!;
      others.delete(waiting);
      if (others.size === 0) this.#byKey.delete(key);
      if (job.input.kind === 'request') this.#byRequest.delete(job.input.request);
      jobs.push(job);
    }
    this.#size -= jobs.length;
    return jobs;
  }
}

export function isRequest({ input }: Job, request: number): boolean {
  return input.kind === 'request' && input.request === request;
}
