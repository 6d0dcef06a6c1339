// What a handler of a client's request gets: its transaction, the request, and what the node holds
// besides records. Never here: code.

import type { Leases } from '../cluster/leases.ts';
import type { WebRequest } from '../input.ts';
import type { Transaction } from '../transaction.ts';
import type { NonceBook } from './nonce.ts';
import type { Policy } from './policy.ts';
import type { SignedRequest } from './request.ts';
import type { ReusableAuthorizations } from './reuse.ts';
import type { RevocationLists } from './revocation-lists.ts';

/** What the node holds besides records, for handlers. */
export interface Held {
  readonly policy: Policy;
  readonly nonces: NonceBook;
  readonly reusable: ReusableAuthorizations;
  readonly lists: RevocationLists;
  /** Undefined when this node works alone: then nobody else could do its work. */
  readonly leases: Leases | undefined;
}

/** What a handler gets. */
export interface Call extends Held {
  readonly tx: Transaction;
  readonly web: WebRequest;
  /** Variable segments of the path, in order. */
  readonly ids: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  /** Present exactly for routes that name a signer. */
  readonly signed: SignedRequest | undefined;
}
