// Peers that hold a certificate under another order, account or names than this node does: somebody
// has told one of both a lie. Each keeps its own, so their digests differ for good.
// Invariant: such a peer is reconciled with in full now and then, and not at every round, which would
// not help. Never here: what is in dispute (acme/genuine-certificate.ts).

/** Beyond these, peers are taken for ones without a dispute. */
const MOST_PEERS = 256;
const PAUSE_MS = 3_600_000;

export class Disputes {
  /** Peer → when it may be reconciled with again, monotonic ms. */
  readonly #notBefore = new Map<string, number>();

  note(peer: string, monoMs: number): void {
    if (this.#notBefore.has(peer) || this.#notBefore.size >= MOST_PEERS) return;
    this.#notBefore.set(peer, monoMs + PAUSE_MS);
  }

  /** Whether digests that differ are a reason to fetch everything from a peer. */
  mayReconcile(peer: string, monoMs: number): boolean {
    const notBefore = this.#notBefore.get(peer);
    if (notBefore === undefined) return true;
    if (monoMs < notBefore) return false;
    this.#notBefore.set(peer, monoMs + PAUSE_MS);
    return true;
  }
}
