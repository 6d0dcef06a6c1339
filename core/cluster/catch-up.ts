// Catching up: a client may ask one node for what it has just made on another. So before a request is
// refused for want of something, or a key is bound that might be bound elsewhere, all reachable
// members are asked once, in a wave that serves every request which came before it began; then the
// request runs again.
// Invariant: at most one wave is under way, and two begin no closer than a pause: what strangers
// send costs one wave a pause, however much it is. An ask that was under way when a wave began does
// not count, for its answer may be older than what the client has seen.
// Never here: asking, waiting, records.

import type { RecordKey } from '../crdt/record.ts';
import { LIMITS } from '../limits.ts';

interface Wave {
  readonly endMonoMs: number;
  /** Peers still to answer; true: the ask that counts has been sent. */
  readonly left: Map<string, boolean>;
  /** Some peer has not answered, and will not. */
  hasFailed: boolean;
}

/** What came of a wave. */
export interface Ended {
  /** What its requests wait for. */
  readonly key: RecordKey;
  /** All have answered, and have nothing more for us. */
  readonly isWhole: boolean;
  /** Peers that kept it waiting to its end, but for those that did so the last time as well. */
  readonly late: readonly string[];
}

export class CatchUp {
  #wave: Wave | undefined;
  /** The number of the wave under way, or of the last one. */
  #number = 0;
  #isWanted = false;
  #nextMonoMs = Number.NEGATIVE_INFINITY;
  /** Peers that kept the last wave waiting to its end. */
  #late: ReadonlySet<string> = new Set();

  /** When a wave has to begin or end. */
  get nextMonoMs(): number {
    if (this.#wave !== undefined) return this.#wave.endMonoMs;
    return this.#isWanted ? this.#nextMonoMs : Number.POSITIVE_INFINITY;
  }

  /** What a request that comes now has to wait for: the next wave. */
  enter(): RecordKey {
    this.#isWanted = true;
    return keyOf(this.#number + 1);
  }

  mayBegin(monoMs: number): boolean {
    return this.#wave === undefined && this.#isWanted && monoMs >= this.#nextMonoMs;
  }

  /** A wave begins. `peers` are to answer; `asked` are those of them that are asked just now. */
  begin(monoMs: number, peers: readonly string[], asked: readonly string[]): void {
    const left = new Map(peers.map((peer) => [peer, asked.includes(peer)]));
    this.#wave = { endMonoMs: monoMs + LIMITS.catchUpMs, left, hasFailed: false };
    this.#number++;
    this.#isWanted = false;
    this.#nextMonoMs = monoMs + LIMITS.catchUpPauseMs;
  }

  /**
   * A peer has answered; `isAll`: it has nothing more for us. False when the answer was to an ask
   * from before the wave, so that the peer has to be asked again.
   */
  answered(peer: string, isAll: boolean): boolean {
    const counts = this.#wave?.left.get(peer);
    if (counts === false) this.#wave!.left.set(peer, true);
    else if (isAll) this.#wave?.left.delete(peer);
    return counts !== false;
  }

  /** A peer will not answer. */
  failed(peer: string): void {
    if (this.#wave?.left.delete(peer)) this.#wave.hasFailed = true;
  }

  /** Once after each wave what came of it. */
  takeEnded(monoMs: number): Ended | undefined {
    if (this.#wave === undefined) return undefined;
    const { left, endMonoMs, hasFailed } = this.#wave;
    if (left.size > 0 && monoMs < endMonoMs) return undefined;
    this.#wave = undefined;
    const late = [...left.keys()].filter((peer) => !this.#late.has(peer));
    this.#late = new Set(left.keys());
    return { key: keyOf(this.#number), isWhole: left.size === 0 && !hasFailed, late };
  }
}

/** Jobs wait for a wave as they wait for records; no record has this kind. */
function keyOf(wave: number): RecordKey {
  return { kind: 'catch-up', id: String(wave) };
}
