// What is under way, by ticket: members come and go thousands of times a second.
// V8's Map replaces its table every few insertions, and the old one keeps its entries and points
// at the next. Once a table has reached the old generation, every table since, and whatever was in
// it, outlives the scavenger. So entries are boxes, emptied when a member leaves.
// Invariant: what has left is reachable from here no more. Never here: what members are.

export class InFlight<T> {
  readonly #boxes = new Map<number, { member: T | undefined }>();
  #lastTicket = 0;

  get size(): number {
    return this.#boxes.size;
  }

  /** Takes a member in; the ticket, one more than the last, is for `take`. */
  add(member: T): number {
    this.#boxes.set(++this.#lastTicket, { member });
    return this.#lastTicket;
  }

  /** Lets the member go that came with this ticket; undefined when it has gone before. */
  take(ticket: number): T | undefined {
    const box = this.#boxes.get(ticket);
    if (box === undefined) return undefined;
    this.#boxes.delete(ticket);
    const { member } = box;
    box.member = undefined;
    return member;
  }

  /** Lets all members go, in the order they came. */
  takeAll(): readonly T[] {
    const members = this.members();
    for (const box of this.#boxes.values()) box.member = undefined;
    this.#boxes.clear();
    return members;
  }

  /** The members, in the order they came. */
  members(): readonly T[] {
    return [...this.#boxes.values()].map(({ member }) => member as T);
  }
}
