// What a handler of a client's request gets: its transaction, the request, and what the node holds
// besides records. Never here: code.

import type { Leases } from '../cluster/leases.ts';
import type { WebRequest } from '../input.ts';
import type { Transaction } from '../transaction.ts';
import type { Outcome } from './answer.ts';
import type { NonceBook } from './nonce.ts';
import type { Policy } from './policy.ts';
import type { SignedRequest } from './request.ts';
import type { ReusableAuthorizations } from './reuse.ts';
import type { RevocationLists } from './revocation-lists.ts';

/** What comes of a nonce that another node issued. */
export type NonceVerdict =
  | { readonly kind: 'spent' }
  | { readonly kind: 'refused'; readonly reason: string }
  | (Outcome & { readonly kind: 'wait' });

/** What the node holds besides records, for handlers. */
export interface Held {
  readonly policy: Policy;
  readonly nonces: NonceBook;
  readonly reusable: ReusableAuthorizations;
  readonly lists: RevocationLists;
  /** Undefined when this node works alone: then nobody else could do its work. */
  readonly leases: Leases | undefined;
  /** Under which secrets in records are sealed. */
  readonly sealingKey: Uint8Array;
  /** Has a nonce spent by the node that issued it. A node that works alone cannot. */
  readonly redeem?: (tx: Transaction, nonce: string, issuer: string) => NonceVerdict;
}

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
