// Pages made before they are asked for: while a new node merges one, the next is read here, so that
// neither waits for the other's database.
// Invariant: a page is given to the peer and for the ask that it was made for, and once. It says
// what was so when it was made, like one that was long on its way. Never here: how a page is filled.

import { type Ask, type Page, sameCursor } from '../crdt/page.ts';
import { sameVector } from '../crdt/version-vector.ts';

/** Peers for which one is kept. */
const MOST = 4;

export class PreparedPages {
  readonly #pages = new Map<string, { readonly ask: Ask; readonly page: Page }>();

  get size(): number {
    return this.#pages.size;
  }

  /** Keeps a page for the ask that is to be expected of a peer; that of another makes room. */
  put(peer: string, ask: Ask, page: Page): void {
    this.#pages.delete(peer);
    this.#pages.set(peer, { ask, page });
    if (this.#pages.size > MOST) this.#pages.delete(this.#pages.keys().next().value!);
  }

  /** The page that was made for this ask, if any. Whatever is kept for the peer is kept no more. */
  take(peer: string, ask: Ask): Page | undefined {
    const kept = this.#pages.get(peer);
    if (kept === undefined) return undefined;
    this.#pages.delete(peer);
    const isFor =
      ask.cursor !== null &&
      ask.listing === null &&
      ask.origin === kept.ask.origin &&
      sameCursor(ask.cursor, kept.ask.cursor!) &&
      sameVector(ask.vector, kept.ask.vector);
    return isFor ? { ...kept.page, base: ask.vector, chain: ask.chain } : undefined;
  }
}
