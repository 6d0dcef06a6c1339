// Does anybody take work over from a node that may still be at it? Who takes over must have seen
// the lease unchanged for as long as it is good, by its own monotonic clock.
// And does anybody act on what he has lost: write what came of work that is another's by now?
// Sees: a taking over that comes too early, a late result that is believed. Cannot see: whose clock runs wrong; a clock that leaps
// lets two nodes work at once, which costs work and nothing else. It reports the smallest gap of a
// run: from the end of the owner's window, by the owner's clock, to the moment of taking over.
// Excuses: a version of the lease that the taker had not seen; a process that has just started.

import { ownerOf } from '../../core/cluster/leases.ts';
import { stateOf } from '../../core/crdt/columns.ts';
import { LATTICES, type Lease } from '../../core/crdt/lattice.ts';
import { keyText, type Record } from '../../core/crdt/record.ts';
import type { Checker, Finding } from '../checker.ts';
import type { Observation } from '../observation.ts';
import type { NodeView, WorldView } from '../world.ts';
import { recordText, storyOf } from './story.ts';

const PROMISE = 'nobody takes over work before its lease has lapsed';
const BELIEVED = 'only who holds the lease writes what came of the work';

/** A version of a lease as one node knows it. */
interface Known {
  readonly lease: Lease;
  /** When it came, on the clock of the node that knows it. */
  readonly sinceMonoMs: number;
  readonly boot: number;
}

/** When an owner wrote a version, on its own clock. */
type Written = Map<string, { readonly monoMs: number; readonly boot: number }>;

export function leases(): Checker {
  const nodes: Map<string, Known>[] = [];
  const written: Written = new Map();
  let smallestMs: number | undefined;
  return {
    name: 'leases',
    watches: ['step', 'start'],
    observe: (observation, world) => {
      const { node } = observation as { readonly node: number };
      if (observation.kind === 'start') nodes[node] = new Map();
      if (observation.kind !== 'step') return undefined;
      const known = (nodes[node] ??= new Map());
      let finding: Finding | undefined;
      for (const record of recordsOf(observation)) {
        const taken = follow(known, written, world, observation, record);
        if (taken === undefined) continue;
        if (taken.gapMs !== undefined)
          smallestMs = Math.min(smallestMs ?? taken.gapMs, taken.gapMs);
        finding ??= taken.finding;
      }
      return finding;
    },
    figures: () => {
      return smallestMs === undefined
        ? new Map()
        : new Map([['smallest lease gap ms', smallestMs]]);
    },
    atEnd: () => [],
  };
}

function recordsOf({ effects }: Extract<Observation, { kind: 'step' }>): readonly Record[] {
  return effects.flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
}

/** Notes a version; tells of a taking over. */
function follow(
  known: Map<string, Known>,
  written: Written,
  world: WorldView,
  { node, now, input }: Extract<Observation, { kind: 'step' }>,
  record: Record,
): { readonly gapMs?: number; readonly finding?: Finding } | undefined {
  const key = keyText(record);
  const lease = ownerOf(record);
  const before = known.get(key);
  if (lease === undefined || stateOf(record) !== 'processing') {
    known.delete(key);
    const isResult = input.kind === 'validated' || input.kind === 'issued';
    if (before === undefined || !isResult || isForeign(record, world, node)) return undefined;
    const late = believed(world, node, now.monoMs, before, record);
    return late && { finding: late };
  }
  const view = world.nodes[node]!;
  const { boot } = view;
  if (before !== undefined && LATTICES.lease.leq(lease, before.lease)) return undefined;
  known.set(key, { lease, sinceMonoMs: now.monoMs, boot });
  if (lease.node !== view.id || isForeign(record, world, node)) return undefined;
  written.set(versionText(key, lease), { monoMs: now.monoMs, boot });
  if (before === undefined || before.lease.node === lease.node) return undefined;
  const gapMs = gapOf(written, world, key, before.lease);
  const quietMs = now.monoMs - before.sinceMonoMs;
  const ttlMs = world.options.ownershipTtlSecs * 1000;
  if (before.boot !== boot || quietMs >= ttlMs) return gapMs === undefined ? {} : { gapMs };
  const end = `n${node} takes over ${recordText(record)} ${quietMs} ms after it saw the lease of ${before.lease.node}, which is good for ${ttlMs} ms`;
  const finding = { promise: PROMISE, nodes: [node], story: storyOf(world, record.id, end) };
  return gapMs === undefined ? { finding } : { gapMs, finding };
}

/** A result that was written by a node that did not hold the lease any more. */
function believed(
  world: WorldView,
  node: number,
  monoMs: number,
  { lease, sinceMonoMs, boot }: Known,
  record: Record,
): Finding | undefined {
  const view = world.nodes[node]!;
  const isOver = monoMs - sinceMonoMs >= world.options.ownershipTtlSecs * 1000;
  if (lease.node === view.id && (boot !== view.boot || !isOver)) return undefined;
  const whose = lease.node === view.id ? 'its own lease, which is over' : `that of ${lease.node}`;
  const end = `n${node} writes ${recordText(record)}, but the lease it knows is ${whose}`;
  return { promise: BELIEVED, nodes: [node], story: storyOf(world, record.id, end) };
}

/** Merged, and not written here. */
function isForeign({ dot }: Record, { nodes }: WorldView, node: number): boolean {
  return !dot.origin.startsWith(`${nodes[node]!.id}.`);
}

/** From the end of the owner's window, by its own clock; undefined when its process is gone. */
function gapOf(
  written: Written,
  { nodes, options }: WorldView,
  key: string,
  lease: Lease,
): number | undefined {
  const version = written.get(versionText(key, lease));
  const owner = nodes.find((node: NodeView) => node.id === lease.node);
  if (version === undefined || owner === undefined) return undefined;
  return owner.now().monoMs - version.monoMs - options.ownershipTtlSecs * 1000;
}

function versionText(key: string, { node, epoch, claimedAt, renewals }: Lease): string {
  return `${key} ${node} ${epoch} ${claimedAt} ${renewals}`;
}
