// The way out to peers: seals, calls, opens, and says in the operators' words what went wrong.
// Invariant: every call ends within its time, and an answer is used only if the channel vouches
// for it. Never here: whom to call and when, which the core decides.

import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { EffectOf } from '../../core/effect.ts';
import {
  BOOT_HEADER,
  type Channel,
  type FastCall,
  NODE_ID_HEADER,
  type Sent,
} from '../../io/channel/channel.ts';
import {
  ANSWER_REFUSED,
  ChannelRefusal,
  REFUSALS,
  type RefusalName,
  SENDER_REJECTED,
} from '../../io/channel/refusal.ts';
import type { Metrics } from '../../io/metrics.ts';
import { PeerClient, type PeerResponse } from '../../io/peer-client.ts';
import type { PeerPort } from '../../io/peer-port.ts';
import { StreamClient } from '../../io/stream-client.ts';
import { ClockSkew } from './clock-skew.ts';
import type { Notices } from './notices.ts';
import { GOSSIP_PATHS, type GossipPathName } from './paths.ts';

/** Answers with which a peer says that its start is another than the one we know. */
const BOOT_STATUSES: readonly number[] = [REFUSALS.boot.status, REFUSALS['no-fast-key'].status];

/** Why a call cannot be a fast one, though it could be sealed. */
const UNFIT: readonly RefusalName[] = ['no-fast-key', 'size', 'replay'];

const MAX_MET = 256;
/** So often at least an exchange with a peer is sealed: that shows whether clocks agree. */
const SEALED_EVERY_MS = 60_000;
/** For so long everything to a peer is sealed when it did not answer the fast way. */
const FAST_PAUSE_MS = 5_000;
/** Characters of a peer's own words that are repeated. */
const MAX_WORDS = 200;

export class Calls implements PeerPort {
  readonly #channel: Channel;
  readonly #notices: Notices;
  readonly #metrics: Metrics;
  readonly #skew: ClockSkew;
  /** Fast calls have connections of their own: clients wait for them, and sealed pages are large. */
  readonly #client = new PeerClient();
  readonly #fastClient = new StreamClient();
  /** Starts of nodes that have introduced themselves and are no members yet. */
  readonly #met = new Map<string, string | undefined>();
  /** Sealed exchanges that redemptions wait for, by peer. */
  readonly #meetings = new Map<string, Promise<void>>();
  /** By peer, on the monotonic clock: when brief exchanges may go the fast way. */
  readonly #fastTimes = new Map<string, { readonly fromMs: number; readonly untilMs: number }>();

  constructor(channel: Channel, notices: Notices, metrics: Metrics) {
    this.#channel = channel;
    this.#notices = notices;
    this.#metrics = metrics;
    this.#skew = new ClockSkew(metrics, notices);
  }

  /** How far clocks of peers are ahead of ours, whole seconds by node id. */
  get skewSecs(): ReadonlyMap<string, number> {
    return this.#skew.secs;
  }

  readonly ask = async ({ peer, url, ask, push, isBrief }: EffectOf<'ask'>): Promise<Json> => {
    const { fromMs, untilMs } = this.#fastTimes.get(peer) ?? { fromMs: 0, untilMs: 0 };
    let nextFromMs = fromMs;
    if (isBrief && performance.now() >= fromMs && performance.now() < untilMs) {
      try {
        return await this.#fast(peer, url, { kind: 'sync', ask, push });
      } catch (error) {
        // To ask twice does no harm, but what a peer has refused it would refuse again.
        if (!mayBeSealed(error)) throw error;
        this.#metrics.increment('akamu_gossip_sealed_instead_total', { peer });
        if (!(error instanceof ChannelRefusal)) nextFromMs = performance.now() + FAST_PAUSE_MS;
      }
    }
    const page = await this.#asked(peer, url, ask, push);
    const sealedMs = performance.now();
    this.#fastTimes.set(peer, { fromMs: nextFromMs, untilMs: sealedMs + SEALED_EVERY_MS });
    return page;
  };

