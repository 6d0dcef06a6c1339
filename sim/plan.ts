// What is going to be done to a world: its options and an explicit list of decisions, by time. A
// seed yields a plan; the world carries a plan out; taking a decision out of the list takes that
// event out of the run and shifts no other. A scenario file is a plan written down.
// Invariant: plain JSON data. What the plan does not say (how long each message travels) is keyed
// by the seed. Never here: how decisions are carried out (faults.ts, actors).
//
// Legend: times and lengths in whole virtual microseconds; nodes and clients count from 0.

import type { Json } from '../core/crdt/record.ts';
import { SECOND } from './clock.ts';
import { type Options, resolve } from './options.ts';
import { Draws } from './prng.ts';

interface At {
  readonly atUs: number;
}
interface On extends At {
  readonly node: number;
}
interface Span extends At {
  /** How long it lasts; what heals everything at the end of the safety phase ends it sooner. */
  readonly forUs: number;
}

/** The process dies. `boundary`: at the n-th effect or sync boundary it crosses after `atUs`. */
export interface CrashDecision extends On {
  readonly kind: 'crash';
  readonly boundary: number;
  /** Counts only boundaries at which a change is not durable yet, or what it led to not visible. */
  readonly unsynced?: boolean;
  /** Until it is started again. */
  readonly downUs: number;
}

/** The process stands still: no input is taken, timers are late, connections stay open. */
export interface PauseDecision extends On, Span {
  readonly kind: 'pause';
  /** A suspended machine: its monotonic clock stands still as well. */
  readonly suspend: boolean;
}

/** Turns the clocks of a machine; drift lasts `forUs`, jumps stay. */
export interface ClockDecision extends On, Span {
  readonly kind: 'clock';
  readonly wallByUs: number;
  readonly monoByUs: number;
  readonly wallPpm: number;
  readonly monoPpm: number;
}

/** Commits and reads take `slowdown` times as long, or the next commit fails. */
export interface DiskDecision extends On, Span {
  readonly kind: 'disk';
  readonly slowdown: number;
  readonly fails: boolean;
}

/** A backup taken at `backupUs` is put back at `atUs`. */
export interface RestoreDecision extends On {
  readonly kind: 'restore';
  readonly backupUs: number;
  readonly downUs: number;
}

/** The node comes back with nothing. */
export interface EmptyDecision extends On {
  readonly kind: 'empty';
  readonly downUs: number;
}

/** The node comes back with a copy of what `source` has durable then, its identity included. */
export interface CloneDecision extends On {
  readonly kind: 'clone';
  readonly source: number;
  readonly downUs: number;
}

/** Nothing passes from a node of `from` to one of `to`; `bothWays` as well the other way. */
export interface PartitionDecision extends Span {
  readonly kind: 'partition';
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly bothWays: boolean;
}

/** A bad link in one direction: replaces the options of the same names while it lasts. */
export interface LinkDecision extends Span {
  readonly kind: 'link';
  readonly from: number;
  readonly to: number;
  readonly delayUs: number;
  readonly lossPpm: number;
  readonly duplicatePpm: number;
  readonly corruptPpm: number;
}

/** Reloads the configuration with these members of the policy changed. */
export interface ReloadDecision extends On {
  readonly kind: 'reload';
  readonly policy: { readonly [member: string]: Json };
}

/** The node starts for the first time, knowing one of the others. */
export interface JoinDecision extends On {
  readonly kind: 'join';
}

/** A node that was removed for good is started again with what it had. */
export interface ReturnDecision extends On {
  readonly kind: 'return';
}

export type Fault =
  | JoinDecision
  | ReturnDecision
  | CrashDecision
  | PauseDecision
  | ClockDecision
  | DiskDecision
  | RestoreDecision
  | EmptyDecision
  | CloneDecision
  | PartitionDecision
  | LinkDecision
  | ReloadDecision;

/** Something an ACME client does; the actor that knows `operation` reads `with`. */
export interface ClientDecision extends At {
  readonly kind: 'client';
  readonly client: number;
  readonly operation: string;
  readonly with: { readonly [member: string]: Json };
}

/** Something an operator does at a node. */
export interface OperatorDecision extends On {
  readonly kind: 'operator';
  readonly operation: string;
  readonly with: { readonly [member: string]: Json };
}

export type Decision = Fault | ClientDecision | OperatorDecision;

export interface Plan {
  readonly seed: number;
  readonly options: Options;
  /** By `atUs`; decisions of one moment happen in this order. */
  readonly decisions: readonly Decision[];
}

/** Draws the decisions of one concern. */
export type Planner = (draws: Draws, options: Options) => readonly Decision[];

/** The plan of a seed. */
export function planOf(
  seed: number,
  overrides: Partial<Options>,
  planners: readonly Planner[],
): Plan {
  const options = resolve(seed, overrides);
  const draws = new Draws(seed);
  const decisions = planners.flatMap((planner) => planner(draws, options));
  return { seed, options, decisions: sorted(decisions) };
}

/** By time; the order of one moment stays. */
export function sorted(decisions: readonly Decision[]): readonly Decision[] {
  return [...decisions].sort((a, b) => a.atUs - b.atUs);
}

/** False for what is set for the end of the safety phase or later: by then all is over. */
export function happens({ atUs }: Decision, { safetySecs }: Pick<Options, 'safetySecs'>): boolean {
  return atUs < safetySecs * SECOND;
}

/** When a decision is over: with its length or down time. */
export function endUs(decision: Decision): number {
  if ('forUs' in decision) return decision.atUs + decision.forUs;
  if ('downUs' in decision) return decision.atUs + decision.downUs;
  return decision.atUs;
}
