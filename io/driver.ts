// The shell around one node: feeds it inputs with the host's clocks and entropy, carries out its
// effects in order, and brings results back as inputs. Invariant: one step at a time; whatever the
// outside sees goes through the effect log. Never here: decisions, HTTP, SQL.

import type { IssueRequest, IssueResult } from '../core/acme/issuance.ts';
import type { ValidationRequest, ValidationResult } from '../core/acme/validation.ts';
import { assert } from '../core/assert.ts';
import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import type { Json, RecordKey } from '../core/crdt/record.ts';
import { type Effect, type EffectOf, goesAhead, type WebResponse } from '../core/effect.ts';
import type { Command, Input, WebRequest } from '../core/input.ts';
import type { Node } from '../core/node.ts';
import type { Now } from '../core/time.ts';
import { EffectLog } from './effect-log.ts';
import { Exchanges } from './exchanges.ts';
import { InFlight } from './in-flight.ts';
import { answerTo, type PeerPort } from './peer-port.ts';
import type { Store } from './store/store.ts';

/** A list to sign: what a build-crl effect says. */
export type CrlOrder = Omit<Extract<Effect, { kind: 'build-crl' }>, 'kind'>;

/** What the driver has others do. */
export interface Ports {
  readonly now: () => Now;
  readonly entropy: (length: number) => Uint8Array;
  readonly store: Store;
  readonly validate: (request: ValidationRequest) => Promise<ValidationResult>;
  /** Signs at once: it takes a fraction of a millisecond. */
  readonly issue: (request: IssueRequest) => IssueResult;
  readonly buildCrl: (order: CrlOrder) => Promise<Uint8Array>;
  /** Absent: this node works alone. */
  readonly peers?: PeerPort;
  readonly log: (line: Omit<EffectOf<'log'>, 'kind'>) => void;
  /** Sees every input and effect as it happens, for metrics and recording. */
  readonly watch: Watch;
  /** The node can no longer acknowledge anything; called once. */
  readonly fail: (error: unknown) => void;
}

export interface Watch {
  input(now: Now, input: Input): void;
  effect(effect: Effect): void;
  /** A commit became durable after so many seconds. */
  commit(seconds: number): void;
}

export type Answered = (response: WebResponse | undefined) => void;

