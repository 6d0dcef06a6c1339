// What a handler of a client's request gets: its transaction, the request, and what the node holds
// besides records. Never here: code.

import type { WebRequest } from '../input.ts';
import type { Transaction } from '../transaction.ts';
import type { Held } from './held.ts';
import type { SignedRequest } from './request.ts';

/** What a handler gets. */
export interface Call extends Omit<Held, 'redeem'> {
  readonly tx: Transaction;
  readonly web: WebRequest;
  /** Variable segments of the path, in order. */
  readonly ids: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  /** Present exactly for routes that name a signer. */
  readonly signed: SignedRequest | undefined;
}
