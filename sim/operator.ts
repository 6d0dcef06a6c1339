// The operators of a world: they look at what a node publishes (its list, its chain, its root, its
// directory) and how the cluster stands, as monitoring does, revoke certificates, deactivate accounts,
// withdraw external account keys, replace the keys of nodes, and remove nodes for good. Reloading a
// configuration is a fault of the plan (faults.ts), for it happens to a node whether it runs or not.
// Invariant: looking changes no record; what operators want they say again, to one node after
// another, until one has confirmed it or no node has the thing any more.
// Never here: what an act is about (operator-acts.ts).

import type { CaCommand, Command } from '../core/input.ts';
import { plainRequest } from './client-request.ts';
import { HOUR, MS, SECOND } from './clock.ts';
import type { Reply } from './observation.ts';
import { commandOf, drawAct, idOf, isAct, isPossible } from './operator-acts.ts';
import type { Decision, OperatorDecision, Planner } from './plan.ts';
import { stream } from './prng.ts';
import type { Actor, ActorFactory, Call, World } from './world.ts';

const GAP = stream('operator.gap');
/** Before an act is tried again. */
const AGAIN_US: number = 2 * SECOND;
const WHERE = stream('operator.where');
const ROTATION = stream('operator.rotation');
const WHAT = stream('operator.what');

const TARGETS: { readonly [operation: string]: string } = {
  list: '/ca/crl',
  chain: '/ca/chain',
  root: '/ca/root',
  directory: '/acme/directory',
};
const OPERATIONS: readonly string[] = [
  ...['list', 'list', 'chain', 'root', 'directory', 'status'],
  ...['revoke', 'revoke', 'revoke', 'deactivate', 'revoke-eab'],
];

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
    const what = isAct(operation) ? drawAct(draws, options, operation, count) : {};
    decisions.push({ kind: 'operator', atUs, node, operation, with: what });
  }
};

/** Replaced keys during the safety phase. */
export const planRotations: Planner = (draws, options) => {
  const { rotationsPerHour, nodes, safetySecs } = options;
  if (rotationsPerHour === 0 || nodes < 2) return [];
  const decisions: OperatorDecision[] = [];
  const meanUs = Math.floor(HOUR / rotationsPerHour);
  for (let atUs = 0, count = 0; ; count++) {
    atUs += 1 + draws.exponential(meanUs, ROTATION, 0, count);
    if (atUs >= safetySecs * SECOND) return decisions;
    const node = draws.below(nodes, ROTATION, 1, count);
    decisions.push({ kind: 'operator', atUs, node, operation: 'rotate', with: {} });
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
    const { node, operation, with: what } = decision as OperatorDecision;
    if (operation === 'remove') this.#remove(node, what['node'] as number);
    if (operation === 'rotate') this.#rotate(node);
    if (isAct(operation)) {
      const command = commandOf(this.#world, operation, what);
      if (command !== undefined) this.#act(node, command);
      return;
    }
    if (operation === 'status') this.#command(node, { kind: 'status' }, () => {});
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

  /** Removes a node, by asking any other one until it has been done. */
  #remove(at: number, removed: number): void {
    const world = this.#world;
    const others = world.cluster.filter(({ index }) => index !== removed);
    const by = others[at % others.length];
    // A node that is alone cannot be removed: nobody else is there to say so.
    if (by === undefined) return;
    const id = world.nodes[removed]!.id;
    this.#command(by.index, { kind: 'remove', node: id }, (reply) => {
      const status = reply?.kind === 'response' ? reply.response.status : 0;
      if (status === 200) world.retire(removed);
      else this.#later(() => this.#remove(at + 1, removed));
    });
  }

  /** Once: whoever wants a new key every now and then can wait for the next time. */
  #rotate(node: number): void {
    const world = this.#world;
    this.#talk(
      (replied) => world.rotate(world.options.clients, node, replied),
      (reply) => {
        const status = reply?.kind === 'response' ? reply.response.status : 0;
        if (status === 200) world.mark('a key was replaced', node);
        if (status === 409) world.mark('a key was not replaced yet', node);
      },
    );
  }

  /** Has a node do it, and others after it, until one has done it. */
  #act(at: number, command: CaCommand): void {
    const world = this.#world;
    const { index } = world.cluster[at % world.cluster.length]!;
    const what = `${command.kind} ${idOf(command)}`;
    this.#command(index, command, (reply) => {
      const status = reply?.kind === 'response' ? reply.response.status : 0;
      if (status === 200) world.mark(`an operator was obeyed: ${command.kind}`, index);
      if (status === 404) world.mark('an operator named what a node did not know', index);
      if (status === 200) world.note(`${what}: done`, { node: index });
      else if (!isPossible(world, command)) world.note(`${what}: gone`, { node: index });
      else this.#later(() => this.#act(at + 1, command));
    });
  }

  #later(action: () => void): void {
    this.#open++;
    this.#world.schedule(this.#world.nowUs + AGAIN_US, () => {
      this.#open--;
      action();
    });
  }

  /** `replied` gets nothing when no answer came in time. */
  #command(node: number, command: Command, replied: (reply: Reply | undefined) => void): void {
    const world = this.#world;
    this.#talk((end) => world.command(world.options.clients, node, command, end), replied);
  }

  #talk(
    say: (replied: (reply: Reply) => void) => Call,
    replied: (reply: Reply | undefined) => void,
  ): void {
    const world = this.#world;
    let isOver = false;
    const end = (reply: Reply | undefined): void => {
      if (isOver) return;
      isOver = true;
      this.#open--;
      timer.cancel();
      replied(reply);
    };
    this.#open++;
    const timer = world.schedule(world.nowUs + world.options.clientTimeoutMs * MS, () => {
      call.abandon();
      end(undefined);
    });
    const call = say(end);
  }

  heal(): void {}

  unfinished(): string | undefined {
    return this.#open === 0 ? undefined : `${this.#open} acts of operators are under way`;
  }
}