export class Driver {
  readonly #node: Pick<Node, 'step'>;
  readonly #ports: Ports;
  readonly #log: EffectLog;
  #open = new InFlight<Answered>();
  readonly #exchanges = new Exchanges();
  readonly #inputs: Input[] = [];
  #stepping = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(node: Pick<Node, 'step'>, ports: Ports) {
    this.#node = node;
    this.#ports = ports;
    this.#log = new EffectLog(
      ports.store,
      (seconds) => ports.watch.commit(seconds),
      (error) => this.#fail(error),
    );
    this.submit({ kind: 'boot' });
  }

  /** Requests under way. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Handles a request. `answered` is called once, at once or later, with undefined when the node
   * stopped before it could answer. The function returned says that nobody waits any more.
   */
  request(web: WebRequest, answered: Answered): () => void {
    if (this.#stopped) {
      answered(undefined);
      return () => {};
    }
    const request = this.#open.add(answered);
    this.submit({ kind: 'request', request, web, entropy: this.#ports.entropy(32) });
    return () => {
      if (this.#open.take(request) !== undefined) this.submit({ kind: 'abandon', request });
    };
  }

  /** Answers a peer's ask, after its push is merged. Rejects with an ExchangeFault. */
  asked(from: string, ask: Json, push: Json | null): Promise<Json> {
    return this.#exchanges.open((exchange) => {
      this.submit({ kind: 'asked', exchange, from, ask, push });
    });
  }

  /** Spends nonces of ours for a peer. Rejects with an ExchangeFault. */
  redeemAsked(
    from: string,
    nonces: readonly string[],
    reads: readonly Json[],
    ask: Json,
  ): Promise<Json> {
    return this.#exchanges.open((exchange) => {
      this.submit({ kind: 'redeem-asked', exchange, from, nonces, reads, ask });
    });
  }

  /** A node that holds the CA's key has called us. */
  introduced(descriptor: NodeDescriptor): void {
    this.submit({ kind: 'introduced', url: null, descriptor });
  }

  /** Carries out an operator's command; undefined when the node stopped before it was done. */
  administer(command: Command): Promise<WebResponse | undefined> {
    if (this.#stopped) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const request = this.#open.add(resolve);
      this.submit({ kind: 'administer', request, command });
    });
  }

  /** Puts an input through the door; inputs that effects bring about follow at once. */
  submit(input: Input): void {
    if (this.#stopped) return;
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        this.#step(next);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#stepping = false;
    }
  }

  /** Takes no more inputs, and settles when everything answered so far is durable. */
  async close(): Promise<void> {
    await this.#log.drained();
    this.#stop();
  }

  #step(input: Input): void {
    const now = this.#ports.now();
    this.#ports.watch.input(now, input);
    for (const effect of this.#node.step(now, input)) {
      this.#ports.watch.effect(effect);
      this.#carryOut(effect);
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#log.persist(effect);
        return;
      case 'respond':
        this.#log.visible(() => this.#respond(effect.request, effect.response));
        return;
      case 'log':
        this.#log.visible(() => this.#ports.log(effect));
        return;
      case 'load':
        this.#log.read(() => this.#load(effect), keysAlone(effect));
        return;
      case 'build-crl':
        this.#log.visible(() => this.#buildCrl(effect));
        return;
      case 'issue': {
        const { order, csr } = effect.request;
        this.submit({ kind: 'issued', order, csr, result: this.#ports.issue(effect.request) });
        return;
      }
      case 'validate':
        this.#validate(effect);
        return;
      case 'wake':
        this.#wake(effect.monoMs);
        return;
      case 'mark':
        return;
      case 'tell':
        this.#log.visible(() => this.#exchanges.answer(effect.exchange, effect.page));
        return;
      case 'ask':
      case 'redeem':
      case 'introduce':
        if (goesAhead(effect)) this.#call(effect);
        else this.#log.visible(() => this.#call(effect));
        return;
      case 'members':
        this.#peers.members(effect);
        return;
    }
  }

  get #peers(): PeerPort {
    const { peers } = this.#ports;
    assert(peers !== undefined, 'a node that works alone has no peers');
    return peers;
  }

  /** Calls a peer; whatever becomes of it is one input. */
  #call(effect: EffectOf<'ask' | 'redeem' | 'introduce'>): void {
    answerTo(effect, this.#peers)
      .then((answer) => this.submit(answer))
      .catch((error: unknown) => this.#fail(error));
  }

  #respond(request: number, response: WebResponse): void {
    this.#open.take(request)?.(response);
  }

  #load({ load, keys, selections, ranges }: EffectOf<'load'>): void {
    this.#ports.store
      .read({ keys, selections, ranges })
      .then((loaded) => this.submit({ kind: 'loaded', load, loaded }))
      .catch((error: unknown) => this.#fail(error));
  }

  #validate({ authorization, request }: EffectOf<'validate'>): void {
    this.#ports
      .validate(request)
      .then((result) => {
        this.submit({ kind: 'validated', authorization, type: request.type, result });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #buildCrl(order: CrlOrder): void {
    this.#ports
      .buildCrl(order)
      .then((der) => {
        this.submit({ kind: 'crl-built', ca: order.ca, number: order.number, der });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #wake(monoMs: number): void {
    clearTimeout(this.#timer);
    const delayMs = Math.max(0, monoMs - this.#ports.now().monoMs);
    this.#timer = setTimeout(() => this.submit({ kind: 'tick' }), delayMs);
    this.#timer.unref();
  }

  /** Fail-stop: what is not acknowledged by now never is. For those who see the database fail. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stop();
    this.#ports.fail(error);
  }

  #stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const open = this.#open;
    this.#open = new InFlight();
    for (const answered of open.members()) answered(undefined);
    this.#exchanges.stop();
  }
}

/** What a load looks at, if that is records by their keys and nothing else. */
function keysAlone({
  keys,
  selections,
  ranges,
}: EffectOf<'load'>): readonly RecordKey[] | undefined {
  return selections.length + ranges.length === 0 ? keys : undefined;
}
