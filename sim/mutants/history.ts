// Defects that take history back: what was revoked, deactivated, decided or finished returns to an
// earlier state, or vanishes. Invariant and never here: see mutant.ts.

import { keyText, type Record } from '../../core/crdt/record.ts';
import type { Effect } from '../../core/effect.ts';
import {
  type Damage,
  everyNth,
  type Members,
  type Mutant,
  membersOf,
  onRecord,
  onStep,
  type Persist,
  type Place,
  pageIn,
  type Step,
} from './mutant.ts';

export const HISTORY: readonly Mutant[] = [
  {
    name: 'a revocation is written back',
    what: 'the next tick after a revocation persists the certificate as it was before',
    catchers: ['monotonicity-stored', 'crl'],
    seeds: 2,
    failure: 1,
    build: writesBack('certificate', 'revoked'),
  },
  {
    name: 'a periodic persist overwrites newer rows',
    what: 'every twentieth tick all rows are persisted as they were at the one before',
    catchers: ['monotonicity-stored', 'monotonicity-seen'],
    seeds: 1,
    failure: 2,
    build: persistsPeriodically,
  },
  {
    name: 'a restart stamps rows anew',
    what: 'a process begins by giving every register the stamp of its record’s creation',
    catchers: ['monotonicity-stored', 'dots'],
    seeds: 4,
    failure: 3,
    options: { crashesPerHour: 600, faultSecs: 1 },
    build: onStep(stampsAnew),
  },
  {
    name: 'a deactivated account comes back',
    what: 'the next tick after a deactivation persists the account as it was before',
    catchers: ['monotonicity-stored', 'monotonicity-seen', 'answers'],
    seeds: 4,
    build: writesBack('account', 'deactivated'),
  },
  {
    name: 'the last writer wins at a merge',
    what: 'a peer’s version of a record replaces the own one instead of being joined with it',
    catchers: ['monotonicity-stored', 'vector', 'dots'],
    seeds: 6,
    options: { nodes: 3, sticky: 0 },
    build: onStep(replacesAtMerge),
  },
  {
    name: 'records expire by a clock that is fast',
    what: 'every tenth tick removes three orders or authorizations before their time',
    catchers: ['durability', 'vector', 'resurrection', 'durable-before-visible'],
    seeds: 1,
    build: onStep(expiresEarly),
  },
  {
    name: 'what was removed comes back',
    what: 'a record that was swept is persisted again with the next change',
    catchers: ['resurrection'],
    seeds: 2,
    failure: 4,
    options: {
      safetySecs: 300_000,
      flowsPerHour: 1,
      gossipIntervalMs: 600_000,
      livenessSecs: 7200,
    },
    build: onStep(bringsBack),
  },
  {
    name: 'a write leaves out fields it does not know',
    what: 'an order that gets its certificate loses the CSR it was decided for',
    catchers: ['monotonicity-stored'],
    seeds: 1,
    build: onRecord((record) => {
      if (record.kind !== 'order' || record.fields['certificate'] === undefined) return record;
      const { csr: _, ...fields } = record.fields;
      return { ...record, fields };
    }),
  },
  {
    name: 'changed contacts are answered but not kept',
    what: 'the record of an account goes to the disk with its first contacts',
    catchers: ['read-your-writes', 'answers', 'durability'],
    seeds: 2,
    build: onStep(keepsContacts),
  },
];

/** Once a record of a kind has reached a status, its version before that is written again. */
function writesBack(kind: string, status: string): Damage {
  return onStep((step) => {
    const before = new Map<string, Record>();
    let back: Record[] = [];
    return (now, input) => {
      const effects = step(now, input);
      const written = input.kind === 'tick' ? back.splice(0) : [];
      for (const record of recordsOf(effects)) {
        if (record.kind !== kind) continue;
        const last = before.get(record.id);
        if (record.fields['status'] !== status) before.set(record.id, record);
        else if (last !== undefined) back = [...back, { ...last, dot: record.dot }];
      }
      return written.length === 0 ? effects : [...effects, persistOf(written)];
    };
  });
}

