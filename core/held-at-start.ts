// What a node holds besides its records when it starts: nothing of the past, only what it was made
// of. Invariant: everything here can be lost with the process. Never here: records, state machines.

import type { Held } from './acme/held.ts';
import { NonceBook, type NonceIdentity } from './acme/nonce.ts';
import type { Policy } from './acme/policy.ts';
import { ReusableAuthorizations } from './acme/reuse.ts';
import { RevocationLists } from './acme/revocation-lists.ts';
import type { Cluster } from './cluster/cluster.ts';
import { redeem } from './cluster/redemption.ts';
import { LIMITS } from './limits.ts';
import type { Primitives } from './primitives.ts';

export interface HeldOptions {
  readonly policy: Policy;
  readonly nonces: NonceIdentity;
  /** Under which secrets in records are sealed: 32 octets, the same on every node. */
  readonly sealingKey: Uint8Array;
  readonly primitives: Primitives;
  readonly limits?: { readonly nonceWindow?: number };
}

/** `cluster` is undefined for a node that works alone. */
export function heldAtStart(
  { policy, nonces, sealingKey, primitives, limits }: HeldOptions,
  cluster: Cluster | undefined,
): Held {
  const { nonceWindow = LIMITS.nonceWindow } = limits ?? {};
  return {
    policy,
    nonces: new NonceBook(nonces, primitives, nonceWindow, LIMITS.nonceLifetimeMs),
    reusable: new ReusableAuthorizations(LIMITS.reusableAuthorizations, LIMITS.reusableFilterBits),
    lists: new RevocationLists(),
    leases: cluster?.leases,
    sealingKey,
    ...(cluster && { redeem: (tx, brought) => redeem(tx, cluster, brought) }),
  };
}
