// What a node in a cluster holds besides records: who belongs to it, when to ask whom, who works on
// what, which nonces are being redeemed elsewhere and which requests wait for news; and what is due
// of all that at a moment.
// Invariant: everything here is lost with the process, and found again. Never here: records, what
// is asked and answered.

import { type KeyedHash, keyedHash } from '../crdt/digest.ts';
import { type ReplicaState, vectorOf } from '../crdt/replica.ts';
import { EMPTY_VECTOR, type VersionVector } from '../crdt/version-vector.ts';
import type { Effect, EffectOf } from '../effect.ts';
import type { Chore, Input } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Now } from '../time.ts';
import { CatchUp, type Ended } from './catch-up.ts';
import { ClockVotes } from './clock-votes.ts';
import { Contacts } from './contacts.ts';
import { Disputes } from './disputes.ts';
import type { Exchanged, ExchangeOptions, Exchanging, FollowUp } from './exchange.ts';
import { Leases, OWNERSHIP_TTL_MS } from './leases.ts';
import { Membership, type MembershipOptions } from './membership.ts';
import { PreparedPages } from './prepared.ts';
import { Redemptions } from './redemptions.ts';
import { type RoundOptions, Rounds } from './rounds.ts';
import { Vocabularies } from './vocabulary.ts';

/** `peers` are URLs. */
export interface GossipOptions extends RoundOptions, ExchangeOptions, MembershipOptions {
  /** For how long a node's claim to a piece of work is good. */
  readonly ownershipTtlMs?: number;
  /** How long deletions are told about; a peer that is silent for longer is not waited for. */
  readonly tombstoneTtlMs?: number;
  /** The own clock does not follow stamps that are further ahead of it than this. */
  readonly clockToleranceMs?: number;
}

/** Rounds after which records that nobody speaks for are made own events. */
const SETTLE_INTERVALS = 8;

type Sha256 = (text: string) => Uint8Array;

/** What an exchange with a peer came to. */
export type PeerResult = Exchanged & {
  readonly name: string;
  /** It has answered our ask. */
  readonly isAnswer: boolean;
};

/** What is known of exchanges with a peer, for operators. */
export interface PeerFacts {
  readonly answeredMonoMs?: number | undefined;
  /** Whether contents agreed, when they could last be compared. */
  readonly agrees?: boolean | undefined;
  /** Under which name it last numbered its events. */
  readonly origin?: string | undefined;
}

const NO_FACTS: PeerFacts = {};

/** What is to be done at a moment. */
export interface Due {
  readonly inputs: readonly Input[];
  readonly effects: readonly Effect[];
}

export class Cluster implements Exchanging, Pick<RoundOptions, 'fanOut'> {
  readonly hash: KeyedHash;
  readonly page: GossipOptions['page'];
  readonly #bulkPage: GossipOptions['page'];
  #quietFromMs = 0;
  readonly fanOut: number;
  readonly membership: Membership;
  readonly rounds: Rounds;
  readonly leases: Leases;
  readonly redemptions: Redemptions = new Redemptions();
  readonly catchUp: CatchUp = new CatchUp();
  readonly vocabularies: Vocabularies = new Vocabularies();
  readonly prepared: PreparedPages = new PreparedPages();
  readonly disputes: Disputes = new Disputes();
  readonly tombstoneTtlMs: number;
  readonly #contacts: Contacts;
  readonly #settleAfterMs: number;
  #settleAtMonoMs = 0;
  /** Records beyond what was seen, when last looked at. */
  #ahead: VersionVector = EMPTY_VECTOR;
  /** Origins of which nothing has come for a while, and no vector speaks for what did. */
  #stuck: ReadonlySet<string> = new Set();
  #isCounting = false;
  #hasServed = false;
  #news: Effect[] = [];
  readonly #facts = new Map<string, PeerFacts>();
  readonly #votes: ClockVotes;

  /** `boot`: four octets of this process, so that nodes do not march in step. */
  constructor(options: GossipOptions, node: string, boot: Uint8Array, sha256: Sha256) {
    const seed = boot.reduce((sum, octet) => (sum * 256 + octet) >>> 0, 0);
    const { page, fanOut, intervalMs, ownershipTtlMs } = options;
    this.hash = keyedHash(options.digestKey, sha256);
    this.page = page;
    this.#bulkPage = options.bulkPage ?? page;
    this.fanOut = fanOut;
    this.membership = new Membership(options, ~seed);
    this.rounds = new Rounds({ peers: [], intervalMs, fanOut }, seed);
    this.tombstoneTtlMs = options.tombstoneTtlMs ?? LIMITS.tombstoneTtlMs;
    this.#contacts = new Contacts(intervalMs);
    this.#settleAfterMs = Math.max(SETTLE_INTERVALS * intervalMs, LIMITS.settleAfterMs);
    this.#votes = new ClockVotes(this.tombstoneTtlMs);
    const ttlMs = ownershipTtlMs ?? OWNERSHIP_TTL_MS;
    this.leases = new Leases({ node, ttlMs, stepMs: 2 * intervalMs });
  }

