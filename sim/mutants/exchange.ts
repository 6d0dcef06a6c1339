// Defects of the exchange between nodes: pages that claim too much or hold too little, vectors that
// move too far, answers that never come, stamps that differ by receiver.
// Invariant and never here: see mutant.ts.

import { assert } from '../../core/assert.ts';
import { meantBy } from '../../core/cluster/vocabulary.ts';
import { HLC_ZERO, nextStamp, stampMs, stampNode } from '../../core/crdt/hlc.ts';
import type { Json, Record } from '../../core/crdt/record.ts';
import { joinVectors, type VersionVector, vectorToJson } from '../../core/crdt/version-vector.ts';
import type { Effect } from '../../core/effect.ts';
import type { Now } from '../../core/time.ts';
import { vectorOfDisk } from '../check/story.ts';
import { HOUR, MS } from '../clock.ts';
import type { DiskView } from '../disk.ts';
import {
  editRecords,
  everyNth,
  type Members,
  type Mutant,
  membersOf,
  onEffect,
  onInput,
  onStep,
  onTell,
  onTold,
  type Place,
  pageIn,
  type Step,
} from './mutant.ts';

export const EXCHANGE: readonly Mutant[] = [
  {
    name: 'a page that is not the last moves the vector',
    what: 'every page carries the sender’s vector, as if nothing were left behind it',
    catchers: ['vector', 'convergence'],
    seeds: 2,
    options: { pageRecords: 3 },
    build: onTell(completedEarly),
  },
  {
    name: 'a complete page lacks a record',
    what: 'the sender leaves out the last record of a page and sends its vector',
    catchers: ['vector'],
    seeds: 1,
    build: onTell((page) => {
      const records = page['records'] as readonly Json[];
      return page['complete'] === null ? page : { ...page, records: records.slice(0, -1) };
    }),
  },
  {
    name: 'the vector of a page is taken after its records',
    what: 'writes made while the page was being filled count as sent',
    catchers: ['vector', 'durable-before-visible'],
    seeds: 10,
    failure: 7,
    // A process that has just started has no recent records: it reads, and writes meanwhile.
    options: { readUs: 200_000, flowsPerHour: 2400, crashesPerHour: 120, partitionsPerHour: 30 },
    build: onTell(claimsTheLatest),
  },
  {
    name: 'the receiver’s vector moves too far',
    what: 'one more event of each origin counts as seen than the page says',
    catchers: ['vector', 'durable-before-visible', 'convergence', 'liveness: convergence'],
    seeds: 3,
    build: onTold((page) => {
      const complete = membersOf(page['complete']);
      if (complete === undefined) return page;
      return { ...page, complete: { ...complete, vector: inflated(complete['vector']!) } };
    }),
  },
  {
    name: 'a record arrives damaged',
    what: 'a pending order of a page is taken in as invalid',
    catchers: ['dots', 'vector'],
    seeds: 2,
    build: onTold((page) => {
      return editRecords(page, (record) => {
        const isOpen = record.kind === 'order' && record.fields['status'] === 'pending';
        return isOpen ? { ...record, fields: { ...record.fields, status: 'invalid' } } : record;
      });
    }),
  },
  {
    name: 'pages count as seen but are not kept',
    what: 'what a page brought is persisted as seen, without its records',
    catchers: ['vector'],
    seeds: 1,
    build: onEffect(() => (effect, input) => {
      if (effect.kind !== 'persist' || pageIn(input) === undefined) return [effect];
      return [{ ...effect, records: [] }];
    }),
  },
  {
    name: 'received data is usable before it is durable',
    what: 'what a page brought is persisted at every tenth tick only',
    catchers: ['durable-before-visible', 'vector'],
    seeds: 1,
    failure: 16,
    build: onStep(persistsLate),
  },
  {
    name: 'peers are never answered',
    what: 'every answer to a peer is thrown away',
    catchers: ['liveness: convergence', 'liveness: nodes'],
    seeds: 1,
    build: onEffect(() => (effect) => (effect.kind === 'tell' ? [] : [effect])),
  },
  {
    name: 'a peer is taken to have seen more than it has',
    what: 'every ask is answered as if its sender had seen all that the answering node has',
    catchers: ['liveness: convergence', 'liveness: nodes', 'liveness: clients', 'vector'],
    seeds: 4,
    // What is handed over arrives all the same, as far as it fits a page.
    options: { pageRecords: 2 },
    build: onInput((input, { machine }) => {
      if (input.kind !== 'asked') return input;
      const ask = input.ask as Members;
      return { ...input, ask: { ...ask, vector: joined(ask['vector']!, machine.disk) } };
    }),
  },
  {
    name: 'stamps are so coarse that the first of two writes stays',
    what: 'of two contacts stamped within the same hour the receiver keeps the one it has',
    catchers: ['dots', 'vector', 'convergence'],
    seeds: 2,
    failure: 5,
    build: onTold((page, { machine }) => {
      return editRecords(page, (record) => {
        return keepsFirst(record, machine.disk.get(record.kind, record.id));
      });
    }),
  },
  {
    name: 'each receiver clamps stamps to its own clock',
    what: 'stamps ahead of the receiver’s wall clock are replaced by its present moment',
    catchers: ['dots', 'vector', 'convergence'],
    seeds: 3,
    failure: 6,
    options: { skewMs: 600_000 },
    build: onTold((page, _, now) => editRecords(page, (record) => clamped(record, now))),
  },
  {
    name: 'the bytes of certificates are not replicated',
    what: 'pages carry certificates without their DER',
    catchers: ['durable-before-visible', 'dots', 'vector', 'answers'],
    seeds: 1,
    failure: 14,
    build: onTell((page) => editRecords(page, withoutDer)),
  },
  {
    name: 'a page loses the fields a node does not know',
    what: 'contacts are dropped from accounts on their way',
    catchers: ['vector', 'dots'],
    seeds: 1,
    build: onTell((page) => {
      return editRecords(page, (record) => {
        const { contact: _, ...fields } = record.fields;
        return record.kind === 'account' ? { ...record, fields } : record;
      });
    }),
  },
];

