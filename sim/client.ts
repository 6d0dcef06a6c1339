// The ACME clients of a world: takes decisions of the plan, runs flows stage by stage, a few at a
// time for each client, and lets each client get one more certificate when everything has healed.
// Invariant: a flow that began ends: done, refused or given up. Never here: what stages do.

import type { WebResponse } from '../core/effect.ts';
import { ACCOUNT_STAGES } from './client-account.ts';
import { CERTIFICATE_STAGES } from './client-certificate.ts';
import { isNext, type Next, type Scene, type Stage } from './client-flow.ts';
import { type ClientState, type Flow, newClient, newFlow, startOver } from './client-state.ts';
import { isWrongSignature, Transport } from './client-transport.ts';
import { problemOf } from './exchange-facts.ts';
import { SimulatedInternet } from './internet.ts';
import type { ClientDecision, Decision } from './plan.ts';
import type { Actor, ActorFactory, World } from './world.ts';

/** Flows a client has under way at once; more wait. */
const MOST_RUNNING = 3;
/** Flows that wait for a client; further ones are not begun. */
const MOST_WAITING = 50;
/** Clients that get a last certificate once everything has healed. */
const LAST_ONES = 8;
/** Flows that change who the client is run alone. */
const ALONE: ReadonlySet<string> = new Set(['key-change', 'deactivate-account']);

export const clients: ActorFactory = (world) => new Clients(world);

class Clients implements Actor {
  readonly name = 'clients';
  readonly performs = ['client'] as const;
  readonly internet: SimulatedInternet;
  readonly #world: World;
  readonly #transport: Transport;
  readonly #clients: ClientState[] = [];
  #flows = 0;

  constructor(world: World) {
    this.#world = world;
    this.internet = new SimulatedInternet(world);
    this.#transport = new Transport(world);
  }

  perform(decision: Decision): void {
    const { client, operation, with: input } = decision as ClientDecision;
    this.#begin(this.#client(client), operation, input, false);
  }

  heal(): void {
    this.internet.heal();
    this.#transport.heal();
    const { options } = this.#world;
    for (let index = 0; index < Math.min(options.clients, LAST_ONES); index++) {
      const identifiers = [{ type: 'dns', value: `last-${index}.example` }];
      this.#begin(this.#client(index), 'certificate', { identifiers }, true);
    }
  }

  unfinished(): string | undefined {
    for (const client of this.#clients) {
      const [flow = client.waiting[0]] = client.running;
      if (flow === undefined) continue;
      return `client ${client.index} is still at ${flow.operation} (${flow.stage})`;
    }
    return undefined;
  }

  #client(index: number): ClientState {
    while (this.#clients.length <= index) {
      this.#clients.push(newClient(this.#world, this.#clients.length));
    }
    return this.#clients[index]!;
  }

  #begin(client: ClientState, operation: string, input: Flow['with'], mustSucceed: boolean): void {
    if (client.waiting.length >= MOST_WAITING && !mustSucceed) return;
    client.waiting.push(newFlow(++this.#flows, operation, input, 'account', mustSucceed));
    this.#startWaiting(client);
  }

  #startWaiting(client: ClientState): void {
    for (let flow = client.waiting[0]; flow !== undefined; flow = client.waiting[0]) {
      const [first] = client.running;
      const mustWait = ALONE.has(flow.operation) || (first && ALONE.has(first.operation));
      if (client.running.size >= (mustWait ? 1 : MOST_RUNNING)) return;
      client.waiting.shift();
      client.running.add(flow);
      this.#enter(client, flow);
    }
  }

  /** Asks what the stage of a flow asks, or goes on. */
  #enter(client: ClientState, flow: Flow): void {
    const scene = this.#scene(client, flow);
    if (client.account === undefined && flow.stage !== 'account') {
      this.#end(client, flow, { end: 'refused', why: 'the account is gone meanwhile' });
      return;
    }
    const stage = stageOf(flow.stage);
    const asked = stage.ask(scene);
    if (isNext(asked)) {
      this.#follow(scene, asked);
      return;
    }
    this.#transport.ask(client, flow, asked, (response) => {
      if (response === undefined) this.#follow(scene, { end: 'lost', why: 'no answer' });
      else this.#follow(scene, this.#take(stage, scene, response));
    });
  }

  #take(stage: Stage, scene: Scene, response: WebResponse): Next {
    const { client, flow } = scene;
    if (flow.operation === 'wrong') return stage.take(scene, response);
    if (problemOf(response) === 'accountDoesNotExist') {
      // The node does not know the account (any more): a client registers its key again.
      client.account = undefined;
      return { end: 'refused', why: 'the account is not known' };
    }
    if (response.status === 401 || isWrongSignature(response)) {
      const next = stage.take(scene, response);
      startOver(this.#world, client);
      return next;
    }
    return stage.take(scene, response);
  }

  #follow(scene: Scene, next: Next): void {
    const { client, flow } = scene;
    if ('end' in next) {
      this.#end(client, flow, next);
      return;
    }
    flow.stage = next.go;
    const { nowUs } = this.#world;
    // Also without a pause through the queue: a chain of stages must not grow the stack.
    this.#world.schedule(nowUs + (next.afterUs ?? 0), () => this.#enter(client, flow));
  }

  #end(client: ClientState, flow: Flow, { end, why }: Extract<Next, { end: string }>): void {
    client.running.delete(flow);
    this.#world.note(`${flow.operation} ${flow.number}: ${end}, ${why}`, { client: client.index });
    if (end === 'done') this.#world.mark(`flow: ${flow.operation} was done`);
    else if (flow.mustSucceed) {
      // What went before may have spoilt it; from the beginning it has to work.
      flow.memory = {};
      flow.stage = 'account';
      client.waiting.push(flow);
      this.#world.schedule(this.#world.nowUs + 1_000_000, () => this.#startWaiting(client));
      return;
    }
    this.#startWaiting(client);
  }

  #scene(client: ClientState, flow: Flow): Scene {
    return { world: this.#world, internet: this.internet, client, flow, others: this.#clients };
  }
}

function stageOf(name: string): Stage {
  const stage = CERTIFICATE_STAGES[name] ?? ACCOUNT_STAGES[name];
  if (stage === undefined) throw new Error(`there is no stage ${name}`);
  return stage;
}
