// When a node asks which peers: a round every interval with jitter, `fanOut` peers in shuffled
// rotation; soon after a write those that seem to lack something; back-off for those that do not
// answer. Also what each peer was last heard to have seen.
// Invariant: at most one ask per peer is under way, and no peer is left out for longer than a
// rotation. Never here: what is asked.

import { assert } from '../assert.ts';
import { coversAll, EMPTY_VECTOR, type VersionVector } from '../crdt/version-vector.ts';

export interface RoundOptions {
  readonly peers: readonly string[];
  readonly intervalMs: number;
  /** Peers per round; 0 means all. */
  readonly fanOut: number;
}

/** How long after a write peers are told of it: long enough to gather what comes together. */
export const DEBOUNCE_MS = 20;
/**
 * Under steady load it is looked this often who lacks what was there the last time: whoever asks
 * about nonces keeps up by that, and need not be told.
 */
export const CALM_MS = 150;
/** Intervals a peer that fails again and again is left alone for, at most. */
const MAX_BACK_OFF = 20;
/** An ask without answer or failure for this many intervals is given up. */
const PATIENCE = 4;
/** A peer is live for so many of the rounds in which it has its turn. */
const LIVE_TURNS = 4;

interface Peer {
  readonly failures: number;
  /** Its last answer could not be taken: what it asks makes that no better. */
  readonly isRefused: boolean;
  readonly notBeforeMonoMs: number;
  /** When the ask under way was sent; undefined when none is. */
  readonly askedMonoMs: number | undefined;
  /** Something was written while an ask was under way: ask again soon. */
  readonly isBehind: boolean;
  /** What it had seen when it was last heard; undefined before that, in this process. */
  readonly seen: VersionVector | undefined;
  /** When it last answered or asked; undefined when it never did. */
  readonly heardMonoMs: number | undefined;
}

const FRESH: Peer = {
  failures: 0,
  isRefused: false,
  notBeforeMonoMs: 0,
  askedMonoMs: undefined,
  isBehind: false,
  seen: undefined,
  heardMonoMs: undefined,
};

export class Rounds {
  readonly #options: RoundOptions;
  readonly #peers = new Map<string, Peer>();
  #rotation: string[] = [];
  #random: number;
  #nextMonoMs = 0;
  #hurriedMonoMs = Number.POSITIVE_INFINITY;
  #lastHurryMonoMs = Number.NEGATIVE_INFINITY;
  /** Writes come faster than it is looked who lacks them. */
  #isSteady = false;
  /** What this node had seen then. */
  #lastVector: VersionVector = EMPTY_VECTOR;

  /** `seed`: any 32 bits, so that nodes do not march in step. */
  constructor(options: RoundOptions, seed: number) {
    assert(options.intervalMs > 0, 'rounds have an interval');
    this.#options = options;
    this.#random = seed >>> 0;
    for (const peer of options.peers) this.#peers.set(peer, FRESH);
  }

  get nextMonoMs(): number {
    const nextMonoMs = Math.min(this.#nextMonoMs, this.#hurriedMonoMs);
    return this.#peers.size === 0 ? Number.POSITIVE_INFINITY : nextMonoMs;
  }

  get peers(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /** What a peer was last heard to have seen; undefined when that is not known. */
  seenBy(name: string): VersionVector | undefined {
    return this.#peers.get(name)?.seen;
  }

  /**
   * A peer has asked or answered, so it is there and need not be left alone any longer; `seen`: what
   * it has seen, if it said so.
   */
  heard(name: string, monoMs: number, seen: VersionVector | undefined): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) return;
    const isShunned = peer.isRefused && monoMs < peer.notBeforeMonoMs;
    const back = isShunned ? {} : { failures: 0, isRefused: false, notBeforeMonoMs: 0 };
    this.#peers.set(name, { ...peer, ...back, seen: seen ?? peer.seen, heardMonoMs: monoMs });
  }

  /**
   * Something has come from a peer, good or bad: it is there. Whose answer was refused is left alone
   * for longer each time all the same.
   */
  arrived(name: string, monoMs: number): void {
    const peer = this.#peers.get(name);
    if (peer?.isRefused) this.#peers.set(name, { ...peer, heardMonoMs: monoMs });
    else this.heard(name, monoMs, undefined);
  }