function completedEarly(page: Members, { machine }: Place): Members {
  if (page['complete'] !== null) return page;
  const vector = vectorToJson(vectorOfDisk(machine.disk));
  return { ...page, next: null, complete: { vector, digest: { day: 1_000_000, sum: null } } };
}

function claimsTheLatest(page: Members, { machine }: Place): Members {
  const complete = membersOf(page['complete']);
  if (complete === undefined) return page;
  const vector = vectorToJson(vectorOfDisk(machine.disk));
  return { ...page, complete: { ...complete, vector } };
}

/** One more event of each origin. */
function inflated(vector: Json): Json {
  return vectorToJson(new Map([...meant(vector)].map(([origin, seq]) => [origin, seq + 1])));
}

/** With everything that a disk has seen. */
function joined(vector: Json, disk: DiskView): Json {
  return vectorToJson(joinVectors(meant(vector), vectorOfDisk(disk)));
}

/** A vector, also where it is said as the differences from another one. */
function meant(vector: Json): VersionVector {
  const found = meantBy(vector);
  assert(found !== undefined, 'an honest node has said it');
  return found;
}

function persistsLate(step: Step): Step {
  const isDue = everyNth(10);
  let late: Effect[] = [];
  return (now, input) => {
    const effects = step(now, input);
    if (input.kind === 'tick' && isDue()) return [...late.splice(0), ...effects];
    if (pageIn(input) === undefined) return effects;
    late = [...late, ...effects.filter(({ kind }) => kind === 'persist')];
    return effects.filter(({ kind }) => kind !== 'persist');
  };
}

function keepsFirst(record: Record, held: Record | undefined): Record {
  const [theirs, ours] = [record.fields['contact'], held?.fields['contact']];
  if (record.kind !== 'account' || theirs === undefined || ours === undefined) return record;
  if (hourOf(theirs) !== hourOf(ours)) return record;
  return { ...record, fields: { ...record.fields, contact: ours } };
}

function hourOf(register: Json): number {
  return Math.floor(stampMs(String(membersOf(register)?.['at'])) / (HOUR / MS));
}

function clamped(record: Record, now: Now): Record {
  const fields = Object.entries(record.fields).map(([name, value]) => {
    const at = membersOf(value)?.['at'];
    if (typeof at !== 'string' || stampMs(at) <= now.wallMs) return [name, value];
    const [stamp] = nextStamp(HLC_ZERO, now.wallMs, stampNode(at));
    return [name, { ...membersOf(value), at: stamp }];
  });
  return { ...record, fields: Object.fromEntries(fields) as Members };
}

function withoutDer(record: Record): Record {
  const made = membersOf(record.fields['made']);
  const value = membersOf(made?.['value']);
  if (record.kind !== 'certificate' || value === undefined) return record;
  return {
    ...record,
    fields: { ...record.fields, made: { ...made, value: { ...value, der: '' } } },
  };
}
