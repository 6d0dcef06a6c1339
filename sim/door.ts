// What the shell of a node lets in from other nodes, as the sealed channel of the product does it:
// messages of members, with an issue time that both clocks allow. What is refused is never merged,
// and everybody can see why.
// Invariant: nobody is let in before the node has said who its members are. Never here: transport.

import type { Effect } from '../core/effect.ts';

export type Refusal = 'not a member' | 'removed' | 'clocks differ';

export class Door {
  #members: ReadonlySet<string> = new Set();
  #removed: ReadonlySet<string> = new Set();

  /** From now on these. */
  admit({ members, removed }: Extract<Effect, { kind: 'members' }>): void {
    this.#members = new Set(members.map(({ node }) => node));
    this.#removed = new Set(removed);
  }

  /** Why a message is refused; undefined when it is let in. */
  refusal(sender: string, skewMs: number, toleranceMs: number): Refusal | undefined {
    if (this.#removed.has(sender)) return 'removed';
    if (!this.#members.has(sender)) return 'not a member';
    return Math.abs(skewMs) > toleranceMs ? 'clocks differ' : undefined;
  }
}
