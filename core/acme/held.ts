// What the node holds besides records, for handlers of all kinds. Never here: code, and how it is
// made (core/held-at-start.ts).

import type { Leases } from '../cluster/leases.ts';
import type { Json } from '../crdt/record.ts';
import type { Relayed } from '../effect.ts';
import type { Transaction } from '../transaction.ts';
import type { Outcome } from './answer.ts';
import type { NonceBook } from './nonce.ts';
import type { Policy } from './policy.ts';
import type { ReusableAuthorizations } from './reuse.ts';
import type { RevocationLists } from './revocation-lists.ts';

/** A nonce that another node issued, as a request brings it. */
export interface ForeignNonce {
  readonly nonce: string;
  /** In hexadecimal, as the nonce names it. */
  readonly issuer: string;
  /** The request, where the issuer may answer it, or null; wanted once. */
  readonly read: () => Json;
}

/** What comes of it. */
export type NonceVerdict =
  | { readonly kind: 'spent' }
  /** And it has answered the request. */
  | { readonly kind: 'relayed'; readonly answer: Relayed }
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
  readonly redeem?: (tx: Transaction, brought: ForeignNonce) => NonceVerdict;
}
