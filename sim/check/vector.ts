// Does whoever's version vector covers an event hold at least that event's content?
// Sees: a vector that moves too far (after the wrong page, after a lost page, over a superseded
// event); each event once per node, when the vector passes it. Cannot see: content lost later,
// which durability.ts and monotonicity-stored.ts see. Excuses: what has expired; what was deleted.

import type { Record } from '../../core/crdt/record.ts';
import { isDeletable } from '../../core/crdt/schema.ts';
import type { Checker, Finding } from '../checker.ts';
import type { WorldView } from '../world.ts';
import { lowered, mayBeSwept } from './content.ts';
import { reachOf, recordText, storyOf, timeText, vectorOfDisk } from './story.ts';

const SEEN = 'replica/seen/';

export function vector(): Checker {
  /** By origin, then by number. */
  const events = new Map<string, Map<number, Record>>();
  /** By node, up to where its vector was checked. */
  const checked: Map<string, number>[] = [];
  return {
    name: 'vector',
    believesPeers: true,
    watches: ['durable', 'disk'],
    observe: (observation, world) => {
      if (observation.kind === 'disk') {
        forgetUnseen(events, world);
        checked[observation.node] = new Map(vectorOfDisk(observation.disk));
      }
      if (observation.kind !== 'durable') return undefined;
      const { node, changes } = observation;
      const own = (checked[node] ??= new Map());
      const moved = new Map<string, number>();
      for (const { records, facts } of changes) {
        for (const record of records) note(events, record);
        for (const [name, value] of facts) {
          if (value !== null && name.startsWith(SEEN)) moved.set(name.slice(13), Number(value));
        }
      }
      let finding: Finding | undefined;
      for (const [origin, seq] of moved) {
        finding ??= uncovered(world, node, events.get(origin), own.get(origin) ?? 0, origin, seq);
        own.set(origin, seq);
      }
      return finding;
    },
    atEnd: () => [],
  };
}

function note(events: Map<string, Map<number, Record>>, record: Record): void {
  const { origin, seq } = record.dot;
  let own = events.get(origin);
  if (own === undefined) events.set(origin, (own = new Map()));
  if (!own.has(seq)) own.set(seq, record);
}

function uncovered(
  world: WorldView,
  node: number,
  events: ReadonlyMap<number, Record> | undefined,
  after: number,
  origin: string,
  through: number,
): Finding | undefined {
  const { disk } = world.nodes[node]!;
  for (let seq = after + 1; seq <= through; seq++) {
    const event = events?.get(seq);
    if (event === undefined) continue;
    const held = disk.get(event.kind, event.id);
    if (held === event) continue;
    if (held === undefined && (isDeletable(event.kind) || mayBeSwept(event, world.nowUs))) continue;
    if (held !== undefined && lowered(event.kind, event.fields, held.fields) === undefined)
      continue;
    const has = held === undefined ? 'it has nothing of it' : `it has ${recordText(held)}`;
    const when = timeText(world.nowUs);
    const covers = `${when} n${node} says it has seen ${origin} up to ${through}`;
    const end = `${covers}, with ${recordText(event)}; ${has}`;
    const story = storyOf(world, event.id, end);
    return { promise: 'what a vector covers is held', nodes: [node], story };
  }
  return undefined;
}

/** Forgets events that went with a disk before anybody else had seen them. */
function forgetUnseen(events: Map<string, Map<number, Record>>, world: WorldView): void {
  for (const [origin, own] of events) {
    const reach = Math.max(...world.nodes.map(({ disk }) => reachOf(disk, origin)));
    for (const seq of own.keys()) if (seq > reach) own.delete(seq);
  }
}
