// What the shell of a node lets in from other nodes, as the sealed channel of the product does it:
// messages of members, with an issue time that both clocks allow. What is refused is never merged,
// and everybody can see why.
// Invariant: nobody is let in before the node has said who its members are. Never here: transport.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import type { Effect } from '../core/effect.ts';

export type Refusal = 'not a member' | 'removed' | 'sealed to a key that is gone' | 'clocks differ';

export class Door {
  #members: ReadonlyMap<string, NodeDescriptor> = new Map();
  #removed: ReadonlySet<string> = new Set();

  /** From now on these. */
  admit({ members, removed }: Extract<Effect, { kind: 'members' }>): void {
    this.#members = new Map(members.map((member) => [member.node, member]));
    this.#removed = new Set(removed);
  }

  /** The key to seal a message with; empty when this node is none of the members. */
  keyOf(node: string): string {
    return this.#members.get(node)?.kem ?? '';
  }

  /** When the key was made that a node is known by, Unix ms; 0 when it is none of the members. */
  keyMadeMs(node: string): number {
    return this.#members.get(node)?.madeMs ?? 0;
  }

  /** Why a message is refused; undefined when it is let in. `opens`: this node has its key. */
  refusal(
    sender: string,
    opens: boolean,
    skewMs: number,
    toleranceMs: number,
  ): Refusal | undefined {
    if (this.#removed.has(sender)) return 'removed';
    if (!this.#members.has(sender)) return 'not a member';
    if (!opens) return 'sealed to a key that is gone';
    return Math.abs(skewMs) > toleranceMs ? 'clocks differ' : undefined;
  }
}
