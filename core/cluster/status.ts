// What an operator wants of the cluster: to see how it stands, to pin a node by hand, to remove one
// for ever. Invariant: looking changes nothing; every refusal names a way on.
// Never here: who may ask, how it is printed.

import { done, refusal } from '../command-answer.ts';
import { digestFrom } from '../crdt/digest.ts';
import { compareDay, type ReplicaState, vectorOf } from '../crdt/replica.ts';
import type { VersionVector } from '../crdt/version-vector.ts';
import type { WebResponse } from '../effect.ts';
import type { ClusterCommand } from '../input.ts';
import type { JsonObject } from '../json.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster } from './cluster.ts';
import { type NodeDescriptor, readDescriptor } from './descriptor.ts';
import { refusalOf, register } from './introduction.ts';
import type { Membership } from './membership.ts';
import { announceRotation, mayRotate } from './rotation.ts';

/** Carries out a command. `unready`: why this node does not serve, if it does not. */
export function administer(
  tx: Transaction,
  cluster: Cluster | undefined,
  unready: string | undefined,
  command: ClusterCommand,
): WebResponse {
  if (cluster === undefined) {
    return refusal(409, 'this node works alone', 'add a [gossip] section to its configuration');
  }
  switch (command.kind) {
    case 'status':
      return done(clusterStatus(tx, cluster, unready));
    case 'register':
      return registerNode(tx, cluster, command.descriptor);
    case 'remove':
      return removeNode(tx, cluster, command.node);
    case 'may-rotate':
      return mayRotate(tx, cluster);
    case 'rotated':
      return announceRotation(tx, cluster, command.descriptor);
  }
}

function clusterStatus(tx: Transaction, cluster: Cluster, unready: string | undefined): JsonObject {
  const { membership, redemptions, leases } = cluster;
  const state = tx.replica;
  const day = compareDay(state);
  return {
    node: membership.self.node,
    url: membership.self.url,
    incarnation: incarnationOf(state.origin),
    ready: unready === undefined,
    reason: unready ?? null,
    position: state.seq,
    vectorSize: vectorOf(state).size,
    digest: { day, sum: digestFrom(state.digest, day) },
    members: [...membership.members.values()]
      .sort((a, b) => (a.node < b.node ? -1 : 1))
      .map((descriptor) => memberStatus(tx, cluster, state, descriptor)),
    /** Configured URLs at which no node has been met since the start, and that no member has. */
    strangers: membership.strangers.filter((url) => !isOfMember(membership, url)),
    removed: [...membership.removed].sort(),
    leases: leases.size,
    redemptions: redemptions.size,
  };
}

function isOfMember(membership: Membership, url: string): boolean {
  const members = [...membership.members.values()];
  return members.some(({ node, url: own }) => own === url || membership.urlOf(node) === url);
}

function memberStatus(
  tx: Transaction,
  cluster: Cluster,
  state: ReplicaState,
  { node }: NodeDescriptor,
): JsonObject {
  const { membership, rounds } = cluster;
  const { answeredMonoMs, agrees, origin } = cluster.factsOf(node);
  const seen = rounds.seenBy(node);
  const ours = vectorOf(state);
  return {
    node,
    url: membership.urlOf(node),
    status: 'member',
    /** Null while it has not been heard of since the start. */
    reachable: answeredMonoMs === undefined ? null : rounds.isReachable(node),
    lastExchangeMs: answeredMonoMs === undefined ? null : tx.now.monoMs - answeredMonoMs,
    /** Events it lacks, and events it has that this node lacks, when it was last heard. */
    lagEvents: seen === undefined ? null : { there: lag(ours, seen), here: lag(seen, ours) },
    digest: agrees === undefined ? 'unknown' : agrees ? 'equal' : 'different',
    incarnation: origin === undefined ? null : incarnationOf(origin),
  };
}

/** Events of which this node knows, from a member, and that it has not merged; by node id. */
export function lags({ membership, rounds }: Cluster, state: ReplicaState): Map<string, number> {
  const ours = vectorOf(state);
  const nodes = [...membership.members.keys()];
  return new Map(nodes.map((node) => [node, lag(rounds.seenBy(node) ?? ours, ours)]));
}

/** How many events `seen` lacks of `all`. */
function lag(all: VersionVector, seen: VersionVector): number {
  let events = 0;
  for (const [origin, seq] of all) events += Math.max(0, seq - (seen.get(origin) ?? 0));
  return events;
}

function registerNode(tx: Transaction, { membership }: Cluster, json: unknown): WebResponse {
  const descriptor = readDescriptor(json);
  const fault = refusalOf(tx, membership, descriptor);
  if (descriptor === undefined || fault !== undefined) {
    const fix = 'see: akamu node identity; an id that was removed never comes back';
    return refusal(409, fault ?? '', fix);
  }
  if (descriptor.node === membership.self.node) {
    return refusal(409, 'this is the node itself', 'register it on another node');
  }
  if (!register(tx, descriptor)) {
    return refusal(409, 'newer keys of this node are known', 'write the descriptor on it again');
  }
  tx.log('info', 'gossip', 'node registered', { node: descriptor.node, url: descriptor.url });
  return done({ node: descriptor.node, status: 'member' });
}

function removeNode(tx: Transaction, { membership }: Cluster, node: string): WebResponse {
  if (node === membership.self.node) {
    return refusal(409, 'a node does not remove itself', 'remove it on another node');
  }
  const known = tx.get('node', node);
  if (known === undefined) {
    return refusal(404, 'no node has this id', '`akamu cluster status` shows them');
  }
  if (known.fields['status'] !== 'removed') {
    tx.put('node', node, { status: 'removed' });
    tx.log('warn', 'gossip', 'node removed for good', { node });
  }
  return done({ node, status: 'removed' });
}

function incarnationOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('.') + 1);
}
