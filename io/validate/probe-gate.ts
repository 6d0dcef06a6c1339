// How many attempts run at once, and who is next: first come, first served. Invariant: at most
// `concurrent` hold a place and at most `queued` wait; nobody waits longer than they said they
// would. Never here: what is done in the place.

/** `entered`: the caller holds a place and must leave it. The others hold nothing. */
export type Admission = 'entered' | 'full' | 'late' | 'closed';

interface Waiter {
  readonly timer: NodeJS.Timeout;
  readonly admit: (admission: Admission) => void;
}

export class ProbeGate {
  readonly #concurrent: number;
  readonly #queued: number;
  // A Set keeps the order of arrival, and lets the one in the middle give up cheaply.
  readonly #waiting = new Set<Waiter>();
  #inside = 0;
  #closed = false;

  constructor(concurrent: number, queued: number) {
    this.#concurrent = concurrent;
    this.#queued = queued;
  }

  /** Waits for a place, at most `patienceMs`. */
  async enter(patienceMs: number): Promise<Admission> {
    if (this.#closed) return 'closed';
    if (this.#inside < this.#concurrent) {
      this.#inside++;
      return 'entered';
    }
    if (this.#waiting.size >= this.#queued) return 'full';
    return await new Promise((admit) => {
      const waiter: Waiter = {
        admit,
        timer: setTimeout(() => {
          this.#waiting.delete(waiter);
          admit('late');
        }, patienceMs),
      };
      this.#waiting.add(waiter);
    });
  }

  /** Gives the place to the one who has waited longest. */
  leave(): void {
    for (const next of this.#waiting) {
      this.#release(next, 'entered');
      return;
    }
    this.#inside--;
  }

  /** Sends everyone who waits away, and lets nobody in again. */
  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiting]) this.#release(waiter, 'closed');
  }

  #release(waiter: Waiter, admission: Admission): void {
    this.#waiting.delete(waiter);
    clearTimeout(waiter.timer);
    waiter.admit(admission);
  }
}
