// The verbs of scenario files: what each decision is called there, its members, their defaults, and
// how a member is written. One table serves reading, writing and the README's legend.
// Invariant: reading what was written gives the same decision. Never here: files as a whole.

import type { Json } from '../core/crdt/record.ts';
import type { Decision } from './plan.ts';
import {
  CLIENT,
  COUNT,
  DURATION,
  END,
  ENDS,
  FACTOR,
  NODE,
  type Notation,
  POLICY,
  PPM,
  readAs,
  SIGNED_DURATION,
  SIGNED_PPM,
  SWITCH,
  suggestion,
  TABLE,
  type TomlValue,
  WORD,
  type WorldSize,
} from './scenario-notation.ts';
import { refuseOperation } from './scenario-operations.ts';

interface Member {
  /** Name in the file. */
  readonly called: string;
  readonly notation: Notation;
  /** Absent: the member must be given. */
  readonly default?: Json;
}

/** Every member of every decision but what all have: one that is forgotten does not compile. */
type Table = {
  readonly [K in Decision['kind']]: {
    readonly [M in Exclude<keyof Extract<Decision, { kind: K }>, 'kind' | 'atUs'>]-?: Member;
  };
};

const DOWN: Member = { called: 'down', notation: DURATION, default: 1_000_000 };
const FOR: Member = { called: 'for', notation: DURATION };
const ON: Member = { called: 'node', notation: NODE };
const AT: Member = { called: 'at', notation: DURATION };
const OPERATION: Member = { called: 'operation', notation: WORD };
const WITH: Member = { called: 'with', notation: TABLE, default: {} };

/** Verb → member of the decision → how it stands in a file, in this order. */
export const VERBS: Table = {
  crash: {
    node: ON,
    boundary: { called: 'boundary', notation: COUNT, default: 0 },
    unsynced: { called: 'unsynced', notation: SWITCH, default: false },
    downUs: DOWN,
  },
  pause: { node: ON, forUs: FOR, suspend: { called: 'suspend', notation: SWITCH, default: false } },
  clock: {
    node: ON,
    wallByUs: { called: 'wallBy', notation: SIGNED_DURATION, default: 0 },
    monoByUs: { called: 'monoBy', notation: DURATION, default: 0 },
    wallPpm: { called: 'wallPpm', notation: SIGNED_PPM, default: 0 },
    monoPpm: { called: 'monoPpm', notation: SIGNED_PPM, default: 0 },
    forUs: { ...FOR, default: 0 },
  },
  disk: {
    node: ON,
    slowdown: { called: 'slowdown', notation: FACTOR, default: 1 },
    fails: { called: 'fails', notation: SWITCH, default: false },
    forUs: FOR,
  },
  restore: { node: ON, backupUs: { called: 'backup', notation: DURATION }, downUs: DOWN },
  empty: { node: ON, downUs: DOWN },
  clone: { node: ON, source: { called: 'source', notation: NODE }, downUs: DOWN },
  partition: {
    from: { called: 'from', notation: ENDS },
    to: { called: 'to', notation: ENDS },
    bothWays: { called: 'bothWays', notation: SWITCH, default: true },
    forUs: FOR,
  },
  link: {
    from: { called: 'from', notation: END },
    to: { called: 'to', notation: END },
    delayUs: { called: 'delay', notation: DURATION, default: 1000 },
    lossPpm: { called: 'lossPpm', notation: PPM, default: 0 },
    duplicatePpm: { called: 'duplicatePpm', notation: PPM, default: 0 },
    corruptPpm: { called: 'corruptPpm', notation: PPM, default: 0 },
    forUs: FOR,
  },
  join: { node: ON },
  return: { node: ON },
  reload: { node: ON, policy: { called: 'policy', notation: POLICY } },
  client: { client: { called: 'client', notation: CLIENT }, operation: OPERATION, with: WITH },
  operator: { node: ON, operation: OPERATION, with: WITH },
};

export type Verb = keyof Table;

/** A member with its name in `Decision`, in the order they are written. */
export interface NamedMember extends Member {
  readonly as: string;
}

export function membersOf(verb: Verb): readonly NamedMember[] {
  const members: [string, Member][] = Object.entries({ atUs: AT, ...VERBS[verb] });
  return members.map(([as, member]) => ({ as, ...member }));
}

export function isVerb(name: unknown): name is Verb {
  return typeof name === 'string' && Object.hasOwn(VERBS, name);
}

/** One table of `[[decisions]]`. `fail` gets the member that cannot be used, and ends the reading. */
export function readDecision(
  table: { readonly [name: string]: unknown },
  world: WorldSize,
  fail: (member: string, message: string) => never,
): Decision {
  const verb = table['do'];
  if (!isVerb(verb)) {
    const verbs = Object.keys(VERBS);
    const close = typeof verb === 'string' ? suggestion(verb, verbs) : '';
    return fail('do', `must be one of ${verbs.join(', ')}${close}`);
  }
  const members = membersOf(verb);
  const names = members.map(({ called }) => called);
  for (const name of Object.keys(table)) {
    if (name === 'do' || names.includes(name)) continue;
    fail(name, `is unknown; ${verb} has ${names.join(', ')}${suggestion(name, names)}`);
  }
  const pairs = members.map(({ as, called: name, notation, default: fallback }): [string, Json] => {
    const value = table[name];
    if (value === undefined && fallback !== undefined) return [as, fallback];
    if (value === undefined) return fail(name, `is missing; ${verb} needs it`);
    return [as, readAs(notation, value, world, (message) => fail(name, message))];
  });
  const decision = { kind: verb, ...Object.fromEntries(pairs) } as unknown as Decision;
  if (decision.kind === 'client' || decision.kind === 'operator') {
    refuseOperation(decision.kind, decision.operation, decision.with, world, fail);
  }
  if (decision.kind === 'restore' && decision.backupUs > decision.atUs) {
    fail('backup', 'must not be later than at: nothing can be restored that was not saved yet');
  }
  return decision;
}

/** The members of a decision as a table of a file; what has its default is left out. */
export function writeDecision(decision: Decision): { readonly [name: string]: TomlValue } {
  const values = decision as unknown as { readonly [name: string]: Json };
  const pairs = membersOf(decision.kind).flatMap((member): [string, TomlValue][] => {
    const value = values[member.as] ?? member.default!;
    const isDefault = JSON.stringify(value) === JSON.stringify(member.default);
    return isDefault ? [] : [[member.called, member.notation.write(value)]];
  });
  const [at, ...rest] = pairs;
  return Object.fromEntries([at!, ['do', decision.kind], ...rest]);
}
