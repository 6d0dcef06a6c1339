// Who joins the cluster of a seed in the middle of a run, and who is removed from it for good.
// Invariant: node 0 is there from the beginning to the end, so everybody has somebody to call, and
// two nodes are left at least. Never here: how joining and removing is done.

import { SECOND } from './clock.ts';
import { isLiar } from './liar.ts';
import type { Options } from './options.ts';
import type { Decision, Planner } from './plan.ts';
import { type Draws, stream } from './prng.ts';

const JOIN = stream('members.join');
const WHO = stream('members.who');
const WHEN = stream('members.when');
const RETURN = stream('members.return');

/** Joiners are the last honest nodes. */
export function isJoiner(
  index: number,
  options: Pick<Options, 'nodes' | 'liars' | 'joins'>,
): boolean {
  const honest = honestOf(options);
  return index < honest && index >= Math.max(1, honest - options.joins);
}

export const planMembers: Planner = (draws, options) => {
  if (options.nodes < 2) return [];
  const indexes = Array.from({ length: options.nodes }, (_, index) => index);
  const joiners = indexes.filter((index) => isJoiner(index, options));
  const joins = joiners.map((node): Decision => {
    return { kind: 'join', atUs: partOf(options, draws, 0, 60, JOIN, node), node };
  });
  return [...joins, ...planRemovals(draws, options, honestOf(options) - joiners.length)];
};

function planRemovals(draws: Draws, options: Options, first: number): readonly Decision[] {
  const candidates = Array.from({ length: Math.max(0, first - 1) }, (_, index) => index + 1);
  const decisions: Decision[] = [];
  for (let count = 0; count < options.removals && candidates.length > 1; count++) {
    const [node] = candidates.splice(draws.below(candidates.length, WHO, 0, count), 1);
    const atUs = partOf(options, draws, 30, 70, WHEN, count);
    decisions.push({ kind: 'operator', atUs, node: 0, operation: 'remove', with: { node: node! } });
    if (draws.chance(500_000, RETURN, count, 0)) {
      decisions.push({
        kind: 'return',
        atUs: partOf(options, draws, 75, 95, RETURN, count),
        node: node!,
      });
    }
  }
  return decisions;
}

/** A moment between two percentages of the safety phase. */
function partOf(
  { safetySecs }: Options,
  draws: Draws,
  from: number,
  to: number,
  of: number,
  entity: number,
): number {
  const hundredthUs = Math.floor((safetySecs * SECOND) / 100);
  return draws.between(from * hundredthUs, to * hundredthUs, of, entity, 1);
}

function honestOf(options: Pick<Options, 'nodes' | 'liars'>): number {
  return Array.from({ length: options.nodes }, (_, index) => index).filter((index) => {
    return !isLiar(index, options);
  }).length;
}
