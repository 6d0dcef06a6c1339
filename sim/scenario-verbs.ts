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
  /** Name in `Decision`. */
  readonly as: string;
  readonly notation: Notation;
  /** Absent: the member must be given. */
  readonly default?: Json;
}

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

const DOWN: Member = { as: 'downUs', notation: DURATION, default: 1_000_000 };
const FOR: Member = { as: 'forUs', notation: DURATION };
const ON: Member = { as: 'node', notation: NODE };
const NOTHING: Json = {};
const rate = (as: string): Member => ({ as, notation: PPM, default: 0 });

/** Verb → name in the file → member. */
export const VERBS = {
  crash: { node: ON, boundary: { as: 'boundary', notation: COUNT, default: 0 }, down: DOWN },
  pause: { node: ON, for: FOR, suspend: { as: 'suspend', notation: SWITCH, default: false } },
  clock: {
    node: ON,
    wallBy: { as: 'wallByUs', notation: SIGNED_DURATION, default: 0 },
    monoBy: { as: 'monoByUs', notation: DURATION, default: 0 },
    wallPpm: { as: 'wallPpm', notation: SIGNED_PPM, default: 0 },
    monoPpm: { as: 'monoPpm', notation: SIGNED_PPM, default: 0 },
    for: { ...FOR, default: 0 },
  },
  disk: {
    node: ON,
    slowdown: { as: 'slowdown', notation: FACTOR, default: 1 },
    fails: { as: 'fails', notation: SWITCH, default: false },
    for: FOR,
  },
  restore: { node: ON, backup: { as: 'backupUs', notation: DURATION }, down: DOWN },
  empty: { node: ON, down: DOWN },
  clone: { node: ON, source: { as: 'source', notation: NODE }, down: DOWN },
  partition: {
    from: { as: 'from', notation: ENDS },
    to: { as: 'to', notation: ENDS },
    bothWays: { as: 'bothWays', notation: SWITCH, default: true },
    for: FOR,
  },
  link: {
    from: { as: 'from', notation: END },
    to: { as: 'to', notation: END },
    delay: { as: 'delayUs', notation: DURATION, default: 1000 },
    lossPpm: rate('lossPpm'),
    duplicatePpm: rate('duplicatePpm'),
    corruptPpm: rate('corruptPpm'),
    for: FOR,
  },
  reload: { node: ON, policy: { as: 'policy', notation: TABLE } },
  client: {
    client: { as: 'client', notation: CLIENT },
    operation: { as: 'operation', notation: WORD },
    with: { as: 'with', notation: TABLE, default: NOTHING },
  },
  operator: {
    node: ON,
    operation: { as: 'operation', notation: WORD },
    with: { as: 'with', notation: TABLE, default: NOTHING },
  },
} as const satisfies { readonly [K in Decision['kind']]: { readonly [name: string]: Member } };

export type Verb = keyof typeof VERBS;
const AT: Member = { as: 'atUs', notation: DURATION };

/** Names and members of a verb, in the order they are written. */
export function membersOf(verb: Verb): readonly (readonly [name: string, member: Member])[] {
  return Object.entries({ at: AT, ...VERBS[verb] });
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
    if (name === 'do' || members.some(([known]) => known === name)) continue;
    const known = members.map(([member]) => member).join(', ');
    fail(name, `is unknown; ${verb} has ${known}`);
  }
  const pairs = members.map(([name, { as, notation, default: fallback }]): [string, Json] => {
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
  const pairs = membersOf(decision.kind).flatMap(([name, member]): [string, TomlValue][] => {
    const value = values[member.as]!;
    const isDefault = JSON.stringify(value) === JSON.stringify(member.default);
    return isDefault ? [] : [[name, member.notation.write(value)]];
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
