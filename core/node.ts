// One node: the state, the door, and nothing else. `step(now, input)` runs the handler of an input
// against a transaction, commits what it wrote, and returns what is to be done, in order. An input
// that lacks a cold record is parked until the record arrives and then run again from the start;
// an input that waits for a record to change is run again when it does.
// Invariant: state changes only in commit, and every change is in a persist effect before the
// answer that shows it. Never here: what any input means (handlers), IO of any kind.

import { busyResponse } from './acme/busy.ts';
import type { Held } from './acme/held.ts';
import type { NonceIdentity } from './acme/nonce.ts';
import type { Policy } from './acme/policy.ts';
import { certificateMade, rung } from './acme/records.ts';
import { backgroundChores, START_CHORES, SWEEP_CHORES, WATCH_CHORES } from './acme/recovery.ts';
import { asksForRecords } from './acme/routes.ts';
import { Cache } from './cache.ts';
import { Cluster, type GossipOptions } from './cluster/cluster.ts';
import { nextIncarnation } from './cluster/exchange.ts';
import { lags } from './cluster/status.ts';
import { SweepClock } from './cluster/sweep-clock.ts';
import { beginCount } from './crdt/count.ts';
import { changedFacts } from './crdt/facts.ts';
import { follow, HLC_ZERO, type HlcState, nextStamp } from './crdt/hlc.ts';
import { Recent } from './crdt/recent.ts';
import type { Record } from './crdt/record.ts';
import { type Change, heldOf, type ReplicaState, reincarnate, write } from './crdt/replica.ts';
import type { Effect } from './effect.ts';
import { handle, type Result } from './handle.ts';
import { heldAtStart } from './held-at-start.ts';
import type { Chore, Input } from './input.ts';
import { LIMITS } from './limits.ts';
import { Loads } from './loads.ts';
import type { Primitives } from './primitives.ts';
import type { Now } from './time.ts';
import { forgetRows, freshMemory, Miss, Transaction, Unasked } from './transaction.ts';
import { type Job, WaitingRoom } from './waiting-room.ts';

export interface NodeOptions {
  /** The node's id, as stamps carry it. */
  readonly node: string;
  /** What was durable of the replica: its origin, how far its events go, what it has seen. */
  readonly replica: ReplicaState;
  /** Absent: this node works alone. */
  readonly gossip?: GossipOptions;
  readonly nonces: NonceIdentity;
  /** Under which secrets in records are sealed: 32 octets, the same on every node. */
  readonly sealingKey: Uint8Array;
  readonly policy: Policy;
  readonly primitives: Primitives;
  readonly limits?: { readonly cacheRecords?: number; readonly nonceWindow?: number };
}

