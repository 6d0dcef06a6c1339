// One try at proving control, with an end: when its time is up, or the validator closes, it fails
// with a sentence about what it was waiting for. Invariant: every socket an attempt owns is
// destroyed when the attempt ends, however it ends. Never here: protocols, retries.

import type { ValidationFailure } from '../../core/acme/validation.ts';
import { InFlight } from '../in-flight.ts';
import { failed, type ProbeFailure } from './failure.ts';

export interface Destroyable {
  destroy(): unknown;
}

/** What a probe holds while it runs. */
export interface Attempt {
  /** Names the wait that begins, and the problem it is if it never ends. */
  begin(problem: ValidationFailure, what: string): void;
  /** Has `resource` destroyed when the attempt ends. */
  own(resource: Destroyable): void;
}

/** The attempts under way. */
export class AttemptSet {
  readonly #running = new InFlight<RunningAttempt<unknown>>();

  /** The outcome of `work`, or a rejection with a ProbeFailure once `timeoutMs` have passed. */
  run<T>(timeoutMs: number, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const attempt = new RunningAttempt<T>(timeoutMs, resolve, reject, () => {
        this.#running.take(ticket);
      });
      const ticket = this.#running.add(attempt as RunningAttempt<unknown>);
      work(attempt).then(
        (value) => attempt.succeed(value),
        (error: unknown) => attempt.fail(error),
      );
    });
  }

  /** Ends every attempt under way with this failure. */
  cancel(failure: ProbeFailure): void {
    for (const attempt of this.#running.members()) attempt.fail(failure);
  }
}

class RunningAttempt<T> implements Attempt {
  readonly #owned: Destroyable[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onEnd: () => void;
  #problem: ValidationFailure = 'serverInternal';
  #what = 'starting';
  #ended = false;

  constructor(
    timeoutMs: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    onEnd: () => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onEnd = onEnd;
    this.#timer = setTimeout(() => {
      const waitedMs = Math.round(timeoutMs);
      this.fail(failed(this.#problem, `gave up after ${waitedMs} ms while ${this.#what}`));
    }, timeoutMs);
  }

  begin(problem: ValidationFailure, what: string): void {
    this.#problem = problem;
    this.#what = what;
  }

  own(resource: Destroyable): void {
    // A probe may come back from a slow DNS server after its time: what it opens then is closed.
    if (this.#ended) resource.destroy();
    else this.#owned.push(resource);
  }

  succeed(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  fail(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const resource of this.#owned) resource.destroy();
    this.#onEnd();
    return true;
  }
}
