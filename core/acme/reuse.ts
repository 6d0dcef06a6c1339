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
  readonly #byName = new Map<string, Entry>();
  /** Until this moment something that was dropped early may still be valid. */
  #incompleteUntilMs = Number.POSITIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  isComplete(nowMs: number): boolean {
    return nowMs >= this.#incompleteUntilMs;
  }

  /** Says that everything the database held at start has been shown to `observe`. */
  markLoaded(): void {
    if (this.#incompleteUntilMs === Number.POSITIVE_INFINITY) this.#incompleteUntilMs = 0;
  }

  find(account: string, name: string): string | undefined {
    return this.#byName.get(`${account} ${name}`)?.id;
  }

  /** Takes note of an authorization as it was just written or read. */
  observe(authorization: Draft, nowMs: number): void {
    const { account, expiresMs } = authorizationMade(authorization);
    const key = `${account} ${nameKey(authorization)}`;
    if (authorizationStatus(authorization, nowMs) === 'valid') {
      this.#byName.delete(key);
      this.#byName.set(key, { id: authorization.id, expiresMs });
      if (this.#byName.size > this.#limit) this.#dropOldest();
    } else if (this.#byName.get(key)?.id === authorization.id) this.#byName.delete(key);
  }

  #dropOldest(): void {
    const [oldest] = this.#byName;
    if (oldest === undefined) return;
    const [key, { expiresMs }] = oldest;
    this.#byName.delete(key);
    this.#incompleteUntilMs = Math.max(this.#incompleteUntilMs, expiresMs);
  }
}
