// How far the clocks of peers are from our own, by the Date that stands on every HTTP answer. It has
// no proof, and whole seconds only: good enough to warn an operator before messages are refused.
// Invariant: nothing is decided by it. Never here: which messages are too old (io/channel).

import type { Metrics } from '../../io/metrics.ts';
import type { Notices } from './notices.ts';

/** From here on an operator is warned. */
const WARN_SECS = 10;
const MAX_PEERS = 256;

export class ClockSkew {
  readonly #metrics: Metrics;
  readonly #notices: Notices;
  readonly #nowMs: () => number;
  readonly #secs = new Map<string, number>();

  /** `nowMs`: the wall clock. */
  constructor(metrics: Metrics, notices: Notices, nowMs: () => number = Date.now) {
    this.#metrics = metrics;
    this.#notices = notices;
    this.#nowMs = nowMs;
  }

  /** Whole seconds by node id; positive: its clock is ahead of ours. */
  get secs(): ReadonlyMap<string, number> {
    return this.#secs;
  }

  /** A peer has just answered; `date`: its Date header (RFC 9110 §6.6.1). */
  observe(peer: string, url: string, date: string | undefined): void {
    const theirMs = Date.parse(date ?? '');
    if (Number.isNaN(theirMs)) return;
    // Dates are cut off to the second below: half of one is added.
    const secs = Math.round((theirMs + 500 - this.#nowMs()) / 1000);
    this.#secs.delete(peer);
    this.#secs.set(peer, secs);
    if (this.#secs.size > MAX_PEERS) this.#secs.delete(this.#secs.keys().next().value!);
    this.#metrics.set('akamu_gossip_peer_clock_skew_seconds', secs, { peer });
    if (Math.abs(secs) < WARN_SECS) return;
    const fields = { peer_is_ahead_secs: secs };
    this.#notices.say('warn', 'the clocks of this node and of a peer differ', url, fields);
  }
}
