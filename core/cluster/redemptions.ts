// The redemptions under way at a node: which request waits for which, and what came of it.
// Invariant: each concludes once. Never here: what a redemption means (redemption.ts).

import type { Dot, RecordKey } from '../crdt/record.ts';
import type { Memory } from '../transaction.ts';

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
  | { readonly state: 'done' };

interface Open {
  readonly memory: Memory;
  readonly issuer: string;
}

/** Redemptions under way. */
export class Redemptions {
  readonly #open = new Map<number, Open>();
  #last = 0;

  get size(): number {
    return this.#open.size;
  }

  begin(memory: Memory, issuer: string): number {
    const number = ++this.#last;
    this.#open.set(number, { memory, issuer });
    memory.redemption = { state: 'asked', number };
    return number;
  }

  /** The node that was asked; undefined when nobody waits for this answer. */
  issuerOf(number: number): string | undefined {
    return this.#open.get(number)?.issuer;
  }

  /** Says what came of a redemption. Returns what its request waits for. */
  conclude(number: number, outcome: Redemption): RecordKey {
    const open = this.#open.get(number);
    if (open !== undefined) open.memory.redemption = outcome;
    this.#open.delete(number);
    return redemptionKey(number);
  }
}

/** Jobs wait for a redemption as they wait for records; no record has this kind. */
export function redemptionKey(redemption: number): RecordKey {
  return { kind: 'redemption', id: String(redemption) };
}
