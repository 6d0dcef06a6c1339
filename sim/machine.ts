// One machine: clocks, a disk, and a process around a core node that carries its effects out as the
// production shell does. A crash can fall before any effect, before and after every commit, and
// before anything becomes visible; all that was not durable is gone, and the next process begins
// with what the disk holds.
// Invariant: nothing of a process survives it but the disk. Never here: which faults happen.

import type { IssueResult } from '../core/acme/issuance.ts';
import type { Policy } from '../core/acme/policy.ts';
import { assert } from '../core/assert.ts';
import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import { type Effect, goesAhead, type WebResponse } from '../core/effect.ts';
import type { Command, Input } from '../core/input.ts';
import type { Node } from '../core/node.ts';
import type { Now } from '../core/time.ts';
import { Alarm } from './alarm.ts';
import type { NodeClock } from './clock.ts';
import { Connections } from './connections.ts';
import { Disk } from './disk.ts';
import { EffectLog } from './effect-log.ts';
import { type Message, refusalOf } from './message.ts';
import { momentKey } from './network.ts';
import { changesOf, keysAtStart, type NodeKeys } from './node-keys.ts';
import type { Changes, CrashPoint } from './observation.ts';
import { Peers } from './peers.ts';
import type { CrashDecision } from './plan.ts';
import { stream } from './prng.ts';
import { Rotation } from './rotation.ts';
import type { Stage } from './stage.ts';
import type { NodeView } from './world.ts';

const COMMIT_TIME = stream('disk.commit');
const READ_TIME = stream('disk.read');
/** What a turn of the event loop takes. */
const TURN_US = 20;
/** What one record adds to a commit. */
const RECORD_US = 5;
const LIST_US = 3000;
/** A crash that waits for its boundary. */
export type ArmedCrash = Required<Pick<CrashDecision, 'boundary' | 'unsynced' | 'downUs'>>;

type Stop = { readonly kind: 'stop'; readonly reason: string };

export class Machine implements NodeView {
  readonly index: number;
  readonly clock: NodeClock;
  /** The node id its process runs under. */
  id: string;
  policy: Policy;
  disk: Disk = new Disk();
  /** Commits and reads take so many times as long. */
  slowdown = 1;
  /** The next commit fails. */
  diskFails = false;
  /** It has joined, and nobody has taken it away. */
  mayRun = true;
  readonly #stage: Stage;
  #node: Node | undefined;
  #log!: EffectLog;
  #peers!: Peers;
  #connections!: Connections;
  #rotation: Rotation | undefined;
  #boot = 0;
  #isPaused = false;
  #isStepping = false;
  #inputs: Input[] = [];
  /** What happened to the process while it stood still. */
  #missed: (() => void)[] = [];
  /** Boundaries until the armed crash strikes. */
  #boundariesLeft = 0;
  #armed: ArmedCrash | undefined;
  #alarm!: Alarm;

