// A whole cluster under test: as many nodes as wanted, each with all the others as its peers, ready
// and in agreement. Invariant: all answer for the address of the first. Never here: loads.

import { ClusterNode } from './cluster-node.ts';
import { untilEqual } from './cluster-status.ts';
import { issueOnce } from './model-database.ts';
import type { World } from './world.ts';

const READY_MS = 60_000;

/** Starts them; whatever was started is in `started`, also when this rejects. */
export async function startGroup(
  world: World,
  name: string,
  count: number,
  started: ClusterNode[],
): Promise<readonly ClusterNode[]> {
  const first = await ClusterNode.create(world, { name: `${name}-0` });
  started.push(first);
  // The first start makes the CA whose files the others get.
  await issueOnce(world, first);
  const nodes = [first];
  for (let i = 1; i < count; i++) {
    const options = { name: `${name}-${i}`, baseUrl: first.baseUrl };
    const node = await ClusterNode.create(world, options, first);
    started.push(node);
    nodes.push(node);
  }
  for (const node of nodes) {
    const peers = nodes.filter((other) => other !== node);
    await node.start(peers, '/healthz');
  }
  for (const node of nodes) await node.untilReady(READY_MS);
  await untilEqual(nodes);
  return nodes;
}