  /** When something is due next. */
  get nextMonoMs(): number {
    const { rounds, membership, leases, catchUp } = this;
    return Math.min(
      membership.isSilent ? Number.POSITIVE_INFINITY : rounds.nextMonoMs,
      membership.introductions.nextMonoMs,
      leases.nextMonoMs,
      catchUp.nextMonoMs,
    );
  }

  /** A client has asked for something. Wall clock, Unix ms. */
  served(wallMs: number): void {
    this.#quietFromMs = wallMs + LIMITS.quietMs;
  }

  bulkPage(wallMs: number): GossipOptions['page'] {
    return wallMs < this.#quietFromMs ? this.page : this.#bulkPage;
  }

  get stuck(): ReadonlySet<string> {
    return this.#stuck;
  }

  /** True when this node knows enough to serve; then it stays so. */
  knowsEnough({ isEstablished }: ReplicaState, monoMs: number): boolean {
    if (this.#contacts.isOver) return true;
    const { peers, strangers, isSilent } = this.membership;
    // A node that was told of nobody calls nobody, so it would wait for ever.
    const awaited = isSilent ? [] : peers;
    return this.#contacts.knowsEnough(isEstablished, awaited, strangers.length, monoMs);
  }

  /** Why this node does not know enough to serve. */
  get waitsFor(): string {
    return this.#contacts.waitsFor;
  }

  /** What is due now. */
  due({ wallMs, monoMs }: Now, replica: ReplicaState, sha256: Sha256): Due {
    const { rounds, membership, leases } = this;
    const vector = vectorOf(replica);
    const chores = this.#dueChores(monoMs, replica).map((chore): Input => {
      return { kind: 'chore', chore, nowMs: wallMs, afterId: '' };
    });
    const isRound = rounds.isRoundDue(monoMs);
    const peers = membership.isSilent ? [] : rounds.due(monoMs, vector);
    const calls = peers.map((peer) => this.call(peer, isRound));
    const lapsed = leases.lapsed(monoMs, { live: rounds.live(monoMs), sha256 });
    const lapses = lapsed.map((record): Input => ({ kind: 'lapse', record }));
    const urls = membership.introductions.due(monoMs, vector);
    return {
      inputs: [...calls, ...lapses, ...chores],
      effects: urls.map((url) => ({ kind: 'introduce', url })),
    };
  }

  /** After an exchange: asks on while a peer has more, leaves one alone that misbehaves. */
  followUp(result: PeerResult, monoMs: number): Input | undefined {
    const { rounds } = this;
    const { name, followUp, seen, clockMs, isAnswer } = result;
    if (followUp === 'lost') {
      rounds.heard(name, monoMs, undefined);
      if (isAnswer) this.failed(name, monoMs);
      return undefined;
    }
    if (followUp !== 'refuse') {
      rounds.heard(name, monoMs, seen);
      this.#votes.hear(name, clockMs, monoMs);
    }
    this.#gained(result, monoMs);
    if (isAnswer) this.membership.left(name);
    if (isAnswer && followUp === 'refuse') this.failed(name, monoMs, true);
    const isNewest = !isAnswer || followUp === 'refuse' || this.#answered(name, monoMs, followUp);
    if (followUp !== 'refuse') this.#note(result, monoMs);
    // Also of a node that begins no rounds: who calls it with more than fits one page is asked back.
    const asksOn = followUp === 'ask' || !isNewest;
    return asksOn && rounds.ask(name, monoMs) ? this.call(name) : undefined;
  }

  /** A peer did not answer, or what it answered is refused. */
  failed(peer: string, monoMs: number, isRefused: boolean = false): void {
    this.rounds.failed(peer, monoMs, isRefused);
    this.membership.doubt(peer);
    this.membership.left(peer);
    this.catchUp.failed(peer);
  }

  /** What became due by what has just happened: farewells, and the asks that requests wait for. */
  dueNow(monoMs: number): readonly Input[] {
    const farewells = this.membership.farewells.takeDue().map(({ descriptor, url }): Input => {
      return { kind: 'call', peer: descriptor.node, url, seen: null, isFarewell: true };
    });
    return farewells.length === 0 ? this.#wave(monoMs) : [...farewells, ...this.#wave(monoMs)];
  }

  /** Begins the wave of asks that requests wait for, when it may begin. */
  #wave(monoMs: number): readonly Input[] {
    if (!this.catchUp.mayBegin(monoMs)) return [];
    const { rounds } = this;
    const peers = this.membership.peers.filter((peer) => rounds.isReachable(peer));
    const asked = peers.filter((peer) => rounds.ask(peer, monoMs));
    this.catchUp.begin(monoMs, peers, asked);
    return asked.map((peer) => this.call(peer));
  }

  /** Ends the wave that requests wait for, when all have answered or its time is over. */
  endWave(monoMs: number): Ended | undefined {
    const ended = this.catchUp.takeEnded(monoMs);
    for (const peer of ended?.late ?? [])
      this.#log('warn', 'a member keeps requests waiting', { peer });
    return ended;
  }

  factsOf(peer: string): PeerFacts {
    return this.#facts.get(peer) ?? NO_FACTS;
  }

  #note({ name, isAnswer, agrees, origin }: PeerResult, monoMs: number): void {
    if (!this.membership.members.has(name)) return;
    const before = this.factsOf(name);
    this.#facts.set(name, {
      answeredMonoMs: isAnswer ? monoMs : before.answeredMonoMs,
      agrees: agrees ?? before.agrees,
      origin: origin ?? before.origin,
    });
  }

  /** What is new about the members, for the shell; the rounds follow. */
  takeNews(): readonly Effect[] {
    const news = this.membership.takeNews();
    if (news.length > 0) this.rounds.keep(this.membership.peers);
    if (news.length > 0) this.#contacts.keep(this.membership.peers);
    if (news.length > 0) this.vocabularies.keep(this.membership.members);
    for (const peer of this.#facts.keys()) {
      if (news.length > 0 && !this.membership.members.has(peer)) this.#facts.delete(peer);
    }
    if (this.#news.length === 0) return news;
    const all = [...news, ...this.#news];
    this.#news = [];
    return all;
  }

  /**
   * The moment, Unix ms, that all members agree has passed, the own clock among them; undefined
   * while that is open.
   */
  agreedMs(ownMs: number, monoMs: number): number | undefined {
    // Whoever answers at a configured URL and has never done so may be in the right.
    const absent = this.membership.strangers;
    return this.#votes.agreedMs(ownMs, [...this.membership.peers, ...absent], monoMs);
  }

  call(peer: string, isRound: boolean = false): Input {
    const url = this.membership.urlOf(peer);
    return { kind: 'call', peer, url, seen: this.rounds.seenBy(peer) ?? null, isRound };
  }

  /** The upkeep that is due. */
  #dueChores(monoMs: number, replica: ReplicaState): readonly Chore['chore'][] {
    const chores: Chore['chore'][] = [];
    const isOpen = this.knowsEnough(replica, monoMs);
    const serves = isOpen && !this.membership.isRemoved;
    if (serves && !this.#hasServed) this.#log('info', 'this node serves from now on', {});
    this.#hasServed = serves;
    if (isOpen && !replica.isEstablished) chores.push('establish');
    if (replica.uncounted !== null && !this.#isCounting) chores.push('count');
    this.#isCounting = replica.uncounted !== null;
    if (monoMs < this.#settleAtMonoMs) return chores;
    this.#settleAtMonoMs = monoMs + this.#settleAfterMs;
    const isStuck = ([origin, seq]: readonly [string, number]): boolean => {
      return this.#ahead.get(origin) === seq;
    };
    this.#stuck = new Set([...replica.ahead].filter(isStuck).map(([origin]) => origin));
    this.#ahead = replica.ahead;
    return this.#stuck.size > 0 ? [...chores, 'settle'] : chores;
  }

  #gained({ name, gain, isAnswer }: PeerResult, monoMs: number): void {
    if (gain === undefined) return;
    this.#contacts.brought(gain.kinds);
    if (!gain.isComplete || !isAnswer) return;
    if (!this.#contacts.met(name, gain.isEstablished, monoMs)) return;
    const { membership } = this;
    const fields = {
      peer: membership.urlOf(name),
      ...this.#contacts.counts,
      cluster_nodes: membership.members.size + 1,
    };
    this.#log('info', 'first-contact merge complete', fields);
  }

  #log(level: 'info' | 'warn', message: string, fields: EffectOf<'log'>['fields']): void {
    this.#news.push({ kind: 'log', level, target: 'gossip', message, fields });
  }

  /** False when the answer was older than the wave under way, so that it has to be asked again. */
  #answered(peer: string, monoMs: number, followUp: FollowUp): boolean {
    this.rounds.answered(peer, monoMs);
    return this.catchUp.answered(peer, followUp === 'rest');
  }
}