function persistsPeriodically(sound: Parameters<Damage>[0]): ReturnType<Damage> {
  return onStep((step) => {
    const isDue = everyNth(20);
    const current = new Map<string, Record>();
    let old: readonly Record[] = [];
    return (now, input) => {
      const effects = step(now, input);
      for (const record of recordsOf(effects)) current.set(keyText(record), record);
      if (input.kind !== 'tick' || !isDue()) return effects;
      const written = old;
      old = [...current.values()];
      return [...effects, persistOf(written)];
    };
  })(sound);
}

function stampsAnew(step: Step, { machine }: Place): Step {
  return (now, input) => {
    const effects = step(now, input);
    if (input.kind !== 'boot' || machine.boot === 1) return effects;
    const stamped = [...machine.disk.records()].map(stampedAnew);
    return [...effects, persistOf(stamped)];
  };
}

function stampedAnew(record: Record): Record {
  const at = membersOf(record.fields['made'])?.['at'];
  if (at === undefined) return record;
  const fields = Object.entries(record.fields).map(([name, value]) => {
    const register = membersOf(value);
    const isLast = register !== undefined && 'version' in register && 'at' in register;
    return [name, isLast ? { ...register, version: 1, at } : value];
  });
  return { ...record, fields: Object.fromEntries(fields) as Members };
}

function replacesAtMerge(step: Step, { machine }: Place): Step {
  return (now, input) => {
    const effects = step(now, input);
    const page = pageIn(input);
    if (page === undefined) return effects;
    const theirs = (page['records'] as readonly unknown[]).flatMap((entry) => {
      const [kind, id, origin, seq, fields] = entry as [string, string, string, number, Members];
      const isHeld = machine.disk.get(kind, id) !== undefined;
      return isHeld ? [{ kind, id, dot: { origin, seq }, fields }] : [];
    });
    return theirs.length === 0 ? effects : [...effects, persistOf(theirs)];
  };
}

function expiresEarly(step: Step, { machine }: Place): Step {
  const isDue = everyNth(10);
  return (now, input) => {
    const effects = step(now, input);
    if (input.kind !== 'tick' || !isDue()) return effects;
    const limit = 3;
    const orders = machine.disk.select({ kind: 'order', limit });
    const forget = [...orders, ...machine.disk.select({ kind: 'authorization', limit })];
    return [...effects, { ...persistOf([]), forget: forget.slice(0, limit) }];
  };
}

function bringsBack(step: Step, { machine }: Place): Step {
  let swept: Record[] = [];
  return (now, input) => {
    return step(now, input).map((effect): Effect => {
      if (effect.kind !== 'persist') return effect;
      const back = swept.splice(0);
      const gone = effect.forget.map(({ kind, id }) => machine.disk.get(kind, id));
      swept = gone.filter((record) => record !== undefined);
      return { ...effect, records: [...effect.records, ...back] };
    });
  };
}

function keepsContacts(step: Step): Step {
  const first = new Map<string, Members[string]>();
  const kept = (record: Record): Record => {
    const { contact } = record.fields;
    if (record.kind !== 'account' || contact === undefined) return record;
    if (!first.has(record.id)) first.set(record.id, contact);
    return { ...record, fields: { ...record.fields, contact: first.get(record.id)! } };
  };
  return (now, input) => {
    return step(now, input).map((effect): Effect => {
      return effect.kind === 'persist' ? { ...effect, records: effect.records.map(kept) } : effect;
    });
  };
}

function recordsOf(effects: readonly Effect[]): readonly Record[] {
  return effects.flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
}

function persistOf(records: readonly Record[]): Persist {
  return { kind: 'persist', records, forget: [], facts: new Map() };
}
