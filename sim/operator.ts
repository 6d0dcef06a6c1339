// The operators of a world: they look at what a node publishes (its list, its chain, its root, its
// directory) as monitoring does. Reloading a configuration is a fault of the plan (faults.ts), for
// it happens to a node whether it runs or not.
// Invariant: an act of an operator never changes a record. Never here: revoking as an operator,
// which the core does not offer yet.

import { plainRequest } from './client-request.ts';
import { HOUR, MS, SECOND } from './clock.ts';
import type { Decision, OperatorDecision, Planner } from './plan.ts';
import { stream } from './prng.ts';
import type { Actor, ActorFactory, World } from './world.ts';

const GAP = stream('operator.gap');
const WHERE = stream('operator.where');
const WHAT = stream('operator.what');

const TARGETS: { readonly [operation: string]: string } = {
  list: '/ca/crl',
  chain: '/ca/chain',
  root: '/ca/root',
  directory: '/acme/directory',
};
const OPERATIONS: readonly string[] = ['list', 'list', 'chain', 'root', 'directory'];

export const operators: ActorFactory = (world) => new Operators(world);

/** Acts during the safety phase. */
export const planOperators: Planner = (draws, options) => {
  const decisions: OperatorDecision[] = [];
  if (options.operatorsPerHour === 0) return decisions;
  const meanUs = Math.floor(HOUR / options.operatorsPerHour);
  for (let atUs = 0, count = 0; ; count++) {
    atUs += 1 + draws.exponential(meanUs, GAP, 0, count);
    if (atUs >= options.safetySecs * SECOND) return decisions;
    const node = draws.below(options.nodes, WHERE, 0, count);
    const operation = OPERATIONS[draws.below(OPERATIONS.length, WHAT, 0, count)]!;
    decisions.push({ kind: 'operator', atUs, node, operation, with: {} });
  }
};

class Operators implements Actor {
  readonly name = 'operators';
  readonly performs = ['operator'] as const;
  readonly #world: World;
  #open = 0;

  constructor(world: World) {
    this.#world = world;
  }

  perform(decision: Decision): void {
    const { node, operation } = decision as OperatorDecision;
    const target = TARGETS[operation];
    if (target === undefined) return;
    const world = this.#world;
    this.#open++;
    const call = world.send(world.options.clients, node, plainRequest(target), () => {
      this.#open--;
      timer.cancel();
    });
    // Monitoring does not try again; it looks at the next turn.
    const timer = world.schedule(world.nowUs + world.options.clientTimeoutMs * MS, () => {
      this.#open--;
      call.abandon();
    });
  }

  heal(): void {}

  unfinished(): string | undefined {
    return this.#open === 0 ? undefined : `${this.#open} looks of operators are under way`;
  }
}
