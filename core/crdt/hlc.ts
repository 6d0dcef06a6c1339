// Hybrid logical clock (Kulkarni et al. 2014): stamps that break ties between writes which did not
// know of each other. A stamp is a string of fixed layout, `mmmmmmmmmmmm-cccc-node`: milliseconds
// and counter in lower-case hexadecimal, so that stamps compare by code unit as (ms, counter,
// node).
// Invariant: the clock of a node never runs back, and never follows a stamp beyond the tolerance.
// Never here: clamping. A stamp is kept as it was made, or nodes would disagree about it.

import { assert } from '../assert.ts';
import type { Json, Record } from './record.ts';

/** `mmmmmmmmmmmm-cccc-node`; sorts by code unit as (ms, counter, node). */
export type Stamp = string;

/** The latest moment a node has issued or followed. Start with `{ ms: 0, counter: 0 }`. */
export interface HlcState {
  readonly ms: number;
  readonly counter: number;
}

/** A clock that has seen nothing. */
export const HLC_ZERO: HlcState = { ms: 0, counter: 0 };

/** The greatest moment a stamp can name: 48 bits of milliseconds, in the year 10889. */
export const MAX_STAMP_MS: number = 2 ** 48 - 1;

const MAX_COUNTER = 0xffff;
const MS_DIGITS = 12;
const COUNTER_DIGITS = 4;
const STAMP = /^[0-9a-f]{12}-[0-9a-f]{4}-[A-Za-z0-9_-]{1,64}$/;

/** The next stamp of `node`, greater than every stamp it issued before, and the advanced clock. */
export function nextStamp(
  clock: HlcState,
  wallMs: number,
  node: string,
): readonly [stamp: Stamp, clock: HlcState] {
  const wall = Math.min(Math.max(Math.trunc(wallMs), 0), MAX_STAMP_MS);
  const next = wall > clock.ms ? { ms: wall, counter: 0 } : successor(clock);
  const stamp = `${textOf(next)}-${node}`;
  assert(isStamp(stamp), `not a node id: ${node}`);
  return [stamp, next];
}

/** The clock after seeing a stamp; unchanged by one more than `toleranceMs` ahead of the wall. */
export function observe(
  clock: HlcState,
  stamp: Stamp,
  wallMs: number,
  toleranceMs: number,
): HlcState {
  const ms = stampMs(stamp);
  if (ms > wallMs + toleranceMs) return clock;
  const counter = Number.parseInt(stamp.slice(MS_DIGITS + 1, MS_DIGITS + 1 + COUNTER_DIGITS), 16);
  const isLater = ms > clock.ms || (ms === clock.ms && counter > clock.counter);
  return isLater ? { ms, counter } : clock;
}

/** The clock after seeing the stamps that the registers of these records carry. */
export function follow(
  before: HlcState,
  records: readonly Pick<Record, 'fields'>[],
  wallMs: number,
  toleranceMs: number,
): HlcState {
  let clock = before;
  let latest = textOf(clock);
  for (const { fields } of records) {
    for (const field in fields) {
      const stamp = stampIn(fields[field]!);
      // Most are old: those are told by their text.
      if (stamp === undefined || stamp <= latest || !isStamp(stamp)) continue;
      clock = observe(clock, stamp, wallMs, toleranceMs);
      latest = textOf(clock);
    }
  }
  return clock;
}

function stampIn(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { at, claimedAt } = value as { readonly [member: string]: Json };
  const stamp = at ?? claimedAt;
  return typeof stamp === 'string' ? stamp : undefined;
}

/** The milliseconds since the epoch that a stamp names. */
export function stampMs(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(0, MS_DIGITS), 16);
}

/** The node that made a stamp. */
export function stampNode(stamp: Stamp): string {
  return stamp.slice(MS_DIGITS + COUNTER_DIGITS + 2);
}

/** True for exactly the strings that `nextStamp` can make. */
export function isStamp(json: unknown): json is Stamp {
  return typeof json === 'string' && STAMP.test(json);
}

function successor(clock: HlcState): HlcState {
  if (clock.counter < MAX_COUNTER) return { ms: clock.ms, counter: clock.counter + 1 };
  assert(clock.ms < MAX_STAMP_MS, 'the clock has run out of stamps');
  return { ms: clock.ms + 1, counter: 0 };
}

function textOf({ ms, counter }: HlcState): string {
  return `${hex(ms, MS_DIGITS)}-${hex(counter, COUNTER_DIGITS)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
