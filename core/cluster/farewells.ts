// Last calls to nodes that were removed. A removed node is told so, with its own record, or it would
// go on serving clients alone: nobody takes its messages any more, and it would never hear why.
// Invariant: one call at a time for each; nothing that a removed node says is taken in.
// Never here: the calls themselves, who is removed.

import { LIMITS } from '../limits.ts';
import type { NodeDescriptor } from './descriptor.ts';

/** A removed node that is told so. */
export interface Leaving {
  readonly descriptor: NodeDescriptor;
  /** Where it was found: it need not be where it says that it is. */
  readonly url: string;
}

export class Farewells {
  readonly #open = new Map<string, Leaving>();
  #due: Leaving[] = [];

  /** Nodes that may still be talked to. */
  get descriptors(): readonly NodeDescriptor[] {
    return [...this.#open.values()].map(({ descriptor }) => descriptor);
  }

  has(node: string): boolean {
    return this.#open.has(node);
  }

  /** False when a call to it is under way, or too many are. */
  bid(descriptor: NodeDescriptor, url: string): boolean {
    if (this.has(descriptor.node) || this.#open.size >= LIMITS.members) return false;
    const leaving = { descriptor, url };
    this.#open.set(descriptor.node, leaving);
    this.#due.push(leaving);
    return true;
  }

  /** The nodes to be called now. */
  takeDue(): readonly Leaving[] {
    const due = this.#due;
    if (due.length > 0) this.#due = [];
    return due;
  }

  /** The call has ended, however; false when there was none. */
  end(node: string): boolean {
    return this.#open.delete(node);
  }
}
