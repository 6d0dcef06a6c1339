// Which valid authorizations an account has for a name (RFC 8555 §7.1.4), in memory, so that an
// order for a new name costs no database read. Beyond a bound the oldest names are remembered in a
// filter only, which costs a few bits each instead of some 300 octets.
// Invariant: a name that is not found here and that `mayHaveMore` denies has no valid
// authorization. Never here: deciding whether an authorization is still good.

import { BloomFilter } from '../bloom-filter.ts';
import type { Draft } from '../transaction.ts';
import { authorizationMade, authorizationStatus, nameKey } from './records.ts';

interface Entry {
  readonly id: string;
  readonly expiresMs: number;
}

export class ReusableAuthorizations {
  readonly #limit: number;
  /** The valid ones of a name, by their expiry: the last lasts longest. */
  readonly #byName = new Map<string, readonly Entry[]>();
  #size = 0;
  #isLoaded = false;
  /** The names that were dropped although they may still be valid, until this moment. */
  readonly #dropped: BloomFilter;
  #droppedUntilMs = 0;

  /** At most `limit` authorizations, and a filter of `filterBits` for names beyond them. */
  constructor(limit: number, filterBits: number) {
    this.#limit = limit;
    this.#dropped = new BloomFilter(filterBits);
  }

  /** Whether the database may hold a valid authorization for this name that is not found here. */
  mayHaveMore(account: string, name: string, nowMs: number): boolean {
    if (!this.#isLoaded) return true;
    return nowMs < this.#droppedUntilMs && this.#dropped.mayHold(keyOf(account, name));
  }

  /** Says that everything the database held at start has been shown to `write`. */
  markLoaded(): void {
    this.#isLoaded = true;
  }

  find(account: string, name: string): string | undefined {
    return this.#byName.get(keyOf(account, name))?.at(-1)?.id;
  }

  /** Takes note of an authorization as it was just written or read. */
  write(authorization: Draft, nowMs: number): void {
    const { account, expiresMs } = authorizationMade(authorization);
    const key = keyOf(account, nameKey(authorization));
    const before = this.#byName.get(key) ?? [];
    const others = before.filter((entry) => {
      return entry.id !== authorization.id && entry.expiresMs > nowMs;
    });
    const isValid = authorizationStatus(authorization, nowMs) === 'valid';
    const entries = isValid ? [...others, { id: authorization.id, expiresMs }] : others;
    entries.sort((a, b) => a.expiresMs - b.expiresMs);
    this.#byName.delete(key);
    if (entries.length > 0) this.#byName.set(key, entries);
    this.#size += entries.length - before.length;
    if (this.#size > this.#limit) this.#dropOldest(nowMs);
  }

  /** Takes note of one of many that were merged at once: nothing makes room for it. */
  pass(authorization: Draft, nowMs: number): void {
    const { account, expiresMs } = authorizationMade(authorization);
    const key = keyOf(account, nameKey(authorization));
    if (this.#byName.has(key)) this.write(authorization, nowMs);
    else if (authorizationStatus(authorization, nowMs) === 'valid') {
      this.#drop(key, expiresMs, nowMs);
    }
  }

  #dropOldest(nowMs: number): void {
    const [oldest] = this.#byName;
    if (oldest === undefined) return;
    const [key, entries] = oldest;
    this.#byName.delete(key);
    this.#size -= entries.length;
    this.#drop(key, entries.at(-1)!.expiresMs, nowMs);
  }

  #drop(key: string, expiresMs: number, nowMs: number): void {
    if (nowMs >= this.#droppedUntilMs) this.#dropped.clear();
    this.#dropped.add(key);
    this.#droppedUntilMs = Math.max(this.#droppedUntilMs, expiresMs);
  }
}

function keyOf(account: string, name: string): string {
  return `${account} ${name}`;
}
