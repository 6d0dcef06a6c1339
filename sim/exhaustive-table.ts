// The small worlds that are explored whole: each is about one way in which things can meet.
// Invariant: names are unique sentences. Never here: how they are explored.

import { first, last } from '../core/crdt/lattice.ts';
import type { Record } from '../core/crdt/record.ts';
import { deletion } from '../core/crdt/replica.ts';
import { isTombstone } from '../core/crdt/schema.ts';
import type { Small } from './exhaustive.ts';
import type { Budget, SmallWrite } from './exhaustive-world.ts';

const NOTHING: Budget = { asks: 0, losses: 0, copies: 0, restarts: 0, restores: 0, purges: 0 };

export const SMALL_WORLDS: readonly Small[] = [
  {
    name: 'two nodes change accounts while pages of one record travel',
    nodes: 2,
    pageRecords: 1,
    writes: [register(0, 'a'), register(0, 'b'), contact(0, 'a', 1), deactivate(1, 'a')],
    budget: { ...NOTHING, asks: 5, losses: 1 },
  },
  {
    name: 'a node restarts in the middle of a fetch',
    nodes: 2,
    pageRecords: 1,
    writes: [register(0, 'a'), register(0, 'b'), contact(0, 'a', 1)],
    budget: { ...NOTHING, asks: 4, restarts: 1, copies: 1 },
  },
  {
    name: 'a node comes back empty and writes on',
    nodes: 2,
    pageRecords: 1,
    writes: [register(0, 'a'), register(1, 'b'), contact(0, 'a', 1)],
    budget: { ...NOTHING, asks: 5, restores: 1, losses: 1 },
  },
  {
    name: 'three nodes pass on what each of them writes',
    nodes: 3,
    pageRecords: 1,
    writes: [register(0, 'a'), register(1, 'b'), contact(0, 'a', 1)],
    budget: { ...NOTHING, asks: 4 },
  },
  {
    name: 'a record is deleted and its tombstone purged before everybody has seen it',
    nodes: 2,
    pageRecords: 1,
    writes: [setting(0, 'p'), change(1, 'p', 1), remove(0, 'p')],
    budget: { ...NOTHING, asks: 6, purges: 1, losses: 1 },
  },
  {
    name: 'a deleted record is changed by a third node that has not heard of it',
    nodes: 3,
    pageRecords: 1,
    writes: [setting(0, 'p'), change(2, 'p', 1), remove(1, 'p')],
    budget: { ...NOTHING, asks: 5, purges: 1 },
  },
];

function stamp(number: number): string {
  return `${number.toString(16).padStart(12, '0')}-0000-n`;
}

function register(node: number, id: string): SmallWrite {
  return {
    node,
    kind: 'account',
    id,
    fields: (before) => {
      return before === undefined ? { made: first(stamp(1), id), status: 'valid' } : undefined;
    },
  };
}

function contact(node: number, id: string, value: number): SmallWrite {
  const fields = (before: Record): Record['fields'] => {
    return { contact: last(before.fields['contact'], stamp(value), value) };
  };
  return { node, kind: 'account', id, fields: (before) => before && fields(before) };
}

function deactivate(node: number, id: string): SmallWrite {
  return { node, kind: 'account', id, fields: (before) => before && { status: 'deactivated' } };
}

function setting(node: number, id: string): SmallWrite {
  return {
    node,
    kind: 'policy',
    id,
    fields: (before) => {
      return before === undefined ? { value: last(undefined, stamp(1), 0) } : undefined;
    },
  };
}

function change(node: number, id: string, value: number): SmallWrite {
  const fields = (before: Record): Record['fields'] => {
    return { value: last(before.fields['value'], stamp(value), value) };
  };
  return { node, kind: 'policy', id, fields: (before) => live(before) && fields(live(before)!) };
}

function remove(node: number, id: string): SmallWrite {
  return { node, kind: 'policy', id, fields: (before) => live(before) && deletion(stamp(9)) };
}

function live(record: Record | undefined): Record | undefined {
  return record === undefined || isTombstone(record) ? undefined : record;
}