  constructor(stage: Stage, index: number, clock: NodeClock, policy: Policy) {
    this.#stage = stage;
    this.index = index;
    this.clock = clock;
    this.policy = policy;
    this.id = stage.nodeName(index);
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** As it introduces itself. */
  get descriptor(): NodeDescriptor {
    const url = `http://${this.#stage.nodeName(this.index)}`;
    const { present: kem, madeMs } = this.keys;
    return { node: this.id, url, kem, certificate: 'Y2VydA', madeMs };
  }

  /** Those of the running process, or of the last one. */
  get keys(): NodeKeys {
    return this.#rotation!.keys;
  }

  get boot(): number {
    return this.#boot;
  }

  /** The running node, for gauges. */
  get node(): Node | undefined {
    return this.#node;
  }

  now(): Now {
    return this.clock.now(this.#stage.queue.nowUs);
  }

  /** Starts a process on what the disk holds. */
  start(): void {
    assert(this.#node === undefined, 'one process at a time');
    const boot = ++this.#boot;
    const { id, disk, index } = this;
    this.#log = new EffectLog({
      waits: this.#stage.build.waitsForDisk,
      soon: (begin) => this.#later(TURN_US, begin),
      commit: (changes, durable) => this.#commit(changes, durable),
      perform: (effect) => this.#perform(effect),
      diesAt: (point) => this.#diesAt(point),
    });
    this.#connections = new Connections(this.#stage, index, boot);
    this.#peers = new Peers(this.#stage, index, boot, this);
    const name = `${this.#stage.nodeName(index)}-${boot}`;
    this.#rotation = new Rotation(this, keysAtStart(disk, this.#rotation?.keys), name);
    const awake = (action: () => void): void => this.whenAwake(boot, action);
    this.#alarm = new Alarm(this.#stage.queue, this.clock, awake, () => {
      this.submit({ kind: 'tick' });
    });
    const atUs = this.#stage.queue.nowUs;
    this.#stage.observe({ kind: 'start', atUs, node: index, boot, id, disk });
    this.#node = this.#stage.build.createNode(this, this.#stage);
    this.submit({ kind: 'boot' });
  }

  /** The process dies now. */
  crash(): void {
    if (this.#node !== undefined) this.#die({ kind: 'crash', point: { at: 'idle' } });
  }

  /** The process dies at the n-th boundary it crosses from now on. */
  armCrash(crash: ArmedCrash | undefined): void {
    this.#armed = crash;
    this.#boundariesLeft = crash?.boundary ?? 0;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const action of missed) action();
    this.clockTurned();
  }

  /** The clocks of this machine were turned: its timer may be due sooner or later. */
  clockTurned(): void {
    if (this.#node !== undefined) this.#alarm.plan();
  }

  /** Puts in another disk. The process must be down. */
  replaceDisk(disk: Disk, how: 'restored' | 'emptied' | 'cloned', ofUs: number): void {
    assert(this.#node === undefined, 'the process is down');
    this.disk = disk;
    const atUs = this.#stage.queue.nowUs;
    this.#stage.observe({ kind: 'disk', atUs, node: this.index, how, disk, ofUs });
  }

  reload(policy: Policy): void {
    this.policy = policy;
    if (this.#node !== undefined) {
      this.whenAwake(this.#boot, () => this.submit({ kind: 'configure', policy }));
    }
  }

  /** A message arrives at this machine. */
  receive(message: Message): void {
    if (this.#node === undefined) {
      const refusal = refusalOf(message.content);
      if (refusal !== undefined) this.#stage.network.send(this.index, message.from, refusal);
      return;
    }
    this.whenAwake(this.#boot, () => this.#take(message));
  }

  /** Puts an input through the door; inputs that its effects bring about follow at once. */
  submit(input: Input): void {
    const boot = this.#boot;
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      this.#step(next);
      if (boot !== this.#boot || this.#node === undefined) return;
    }
    this.#isStepping = false;
  }

  wallMs(): number {
    return this.now().wallMs;
  }

  administer(command: Command, answered: (response: WebResponse) => void): void {
    this.submit(this.#connections.administer(command, answered));
  }

  store(keys: NodeKeys, stored: () => void): void {
    this.#commit([changesOf(keys)], stored);
  }

  /** A turn later: a process that dies of it must not go on in the middle of something else. */
  outdated(knownMs: number): void {
    this.#later(TURN_US, () => {
      this.#rotation!.run(({ status }) => {
        if (status === 200) this.#stage.mark('a restored node got another key', this.index);
      }, knownMs);
    });
  }

  #step(input: Input): void {
    const now = this.now();
    const effects = this.#guard(input, () => this.#node!.step(now, input));
    if (effects === undefined) return;
    const { queue } = this.#stage;
    this.#stage.observe({ kind: 'step', atUs: queue.nowUs, node: this.index, now, input, effects });
    for (let index = 0; index < effects.length; index++) {
      const effect = effects[index]!;
      if (this.#diesAt({ at: 'effect', index, next: effect.kind })) return;
      this.#carryOut(effect);
      if (this.#node === undefined) return;
    }
  }

  /** Runs code of the product; when it throws, the run is over. */
  #guard<T>(occasion: { readonly kind: string }, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#stage.broken(this.index, occasion.kind, error);
      this.#end();
      return undefined;
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#log.persist(effect);
        return;
      case 'issue': {
        const issue = (): IssueResult => this.#stage.build.issue(effect.request, this.index);
        const { order, csr } = effect.request;
        const result = this.#guard(effect, issue);
        if (result !== undefined) this.#inputs.push({ kind: 'issued', order, csr, result });
        return;
      }
      case 'validate':
        this.#validate(effect);
        return;
      case 'wake':
        this.#alarm.set(effect.monoMs);
        return;
      case 'mark':
        this.#stage.mark(effect.name, this.index);
        return;
      default:
        if (goesAhead(effect)) this.#perform(effect);
        else this.#log.visible(effect);
    }
  }

  /** An effect has left the log: everything before it is durable. */
  #perform(effect: Effect): void {
    const { queue } = this.#stage;
    this.#stage.observe({ kind: 'visible', atUs: queue.nowUs, node: this.index, effect });
    switch (effect.kind) {
      case 'respond':
        this.#connections.respond(effect.request, effect.response);
        return;
      case 'load':
        this.#load(effect);
        return;
      case 'ask':
      case 'introduce':
      case 'redeem':
      case 'tell':
      case 'members':
        this.#peers.perform(effect);
        return;
      case 'build-crl': {
        const der = this.#stage.buildCrl(this, effect);
        const { ca, number } = effect;
        this.#later(LIST_US, () => this.submit({ kind: 'crl-built', ca, number, der }));
      }
    }
  }

  #commit(changes: readonly Changes[], durable: () => void): void {
    const records = changes.reduce((sum, change) => sum + change.records.length, 0);
    const meanUs = this.#stage.options.diskUs + RECORD_US * records;
    const boot = this.#boot;
    this.#stage.queue.add(this.#stage.queue.nowUs + this.#diskTime(meanUs, COMMIT_TIME), () => {
      if (this.#boot !== boot || this.#node === undefined) return;
      if (this.diskFails) {
        this.diskFails = false;
        this.#die({ kind: 'stop', reason: 'the disk failed' });
        return;
      }
      for (const change of changes) this.disk.apply(change);
      const { nowUs } = this.#stage.queue;
      this.#stage.observe({ kind: 'durable', atUs: nowUs, node: this.index, changes });
      this.whenAwake(boot, durable);
    });
  }

  /** Reads now, tells later. */
  #load(effect: Extract<Effect, { kind: 'load' }>): void {
    const loaded = this.disk.read(effect);
    const delayUs = this.#diskTime(this.#stage.options.readUs, READ_TIME);
    this.#later(delayUs, () => this.submit({ kind: 'loaded', load: effect.load, loaded }));
  }

  #validate({ authorization, request }: Extract<Effect, { kind: 'validate' }>): void {
    const boot = this.#boot;
    this.#stage.internet().validate(this.index, request, (result) => {
      const input: Input = { kind: 'validated', authorization, type: request.type, result };
      // A turn later: an answer at once would come in the middle of a step.
      this.#stage.queue.add(0, () => this.whenAwake(boot, () => this.submit(input)));
    });
  }

  #take({ from, content }: Message): void {
    if (content.kind === 'request') this.submit(this.#connections.accept(from, content));
    else if (content.kind === 'command') this.submit(this.#connections.obey(from, content));
    else if (content.kind === 'rotate') this.#rotation!.run(this.#connections.keep(from, content));
    else if (content.kind === 'hangup') {
      for (const input of this.#connections.hangUp(content.call)) this.submit(input);
    } else this.#peers.take(from, content);
  }

  /** Does something of this process later, if it is still there. */
  #later(delayUs: number, action: () => void): void {
    const boot = this.#boot;
    const { queue } = this.#stage;
    queue.add(queue.nowUs + delayUs, () => this.whenAwake(boot, action));
  }

  /** Does something of a process now, or when it goes on; never when it has died. */
  whenAwake(boot: number, action: () => void): void {
    if (this.#boot !== boot || this.#node === undefined) return;
    if (this.#isPaused) this.#missed.push(() => this.whenAwake(boot, action));
    else action();
  }

  #diskTime(meanUs: number, of: number): number {
    const { draws, queue } = this.#stage;
    const least = meanUs >> 1;
    const rest = draws.exponential(meanUs - least, of, this.index, momentKey(queue.nowUs));
    return (least + rest) * this.slowdown;
  }

  #diesAt(point: CrashPoint): boolean {
    if (this.#armed === undefined) return false;
    const isSafe = point.at === 'effect' && this.#log.isClean;
    if (this.#armed.unsynced && isSafe) return false;
    if (this.#boundariesLeft-- > 0) return false;
    this.#die({ kind: 'crash', point });
    return true;
  }

  /** The process is gone, of a fault or, fail-stop, of itself. */
  #die(how: { readonly kind: 'crash'; readonly point: CrashPoint } | Stop): void {
    const lost = this.#log.unsynced;
    const downUs = this.#armed?.downUs ?? 0;
    this.#stage.observe({ ...how, atUs: this.#stage.queue.nowUs, node: this.index, lost });
    this.#end();
    this.#stage.died(this.index, downUs);
  }

  /** Everything volatile is gone; open connections break. */
  #end(): void {
    this.#node = undefined;
    this.#isPaused = false;
    this.#isStepping = false;
    this.#missed = [];
    this.#inputs = [];
    this.#armed = undefined;
    this.#alarm.cancel();
    this.#connections.end();
    this.#peers.end();
  }
}
