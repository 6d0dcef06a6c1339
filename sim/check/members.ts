// Is anybody listened to who does not belong to the cluster? A node takes calls of nodes only that
// it has on disk as members, and takes in nothing of those that were removed.
// Sees: a call of a stranger that reaches the core; a page or an answer of a removed node that is
// merged, or one of its calls that is answered. Cannot see: whether its descriptor is genuine.
// Excuses: the last call to a node that was removed, whose answer comes in and is thrown away; with it
// requests may go on that have waited for it, and write events of their own.

import type { Checker, Finding } from '../checker.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { nodeStory, originOf } from './story.ts';

const PROMISE = 'nobody listens to a node that is not a member';

export function members(): Checker {
  return {
    name: 'members',
    watches: ['step'],
    observe: (observation, world) => {
      return observation.kind === 'step' ? judge(observation, world) : undefined;
    },
    atEnd: () => [],
  };
}

function judge(
  { node, input, effects }: Extract<Observation, { kind: 'step' }>,
  world: WorldView,
): Finding | undefined {
  if (!('from' in input)) return undefined;
  const { disk } = world.nodes[node]!;
  const status = disk.get('node', input.from)?.fields['status'];
  const isCall = input.kind === 'asked' || input.kind === 'redeem-asked';
  if (status === undefined && isCall) {
    return found(world, node, `takes a call of ${input.from}, who never introduced himself`);
  }
  const own = originOf(disk);
  const isHeard = effects.some((effect) => {
    if (effect.kind === 'persist') return effect.records.some(({ dot }) => dot.origin !== own);
    return isCall && (effect.kind === 'tell' || effect.kind === 'load');
  });
  if (status !== 'removed' || !isHeard) return undefined;
  return found(world, node, `listens to ${input.from}, who was removed`);
}

function found(world: WorldView, node: number, what: string): Finding {
  return { promise: PROMISE, nodes: [node], story: nodeStory(world, node, `n${node} ${what}`) };
}
