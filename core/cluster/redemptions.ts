// The redemptions under way at a node: one for each call to an issuer, with all nonces that go with
// it. While a call is young, what else comes for that issuer gathers for the next one, which leaves
// when it is answered: the busier a node, the fewer its calls, and no two pages bring the same.
// Invariant: each redemption concludes once, and a nonce waits for a call of others no longer than
// it is young, but for what waiting requests are looked at late (`waitCheckMs`).
// Never here: what a redemption means (redemption.ts).

import type { Dot, Json, RecordKey } from '../crdt/record.ts';
import type { Relayed } from '../effect.ts';
import { LIMITS } from '../limits.ts';

/** What has become of a request's nonce. Kept in its memory. */
export type Redemption =
  | { readonly state: 'asked'; readonly number: number }
  | { readonly state: 'refused'; readonly reason: string }
  /** The request runs once this node has seen `upTo`, or when patience ends. */
  | {
      readonly state: 'spent';
      readonly issuer: string;
      readonly upTo: Dot | null;
      readonly untilMonoMs: number;
    }
  /** Its issuer has answered the request as well. */
  | { readonly state: 'answered'; readonly answer: Relayed }
  | { readonly state: 'done' };

/** A request, as far as it is about its nonce: a part of its memory. */
interface Bearer {
  redemption: Redemption | undefined;
}

/** A call to an issuer, gathering or under way. */
interface Call {
  readonly number: number;
  readonly issuer: string;
  readonly nonces: string[];
  /** The read that came with each, for the issuer to answer, or null. */
  readonly reads: Json[];
  /** Of the requests that brought them, in the same order. */
  readonly memories: Bearer[];
  /** Undefined while it gathers. */
  leftMonoMs: number | undefined;
}

export class Redemptions {
  readonly #underWay = new Map<number, Call>();
  /** By issuer. */
  readonly #gathering = new Map<string, Call>();
  /** The last call that has left for an issuer, while it is under way. */
  readonly #latest = new Map<string, Call>();
  #last = 0;
  #size = 0;

  /** Nonces that are being redeemed. */
  get size(): number {
    return this.#size;
  }

  /** A request's nonce joins the next call to its issuer. Returns the number of that call. */
  enter(memory: Bearer, issuer: string, nonce: string, read: Json): number {
    let call = this.#gathering.get(issuer);
    if (call === undefined) {
      call = {
        number: ++this.#last,
        issuer,
        nonces: [],
        reads: [],
        memories: [],
        leftMonoMs: undefined,
      };
      this.#gathering.set(issuer, call);
    }
    call.nonces.push(nonce);
    call.reads.push(read);
    call.memories.push(memory);
    memory.redemption = { state: 'asked', number: call.number };
    this.#size++;
    return call.number;
  }

  /** When a call will have taken too long, or has gathered for long enough. */
  untilMonoMs(number: number, monoMs: number): number {
    const leftMonoMs = this.#underWay.get(number)?.leftMonoMs;
    if (leftMonoMs !== undefined) return leftMonoMs + LIMITS.redemptionMs;
    return monoMs + LIMITS.redemptionGatherMs;
  }

  /** What a call leaves with; undefined when it has left, or waits for a younger one. */
  depart(number: number, monoMs: number): Pick<Call, 'issuer' | 'nonces' | 'reads'> | undefined {
    const call = this.#find(number);
    if (call === undefined) return undefined;
    const { issuer, nonces } = call;
    const leftMonoMs = this.#latest.get(issuer)?.leftMonoMs ?? Number.NEGATIVE_INFINITY;
    const isYoung = monoMs < leftMonoMs + LIMITS.redemptionGatherMs;
    if (isYoung && nonces.length < LIMITS.redemptionNonces) return undefined;
    this.#gathering.delete(issuer);
    this.#underWay.set(number, call);
    this.#latest.set(issuer, call);
    call.leftMonoMs = monoMs;
    return call;
  }

  /** A call under way; undefined when nobody waits for its answer. */
  underWay(number: number): Pick<Call, 'issuer' | 'reads'> | undefined {
    return this.#underWay.get(number);
  }

  /** Says what came of each nonce of a call. Returns what requests wait for that may go on now. */
  conclude(number: number, outcome: (at: number) => Redemption): readonly RecordKey[] {
    const call = this.#underWay.get(number);
    if (call === undefined) return [];
    call.memories.forEach((memory, at) => {
      // One that has lost patience has been answered.
      if (memory.redemption?.state === 'asked') memory.redemption = outcome(at);
    });
    this.#underWay.delete(number);
    this.#size -= call.nonces.length;
    const { issuer } = call;
    if (this.#latest.get(issuer)?.number === number) this.#latest.delete(issuer);
    const next = this.#gathering.get(issuer);
    return [redemptionKey(number), ...(next ? [redemptionKey(next.number)] : [])];
  }

  #find(number: number): Call | undefined {
    for (const call of this.#gathering.values()) if (call.number === number) return call;
    return undefined;
  }
}

/** Jobs wait for a redemption as they wait for records; no record has this kind. */
export function redemptionKey(redemption: number): RecordKey {
  return { kind: 'redemption', id: String(redemption) };
}
