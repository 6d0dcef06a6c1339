// What an operator wants of the cluster: to see how it stands, to pin a node by hand, to remove one
// for ever. Invariant: looking changes nothing; every refusal names a way on.
// Never here: who may ask, how it is printed.

import { digestFrom } from '../crdt/digest.ts';
import type { Json } from '../crdt/record.ts';
import { compareDay, type ReplicaState, vectorOf } from '../crdt/replica.ts';
import type { VersionVector } from '../crdt/version-vector.ts';
import type { WebResponse } from '../effect.ts';
import type { Command } from '../input.ts';
import type { JsonObject } from '../json.ts';
import type { Transaction } from '../transaction.ts';
import type { Cluster } from './cluster.ts';
import { type NodeDescriptor, readDescriptor } from './descriptor.ts';
import { refusalOf, register } from './introduction.ts';

/** Carries out a command. `unready`: why this node does not serve, if it does not. */
export function administer(
  tx: Transaction,
  cluster: Cluster | undefined,
  unready: string | undefined,
  command: Command,
): WebResponse {
  if (cluster === undefined) {
    return failure(409, 'this node works alone', 'add a [gossip] section to its configuration');
  }
  switch (command.kind) {
    case 'status':
      return answer(200, clusterStatus(tx, cluster, unready));
    case 'register':
      return registerNode(tx, cluster, command.descriptor);
    case 'remove':
      return removeNode(tx, cluster, command.node);
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
    /** Configured URLs at which no node has been met since the start. */
    strangers: membership.strangers,
    removed: [...membership.removed].sort(),
    leases: leases.size,
    redemptions: redemptions.size,
  };
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
  const refusal = refusalOf(tx, membership, descriptor);
  if (descriptor === undefined || refusal !== undefined) {
    const fix = 'see: akamu node identity; an id that was removed never comes back';
    return failure(409, refusal ?? '', fix);
  }
  if (descriptor.node === membership.self.node) {
    return failure(409, 'this is the node itself', 'register it on another node');
  }
  if (!register(tx, descriptor)) {
    return failure(409, 'newer keys of this node are known', 'write the descriptor on it again');
  }
  tx.log('info', 'gossip', 'node registered', { node: descriptor.node, url: descriptor.url });
  return answer(200, { node: descriptor.node, status: 'member' });
}

function removeNode(tx: Transaction, { membership }: Cluster, node: string): WebResponse {
  if (node === membership.self.node) {
    return failure(409, 'a node does not remove itself', 'remove it on another node');
  }
  const known = tx.get('node', node);
  if (known === undefined) {
    return failure(404, 'no node has this id', 'see the ids with: akamu cluster status');
  }
  if (known.fields['status'] !== 'removed') {
    tx.put('node', node, { status: 'removed' });
    tx.log('warn', 'gossip', 'node removed for good', { node });
  }
  return answer(200, { node, status: 'removed' });
}

function incarnationOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('.') + 1);
}

/** `error`: what is wrong; `fix`: what to do. */
function failure(status: number, error: string, fix: string): WebResponse {
  return answer(status, { error, fix });
}

function answer(status: number, body: { readonly [member: string]: Json }): WebResponse {
  const headers = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status, headers, body: `${JSON.stringify(body)}\n`, route: 'gossip' };
}
