// Who this node is, kept in its database: an id drawn at the first start and the incarnation under
// which it numbers its events. Invariant: both are durable before the first event.
// Never here: keys, peers.

import { randomBytes } from 'node:crypto';
import { toBase64Url } from '../core/bytes.ts';
import { positionKey } from '../io/effect-log.ts';
import type { Store } from '../io/store/store.ts';

export interface NodeIdentity {
  /** 20 octets, base64url. */
  readonly node: string;
  /** `<node>.<incarnation>`. */
  readonly origin: string;
  /** Number of the last event that is durable. */
  readonly position: number;
}

/** Reads the identity, or makes one on a fresh database. */
export async function loadIdentity(store: Store): Promise<NodeIdentity> {
  const meta = await store.meta();
  const known = meta.get('node');
  const node = known ?? toBase64Url(randomBytes(20));
  const incarnation = meta.get('incarnation') ?? '1';
  if (known === undefined) {
    const facts = new Map([
      ['node', node],
      ['incarnation', incarnation],
    ]);
    await store.commit({ records: [], forget: [], meta: facts });
  }
  const origin = `${node}.${incarnation}`;
  return { node, origin, position: Number(meta.get(positionKey(origin)) ?? 0) };
}
