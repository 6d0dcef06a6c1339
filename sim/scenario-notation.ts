// How members of decisions are written in a scenario file: lengths of time, nodes, clients, counts,
// names. Each notation reads what TOML gave and writes what it read.
// Invariant: reading what was written gives the same value, and a refusal says what would be right.
// Never here: which members there are (scenario-verbs.ts, scenario-operations.ts).

import { isRevocationReason, REVOCATION_REASONS } from '../core/acme/revocation-reason.ts';
import { CHALLENGE_TYPES } from '../core/acme/validation.ts';
import type { Json } from '../core/crdt/record.ts';
import { nearest } from '../core/suggest.ts';
import { CLIENTS, type Endpoint } from './message.ts';
import { durationText, durationUs } from './plan-text.ts';

/** A value as TOML has it. */
export type TomlValue =
  | string
  | number
  | boolean
  | readonly TomlValue[]
  | { readonly [name: string]: TomlValue };

/** Nodes and clients there are to name. */
export interface WorldSize {
  readonly nodes: number;
  readonly clients: number;
}

/** How a kind of member is read and written; `read` throws BadMember. */
export interface Notation {
  read(value: unknown, world: WorldSize): Json;
  write(value: Json): TomlValue;
}

/** A member that cannot be used: what is wrong, and what would be right. */
class BadMember extends Error {
  override readonly name = 'BadMember';
}

export const NODE: Notation = asIs((value, { nodes }) => numberedBelow(value, nodes, 'node'));
export const CLIENT: Notation = asIs((value, { clients }) => {
  return numberedBelow(value, clients, 'client');
});
/** A node that others are left without. */
export const REMOVABLE: Notation = asIs((value, world) => {
  if (world.nodes > 1) return NODE.read(value, world);
  throw new BadMember('has no node to be removed by; raise options.nodes');
});
export const DURATION: Notation = duration(0);
export const SIGNED_DURATION: Notation = duration(Number.MIN_SAFE_INTEGER);
export const COUNT: Notation = whole(0, Number.MAX_SAFE_INTEGER);
export const PPM: Notation = whole(0, 1_000_000);
export const SIGNED_PPM: Notation = whole(-1_000_000, 1_000_000);
export const FACTOR: Notation = whole(1, 1_000_000);
export const SWITCH: Notation = asIs((value) => {
  return expect(typeof value === 'boolean', value as boolean, 'true or false');
});
export const WORD: Notation = asIs((value) => {
  return expect(typeof value === 'string' && value !== '', value as string, 'a text');
});
export const TABLE: Notation = asIs((value) => {
  return jsonOf(expect(isTable(value), value, 'a table such as { names = ["a.example"] }'));
});
/** Members of the policy (core/acme/policy.ts) that a reload changes. */
export const POLICY: Notation = asIs((value, world) => {
  const given = TABLE.read(value, world) as { readonly [member: string]: Json };
  for (const [name, one] of Object.entries(given)) {
    const notation = POLICY_MEMBERS.get(name);
    if (notation === undefined) {
      const names = [...POLICY_MEMBERS.keys()];
      throw new BadMember(`holds ${name}; there is ${names.join(', ')}${suggestion(name, names)}`);
    }
    readAs(notation, one, world, (message) => {
      throw new BadMember(`cannot be used: ${name} ${message}`);
    });
  }
  return given;
});
/** A code of RFC 5280 §5.3.1. */
export const REASON: Notation = asIs((value) => {
  const codes = Object.values(REVOCATION_REASONS).join(', ');
  return expect(isRevocationReason(value as Json), value as number, `one of ${codes}`);
});
export const TEXTS: Notation = asIs((value) => {
  const isGood = Array.isArray(value) && value.every((one) => typeof one === 'string');
  return expect(isGood, value as string[], 'a list of texts such as ["mailto:a@example.org"]');
});
export const IDENTIFIERS: Notation = asIs((value) => {
  const isGood = Array.isArray(value) && value.length > 0 && value.every(isIdentifier);
  const what = 'a list such as [{ type = "dns", value = "a.example" }], of type dns or ip';
  return expect(isGood, value as Json, what);
});
export const END: Notation = { read: readEnd, write: (value) => writeEnd(value as number) };
export const ENDS: Notation = {
  read: (value, world) => {
    const isList = Array.isArray(value) && value.length > 0;
    return expect(isList, value as unknown[], 'a list such as [0, 1]').map((end) =>
      readEnd(end, world),
    );
  },
  write: (value) => (value as readonly number[]).map(writeEnd),
};

const SOME = whole(1, Number.MAX_SAFE_INTEGER);
const POLICY_MEMBERS: ReadonlyMap<string, Notation> = new Map([
  ['authorizationExpiryMs', SOME],
  ['challengeTypes', listOf(oneOf(CHALLENGE_TYPES))],
  ['orderExpiryMs', SOME],
  ['renewalRetryAfterSecs', SOME],
]);

export function oneOf(words: readonly string[]): Notation {
  return asIs((value) => {
    if (words.includes(value as string)) return value as string;
    const close = typeof value === 'string' ? suggestion(value, words) : '';
    throw new BadMember(`must be one of ${words.join(', ')}${close}`);
  });
}

/** Reads a member; `fail` gets what is wrong with it, and ends the reading. */
export function readAs(
  { read }: Notation,
  value: unknown,
  world: WorldSize,
  fail: (message: string) => never,
): Json {
  try {
    return read(value, world);
  } catch (error) {
    if (error instanceof BadMember) return fail(error.message);
    throw error;
  }
}

/** `; did you mean pick?`, or nothing when no known name is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const close = nearest(word, known);
  return close === undefined ? '' : `; did you mean ${close}?`;
}

export function isTable(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Stands in the file as it stands in the plan. */
function asIs(read: Notation['read']): Notation {
  return { read, write: (value) => value as TomlValue };
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
  return asIs((value) => {
    const isGood =
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
    return expect(isGood, value as number, `a whole number from ${min} to ${max}`);
  });
}

function numberedBelow(value: unknown, count: number, noun: string): number {
  const isGood = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < count;
  const range = `${noun}s count from 0 to ${count - 1} here; change options.${noun}s or name another`;
  return expect(isGood, value as number, `a ${noun}: ${range}`);
}

/** At least one of them. */
function listOf(notation: Notation): Notation {
  return asIs((value, world) => {
    const isList = Array.isArray(value) && value.length > 0;
    return expect(isList, value as unknown[], 'a list').map((one) => notation.read(one, world));
  });
}

function isIdentifier(value: unknown): boolean {
  if (!isTable(value) || Object.keys(value).length !== 2) return false;
  const { type, value: name } = value;
  return (type === 'dns' || type === 'ip') && typeof name === 'string';
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
