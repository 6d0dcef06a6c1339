// A node that is kept running: opens the database, starts the core on what is durable, and when
// the database fails stops acknowledging and begins anew (fail-stop, then recovery).
// Invariant: a driver that failed never answers again; its successor knows only what is durable.
// Never here: HTTP, what requests mean.

import { randomBytes } from 'node:crypto';
import type { Policy } from '../core/acme/policy.ts';
import { fromBase64Url, toHex } from '../core/bytes.ts';
import type { GossipOptions } from '../core/cluster/cluster.ts';
import type { EffectOf } from '../core/effect.ts';
import { Node, type NodeOptions } from '../core/node.ts';
import type { Primitives } from '../core/primitives.ts';
import { type Door, recordedNode } from '../io/capsule/recorder.ts';
import type { ChannelStats } from '../io/channel/channel.ts';
import { hostNow } from '../io/clock.ts';
import { Driver, type Watch } from '../io/driver.ts';
import { entropy } from '../io/entropy.ts';
import type { Log, LogFields } from '../io/log.ts';
import { accountOf } from '../io/operator-error.ts';
import { type Store, StoreError, type StoreStats } from '../io/store/store.ts';
import type { Validator } from '../io/validate/validator.ts';
import { buildList } from './crl-source.ts';
import type { PeerView } from './gossip/endpoints.ts';
import { type ClusterOptions, joinCluster, leaveCluster, type Membership } from './gossip/join.ts';
import { Notices } from './gossip/notices.ts';
import type { OperatorView } from './gossip/operator.ts';
import type { Answerer } from './http.ts';
import { loadIdentity } from './identity.ts';
import type { Authorities } from './policy.ts';

export interface EngineOptions {
  /** After a failure the database must be where it was; an empty one would hide its loss. */
  readonly open: (options: { readonly mustExist: boolean }) => Promise<Store>;
  readonly primitives: Primitives;
  readonly authorities: Authorities;
  readonly validator: Validator;
  readonly log: Log;
  readonly watch: Watch;
  /** Undefined: this node works alone. */
  readonly cluster: ClusterOptions | undefined;
  /** Where the flight recorder writes; undefined: nothing is recorded. */
  readonly recordDir: string | undefined;
}

interface Running {
  readonly store: Store;
  readonly node: Node;
  readonly driver: Driver;
  readonly membership: Membership | undefined;
}

/** Pauses before the database is tried again; the last one repeats. */
const RETRY_MS = [100, 500, 1000, 2000, 5000] as const;
/** A node at rest asks its database this often, so that it is not ready once that is gone. */
const CHECK_MS = 2_000;

export class Engine {
  readonly #options: EngineOptions;
  #policy: Policy;
  #running: Running | undefined;
  #closed = false;
  #fault = 'starting';
  #reason: string | undefined;
  #checks: NodeJS.Timeout | undefined;
  /** Peers by URL, once they were configured anew. */
  #peers: readonly string[] | undefined;

  constructor(options: EngineOptions, policy: Policy) {
    this.#options = options;
    this.#policy = policy;
  }

  /** Opens the database for the first time. Rejects when that fails: an operator is watching. */
  async start(): Promise<void> {
    await this.#begin({ mustExist: false });
    this.#checks = setInterval(() => this.#check(), CHECK_MS).unref();
  }

  /** Handles a request, or says at once that the node cannot. */
  readonly answer: Answerer = (web, answered) => {
    const driver = this.#running?.driver;
    if (driver !== undefined) return driver.request(web, answered);
    answered(undefined);
    return () => {};
  };

