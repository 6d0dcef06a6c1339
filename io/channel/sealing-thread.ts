// This side of the sealing thread: tasks go out, outcomes come back in the same order.
// Invariant: every task settles, also when the thread dies or is closed; nobody waits for ever, and
// no more than MOST_WAITING wait at once. Never here: what the tasks do.

import { Worker } from 'node:worker_threads';
import { ChannelRefusal } from './refusal.ts';
import type { Outcome, Task, WorkerStart } from './sealing-worker.ts';

/** Tasks that may wait for the thread: some seconds of its work. */
export const MOST_WAITING = 1_024;

/** A thread that has not ended by itself after so long is ended, whatever it is doing. */
const PATIENCE_MS = 5_000;

/** What the node has it do for its own sake; it is never refused. */
const OWN_TASKS: readonly Task[0][] = ['members', 'keys'];

// The path of the compiled module, which stands beside this one.
const WORKER = new URL('./sealing-worker.js', import.meta.url);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class SealingThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #closed = new Int32Array(new SharedArrayBuffer(4));
  readonly #ended: Promise<void>;
  #fault: string | undefined;
  #closing: Promise<void> | undefined;

  /** `died`: called once if the thread ends before it is closed. */
  constructor(start: Omit<WorkerStart, 'closed'>, died: (error: Error) => void = () => {}) {
    const lose = (fault: string): void => {
      const isNews = this.#fault === undefined;
      this.#lose(fault);
      if (isNews) died(this.#lost());
    };
    const workerData: WorkerStart = { ...start, closed: this.#closed };
    this.#worker = new Worker(WORKER, { workerData, name: 'channel' });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (outcome: Outcome) => this.#settle(outcome));
    this.#worker.on('error', (error: Error) => lose(`its thread died: ${error.message}`));
    this.#worker.on('exit', () => lose('its thread ended'));
  }

  /** Rejects with a ChannelRefusal (`busy` when too many wait), or an Error when it is closed. */
  run(task: Task): Promise<unknown> {
    if (this.#fault !== undefined) return Promise.reject(this.#lost());
    if (this.#waiting.length >= MOST_WAITING && !OWN_TASKS.includes(task[0])) {
      return Promise.reject(new ChannelRefusal('busy'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(task);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /**
   * Lets the thread finish what it is doing: Node 20 aborts the whole process when a thread is
   * terminated in the middle of compressing (`init_done_ && "close before init"`).
   */
  async #end(): Promise<void> {
    this.#lose('it was closed');
    Atomics.store(this.#closed, 0, 1);
    this.#worker.postMessage(['close'] satisfies Task);
    const timer = setTimeout(() => void this.#worker.terminate(), PATIENCE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #settle(outcome: Outcome): void {
    const { resolve, reject } = this.#waiting.shift() ?? {};
    if ('value' in outcome) resolve?.(outcome.value);
    else if ('refusal' in outcome) reject?.(new ChannelRefusal(outcome.refusal, outcome.detail));
    else reject?.(new Error(`the gossip channel failed: ${outcome.failure}`));
  }

  #lose(fault: string): void {
    this.#fault ??= fault;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#lost());
  }

  #lost(): Error {
    return new Error(`the gossip channel cannot be used: ${this.#fault}`);
  }
}