  readonly redeem = async (effect: EffectOf<'redeem'>): Promise<Json> => {
    const startMs = performance.now();
    const { peer, url, nonces, reads, ask } = effect;
    const call = { kind: 'redeem', nonces, reads, ask } as const;
    const told = await this.#fast(peer, url, call).catch(async (error: unknown) => {
      if (!lacksKey(error)) throw error;
      await this.#meet(effect);
      return await this.#fast(peer, url, call);
    });
    const seconds = (performance.now() - startMs) / 1000;
    this.#metrics.observe('akamu_gossip_redemption_seconds', seconds);
    return told;
  };

  readonly introduce = async (url: string): Promise<NodeDescriptor> => {
    const introduction = this.#channel.introduce(url);
    const answer = await this.#post('identity', url, introduction.body);
    if (answer.status !== 200) throw new Error(wordsOf(answer));
    const descriptor = await this.#opened(url, async () => {
      return this.#channel.concludeIntroduction(introduction, answer.body);
    });
    const isClone = descriptor.node === this.#channel.node && bootOf(answer) !== this.#channel.boot;
    if (isClone) throw new Error('a copy of this node runs there, with the keys of its database');
    this.met(descriptor.node, bootOf(answer));
    return descriptor;
  };

  /** Which start of a node has introduced itself: the first message to it can name it. */
  met(node: string, boot: string | undefined): void {
    this.#met.delete(node);
    this.#met.set(node, boot);
    if (this.#met.size > MAX_MET) this.#met.delete(this.#met.keys().next().value!);
    this.#channel.heardBoot(node, boot);
  }

  readonly members = ({ members, removed, farewells }: EffectOf<'members'>): void => {
    for (const { node, fault } of this.#channel.members(members, removed, farewells)) {
      this.#notices.say('warn', 'a member is not talked to: its descriptor is not genuine', node, {
        fault,
      });
    }
    for (const { node } of members) this.#channel.heardBoot(node, this.#met.get(node));
    this.#met.clear();
    for (const node of removed) this.#fastTimes.delete(node);
    this.#metrics.set('akamu_gossip_members', members.length - farewells.length);
  };

  close(): void {
    this.#client.close();
    this.#fastClient.close();
  }

  /** Rejects with `no-fast-key` when a sealed exchange has to bring the key first. */
  async #fast(peer: string, url: string, call: FastCall): Promise<Json> {
    const seal = (): Promise<Sent> => this.#channel.sealFast(peer, call);
    const { sent, answer } = await this.#exchange('fast', peer, url, seal);
    return await this.#opened(url, () => {
      return this.#channel.openFastAnswer(sent, senderOf(answer), answer.body);
    });
  }

  /**
   * A sealed exchange, for the keys that travel in it: a client must not wait for the next round,
   * nor be refused, because a node has just started. The page is left alone, as if it were lost.
   * Once for all who wait for it.
   */
  #meet({ peer, url, ask }: EffectOf<'redeem'>): Promise<void> {
    const known = this.#meetings.get(peer);
    if (known !== undefined) return known;
    const meeting = this.#asked(peer, url, ask, null, GOSSIP_PATHS.fast.timeoutMs)
      .then(() => {})
      .finally(() => this.#meetings.delete(peer));
    this.#meetings.set(peer, meeting);
    return meeting;
  }

  async #asked(
    peer: string,
    url: string,
    ask: Json,
    push: Json | null,
    timeoutMs?: number,
  ): Promise<Json> {
    const seal = (): Promise<Sent> => this.#channel.sealAsk(peer, ask, push);
    const { sent, answer } = await this.#exchange('sync', peer, url, seal, timeoutMs);
    return await this.#opened(url, () => {
      return this.#channel.openAnswer(sent, senderOf(answer), answer.body);
    });
  }

  /** Seals and calls, twice when the peer turns out to have started anew. */
  async #exchange(
    path: GossipPathName,
    peer: string,
    url: string,
    seal: () => Promise<Sent>,
    timeoutMs: number = GOSSIP_PATHS[path].timeoutMs,
  ): Promise<{ readonly sent: Sent; readonly answer: PeerResponse }> {
    for (let isSecond = false; ; isSecond = true) {
      const sent = await this.#sealed(url, seal);
      const answer = await this.#post(path, url, sent.body, timeoutMs);
      if (path === 'sync') this.#skew.observe(peer, url, answer.headers.date);
      if (answer.status === 200) return { sent, answer };
      if (BOOT_STATUSES.includes(answer.status)) {
        const isNews = this.#channel.heardBoot(peer, bootOf(answer));
        // Another call may have brought the news while this one was under way.
        const isOutdated = isNews || answer.status === REFUSALS.boot.status;
        if (isOutdated && !isSecond) continue;
      }
      if (answer.status === REFUSALS.removed.status) {
        this.#notices.say('error', 'gossip: a peer says that this node was removed', url);
      }
      if (answer.status === REFUSALS.sender.status) this.#notices.say('warn', SENDER_REJECTED, url);
      const unfit = UNFIT.find((name) => REFUSALS[name].status === answer.status);
      if (unfit !== undefined) throw new ChannelRefusal(unfit, wordsOf(answer));
      throw new Answered(wordsOf(answer));
    }
  }

  async #sealed(url: string, seal: () => Promise<Sent>): Promise<Sent> {
    try {
      return await seal();
    } catch (error) {
      if (error instanceof ChannelRefusal && error.refusal === 'no-kem-key') {
        this.#notices.say('warn', REFUSALS['no-kem-key'].line, url);
      }
      throw error;
    }
  }

  async #opened<T>(url: string, open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (error instanceof ChannelRefusal) {
        this.#metrics.increment('akamu_gossip_refusals_total', { reason: error.refusal });
        this.#notices.say('warn', ANSWER_REFUSED, url, { reason: error.message });
      }
      throw error;
    }
  }

  #post(
    name: GossipPathName,
    url: string,
    body: Uint8Array,
    timeoutMs: number = GOSSIP_PATHS[name].timeoutMs,
  ): Promise<PeerResponse> {
    const client = name === 'fast' ? this.#fastClient : this.#client;
    const { path, type, maxOctets } = GOSSIP_PATHS[name];
    const { node, boot } = this.#channel;
    const headers = { 'Content-Type': type, [NODE_ID_HEADER]: node, [BOOT_HEADER]: boot };
    return client.post({ url, path, headers, body, timeoutMs, maxOctets });
  }
}

/** The peer has answered, and said why not. */
class Answered extends Error {}

function lacksKey(error: unknown): boolean {
  return error instanceof ChannelRefusal && error.refusal === 'no-fast-key';
}

/** Whether what failed as a fast call may go well when it is sealed. */
function mayBeSealed(error: unknown): boolean {
  if (error instanceof ChannelRefusal) return UNFIT.includes(error.refusal);
  return !(error instanceof Answered);
}

function senderOf({ headers }: PeerResponse): string | undefined {
  const header = headers[NODE_ID_HEADER.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

function bootOf({ headers }: PeerResponse): string | undefined {
  const header = headers[BOOT_HEADER.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

/** What a refusal says, for the log. */
function wordsOf({ status, body }: PeerResponse): string {
  const words = body.toString('utf8', 0, MAX_WORDS).split('\n', 1)[0]!.trim();
  return `the peer answered ${status}${words === '' ? '' : `: ${words}`}`;
}
