// What the clocks of the cluster have in common. Each node says what its own clock has shown for some
// time (sweep-clock.ts); nothing is let go before all say that its time has passed.
// Invariant: one clock that is right keeps all others from letting go of what it keeps.
// Never here: what is let go.

/** What a peer has said of its own clock. */
interface Vote {
  readonly clockMs: number;
  readonly monoMs: number;
}

export class ClockVotes {
  readonly #patienceMs: number;
  readonly #votes = new Map<string, Vote>();
  #startMonoMs: number | undefined;

  /** `patienceMs`: a peer that has been silent for this long is not waited for. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** A peer has said what its clock has shown for some time, Unix ms; 0: it cannot tell. */
  hear(peer: string, clockMs: number, monoMs: number): void {
    this.#startMonoMs ??= monoMs;
    this.#votes.set(peer, { clockMs, monoMs });
  }

  /** The moment that all agree has passed; undefined while somebody has still to be heard. */
  agreedMs(ownMs: number, peers: readonly string[], monoMs: number): number | undefined {
    const startMonoMs = (this.#startMonoMs ??= monoMs);
    for (const peer of this.#votes.keys()) if (!peers.includes(peer)) this.#votes.delete(peer);
    const silent: Vote = { clockMs: 0, monoMs: startMonoMs };
    const votes = peers.map((peer) => this.#votes.get(peer) ?? silent);
    const heard = votes.filter((vote) => monoMs - vote.monoMs < this.#patienceMs);
    const earliestMs = Math.min(ownMs, ...heard.map(({ clockMs }) => clockMs));
    return earliestMs > 0 ? earliestMs : undefined;
  }
}
