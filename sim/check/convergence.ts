// Do all nodes end up the same? In the liveness phase: do their vectors become equal; at the end:
// are the contents the same record for record, and do the digests say the same as the contents.
// Sees: a node that stays behind, contents that differ under equal vectors, a digest that does not
// follow its contents. Cannot see: in which order it happened. Excuses: what may have been swept.

import { sameJson } from '../../core/crdt/canonical.ts';
import { advance, DAY_MS, digestFrom, EMPTY_DIGEST } from '../../core/crdt/digest.ts';
import { replicaFrom } from '../../core/crdt/facts.ts';
import type { Record } from '../../core/crdt/record.ts';
import { isTombstone } from '../../core/crdt/schema.ts';
import { sameVector } from '../../core/crdt/version-vector.ts';
import type { Checker, Finding } from '../checker.ts';
import type { NodeView, WorldView } from '../world.ts';
import { mayBeSwept, trueMs } from './content.ts';
import { recordText, storyOf, vectorOfDisk } from './story.ts';

const PROMISE = 'everybody ends up the same';

export function convergence(): Checker {
  return {
    name: 'convergence',
    watches: [],
    observe: () => undefined,
    unsettled: behind,
    atEnd: (world) => {
      if (world.cluster.length < 2 || behind(world) !== undefined) return [];
      const findings = [...world.cluster.slice(1).map((node) => different(world, node))];
      const wrong = world.cluster.map((node) => misdigested(world, node));
      return [...findings, ...wrong].filter((finding) => finding !== undefined);
    },
  };
}

function behind(world: WorldView): string | undefined {
  const nodes = world.cluster;
  const [first, ...others] = nodes;
  if (others.length === 0) return undefined;
  const down = nodes.find(({ isUp }) => !isUp);
  if (down !== undefined) return `n${down.index} is down`;
  const vector = vectorOfDisk(first!.disk);
  const odd = others.find(({ disk }) => !sameVector(vector, vectorOfDisk(disk)));
  if (odd !== undefined) {
    return `the vectors of n0 and n${odd.index} differ: ${difference(first!, odd)}`;
  }
  // What a liar has brought apart is noticed after the vectors are equal, and healed then.
  const apart =
    world.options.liars === 0 ? undefined : others.find((node) => isApart(first!, node));
  return apart && `n${first!.index} and n${apart.index} have not noticed that they differ`;
}

function isApart(a: NodeView, b: NodeView): boolean {
  const isHeld = (record: Record, by: NodeView): boolean => {
    const other = by.disk.get(record.kind, record.id);
    return (
      other === record ||
      isTombstone(record) ||
      (other !== undefined && sameJson(record.fields, other.fields))
    );
  };
  return (
    [...a.disk.records()].some((record) => !isHeld(record, b)) ||
    [...b.disk.records()].some((record) => !isHeld(record, a))
  );
}

function difference(a: NodeView, b: NodeView): string {
  const [left, right] = [vectorOfDisk(a.disk), vectorOfDisk(b.disk)];
  const origins = [...new Set([...left.keys(), ...right.keys()])].sort();
  const parts = origins.flatMap((origin) => {
    const [x = 0, y = 0] = [left.get(origin), right.get(origin)];
    return x === y ? [] : [`${origin} ${x} and ${y}`];
  });
  return parts.join(', ');
}

/** The first record that the node has otherwise than node 0. */
function different(world: WorldView, node: NodeView): Finding | undefined {
  const first = world.nodes[0]!;
  const odd = oneWay(world, first, node) ?? oneWay(world, node, first);
  if (odd === undefined) return undefined;
  const [record, other] = odd;
  const has = other === undefined ? 'the other has nothing' : `the other ${recordText(other)}`;
  const end = `at equal vectors one of n0 and n${node.index} has ${recordText(record)}, ${has}`;
  return { promise: PROMISE, nodes: [0, node.index], story: storyOf(world, record.id, end) };
}

function oneWay(
  world: WorldView,
  from: NodeView,
  to: NodeView,
): readonly [Record, Record | undefined] | undefined {
  for (const record of from.disk.records()) {
    const other = to.disk.get(record.kind, record.id);
    if (other === record) continue;
    if (other === undefined && (isTombstone(record) || mayBeSwept(record, world.nowUs))) continue;
    if (other === undefined || !sameJson(record.fields, other.fields)) return [record, other];
  }
  return undefined;
}

/** Whether the stored digest is that of the contents, over what has not expired. */
function misdigested(world: WorldView, { index, disk }: NodeView): Finding | undefined {
  const replica = replicaFrom(disk.facts, '');
  if (replica === undefined || !('origin' in replica)) return undefined;
  const day = Math.max(Math.floor(trueMs(world.nowUs) / DAY_MS) + 1, replica.digest.horizonDay);
  const steps = [...disk.records()].map((after) => ({ before: undefined, after }));
  const empty = { ...EMPTY_DIGEST, horizonDay: replica.digest.horizonDay };
  const real = digestFrom(advance(empty, world.hash, steps), day);
  const kept = digestFrom(replica.digest, day);
  if (real === kept) return undefined;
  const story = [`n${index} keeps the digest ${kept}, but its contents have ${real}`];
  return { promise: 'the digest is that of the contents', nodes: [index], story };
}
