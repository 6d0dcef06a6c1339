// A world in operation: it owns time, machines, network and actors, and is what they see of each
// other. Invariant: nothing happens but through its queue. Never here: what a plan contains
// (plan.ts), how long a run goes on (run.ts), which faults do what (faults.ts).

import { assert } from '../core/assert.ts';
import { type KeyedHash, keyedHash } from '../core/crdt/digest.ts';
import type { Effect } from '../core/effect.ts';
import type { Command, WebRequest } from '../core/input.ts';
import { BASE_URL, POLICY } from './build.ts';
import { MS, NodeClock, SECOND } from './clock.ts';
import type { SimCrypto } from './crypto.ts';
import { isLiar, Liars } from './liar.ts';
import { Machine } from './machine.ts';
import { CLIENTS, type Content, clientEndpoint, type Message } from './message.ts';
import { Network } from './network.ts';
import type { Observation, Phase, Reply } from './observation.ts';
import { EAB_KEYS } from './operator-acts.ts';
import type { Options } from './options.ts';
import { isJoiner } from './plan-members.ts';
import { Draws, stream } from './prng.ts';
import { Queue, type Timer } from './queue.ts';
import type { Recorder } from './recorder.ts';
import type { Build, Stage } from './stage.ts';
import type { Actor, Call, Internet, World } from './world.ts';

const SKEW = stream('clock.skew');
const DRIFT = stream('clock.drift');
const UPTIME = stream('clock.uptime');
/** A supervisor starts a process that ended by itself. */
const RESTART_US: number = 2 * SECOND;

interface OpenCall {
  readonly client: number;
  readonly node: number;
  readonly replied: (reply: Reply) => void;
}

export class Universe implements World, Stage {
  readonly options: Options;
  readonly seed: number;
  readonly draws: Draws;
  readonly queue: Queue = new Queue();
  readonly network: Network;
  readonly liars: Liars;
  readonly build: Build;
  readonly crypto: SimCrypto;
  readonly baseUrl: string = BASE_URL;
  readonly digestKey = [1, 2, 3, 4] as const;
  readonly hash: KeyedHash;
  readonly nodes: readonly Machine[];
  phase: Phase = 'safety';
  /** What the core threw, when it did. */
  failure:
    | { readonly node: number; readonly occasion: string; readonly error: unknown }
    | undefined;
  #actors: readonly Actor[] = [];
  readonly #recorder: Recorder;
  readonly #calls = new Map<number, OpenCall>();
  readonly #commands = new Map<number, (reply: Reply) => void>();
  /** When a machine that is down is started, whoever asks for it last. */
  readonly #starts = new Map<number, Timer>();
  /** Removed from the cluster for good. */
  readonly #retired = new Set<number>();
  #lastCall = 0;

