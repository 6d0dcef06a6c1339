// What a node in a cluster holds besides records: who belongs to it, when to ask whom, who works on
// what; and what is due of all that at a moment.
// Invariant: everything here is lost with the process, and found again. Never here: records, what
// is asked and answered.

import type { VersionVector } from '../crdt/version-vector.ts';
import type { Effect } from '../effect.ts';
import type { Input } from '../input.ts';
import { LIMITS } from '../limits.ts';
import { ClockVotes } from './clock-votes.ts';
import type { Exchanged, ExchangeOptions } from './exchange.ts';
import { Leases, OWNERSHIP_TTL_MS } from './leases.ts';
import { Membership, type MembershipOptions } from './membership.ts';
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
export type PeerResult = Exchanged & { readonly name: string; readonly isAnswer: boolean };

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
  readonly #votes: ClockVotes;

  /** `seed`: any 32 bits, so that nodes do not march in step. */
  constructor(options: GossipOptions, node: string, seed: number) {
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
    const { rounds, membership, leases } = this;
    const roundMonoMs = membership.isSilent ? Number.POSITIVE_INFINITY : rounds.nextMonoMs;
    return Math.min(roundMonoMs, membership.introductions.nextMonoMs, leases.nextMonoMs);
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
    if (isAnswer && followUp !== 'refuse') rounds.answered(name, monoMs);
    if (isAnswer && followUp === 'refuse') rounds.failed(name, monoMs);
    if (followUp !== 'ask' || this.membership.isSilent) return undefined;
    return rounds.ask(name, monoMs) ? this.call(name) : undefined;
  }

  /** What is new about the members, for the shell; the rounds follow. */
  takeNews(): readonly Effect[] {
    const news = this.membership.takeNews();
    if (news.length > 0) this.rounds.keep(this.membership.peers);
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
    const url = this.membership.urlOf(peer) ?? peer;
    return { kind: 'call', peer, url, seen: this.rounds.seenBy(peer) ?? null };
  }
}
