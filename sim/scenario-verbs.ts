// The verbs of scenario files: what each decision is called there, its members, their defaults, and
// how a member is written. One table serves reading, writing and the README's legend.
// Invariant: reading what was written gives the same decision. Never here: files as a whole.

import type { Json } from '../core/crdt/record.ts';
import { CLIENTS, type Endpoint } from './message.ts';
import type { Decision } from './plan.ts';
import { durationText, durationUs } from './plan-text.ts';

/** A value as TOML has it. */
export type TomlValue =
  | string
  | number
  | boolean
  | readonly TomlValue[]
  | { readonly [name: string]: TomlValue };

/** A member of a decision that cannot be used: what is wrong, and what would be right. */
export class BadMember extends Error {
  override readonly name = 'BadMember';
}

/** How a kind of member is read and written. */
interface Notation {
  read(value: unknown, world: WorldSize): Json;
  write(value: Json): TomlValue;
}

/** Nodes and clients there are to name. */
export interface WorldSize {
  readonly nodes: number;
  readonly clients: number;
}

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

const NODE: Notation = {
  read: (value, { nodes }) => numberedBelow(value, nodes, 'node'),
  write: (value) => value as number,
};
const CLIENT: Notation = {
  read: (value, { clients }) => numberedBelow(value, clients, 'client'),
  write: (value) => value as number,
};
const DURATION: Notation = duration(0);
const SIGNED_DURATION: Notation = duration(Number.MIN_SAFE_INTEGER);
const COUNT: Notation = whole(0, Number.MAX_SAFE_INTEGER);
const PPM: Notation = whole(0, 1_000_000);
const SIGNED_PPM: Notation = whole(-1_000_000, 1_000_000);
const FACTOR: Notation = whole(1, 1_000_000);
const SWITCH: Notation = {
  read: (value) => expect(typeof value === 'boolean', value as boolean, 'true or false'),
  write: (value) => value as boolean,
};
const WORD: Notation = {
  read: (value) => expect(typeof value === 'string' && value !== '', value as string, 'a text'),
  write: (value) => value as string,
};
const TABLE: Notation = {
  read: (value) => {
    const isGood = isTable(value);
    return jsonOf(expect(isGood, value, 'a table such as { names = ["a.example"] }'));
  },
  write: (value) => value as TomlValue,
};
const END: Notation = { read: readEnd, write: (value) => writeEnd(value as number) };
const ENDS: Notation = {
  read: (value, world) => {
    const isList = Array.isArray(value) && value.length > 0;
    return expect(isList, value as unknown[], 'a list such as [0, 1]').map((end) =>
      readEnd(end, world),
    );
  },
  write: (value) => (value as readonly number[]).map(writeEnd),
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
  reload: { node: ON, policy: { called: 'policy', notation: TABLE } },
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
  if (!isVerb(verb)) return fail('do', `must be one of ${Object.keys(VERBS).join(', ')}`);
  const members = membersOf(verb);
  for (const name of Object.keys(table)) {
    if (name === 'do' || members.some(({ called }) => called === name)) continue;
    const known = members.map(({ called }) => called).join(', ');
    fail(name, `is unknown; ${verb} has ${known}`);
  }
  const pairs = members.map(({ as, called: name, notation, default: fallback }): [string, Json] => {
    const value = table[name];
    if (value === undefined && fallback !== undefined) return [as, fallback];
    if (value === undefined) return fail(name, `is missing; ${verb} needs it`);
    try {
      return [as, notation.read(value, world)];
    } catch (error) {
      if (error instanceof BadMember) return fail(name, error.message);
      throw error;
    }
  });
  return { kind: verb, ...Object.fromEntries(pairs) } as unknown as Decision;
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

function duration(leastUs: number): Notation {
  return {
    read: (value) => {
      const us = typeof value === 'string' ? durationUs(value) : undefined;
      const isGood = us !== undefined && us >= leastUs;
      return expect(isGood, us!, 'a length of time such as "1m30s", "250ms" or "2d"');
    },
    write: (value) => durationText(value as number),
  };
}

function whole(min: number, max: number): Notation {
  return {
    read: (value) => {
      const isGood =
        Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
      return expect(isGood, value as number, `a whole number from ${min} to ${max}`);
    },
    write: (value) => value as number,
  };
}

function numberedBelow(value: unknown, count: number, noun: string): number {
  const isGood = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < count;
  const range = `${noun}s count from 0 to ${count - 1} here; change options.${noun}s or name another`;
  return expect(isGood, value as number, `a ${noun}: ${range}`);
}

/** A node by its number, a client as `"c3"`. */
function readEnd(value: unknown, world: WorldSize): Endpoint {
  const match = typeof value === 'string' ? /^c(\d+)$/.exec(value) : null;
  if (match === null) return numberedBelow(value, world.nodes, 'node');
  return CLIENTS + numberedBelow(Number(match[1]), world.clients, 'client');
}

function writeEnd(end: Endpoint): TomlValue {
  return end >= CLIENTS ? `c${end - CLIENTS}` : end;
}

/** What TOML and JSON both have; a date is to be written as text. */
function jsonOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const isPlain = isTable(value) && Object.getPrototypeOf(value) === null;
  const table = expect(isPlain, value, 'without dates and endless numbers; write them as text');
  return Object.fromEntries(
    Object.entries(table as object).map(([name, one]) => [name, jsonOf(one)]),
  );
}

function expect<T>(isGood: boolean, value: T, what: string): T {
  if (!isGood) throw new BadMember(`must be ${what}`);
  return value;
}

export function isTable(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
