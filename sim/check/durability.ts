// Is anything lost that was durable? After every start a disk holds at least what was on it, and at
// the end every node holds at least what is still on some disk that nobody exchanged.
// Sees: lost, torn or reordered commits, records that vanish or shrink, on one node and in all.
// Cannot see: answers that claim more than the disk had (durable-before-visible.ts).
// Excuses: what was on no other disk when a disk was exchanged; what has expired and been swept.

import { keyText, type Record } from '../../core/crdt/record.ts';
import { isDeletable } from '../../core/crdt/schema.ts';
import type { Checker, Finding } from '../checker.ts';
import type { DiskView } from '../disk.ts';
import type { Observation, ObservationKind } from '../observation.ts';
import type { WorldView } from '../world.ts';
import { lowered, mayBeSwept } from './content.ts';
import { recordText, storyOf } from './story.ts';

const PROMISE = 'nothing acknowledged is lost';
const WATCHES: readonly ObservationKind[] = ['durable', 'start', 'disk'];
/** A loss of many records is told by the first few. */
const MOST_FINDINGS = 3;

export function durability(): Checker {
  const rows: Map<string, Record>[] = [];
  const rowsOf = (node: number): Map<string, Record> => (rows[node] ??= new Map());
  return {
    name: 'durability',
    watches: WATCHES,
    observe: (observation, world) => observe(observation, world, rows, rowsOf),
    atEnd: (world) => lostAtEnd(world, rows),
  };
}

function observe(
  observation: Observation,
  world: WorldView,
  rows: Map<string, Record>[],
  rowsOf: (node: number) => Map<string, Record>,
): Finding | undefined {
  switch (observation.kind) {
    case 'durable': {
      const own = rowsOf(observation.node);
      let finding: Finding | undefined;
      for (const { records, forget } of observation.changes) {
        for (const record of records) own.set(keyText(record), record);
        for (const key of forget) {
          const early = goneEarly(world, observation.node, own.get(keyText(key)));
          if (early !== undefined) finding ??= early;
          own.delete(keyText(key));
        }
      }
      return finding;
    }
    case 'disk':
      rows[observation.node] = contentOf(observation.disk);
      return undefined;
    case 'start': {
      const { node, disk } = observation;
      for (const record of rowsOf(node).values()) {
        const finding = lossOf(world, node, record, disk);
        if (finding !== undefined) return finding;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** What expires goes when its time has passed for everybody, and what does not only once deleted. */
function goneEarly(
  world: WorldView,
  node: number,
  record: Record | undefined,
): Finding | undefined {
  if (record === undefined || isDeletable(record.kind)) return undefined;
  if (mayBeSwept(record, world.nowUs)) return undefined;
  const end = `n${node} removes ${recordText(record)} before its time`;
  return { promise: PROMISE, nodes: [node], story: storyOf(world, record.id, end) };
}

function contentOf(disk: DiskView): Map<string, Record> {
  const content = new Map<string, Record>();
  for (const record of disk.records()) content.set(keyText(record), record);
  return content;
}

function lossOf(
  world: WorldView,
  node: number,
  record: Record,
  disk: DiskView,
): Finding | undefined {
  const now = disk.get(record.kind, record.id);
  if (now === record) return undefined;
  const field = now && lowered(record.kind, record.fields, now.fields);
  if (now !== undefined && field === undefined) return undefined;
  const end = now === undefined ? 'it is gone' : `its ${field} is lower: ${recordText(now)}`;
  const story = storyOf(world, record.id, `n${node} had ${recordText(record)}; ${end}`);
  return { promise: PROMISE, nodes: [node], story };
}

/** Every live node against everything that is known to be on some disk. */
function lostAtEnd(world: WorldView, rows: readonly Map<string, Record>[]): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [origin, own] of rows.entries()) {
    const isBound = world.cluster.some(({ index }) => index === origin);
    if (own === undefined || !isBound) continue;
    for (const record of own.values()) {
      for (const { index, isUp, disk } of world.cluster) {
        if (!isUp || disk.get(record.kind, record.id) === record) continue;
        // A node that swept earlier than others is not behind.
        if (index !== origin && mayBeSwept(record, world.nowUs)) continue;
        const finding = lossOf(world, index, record, disk);
        if (finding !== undefined) findings.push(finding);
        if (findings.length >= MOST_FINDINGS) return findings;
      }
    }
  }
  return findings;
}
