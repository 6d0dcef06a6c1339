// The records of one node as its core has them, durable or not: rebuilt from what its steps
// persist, and from its disk at each start. Remembers for one answer what the last persist
// replaced, so that an answer can be judged by what was there before it.
// Invariant: a function of the node's disk and its effects. Never here: judging.

import { accountKey, authorizationMade, rung } from '../core/acme/records.ts';
import { keyText, type Record, type RecordKey } from '../core/crdt/record.ts';
import type { DiskView } from './disk.ts';
import type { Shelf } from './model.ts';

/** Which account a key has made, by the key's thumbprint: its id follows from that, on every node. */
export type Origins = Map<string, string>;

export class NodeShelf implements Shelf {
  readonly #origins: Origins;
  readonly #rows = new Map<string, Record>();
  /** What the last persist replaced, while it is to be judged by what was before. */
  #before = new Map<string, Record | undefined>();
  #looksBack = false;
  readonly #accounts = new Map<string, Set<string>>();
  readonly #valid = new Map<string, Set<string>>();

  /** `origins`: what the shelves of all nodes have come to know. */
  constructor(disk: DiskView, origins: Origins) {
    this.#origins = origins;
    for (const record of disk.records()) this.#put(record);
  }

  get(kind: string, id: string): Record | undefined {
    const key = `${kind}/${id}`;
    if (this.#looksBack && this.#before.has(key)) return this.#before.get(key);
    return this.#rows.get(key);
  }

  accountsOf(thumbprint: string): readonly string[] {
    const ids = new Set(this.#accounts.get(thumbprint));
    const made = this.#origins.get(thumbprint);
    if (made !== undefined) ids.add(made);
    return [...ids].filter((id) => this.get('account', id) !== undefined);
  }

  authorizationsOf(account: string): readonly Record[] {
    const ids = [...(this.#valid.get(account) ?? [])];
    return ids.flatMap((id) => this.get('authorization', id) ?? []);
  }

  /** One persist effect. */
  apply(records: readonly Record[], forget: readonly RecordKey[]): void {
    this.#before = new Map();
    for (const record of records) {
      this.#before.set(keyText(record), this.#rows.get(keyText(record)));
      this.#put(record);
    }
    for (const key of forget) {
      this.#before.set(keyText(key), this.#rows.get(keyText(key)));
      this.#rows.delete(keyText(key));
    }
  }

  /** What the last persist did is history from here on. */
  settle(): void {
    if (this.#before.size > 0) this.#before = new Map();
  }

  /** Judges by what was there before the last persist. */
  lookingBack<T>(judge: () => T): T {
    this.#looksBack = true;
    const result = judge();
    this.#looksBack = false;
    return result;
  }

  #put(record: Record): void {
    this.#rows.set(keyText(record), record);
    if (record.kind === 'account') this.#putKey(record);
    if (record.kind !== 'authorization') return;
    const { account } = authorizationMade(record);
    if (rung(record, 'status') === 'valid') add(this.#valid, account, record.id);
  }

  #putKey(account: Record): void {
    const { thumbprint } = accountKey(account);
    add(this.#accounts, thumbprint, account.id);
    const { version } = account.fields['key'] as { readonly version: number };
    if (version === 1) this.#origins.set(thumbprint, account.id);
  }
}

function add(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, new Set([id]));
  else ids.add(id);
}
