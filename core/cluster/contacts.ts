// First contacts: with which peers an exchange was completed in this process, and whether a node
// knows enough to serve. A node whose database is new waits for one that is not: it would refuse
// accounts that exist. Where nobody knows anything, all begin together.
// Invariant: a node that has served before waits no longer than a while, whoever is there.
// Never here: what an exchange brought.

/** Intervals that a node waits for somebody who knows more. */
const PATIENCE = 2;
/** Records counted for the log, and how they are called there. */
const COUNTED = {
  account: 'accounts',
  order: 'orders',
  certificate: 'certificates',
  authorization: 'authorizations',
} as const;

type Counts = { [K in (typeof COUNTED)[keyof typeof COUNTED]]: number };

export class Contacts {
  readonly #patienceMs: number;
  readonly #counts: Counts = { accounts: 0, orders: 0, certificates: 0, authorizations: 0 };
  readonly #met = new Set<string>();
  #knowsEnough = false;
  #startMonoMs: number | undefined;
  #firstMonoMs: number | undefined;
  #wasEstablished: boolean | undefined;

  constructor(intervalMs: number) {
    this.#patienceMs = PATIENCE * intervalMs;
  }

  /** True once `knowsEnough` has said so. */
  get isOver(): boolean {
    return this.#knowsEnough;
  }

  /**
   * Records that came from peers since this process started. For a node with a new database that
   * is all it knows.
   */
  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  /** What a node that does not know enough waits for. */
  get waitsFor(): string {
    if (this.#met.size > 0) return 'some peers were not met yet';
    return this.#wasEstablished
      ? 'no peer was met since the start'
      : 'no first contact with a peer yet';
  }

  brought(kinds: readonly string[]): void {
    for (const kind of kinds) {
      if (Object.hasOwn(COUNTED, kind)) this.#counts[COUNTED[kind as keyof typeof COUNTED]]++;
    }
  }

  /** All that a peer had seen is here now. True for the first time in this process. */
  met(peer: string, isEstablished: boolean, monoMs: number): boolean {
    if (isEstablished) this.#knowsEnough = true;
    this.#firstMonoMs ??= monoMs;
    if (this.#met.has(peer)) return false;
    this.#met.add(peer);
    return true;
  }

  /** These are the peers now. */
  keep(peers: readonly string[]): void {
    for (const peer of this.#met) if (!peers.includes(peer)) this.#met.delete(peer);
  }

  /**
   * True when this node may serve; then it stays so. `isEstablished`: it has served before.
   * `strangers`: how many of those it was told to talk to have not been found yet.
   */
  knowsEnough(
    isEstablished: boolean,
    peers: readonly string[],
    strangers: number,
    monoMs: number,
  ): boolean {
    const startMonoMs = (this.#startMonoMs ??= monoMs);
    const wasEstablished = (this.#wasEstablished ??= isEstablished);
    if (this.#knowsEnough) return true;
    const hasNobody = peers.length + strangers === 0;
    const hasAll = strangers === 0 && peers.every((peer) => this.#met.has(peer));
    const isAnyone = wasEstablished && this.#met.size > 0;
    const sinceMonoMs = wasEstablished ? startMonoMs : this.#firstMonoMs;
    const isOver = sinceMonoMs !== undefined && monoMs - sinceMonoMs >= this.#patienceMs;
    this.#knowsEnough = hasNobody || hasAll || isAnyone || isOver;
    return this.#knowsEnough;
  }
}
