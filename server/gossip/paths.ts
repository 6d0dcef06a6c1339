// The paths at which nodes call each other on the admin listener, and what each call may cost.
// Invariant: both sides go by this one table. Never here: doing any of it.

import {
  FAST_OCTETS,
  FAST_TYPE,
  INTRODUCTION_TYPE,
  SEALED_TYPE,
} from '../../io/channel/channel.ts';

interface GossipPath {
  readonly path: string;
  /** Media type of the body and of its answer. */
  readonly type: string;
  /** Largest body and answer; nothing of ACME's max_body_bytes. */
  readonly maxOctets: number;
  /** From the call to the last octet of the answer. */
  readonly timeoutMs: number;
}

export type GossipPathName = 'sync' | 'fast' | 'identity';

export const GOSSIP_PATHS: Readonly<Record<GossipPathName, GossipPath>> = {
  /** Exchange records. */
  sync: {
    path: '/admin/gossip/sync',
    type: SEALED_TYPE,
    maxOctets: 16 * 1024 * 1024,
    timeoutMs: 20_000,
  },
  /** What is short and hurries: spend a nonce for a client, exchange what was just written. */
  fast: {
    path: '/admin/gossip/fast',
    type: FAST_TYPE,
    maxOctets: FAST_OCTETS,
    timeoutMs: 3_000,
  },
  /** Become known: two keys and a proof. */
  identity: {
    path: '/admin/gossip/identity',
    type: INTRODUCTION_TYPE,
    maxOctets: 64 * 1024,
    timeoutMs: 10_000,
  },
};
