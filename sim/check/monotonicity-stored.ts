// Does a stored version ever stand below the one before it, in any field, on any disk?
// Sees: a status that goes back, a `first` register that is replaced by a later decision, a field
// that is dropped; by local writes and by merges. Cannot see: what clients are shown.
// Excuses: a disk that somebody exchanged.

import { keyText, type Record } from '../../core/crdt/record.ts';
import type { Checker, Finding } from '../checker.ts';
import type { WorldView } from '../world.ts';
import { lowered } from './content.ts';
import { recordText, storyOf } from './story.ts';

export function monotonicityStored(): Checker {
  const rows: Map<string, Record>[] = [];
  return {
    name: 'monotonicity-stored',
    watches: ['durable', 'disk'],
    observe: (observation, world) => {
      if (observation.kind === 'disk') {
        const content = [...observation.disk.records()];
        rows[observation.node] = new Map(content.map((record) => [keyText(record), record]));
      }
      if (observation.kind !== 'durable') return undefined;
      const own = (rows[observation.node] ??= new Map());
      let finding: Finding | undefined;
      for (const { records, forget } of observation.changes) {
        for (const record of records) {
          const key = keyText(record);
          const before = own.get(key);
          own.set(key, record);
          if (before === undefined) continue;
          const field = lowered(record.kind, before.fields, record.fields);
          if (field !== undefined) {
            finding ??= steppedBack(world, observation.node, before, record, field);
          }
        }
        for (const key of forget) own.delete(keyText(key));
      }
      return finding;
    },
    atEnd: () => [],
  };
}

function steppedBack(
  world: WorldView,
  node: number,
  before: Record,
  after: Record,
  field: string,
): Finding {
  const end = `n${node}: ${field} of ${recordText(before)} went back in ${recordText(after)}`;
  return { promise: 'nothing goes back', nodes: [node], story: storyOf(world, after.id, end) };
}