  constructor(
    seed: number,
    options: Options,
    recorder: Recorder,
    parts: { readonly crypto: SimCrypto; readonly build: Build },
  ) {
    this.seed = seed;
    this.options = options;
    this.draws = new Draws(seed);
    this.#recorder = recorder;
    this.crypto = parts.crypto;
    this.hash = keyedHash(this.digestKey, this.crypto.primitives.sha256);
    this.build = parts.build;
    this.liars = new Liars(options, this.draws, (name, node) => this.mark(name, node));
    this.network = new Network(this);
    const eabKeys = options.operatorsPerHour > 0 ? EAB_KEYS : POLICY.eabKeys;
    const policy = { ...POLICY, eabKeys };
    this.nodes = Array.from({ length: options.nodes }, (_, index) => {
      return new Machine(this, index, this.#clockOf(index), policy);
    });
    recorder.attach(this);
  }

  get nowUs(): number {
    return this.queue.nowUs;
  }

  get cluster(): readonly Machine[] {
    return this.nodes.filter(({ index, mayRun }) => {
      return mayRun && !isLiar(index, this.options) && !this.#retired.has(index);
    });
  }

  get actors(): readonly Actor[] {
    return this.#actors;
  }

  /** The actors come once, when the world is there. */
  begin(actors: readonly Actor[]): void {
    this.#actors = actors;
    this.enter('safety');
    for (const machine of this.nodes) {
      machine.mayRun = !isJoiner(machine.index, this.options);
      if (machine.mayRun) machine.start();
    }
  }

  enter(phase: Phase): void {
    this.phase = phase;
    this.observe({ kind: 'phase', atUs: this.nowUs, phase });
  }

  schedule(atUs: number, action: () => void): Timer {
    return this.queue.add(atUs, action);
  }

  send(client: number, node: number, web: WebRequest, replied: (reply: Reply) => void): Call {
    const call = ++this.#lastCall;
    this.#calls.set(call, { client, node, replied });
    this.observe({ kind: 'call', atUs: this.nowUs, node, client, call, web });
    this.network.send(clientEndpoint(client), node, { kind: 'request', call, web });
    const abandon = (): void => {
      if (!this.#calls.delete(call)) return;
      this.network.send(clientEndpoint(client), node, { kind: 'hangup', call });
    };
    return { call, abandon };
  }

  command(client: number, node: number, command: Command, replied: (reply: Reply) => void): Call {
    return this.#tell(client, node, replied, (call) => ({ kind: 'command', call, command }));
  }

  rotate(client: number, node: number, replied: (reply: Reply) => void): Call {
    return this.#tell(client, node, replied, (call) => ({ kind: 'rotate', call }));
  }

  retire(node: number): void {
    this.#retired.add(node);
    const machine = this.nodes[node]!;
    machine.mayRun = false;
    machine.crash();
    this.mark('a node was removed for good', node);
  }

  isRetired(node: number): boolean {
    return this.#retired.has(node);
  }

  note(text: string, about: { readonly node?: number; readonly client?: number } = {}): void {
    const { node = -1, client = -1 } = about;
    this.observe({ kind: 'note', atUs: this.nowUs, node, client, text });
  }

  mark(name: string, node: number = -1): void {
    this.#recorder.mark(name);
    this.observe({ kind: 'mark', atUs: this.nowUs, name, node });
  }

  recent(isWanted: (observation: Observation) => boolean, limit: number): readonly Observation[] {
    return this.#recorder.recent(isWanted, limit);
  }

  observe(observation: Observation): void {
    this.#recorder.observe(observation);
  }

  deliver(message: Message): void {
    if (message.to < CLIENTS) this.nodes[message.to]!.receive(message);
    else this.#reply(message);
  }

  /** Starts a machine after a while, unless somebody starts it before. */
  startLater(node: number, delayUs: number): void {
    this.#starts.get(node)?.cancel();
    const timer = this.queue.add(this.nowUs + delayUs, () => {
      const machine = this.nodes[node]!;
      if (!machine.isUp && machine.mayRun) machine.start();
    });
    this.#starts.set(node, timer);
  }

  nodeName(index: number): string {
    return `n${index}`;
  }

  nodeIndex(name: string): number {
    const index = Number(name.slice(1));
    assert(this.nodes[index] !== undefined, `no machine is called ${name}`);
    return index;
  }

  idOf(index: number): string {
    return this.nodes[index]!.id;
  }

  internet(): Internet {
    const internet = this.#actors.find((actor) => actor.internet !== undefined)?.internet;
    assert(internet !== undefined, 'an actor plays the internet');
    return internet;
  }

  buildCrl({ disk }: Machine, effect: Extract<Effect, { kind: 'build-crl' }>): Uint8Array {
    const found = disk.select({ kind: 'certificate', state: 'revoked', limit: 100_000 });
    return this.crypto.buildCrl({ ...effect, revoked: found.map(({ id }) => id) });
  }

  broken(node: number, occasion: string, error: unknown): void {
    this.failure ??= { node, occasion, error };
  }

  died(node: number, downUs: number): void {
    this.startLater(node, downUs > 0 ? downUs : RESTART_US);
  }

  /** An operator speaks to an admin listener. */
  #tell(
    client: number,
    node: number,
    replied: (reply: Reply) => void,
    contentOf: (call: number) => Content,
  ): Call {
    const call = ++this.#lastCall;
    this.#commands.set(call, replied);
    this.network.send(clientEndpoint(client), node, contentOf(call));
    return { call, abandon: () => this.#commands.delete(call) };
  }

  #reply({ content }: Message): void {
    if (content.kind !== 'response' && content.kind !== 'reset') return;
    const { call } = content;
    const reply: Reply =
      content.kind === 'response'
        ? { kind: 'response', response: content.response }
        : { kind: content.refused ? 'refused' : 'reset' };
    const obeyed = this.#commands.get(call);
    this.#commands.delete(call);
    obeyed?.(reply);
    const open = this.#calls.get(call);
    if (open === undefined) return;
    this.#calls.delete(call);
    const { client, node, replied } = open;
    this.observe({ kind: 'reply', atUs: this.nowUs, node, client, call, reply });
    replied(reply);
  }

  #clockOf(index: number): NodeClock {
    const { skewMs, driftPpm } = this.options;
    const skew = this.draws.between(-skewMs, skewMs, SKEW, index, 0);
    const monoStartUs = this.draws.between(1, 1000, UPTIME, index, 0) * SECOND;
    const clock = new NodeClock({ wallOffsetUs: skew * MS, monoStartUs });
    const drift = this.draws.between(-driftPpm, driftPpm, DRIFT, index, 0);
    clock.drift(0, drift, drift);
    return clock;
  }
}
