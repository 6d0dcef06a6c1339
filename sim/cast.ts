// Who takes part in a run by default, and what a seed is planned with: the lists to add to.
// Invariant: the order is part of the trace; append only. Never here: logic.

import { CHECKERS } from './check/all.ts';
import { clients } from './client.ts';
import { planClients } from './client-plan.ts';
import type { MarkName } from './marks.ts';
import { operators, planOperators, planRotations } from './operator.ts';
import type { Options } from './options.ts';
import { type Plan, type Planner, planOf } from './plan.ts';
import { planFaults } from './plan-faults.ts';
import { planMembers } from './plan-members.ts';
import type { ActorFactory } from './world.ts';

export { CHECKERS };
export const PLANNERS: readonly Planner[] = [
  planFaults,
  planClients,
  planOperators,
  planRotations,
  planMembers,
];
export const ACTORS: readonly ActorFactory[] = [clients, operators];

/**
 * Situations a swarm must reach, when it has so many seeds. Each comes about in one world of twelve
 * at least, so a swarm that misses one has lost it: one in thousands does so by chance.
 */
export const REQUIRED_MARKS: readonly MarkName[] = [
  'records merged from a peer',
  'concurrent versions were joined',
  'a page was not the last',
  'a call carried what the peer lacked',
  'a nonce was redeemed remotely',
  'a read was answered by the issuer of its nonce',
  'the cluster was asked before a refusal',
  'the cluster was asked before a key is bound',
  'a lease was taken over',
  'an operator was obeyed: revoke',
  'an operator was obeyed: deactivate',
  'an operator was obeyed: revoke-eab',
  'a key was replaced',
  'a node joined',
  'a node was removed for good',
  'a removed node came back',
  'a message was refused: not a member',
  'a message was refused: clocks differ',
  'a crash lost changes',
  'a commit failed',
  'a backup was put back',
  'a node came back empty',
];
export const REQUIRED_MARKS_SEEDS = 100;

/** The plan of a seed with everything that takes part by default. */
export function defaultPlan(seed: number, overrides: Partial<Options> = {}): Plan {
  return planOf(seed, overrides, PLANNERS);
}
