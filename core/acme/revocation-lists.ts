// The revocation lists this process holds, by CA: which was ordered last, which is signed, and
// whether something was revoked since. Invariant: a list is replaced only by one ordered later.
// Never here: records, requests, DER.

interface List {
  readonly number: number;
  readonly renewAtMs: number;
  readonly der?: Uint8Array;
  /** A revocation came after this list was ordered. */
  readonly stale: boolean;
}

/** The lists this process holds, by CA. */
export class RevocationLists {
  readonly #lists = new Map<string, List>();

  current(ca: string): List | undefined {
    return this.#lists.get(ca);
  }

  begin(ca: string, number: number, renewAtMs: number): void {
    this.#lists.set(ca, { number, renewAtMs, stale: false });
  }

  finish(ca: string, number: number, der: Uint8Array): void {
    const list = this.#lists.get(ca);
    if (list?.number === number) this.#lists.set(ca, { ...list, der });
  }

  /** A certificate of this CA was revoked. */
  outdate(ca: string): void {
    const list = this.#lists.get(ca);
    if (list !== undefined) this.#lists.set(ca, { ...list, stale: true });
  }
}
