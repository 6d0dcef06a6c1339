// Defects of storage: what is acknowledged and lost, what a restart forgets or uses again, and what
// a read brings back. Invariant and never here: see mutant.ts.

import { keyText, type Record } from '../../core/crdt/record.ts';
import type { DiskView } from '../disk.ts';
import type { Machine } from '../machine.ts';
import type { Changes } from '../observation.ts';
import type { Stage } from '../stage.ts';
import {
  type Damage,
  everyNth,
  type Mutant,
  onCommit,
  onEffect,
  onStep,
  type Step,
} from './mutant.ts';

const CRASHES = { crashesPerHour: 600, faultSecs: 1 } as const;

export const STORAGE: readonly Mutant[] = [
  {
    name: 'answers leave before they are durable',
    what: 'the effect log does not wait for commits',
    catchers: ['durable-before-visible'],
    seeds: 1,
    build: (sound) => ({ ...sound, waitsForDisk: false }),
  },
  {
    name: 'an fsync is dropped',
    what: 'a crash takes back the last commit that was reported durable',
    catchers: ['durability', 'dots'],
    seeds: 2,
    options: CRASHES,
    build: dropsSync,
  },
  {
    name: 'a commit is torn',
    what: 'of each tenth commit the second half of the records is not written',
    catchers: ['durability', 'durable-before-visible', 'vector'],
    seeds: 1,
    build: (sound) => {
      const isTorn = everyNth(10);
      return onCommit((apply, changes) => {
        const { records } = changes;
        const half = Math.ceil(records.length / 2);
        apply(isTorn() ? { ...changes, records: records.slice(0, half) } : changes);
      })(sound);
    },
  },
  {
    name: 'a node goes on after a failed commit',
    what: 'a failing disk drops a commit and reports that it is durable',
    catchers: ['durable-before-visible', 'durability', 'vector'],
    seeds: 2,
    options: { diskFaultsPerHour: 600 },
    build: ignoresFailure,
  },
  {
    name: 'a restart forgets what the replica was',
    what: 'the facts beside the records are gone when a process starts again',
    catchers: ['convergence', 'vector', 'durability', 'answers'],
    seeds: 3,
    options: CRASHES,
    build: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const gone = [...machine.disk.facts.keys()].map((name) => [name, null] as const);
        if (machine.boot > 1) {
          machine.disk.apply({ records: [], forget: [], facts: new Map(gone) });
        }
        return sound.createNode(machine, stage);
      },
    }),
  },
  {
    name: 'records are persisted without their facts',
    what: 'a commit of records leaves out what the replica is beside them',
    catchers: ['durable-before-visible', 'vector'],
    seeds: 1,
    build: onEffect(() => (effect) => {
      if (effect.kind !== 'persist' || effect.records.length === 0) return [effect];
      return [{ ...effect, facts: new Map() }];
    }),
  },
  {
    name: 'event numbers are used again after a restart',
    what: 'a single node begins two events before the last that is durable',
    catchers: ['dots'],
    seeds: 2,
    options: { ...CRASHES, nodes: 1 },
    build: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const seq = Number(machine.disk.facts.get('replica/seq') ?? 0);
        const facts = new Map([['replica/seq', String(Math.max(0, seq - 2))]]);
        if (machine.boot > 1) machine.disk.apply({ records: [], forget: [], facts });
        return sound.createNode(machine, stage);
      },
    }),
  },
  {
    name: 'a restored database keeps its incarnation',
    what: 'every process of a node calls itself the same when it takes an incarnation',
    catchers: ['dots', 'vector', 'convergence'],
    seeds: 4,
    options: {
      livenessSecs: 900,
      ...CRASHES,
      nodes: 3,
      restoresPerHour: 200,
      ownershipTtlSecs: 10,
    },
    build: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const { boot, index } = machine;
        const bytes: Stage['draws']['bytes'] = (count, of) => {
          return stage.draws.bytes(count, of, index, boot);
        };
        const own = { boot: { value: 1 }, descriptor: { value: machine.descriptor } };
        const same = Object.create(machine, own) as Machine;
        const draws = { value: { bytes } };
        return sound.createNode(same, Object.create(stage, { draws }) as Stage);
      },
    }),
  },
  {
    name: 'reads return stale rows',
    what: 'a load brings the version before the last one',
    catchers: ['monotonicity-stored', 'answers', 'dots'],
    seeds: 2,
    options: { cacheRecords: 32 },
    build: onStep(readsStale),
  },
];

/** What has to be applied to a disk to take changes back. */
function inverse(disk: DiskView, { records, forget, facts }: Changes): Changes {
  const keys = [...records, ...forget];
  const before = keys.map(({ kind, id }) => disk.get(kind, id));
  return {
    records: before.filter((record) => record !== undefined),
    forget: keys.filter((_, index) => before[index] === undefined),
    facts: new Map([...facts.keys()].map((name) => [name, disk.facts.get(name) ?? null])),
  };
}

function dropsSync(sound: Parameters<Damage>[0]): ReturnType<Damage> {
  const undo = new Map<number, () => void>();
  const watched = onCommit((apply, changes, { machine }) => {
    const back = inverse(machine.disk, changes);
    undo.set(machine.index, () => apply(back));
    apply(changes);
  })(sound);
  let isWatched = false;
  return {
    ...watched,
    createNode: (machine, stage) => {
      if (!isWatched) {
        isWatched = true;
        const died = stage.died.bind(stage);
        stage.died = (node, downUs) => {
          undo.get(node)?.();
          undo.delete(node);
          died(node, downUs);
        };
      }
      return watched.createNode(machine, stage);
    },
  };
}

function ignoresFailure(sound: Parameters<Damage>[0]): ReturnType<Damage> {
  const failing = new Set<number>();
  const known = new Set<Machine>();
  const dropping = onCommit((apply, changes, { machine }) => {
    if (failing.delete(machine.index)) return;
    apply(changes);
  })(sound);
  return {
    ...dropping,
    createNode: (machine, stage) => {
      if (!known.has(machine)) {
        known.add(machine);
        Object.defineProperty(machine, 'diskFails', {
          get: () => false,
          set: (fails: boolean) => {
            if (fails) failing.add(machine.index);
          },
        });
      }
      return dropping.createNode(machine, stage);
    },
  };
}

function readsStale(step: Step): Step {
  const current = new Map<string, Record>();
  const before = new Map<string, Record>();
  const stale = <T extends Record | undefined>(record: T): T => {
    return record === undefined ? record : ((before.get(keyText(record)) as T) ?? record);
  };
  return (now, input) => {
    const effects = step(
      now,
      input.kind !== 'loaded'
        ? input
        : {
            ...input,
            loaded: {
              records: input.loaded.records.map(stale),
              selections: input.loaded.selections.map((rows) => rows.map(stale)),
              ranges: input.loaded.ranges,
            },
          },
    );
    for (const effect of effects) {
      if (effect.kind !== 'persist') continue;
      for (const record of effect.records) {
        const last = current.get(keyText(record));
        if (last !== undefined) before.set(keyText(record), last);
        current.set(keyText(record), record);
      }
    }
    return effects;
  };
}
