// Does anything come back that a node removed for good: a deleted record, or one that expired?
// Sees: a removed key that is stored again on the same node. Cannot see: a deletion that a node
// never took part in. Excuses: a disk that somebody exchanged; a record removed by a clock that ran
// ahead, which is right to come back.

import { keyText, type Record } from '../../core/crdt/record.ts';
import { isDeletable, isTombstone } from '../../core/crdt/schema.ts';
import type { Checker, Finding } from '../checker.ts';
import type { WorldView } from '../world.ts';
import { mayBeSwept } from './content.ts';
import { recordText, storyOf } from './story.ts';

export function resurrection(): Checker {
  /** By node, the keys it removed. */
  const gone: Set<string>[] = [];
  /** Keys that were deleted somewhere. */
  const deleted = new Set<string>();
  return {
    name: 'resurrection',
    watches: ['durable', 'disk'],
    observe: (observation, world) => {
      if (observation.kind === 'disk') gone[observation.node] = new Set();
      if (observation.kind !== 'durable') return undefined;
      const { node, changes } = observation;
      const own = (gone[node] ??= new Set());
      let finding: Finding | undefined;
      for (const { records, forget } of changes) {
        if (own.size > 0 || deleted.size > 0) {
          const back = records.find((record) => isBack(record, own, deleted, world.nowUs));
          if (back !== undefined) finding ??= cameBack(world, node, back);
        }
        for (const record of records) if (isTombstone(record)) deleted.add(keyText(record));
        for (const key of forget) own.add(keyText(key));
      }
      return finding;
    },
    atEnd: () => [],
  };
}

function isBack(
  record: Record,
  gone: ReadonlySet<string>,
  deleted: ReadonlySet<string>,
  nowUs: number,
): boolean {
  const key = keyText(record);
  if (!gone.has(key) || isTombstone(record)) return false;
  return isDeletable(record.kind) ? deleted.has(key) : mayBeSwept(record, nowUs);
}

function cameBack(world: WorldView, node: number, record: Record): Finding {
  const end = `n${node} had removed it and stores ${recordText(record)}`;
  const story = storyOf(world, record.id, end);
  return { promise: 'what is removed never comes back', nodes: [node], story };
}