  /** The peers heard of lately. */
  live(monoMs: number): readonly string[] {
    const { intervalMs, fanOut } = this.#options;
    const turns = fanOut === 0 ? 1 : Math.ceil(this.#peers.size / fanOut);
    const sinceMonoMs = monoMs - LIVE_TURNS * turns * intervalMs;
    const isLive = ({ heardMonoMs }: Peer): boolean => {
      return heardMonoMs !== undefined && heardMonoMs >= sinceMonoMs;
    };
    return [...this.#peers].filter(([, peer]) => isLive(peer)).map(([name]) => name);
  }

  /** From now on these are the peers; those that stay keep what is known of them. */
  keep(names: readonly string[]): void {
    const wanted = new Set(names);
    for (const name of this.#peers.keys()) if (!wanted.has(name)) this.#peers.delete(name);
    for (const name of wanted) if (!this.#peers.has(name)) this.#peers.set(name, FRESH);
    this.#rotation = this.#rotation.filter((name) => wanted.has(name));
  }

  /** True for a peer whose last ask did not fail, or that has been heard since. */
  isReachable(name: string): boolean {
    return this.#peers.get(name)?.failures === 0;
  }

  /** Whether some peers have their turn, whatever there is to say. */
  isRoundDue(monoMs: number): boolean {
    return monoMs >= this.#nextMonoMs && this.#peers.size > 0;
  }

  /** The peers to ask now; none while no round is due. `vector`: what this node has seen. */
  due(monoMs: number, vector: VersionVector): readonly string[] {
    const { intervalMs, fanOut } = this.#options;
    const count = fanOut === 0 ? this.#peers.size : Math.min(fanOut, this.#peers.size);
    const behind = monoMs >= this.#hurriedMonoMs ? this.#behind(monoMs, vector) : [];
    if (this.isRoundDue(monoMs)) {
      this.#nextMonoMs = monoMs + intervalMs - this.#draw(Math.ceil(intervalMs / 5));
      return this.#take(count).filter((peer) => {
        return behind.includes(peer) ? this.#askOrRemember(peer, monoMs) : this.ask(peer, monoMs);
      });
    }
    return behind.slice(0, count).filter((name) => this.#askOrRemember(name, monoMs));
  }

  /** Marks an ask as under way; false when one is already, or the peer is being left alone. */
  ask(name: string, monoMs: number): boolean {
    const peer = this.#peers.get(name);
    if (peer === undefined || monoMs < peer.notBeforeMonoMs) return false;
    const { askedMonoMs } = peer;
    const patienceMs = PATIENCE * this.#options.intervalMs;
    if (askedMonoMs !== undefined && monoMs - askedMonoMs < patienceMs) return false;
    this.#peers.set(name, { ...peer, askedMonoMs: monoMs });
    return true;
  }

  /** The ask was answered. */
  answered(name: string, monoMs: number): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) return;
    this.#peers.set(name, { ...FRESH, seen: peer.seen, heardMonoMs: monoMs });
    if (!peer.isBehind) return;
    // It was to be told while this ask was under way, and has waited for long enough.
    this.#hurriedMonoMs = Math.min(this.#hurriedMonoMs, monoMs + DEBOUNCE_MS);
    this.#isSteady = false;
  }

  /**
   * The ask failed; the peer is left alone for a while, or until it asks. Whose answer is refused is
   * left alone even then: two that refuse each other would ask without a pause.
   */
  failed(name: string, monoMs: number, isRefused: boolean = false): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) return;
    const failures = peer.failures + 1;
    const intervals = Math.min(2 ** Math.min(failures - 1, 10), MAX_BACK_OFF);
    const pauseMs = intervals * this.#options.intervalMs;
    const notBeforeMonoMs = monoMs + pauseMs - this.#draw(Math.ceil(pauseMs / 4));
    const { seen, heardMonoMs } = peer;
    this.#peers.set(name, { ...FRESH, failures, isRefused, notBeforeMonoMs, seen, heardMonoMs });
  }

  /** Something was written here: peers should hear of it soon. */
  hurry(monoMs: number): void {
    const soonMonoMs = Math.max(monoMs + DEBOUNCE_MS, this.#lastHurryMonoMs + CALM_MS);
    if (soonMonoMs >= this.#hurriedMonoMs) return;
    this.#hurriedMonoMs = soonMonoMs;
    this.#isSteady = soonMonoMs > monoMs + DEBOUNCE_MS;
  }

  /**
   * Who is to be told of what was written; under steady load, of what was written before it was last
   * looked, and then it is looked once more.
   */
  #behind(monoMs: number, vector: VersionVector): readonly string[] {
    const told = this.#isSteady ? this.#lastVector : vector;
    this.#lastHurryMonoMs = monoMs;
    this.#lastVector = vector;
    const names = this.#shuffled();
    const isLooking =
      !coversAll(told, vector) && !names.every((name) => this.#covers(name, vector));
    this.#hurriedMonoMs = isLooking ? monoMs + CALM_MS : Number.POSITIVE_INFINITY;
    this.#isSteady = isLooking;
    return names.filter((name) => !this.#covers(name, told));
  }

  #covers(name: string, vector: VersionVector): boolean {
    const seen = this.#peers.get(name)?.seen;
    return seen !== undefined && coversAll(seen, vector);
  }

  #askOrRemember(name: string, monoMs: number): boolean {
    if (this.ask(name, monoMs)) return true;
    const peer = this.#peers.get(name)!;
    if (peer.askedMonoMs !== undefined) this.#peers.set(name, { ...peer, isBehind: true });
    return false;
  }

  /** The next peers of the rotation, which is shuffled anew whenever it runs out. */
  #take(count: number): readonly string[] {
    const taken: string[] = [];
    while (taken.length < count) {
      if (this.#rotation.length === 0) this.#rotation = this.#shuffled();
      const next = this.#rotation.pop()!;
      if (taken.includes(next)) break;
      taken.push(next);
    }
    return taken;
  }

  #shuffled(): string[] {
    const names = [...this.#peers.keys()];
    for (let i = names.length - 1; i > 0; i--) {
      const j = this.#draw(i + 1);
      [names[i], names[j]] = [names[j]!, names[i]!];
    }
    return names;
  }

  /** An integer below `bound` (mulberry32). */
  #draw(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }
}