export class Node {
  readonly #options: NodeOptions;
  readonly #cache: Cache;
  readonly #recent: Recent | undefined;
  /** What it holds besides records; replaced when another policy is put in force. */
  #held: Held;
  #clock: HlcState = HLC_ZERO;
  #replica: ReplicaState;
  readonly #cluster: Cluster | undefined;
  readonly #loads: Loads;
  readonly #waiting = new WaitingRoom();
  readonly #startChores: readonly Chore['chore'][];
  #startChoresLeft: number;
  readonly #background: readonly Chore['chore'][];
  #sweepAtMonoMs = 0;
  #sweepClock: SweepClock | undefined;
  #wakeAtMonoMs = Number.POSITIVE_INFINITY;
  #now: Now = { wallMs: 0, monoMs: 0 };
  #effects: Effect[] = [];
  #runnable: Job[] = [];

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#replica = options.replica;
    const { gossip, node, nonces, primitives } = options;
    this.#cluster = gossip && new Cluster(gossip, node, nonces.boot, primitives.sha256);
    this.#startChores = gossip ? [...START_CHORES, 'members'] : START_CHORES;
    this.#startChoresLeft = this.#startChores.length;
    const cacheRecords = options.limits?.cacheRecords ?? LIMITS.cacheRecords;
    const isNew = heldOf(options.replica).size === 0;
    this.#background = backgroundChores(gossip === undefined || isNew);
    this.#cache = new Cache(cacheRecords, gossip && LIMITS.writtenFilterBits, isNew);
    const recentRecords = Math.ceil(cacheRecords / LIMITS.cachePerRecent);
    this.#recent = gossip && new Recent(recentRecords, heldOf(options.replica));
    this.#loads = new Loads(this.#cache);
    this.#held = heldAtStart(options, this.#cluster);
  }

  /** True once what was under way at the last stop has been taken up again. */
  get ready(): boolean {
    return this.unready === undefined;
  }

  /** Why it does not serve; undefined when it does. */
  get unready(): string | undefined {
    if (this.#cluster?.membership.isRemoved) return 'this node was removed from its cluster';
    if (this.#startChoresLeft > 0) return 'starting';
    return this.#knowsEnough() ? undefined : this.#cluster?.waitsFor;
  }

  /** Sizes, for metrics. */
  get gauges(): {
    readonly cached: number;
    readonly parked: number;
    readonly position: number;
    /** Pieces of work under way in the whole cluster, as far as known here. */
    readonly leases: number;
    /** By member: events it is known to have that this node lacks. */
    readonly lags: ReadonlyMap<string, number>;
  } {
    const parked = this.#loads.size + this.#waiting.size;
    const leases = this.#cluster?.leases.size ?? 0;
    const late = this.#cluster ? lags(this.#cluster, this.#replica) : new Map();
    return { cached: this.#cache.size, parked, position: this.#replica.seq, leases, lags: late };
  }

  /** The one door. Effects are to be carried out in order. */
  step(now: Now, input: Input): readonly Effect[] {
    this.#now = now;
    this.#effects = [];
    this.#accept(input);
    do {
      for (let job = this.#runnable.shift(); job !== undefined; job = this.#runnable.shift()) {
        this.#run(job);
      }
      if (this.#cluster !== undefined) this.#effects.push(...this.#cluster.takeNews());
      this.#catchUp();
    } while (this.#runnable.length > 0);
    this.#planWake();
    return this.#effects;
  }

  #accept(input: Input): void {
    switch (input.kind) {
      case 'boot':
        if (this.#cluster !== undefined) this.#takeIncarnation();
        this.#startAll(this.#startChores, this.#now.wallMs);
        this.#publish();
        this.#startAll(this.#background, this.#now.wallMs);
        this.#sweepClock = new SweepClock(LIMITS.sweepCautionMs, this.#now.monoMs);
        this.#sweepAtMonoMs = this.#now.monoMs + LIMITS.sweepIntervalMs;
        return;
      case 'loaded':
        this.#runnable.push(...this.#loads.end(input.load, input.loaded));
        return;
      case 'abandon':
        this.#waiting.abandon(input.request);
        this.#loads.abandon(input.request);
        return;
      case 'configure':
        this.#held = { ...this.#held, policy: input.policy };
        if (input.peers !== undefined) this.#cluster?.membership.configure(input.peers);
        this.#publish();
        return;
      case 'unreachable':
        this.#cluster?.failed(input.peer, this.#now.monoMs);
        this.#start(input);
        return;
      case 'unintroduced':
        this.#cluster?.membership.missed(input.url, input.reason, this.#now.monoMs);
        return;
      case 'tick':
        this.#tick();
        return;
      case 'request':
        this.#cluster?.served(this.#now.wallMs);
        if (this.#mayServe(input)) this.#start(input);
        else this.#turnAway(input, `this node is not ready: ${this.unready}`);
        return;
      default:
        if ('from' in input) this.#cluster?.rounds.arrived(input.from, this.#now.monoMs);
        this.#start(input);
    }
  }

  #knowsEnough(): boolean {
    return this.#cluster?.knowsEnough(this.#replica, this.#now.monoMs) ?? true;
  }

  /** A node that does not know enough writes nothing; and what it is asked for it may not know. */
  #mayServe({ web }: Extract<Input, { kind: 'request' }>): boolean {
    if (this.#cluster?.membership.isRemoved) return false;
    return this.#knowsEnough() || !asksForRecords(web);
  }

  #start(input: Input): void {
    const entropy = input.kind === 'request' ? input.entropy : undefined;
    const memory = freshMemory(entropy, this.#now.wallMs);
    this.#runnable.push({ input, memory, loads: 0, missed: [] });
  }

  #run(job: Job): void {
    const tx = new Transaction(
      {
        now: this.#now,
        primitives: this.#options.primitives,
        cache: this.#cache,
        recent: this.#recent,
        replica: this.#replica,
        isAlone: this.#cluster === undefined,
        nextStamp: () => this.#nextStamp(),
      },
      job.memory,
    );
    let result: Result;
    try {
      result = handle(tx, this.#held, this.#cluster, job.input, this.unready);
    } catch (error) {
      this.#park(job, error);
      return;
    }
    if (result.response?.problem === undefined) this.#commit(tx);
    this.#finish(job, result);
  }

  #finish(job: Job, { response, wait, next, peer }: Result): void {
    if (response !== undefined && 'request' in job.input) {
      this.#effects.push({ kind: 'respond', request: job.input.request, response });
    }
    if (wait !== undefined && !this.#refuseWhenFull(job)) {
      this.#waiting.enter(job, wait.key, this.#now.monoMs + wait.ms);
    }
    const then = peer && this.#cluster?.followUp(peer, this.#now.monoMs);
    if (then !== undefined) this.#start(then);
    if (next !== undefined) this.#start(next);
    else if (job.input.kind === 'chore' && this.#startChores.includes(job.input.chore)) {
      this.#startChoresLeft--;
    }
  }

  /** The only place where records and the replica change. */
  #commit(tx: Transaction): void {
    const changes: Change[] = [];
    for (const draft of tx.drafts.values()) {
      const { kind, id, fields } = draft;
      changes.push({ kind, id, fields, before: this.#cache.get(draft) ?? undefined });
    }
    const { hash } = this.#cluster ?? {};
    const { state, put, remove } = tx.outcome ?? write(this.#replica, hash, changes);
    // Many at once are a fetch: what is warm is wanted more.
    const keep = put.length > LIMITS.bulkRecords ? 'pass' : 'write';
    for (const record of put) {
      this.#cache[keep](record);
      this.#recent?.[keep](record);
      this.#derive(record, keep);
    }
    const forget = [...remove.map(({ kind, id }) => ({ kind, id })), ...tx.forgotten];
    for (const key of forget) {
      this.#cache.remove(key);
      this.#recent?.remove(key);
      this.#cluster?.leases.forget(key);
    }
    if (tx.outcome !== undefined) this.#followStamps(put);
    const facts = changedFacts(this.#replica, state);
    this.#replica = state;
    if (put.length + forget.length + facts.size > 0) {
      this.#effects.push({ kind: 'persist', records: put, forget, facts });
    }
    if (this.#isNews(tx, put)) this.#cluster?.rounds.hurry(this.#now.monoMs);
    this.#effects.push(...tx.effects);
    for (const key of put) this.#runnable.push(...this.#waiting.leave(key));
    for (const key of tx.notified) this.#runnable.push(...this.#waiting.leave(key));
  }

  /** Whether peers should hear of it soon. What came from a peer, it tells all others itself. */
  #isNews(tx: Transaction, put: readonly Record[]): boolean {
    const relays = this.#cluster !== undefined && this.#cluster.fanOut > 0;
    if (tx.outcome === undefined || relays) return put.length > 0;
    return put.some(({ dot }) => dot.origin === this.#replica.origin);
  }

  /** Keeps what is derived from records in step with them. */
  #derive(record: Record, keep: 'pass' | 'write'): void {
    if (record.kind === 'node') this.#observeNode(record);
    this.#cluster?.leases.observe(record, this.#now.monoMs);
    if (record.kind === 'authorization') this.#held.reusable[keep](record, this.#now.wallMs);
    if (record.kind === 'certificate' && rung(record, 'status') === 'revoked') {
      this.#held.lists.outdate(certificateMade(record).ca);
    }
  }

  #observeNode(record: Record): void {
    const { membership } = this.#cluster ?? {};
    membership?.observe(record);
    if (membership?.takeMisrepresentation()) this.#startAll(['announce'], this.#now.wallMs);
  }

  #tick(): void {
    this.#wakeAtMonoMs = Number.POSITIVE_INFINITY;
    for (const job of this.#waiting.expire(this.#now.monoMs)) {
      job.memory.waited = true;
      this.#runnable.push(job);
    }
    const due = this.#cluster?.due(this.#now, this.#replica, this.#options.primitives.sha256);
    for (const input of due?.inputs ?? []) this.#start(input);
    this.#effects.push(...(due?.effects ?? []));
    if (this.#now.monoMs < this.#sweepAtMonoMs) return;
    this.#sweepAtMonoMs = this.#now.monoMs + LIMITS.sweepIntervalMs;
    this.#sweep();
    if (this.#cluster?.leases.takeIncomplete()) this.#startAll(WATCH_CHORES, this.#now.wallMs);
  }

  /** Starts to remove what has expired, by all clocks of the cluster. */
  #sweep(): void {
    const ownMs = this.#sweepClock?.read(this.#now);
    if (ownMs === undefined) return;
    this.#replica = { ...this.#replica, clockMs: Math.max(0, Math.floor(ownMs)) };
    const agreedMs = this.#cluster ? this.#cluster.agreedMs(ownMs, this.#now.monoMs) : ownMs;
    if (agreedMs !== undefined) this.#startAll(SWEEP_CHORES, agreedMs);
  }

  /** Makes known to the cluster what stands in this node's configuration. */
  #publish(): void {
    if (this.#cluster !== undefined) this.#startAll(['external-accounts'], this.#now.wallMs);
  }

  #startAll(chores: readonly Chore['chore'][], nowMs: number): void {
    for (const chore of chores) this.#start({ kind: 'chore', chore, nowMs, afterId: '' });
  }

  /**
   * In a cluster every process numbers its events under a name of its own: whether the database is
   * the newest, or a backup, or a copy that runs elsewhere, nobody can tell before it writes.
   */
  #takeIncarnation(): void {
    const counted = beginCount(this.#replica);
    const state = reincarnate(counted, nextIncarnation(counted, this.#options.node));
    const facts = changedFacts(this.#replica, state);
    this.#replica = state;
    this.#effects.push({ kind: 'persist', records: [], forget: [], facts });
  }

  /** Begins and ends waves of asks, and wakes who waited for them. */
  #catchUp(): void {
    for (const call of this.#cluster?.dueNow(this.#now.monoMs) ?? []) this.#start(call);
    const ended = this.#cluster?.endWave(this.#now.monoMs);
    if (ended === undefined) return;
    const jobs = this.#waiting.leave(ended.key);
    if (ended.isWhole) for (const { memory } of jobs) memory.asked = 'yes';
    this.#runnable.push(...jobs);
  }

  /** A handler was stopped: its job waits for records, or for what other members have. */
  #park(job: Job, reason: unknown): void {
    if (!(reason instanceof Miss || reason instanceof Unasked)) throw reason;
    if (this.#refuseWhenFull(job)) return;
    if (reason instanceof Miss) {
      this.#effects.push(this.#loads.begin(job, reason, this.#replica));
      return;
    }
    job.memory.asked = 'in part';
    forgetRows(job.memory);
    this.#effects.push({ kind: 'mark', name: `the cluster was asked before ${reason.before}` });
    const untilMonoMs = this.#now.monoMs + 2 * LIMITS.catchUpMs;
    this.#waiting.enter(job, this.#cluster!.catchUp.enter(), untilMonoMs);
  }

  /** Asks for the next tick, when it has to come sooner than the one asked for before. */
  #planWake(): void {
    const checkInMs = this.#waiting.size > 0 ? LIMITS.waitCheckMs : Number.POSITIVE_INFINITY;
    const dueMonoMs = this.#cluster?.nextMonoMs ?? Number.POSITIVE_INFINITY;
    const monoMs = Math.min(this.#now.monoMs + checkInMs, dueMonoMs, this.#sweepAtMonoMs);
    if (monoMs >= this.#wakeAtMonoMs) return;
    this.#wakeAtMonoMs = monoMs;
    this.#effects.push({ kind: 'wake', monoMs });
  }

  /** Turns a request away when too many wait already; never work the node owes itself. */
  #refuseWhenFull({ input }: Job): boolean {
    const parked = this.#loads.size + this.#waiting.size;
    if (input.kind !== 'request' || parked < LIMITS.parkedInputs) return false;
    this.#turnAway(input, 'the server is too busy; try again');
    return true;
  }

  /** Answers 503 to a request. */
  #turnAway({ request, web }: Extract<Input, { kind: 'request' }>, why: string): void {
    const isPost = web.method === 'POST';
    const nonce = isPost ? this.#held.nonces.issue(this.#now.monoMs, this.#replica.seq) : undefined;
    const response = busyResponse(this.#held.policy, nonce, why);
    this.#effects.push({ kind: 'respond', request, response });
  }

  /** The clock follows the stamps of others: a write here is later than what it has seen. */
  #followStamps(records: readonly Record[]): void {
    const { clockToleranceMs = LIMITS.clockToleranceMs } = this.#options.gossip ?? {};
    this.#clock = follow(this.#clock, records, this.#now.wallMs, clockToleranceMs);
  }

  #nextStamp(): string {
    const [stamp, clock] = nextStamp(this.#clock, this.#now.wallMs, this.#options.node);
    this.#clock = clock;
    return stamp;
  }
}
