// A node gets a new KEM key: when it may, and how its cluster hears of it. The shell makes the key
// and has it durable in between.
// A node opens what is sealed to its key and to the one before, so whoever knows either is
// understood. Invariant: no key is given up while a member that is there may know no later one. A
// member that was away longer is not understood at first: then the two introduce themselves anew
// (`doubt` in membership.ts), or the node that has started is told who calls (`callPeer` in
// exchange.ts), which takes no key. Never here: keys.

import { done, refusal } from '../command-answer.ts';
import { covers } from '../crdt/version-vector.ts';
import type { WebResponse } from '../effect.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster } from './cluster.ts';
import type { NodeDescriptor } from './descriptor.ts';
import { announce, announcementOf } from './introduction.ts';

/** Members that a refusal names. */
const MOST_NAMED = 5;

/**
 * Whether this node may replace its key now. It need not serve: one whose database is older than its
 * last rotation understands nobody before it has rotated.
 */
export function mayRotate(tx: Transaction, cluster: Cluster): WebResponse {
  const { membership } = cluster;
  if (membership.isRemoved) {
    const fix = 'to come back it needs a new database, and gets new keys with it';
    return refusal(409, 'this node was removed from its cluster', fix);
  }
  if (!membership.isLoaded) {
    return refusal(503, 'this node is starting', 'try again in a moment');
  }
  const missing = uninformed(tx, cluster);
  if (missing.length === 0) return done({ node: membership.self.node });
  return refusal(
    409,
    `not known to have heard of this node's present key yet: ${named(missing, cluster)}`,
    'try again in a moment; it takes an exchange or two with each (akamu cluster status)',
  );
}

/** This node has a new key: it goes by it, and writes it into its record. */
export function announceRotation(
  tx: Transaction,
  { membership }: Cluster,
  descriptor: NodeDescriptor,
): WebResponse {
  // Nothing is cold after this, so what follows runs once, and whole.
  tx.need([{ kind: 'node', id: descriptor.node }]);
  membership.renew(descriptor);
  announce(tx, membership);
  tx.log('info', 'gossip', 'this node has replaced its KEM key', { node: descriptor.node });
  return done({ ...descriptor });
}

/** Members that are there and may not know how this node introduces itself now. */
function uninformed(tx: Transaction, { membership, rounds }: Cluster): readonly string[] {
  const dot = announcementOf(tx, membership);
  const live = rounds.live(tx.now.monoMs);
  const members = [...membership.peers].sort();
  return members.filter((node) => {
    // One failed call does not say that it is gone; and who calls nobody only knows who has called.
    const isCalled = !membership.isSilent && rounds.isReachable(node);
    const isThere = isCalled || live.includes(node);
    const seen = rounds.seenBy(node);
    return isThere && !(dot !== undefined && seen !== undefined && covers(seen, dot));
  });
}

function named(nodes: readonly string[], { membership }: Cluster): string {
  const first = nodes.slice(0, MOST_NAMED).map((node) => `${node} at ${membership.urlOf(node)}`);
  const more = nodes.length - first.length;
  return [...first, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
