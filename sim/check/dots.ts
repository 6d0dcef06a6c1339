// Is every dot used for one content only, and does every origin count without gaps?
// Sees: a restored, emptied or cloned node that numbers its events again although somebody has seen
// the old ones; an event number skipped or repeated. Cannot see: dots that never became durable,
// which are free to be used again.
// Excuses: events beyond the last that any disk knows of when a disk is exchanged.

import { sameJson } from '../../core/crdt/canonical.ts';
import { keyText, type Record } from '../../core/crdt/record.ts';
import type { Checker, Finding } from '../checker.ts';
import type { WorldView } from '../world.ts';
import { originOf, reachOf, recordText, seenOf, storyOf } from './story.ts';

export function dots(): Checker {
  /** By origin, then by number. */
  const events = new Map<string, Map<number, Record>>();
  /** By node: the last own number that became durable, and of which origin. */
  const counters: { origin: string | undefined; seq: number }[] = [];
  return {
    name: 'dots',
    believesPeers: true,
    watches: ['durable', 'disk', 'start'],
    observe: (observation, world) => {
      if (observation.kind === 'disk') forgetUnseen(events, world);
      if (observation.kind === 'disk' || observation.kind === 'start') {
        const { disk } = observation;
        const origin = originOf(disk);
        counters[observation.node] = { origin, seq: origin ? seenOf(disk, origin) : 0 };
      }
      if (observation.kind !== 'durable') return undefined;
      let finding: Finding | undefined;
      for (const { records, facts } of observation.changes) {
        const counter = (counters[observation.node] ??= { origin: undefined, seq: 0 });
        for (const record of records) {
          finding ??= reused(events, world, observation.node, record);
          finding ??= uncounted(counter, world, observation.node, record);
        }
        const origin = facts.get('replica/origin');
        if (origin != null) counters[observation.node] = { origin, seq: 0 };
      }
      return finding;
    },
    atEnd: () => [],
  };
}

function reused(
  events: Map<string, Map<number, Record>>,
  world: WorldView,
  node: number,
  record: Record,
): Finding | undefined {
  const { origin, seq } = record.dot;
  let own = events.get(origin);
  if (own === undefined) events.set(origin, (own = new Map()));
  const before = own.get(seq);
  if (before === undefined) own.set(seq, record);
  if (before === undefined || before === record) return undefined;
  if (keyText(before) === keyText(record) && sameContent(before, record)) return undefined;
  const end = `n${node} has ${recordText(record)}, but that event was ${recordText(before)}`;
  return { promise: 'no dot is used twice', nodes: [node], story: storyOf(world, record.id, end) };
}

function sameContent(a: Record, b: Record): boolean {
  return a.fields === b.fields || sameJson(a.fields, b.fields);
}

/** Own events become durable in the order of their numbers, none left out. */
function uncounted(
  counter: { origin: string | undefined; seq: number },
  world: WorldView,
  node: number,
  record: Record,
): Finding | undefined {
  const own = counter.origin ?? originOf(world.nodes[node]!.disk);
  counter.origin = own;
  if (record.dot.origin !== own || record.dot.seq === counter.seq + 1) {
    if (record.dot.origin === own) counter.seq++;
    return undefined;
  }
  const { seq } = record.dot;
  // A record of the own origin that comes back from a peer is not a new event.
  if (seq <= counter.seq) return undefined;
  const end = `n${node} writes event ${seq} of ${own}, but the last one was ${counter.seq}`;
  counter.seq = seq;
  return { promise: 'events have no gaps', nodes: [node], story: storyOf(world, record.id, end) };
}

/** Forgets events that went with a disk before anybody else had seen them. */
function forgetUnseen(events: Map<string, Map<number, Record>>, world: WorldView): void {
  for (const [origin, own] of events) {
    const reach = Math.max(...world.nodes.map(({ disk }) => reachOf(disk, origin)));
    for (const seq of own.keys()) if (seq > reach) own.delete(seq);
  }
}
