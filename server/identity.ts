// Who this node is, kept in its database: an id, drawn at the first start or that of its keys, and
// what was durable of its replica. Invariant: both are durable before the first event, and the database has just taken
// a write. Never here: keys, peers.

import { randomBytes } from 'node:crypto';
import { toBase64Url } from '../core/bytes.ts';
import { changedFacts, replicaFrom } from '../core/crdt/facts.ts';
import { emptyReplica, type ReplicaState } from '../core/crdt/replica.ts';
import { OperatorError } from '../io/operator-error.ts';
import type { Store } from '../io/store/store.ts';

export interface NodeIdentity {
  /** 20 octets, base64url. */
  readonly node: string;
  readonly replica: ReplicaState;
}

/**
 * Reads the identity, or makes one on a fresh database. `boot` names this process. In a cluster the
 * id is `keyed`, that of the node's keys, from the first start with them on.
 */
export async function loadIdentity(
  store: Store,
  boot: string,
  keyed?: string,
): Promise<NodeIdentity> {
  const meta = await store.meta();
  const known = keyed ?? meta.get('node');
  const replica = replicaFrom(meta, boot);
  if (replica !== undefined && 'broken' in replica) {
    throw new OperatorError(`the database is damaged: its fact "${replica.broken}" makes no sense`);
  }
  if (known !== undefined && replica !== undefined) {
    // A database that can be read but not written must not make the node ready.
    const facts = new Map([['boot', boot] as const, ['node', known] as const]);
    await store.commit({ records: [], forget: [], meta: facts });
    return { node: known, replica };
  }
  const node = known ?? toBase64Url(randomBytes(20));
  const fresh = emptyReplica(`${node}.${boot}`, boot);
  const facts = new Map([...changedFacts(undefined, fresh), ['node', node] as const]);
  await store.commit({ records: [], forget: [], meta: facts });
  return { node, replica: fresh };
}
