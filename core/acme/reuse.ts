// Which valid authorizations an account has for a name (RFC 8555 §7.1.4), in memory, so that an
// order for a new name costs no database read. Invariant: while `complete`, a name that is not
// found here has no valid authorization; beyond the bound it is no longer complete and the
// database is asked. Never here: deciding whether an authorization is still good.

import type { Draft } from '../transaction.ts';
import { nameKey } from './authorization.ts';
import { authorizationMade, authorizationStatus } from './records.ts';

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
  /** Until this moment something that was dropped early may still be valid. */
  #incompleteUntilMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  isComplete(nowMs: number): boolean {
    return this.#isLoaded && nowMs >= this.#incompleteUntilMs;
  }

  /** Says that everything the database held at start has been shown to `observe`. */
  markLoaded(): void {
    this.#isLoaded = true;
  }

  find(account: string, name: string): string | undefined {
    return this.#byName.get(`${account} ${name}`)?.at(-1)?.id;
  }

  /** Takes note of an authorization as it was just written or read. */
  observe(authorization: Draft, nowMs: number): void {
    const { account, expiresMs } = authorizationMade(authorization);
    const key = `${account} ${nameKey(authorization)}`;
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
    if (this.#size > this.#limit) this.#dropOldest();
  }

  #dropOldest(): void {
    const [oldest] = this.#byName;
    if (oldest === undefined) return;
    const [key, entries] = oldest;
    this.#byName.delete(key);
    this.#size -= entries.length;
    this.#incompleteUntilMs = Math.max(this.#incompleteUntilMs, entries.at(-1)!.expiresMs);
  }
}
