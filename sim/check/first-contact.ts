// Does a node with a new database wait until it knows what others knew before it serves? Once it
// says that it has served it must have all that one other node had when both were there.
// Sees: a node that begins to serve in the middle of its first fetch. Cannot see: a node that was
// told of nobody, or found nobody, as where nodes are removed or refused for their clocks: it may
// have met only who is as new. Excuses: what others had on disks that somebody exchanged since.

import { EMPTY_VECTOR } from '../../core/crdt/version-vector.ts';
import { mayCall } from '../build.ts';
import type { Checker, Finding } from '../checker.ts';
import type { Observation } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { nodeStory, vectorOfDisk } from './story.ts';

const PROMISE = 'a new node serves when it knows what others knew';
const ESTABLISHED = 'replica/established';

type Vector = ReadonlyMap<string, number>;

/** What each other node had when it was first there beside a process, by index. */
type Others = Map<number, Vector>;

export function firstContact(): Checker {
  /** By node that has not served yet. */
  const had = new Map<number, Others>();
  return {
    name: 'first-contact',
    watches: ['start', 'durable', 'disk'],
    believesPeers: true,
    observe: (observation, world) => {
      if (observation.kind === 'start') begin(observation, had, world);
      // What it had is gone: whoever asks it now gets all there is.
      if (observation.kind === 'disk') {
        for (const others of had.values()) others.set(observation.node, EMPTY_VECTOR);
      }
      return observation.kind === 'durable' ? judge(observation, had, world) : undefined;
    },
    atEnd: () => [],
  };
}

function begin(
  { node, disk }: Extract<Observation, { kind: 'start' }>,
  had: Map<number, Others>,
  world: WorldView,
): void {
  for (const [other, others] of had) {
    if (other !== node && !others.has(node)) others.set(node, vectorOfDisk(disk));
  }
  const isTold = world.nodes.some(({ index }) => {
    return index !== node && mayCall(node, index, world.options);
  });
  const { removals, skewMs, clockToleranceSecs } = world.options;
  const mayBeRefused = removals > 0 || skewMs > clockToleranceSecs * 1000;
  if (disk.facts.has(ESTABLISHED) || !isTold || mayBeRefused) {
    had.delete(node);
    return;
  }
  const others = world.cluster.filter(({ index, isUp }) => index !== node && isUp);
  had.set(node, new Map(others.map((other) => [other.index, vectorOfDisk(other.disk)])));
}

function judge(
  { node, changes }: Extract<Observation, { kind: 'durable' }>,
  had: Map<number, Others>,
  world: WorldView,
): Finding | undefined {
  const others = had.get(node);
  if (others === undefined) return undefined;
  if (!changes.some(({ facts }) => facts.get(ESTABLISHED) === '1')) return undefined;
  had.delete(node);
  const own = vectorOfDisk(world.nodes[node]!.disk);
  const isCovered = [...others.values()].some((vector) => {
    return [...vector].every(([origin, seq]) => (own.get(origin) ?? 0) >= seq);
  });
  if (isCovered || others.size === 0) return undefined;
  const end = `n${node} serves from now on, and knows less than each of the others did when it began`;
  return { promise: PROMISE, nodes: [node], story: nodeStory(world, node, end) };
}
