// Where the clients of a crash test stop while the server is examined.
// Invariant: once `close` has settled, no request is under way until `open`.
// Never here: what clients do.

import type { SignedRequest, Traffic, Trouble } from '../acme/session.ts';

/** Thrown at the gate when the test is over. */
export class Ended extends Error {}

const KEPT_REQUESTS = 64;

export class Gate implements Traffic {
  #isOpen = true;
  #hasEnded = false;
  #inside = 0;
  #waiting: (() => void)[] = [];
  #onIdle: (() => void)[] = [];
  #accepted: SignedRequest[] = [];
  /** The longest that anybody has waited for an answer so far, ms. */
  slowestMs = 0;
  /** Requests that had to be made again, by why. */
  readonly troubles: { [trouble in Trouble]: number } = { badNonce: 0, unavailable: 0, broken: 0 };

  async enter(): Promise<void> {
    while (!this.#isOpen && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#hasEnded) throw new Ended('the test is over');
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
    if (this.#inside === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  accepted(request: SignedRequest): void {
    this.#accepted.push(request);
    if (this.#accepted.length > KEPT_REQUESTS) this.#accepted.shift();
  }

  answered(tookMs: number): void {
    this.slowestMs = Math.max(this.slowestMs, tookMs);
  }

  troubled(by: Trouble): void {
    this.troubles[by]++;
  }

  /** The last requests that were accepted, oldest first. */
  get lastAccepted(): readonly SignedRequest[] {
    return this.#accepted;
  }

  /** Lets nobody in, and settles when everybody is out. */
  close(): Promise<void> {
    this.#isOpen = false;
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  /** Whoever waits at the gate, or comes to it, gets an Ended. */
  end(): void {
    this.#hasEnded = true;
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
