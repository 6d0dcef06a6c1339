// What a node in a cluster holds besides records: who belongs to it, when to ask whom, who works on
// what, which nonces are being redeemed elsewhere and which requests wait for news; and what is due
// of all that at a moment.
// Invariant: everything here is lost with the process, and found again. Never here: records, what
// is asked and answered.

import type { VersionVector } from '../crdt/version-vector.ts';
import type { Effect } from '../effect.ts';
import type { Input } from '../input.ts';
import { LIMITS } from '../limits.ts';
import { CatchUp } from './catch-up.ts';
import { ClockVotes } from './clock-votes.ts';
import type { Exchanged, ExchangeOptions, FollowUp } from './exchange.ts';
import { Leases, OWNERSHIP_TTL_MS } from './leases.ts';
import { Membership, type MembershipOptions } from './membership.ts';
import { Redemptions } from './redemption.ts';
import { type RoundOptions, Rounds } from './rounds.ts';

/** `peers` are URLs. */
export interface GossipOptions extends RoundOptions, ExchangeOptions, MembershipOptions {
  /** For how long a node's claim to a piece of work is good. */
  readonly ownershipTtlMs?: number;
  /** How long deletions are told about; a peer that is silent for longer is not waited for. */
  readonly tombstoneTtlMs?: number;
  /** The own clock does not follow stamps that are further ahead of it than this. */
  readonly clockToleranceMs?: number;
}

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

export class Cluster implements ExchangeOptions, Pick<RoundOptions, 'fanOut'> {
  readonly digestKey: GossipOptions['digestKey'];
  readonly page: GossipOptions['page'];
  readonly fanOut: number;
  readonly membership: Membership;
  readonly rounds: Rounds;
  readonly leases: Leases;
  readonly redemptions: Redemptions = new Redemptions();
  readonly catchUp: CatchUp = new CatchUp();
  readonly #facts = new Map<string, PeerFacts>();
  readonly #votes: ClockVotes;

  /** `boot`: four octets of this process, so that nodes do not march in step. */
  constructor(options: GossipOptions, node: string, boot: Uint8Array) {
    const seed = boot.reduce((sum, octet) => (sum * 256 + octet) >>> 0, 0);
    const { digestKey, page, fanOut, intervalMs, ownershipTtlMs } = options;
    this.digestKey = digestKey;
    this.page = page;
    this.fanOut = fanOut;
    this.membership = new Membership(options, ~seed);
    this.rounds = new Rounds({ peers: [], intervalMs, fanOut }, seed);
    this.#votes = new ClockVotes(options.tombstoneTtlMs ?? LIMITS.tombstoneTtlMs);
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

  /** What is due now. `vector`: what this node has seen. */
  due(monoMs: number, vector: VersionVector, sha256: (text: string) => Uint8Array): Due {
    const { rounds, membership, leases } = this;
    const peers = membership.isSilent ? [] : rounds.due(monoMs, vector);
    const calls = peers.map((peer) => this.call(peer));
    const lapsed = leases.lapsed(monoMs, { live: rounds.live(monoMs), sha256 });
    const lapses = lapsed.map((record): Input => ({ kind: 'lapse', record }));
    const urls = membership.introductions.due(monoMs, vector);
    return {
      inputs: [...calls, ...lapses],
      effects: urls.map((url) => ({ kind: 'introduce', url })),
    };
  }

  /** After an exchange: asks on while a peer has more, leaves one alone that misbehaves. */
  followUp(result: PeerResult, monoMs: number): Input | undefined {
    const { rounds } = this;
    const { name, followUp, seen, clockMs, isAnswer } = result;
    if (followUp !== 'refuse') {
      rounds.heard(name, monoMs, seen);
      this.#votes.hear(name, clockMs, monoMs);
    }
    if (isAnswer && followUp === 'refuse') this.failed(name, monoMs);
    const isNewest = !isAnswer || followUp === 'refuse' || this.#answered(name, monoMs, followUp);
    if (followUp !== 'refuse') this.#note(result, monoMs);
    const asksOn = (followUp === 'ask' && !this.membership.isSilent) || !isNewest;
    return asksOn && rounds.ask(name, monoMs) ? this.call(name) : undefined;
  }

  /** A peer did not answer. */
  failed(peer: string, monoMs: number): void {
    this.rounds.failed(peer, monoMs);
    this.membership.doubt(peer);
    this.catchUp.failed(peer);
  }

  /** Begins the wave of asks that requests wait for, when it may begin. */
  beginWave(monoMs: number): readonly Input[] {
    if (!this.catchUp.mayBegin(monoMs)) return [];
    const { rounds } = this;
    const peers = this.membership.peers.filter((peer) => rounds.isReachable(peer));
    const asked = peers.filter((peer) => rounds.ask(peer, monoMs));
    this.catchUp.begin(monoMs, peers, asked);
    return asked.map((peer) => this.call(peer));
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
    for (const peer of this.#facts.keys()) {
      if (news.length > 0 && !this.membership.members.has(peer)) this.#facts.delete(peer);
    }
    return news;
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

  call(peer: string): Input {
    const url = this.membership.urlOf(peer);
    return { kind: 'call', peer, url, seen: this.rounds.seenBy(peer) ?? null };
  }

  /** False when the answer was older than the wave under way, so that it has to be asked again. */
  #answered(peer: string, monoMs: number, followUp: FollowUp): boolean {
    this.rounds.answered(peer, monoMs);
    return this.catchUp.answered(peer, followUp === 'rest');
  }
}