  /** Undefined when the node is ready, else why it is not. */
  get fault(): string | undefined {
    if (this.#running === undefined) return this.#fault;
    return this.#running.node.unready;
  }

  /** What the database said, for operators: it names hosts, and is nothing for clients. */
  get reason(): string | undefined {
    return this.#running === undefined ? this.#reason : undefined;
  }

  get gauges(): Node['gauges'] | undefined {
    return this.#running?.node.gauges;
  }

  get storeStats(): StoreStats | undefined {
    return this.#running?.store.stats();
  }

  /** What peers are answered with. */
  readonly gossip = (): PeerView => {
    if (this.#options.cluster === undefined) return 'alone';
    if (this.#running?.membership === undefined) return 'stopped';
    const { driver, membership } = this.#running;
    const { channel, calls } = membership;
    return { channel, calls, driver };
  };

  /** What operators are answered with. */
  readonly operator = (): OperatorView => {
    if (this.#running === undefined) return 'stopped';
    const { driver, membership } = this.#running;
    const cluster = membership && {
      descriptor: membership.descriptor,
      calls: membership.calls,
      rotate: () => membership.rotation.run(driver),
    };
    return { administer: (command) => driver.administer(command), cluster };
  };

  get channelStats(): ChannelStats | undefined {
    return this.#running?.membership?.channel.stats();
  }

  /** Puts a new policy, and new peers, in force. */
  configure(policy: Policy, peers: readonly string[] | undefined): void {
    this.#policy = policy;
    this.#peers = peers;
    this.#running?.driver.submit({ kind: 'configure', policy, peers });
  }

  /** Finishes what was acknowledged and lets go of the database. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#checks);
    const running = this.#running;
    this.#running = undefined;
    this.#fault = 'stopping';
    await running?.driver.close();
    await leave(running?.membership);
    await running?.store.close();
  }

  async #begin(options: { readonly mustExist: boolean }): Promise<void> {
    const store = await this.#options.open(options);
    let membership: Membership | undefined;
    try {
      const { cluster } = this.#options;
      const running = (): Running | undefined => {
        return this.#running?.store === store ? this.#running : undefined;
      };
      membership =
        cluster &&
        (await joinCluster(store, cluster, {
          died: (error) => running()?.driver.fail(error),
          outdated: (later) => {
            const { membership: own, driver } = running() ?? {};
            if (driver !== undefined) void own?.rotation.renew(driver, later);
          },
        }));
      await this.#beginOn(store, membership);
    } catch (error) {
      // Their threads would keep a process alive that has given up.
      await leave(membership);
      await store.close().catch(() => {});
      throw error;
    }
  }

  async #beginOn(store: Store, membership: Membership | undefined): Promise<void> {
    const { authorities, primitives, validator, log, watch } = this.#options;
    const boot = new Uint8Array(randomBytes(4));
    const identity = await loadIdentity(store, toHex(boot), membership?.descriptor.node);
    const issuing = authorities.get(this.#policy.cas[0].id)!;
    const notices = new Notices(log);
    const { node, door } = this.#makeNode(toHex(boot), {
      ...identity,
      ...(membership && { gossip: withPeers(membership.gossip, this.#peers) }),
      policy: this.#policy,
      primitives,
      nonces: {
        issuer: fromBase64Url(identity.node)!.slice(0, 8),
        boot,
        key: issuing.deriveSecret('nonce tickets'),
      },
      sealingKey: issuing.deriveSecret('secrets in records'),
    });
    const driver = new Driver(door, {
      now: hostNow,
      entropy,
      store,
      ...(membership && { peers: membership.calls }),
      validate: (request) => validator.validate(request),
      issue: (request) => {
        const authority = authorities.get(request.ca);
        if (authority !== undefined) return authority.issue(request);
        const detail = `the CA "${request.ca}" of this order is no longer configured`;
        return { ok: false, problem: 'serverInternal', detail };
      },
      buildCrl: (order) => buildList(store, authorities.get(order.ca)!, order),
      log: (line) => say(log, notices, line),
      watch,
      fail: (error) => this.#recover(error),
    });
    if (this.#closed) {
      await leave(membership);
      await store.close();
      return;
    }
    this.#running = { store, node, driver, membership };
  }

  #makeNode(boot: string, options: NodeOptions): { readonly node: Node; readonly door: Door } {
    const { recordDir: dir, log } = this.#options;
    if (dir === undefined) {
      const node = new Node(options);
      return { node, door: node };
    }
    const warn = (message: string, fields: LogFields): void => log.warn('debug', message, fields);
    return recordedNode(options, { dir, name: boot, log: warn }, hostNow().wallMs);
  }

  #check(): void {
    const running = this.#running;
    running?.store.check().catch((error: unknown) => {
      const isBusy = error instanceof StoreError && error.fault === 'overloaded';
      if (!isBusy && running === this.#running) running.driver.fail(error);
    });
  }

  #recover(error: unknown): void {
    const failed = this.#running;
    this.#running = undefined;
    const part = error instanceof StoreError ? 'the database' : 'a part of this node';
    this.#fault = `${part} failed; recovering`;
    this.#reason = messageOf(error);
    this.#options.log.error('node', 'stopped acknowledging; starting again from what is durable', {
      reason: accountOf(error),
    });
    void this.#restart(failed);
  }

  async #restart(failed: Running | undefined): Promise<void> {
    await leave(failed?.membership);
    await failed?.store.close().catch(() => {});
    for (let attempt = 0; !this.#closed; attempt++) {
      const delayMs = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      try {
        await this.#begin({ mustExist: true });
        this.#options.log.info('node', 'recovered');
        return;
      } catch (error) {
        this.#fault = 'the database cannot be opened; trying again';
        this.#reason = messageOf(error);
        this.#options.log.error('node', 'cannot open the database', { reason: this.#reason });
      }
    }
  }
}

function withPeers(options: GossipOptions, peers: readonly string[] | undefined): GossipOptions {
  return peers === undefined ? options : { ...options, peers };
}

async function leave(membership: Membership | undefined): Promise<void> {
  if (membership !== undefined) await leaveCluster(membership).catch(() => {});
}

/** What is said of a peer is held to a pace: a peer that lies can have it said at every message. */
function say(log: Log, notices: Notices, line: Omit<EffectOf<'log'>, 'kind'>): void {
  const { level, target, message, fields } = line;
  const { peer, ...rest } = fields as LogFields;
  if (target !== 'gossip' || level === 'debug' || typeof peer !== 'string') {
    log[level](target, message, fields as LogFields);
  } else notices.say(level, message, peer, rest);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
