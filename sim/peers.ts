// The gossip exchanges of one simulated process: an ask goes out and comes back as a page, as
// silence that a timeout ends, or as a refusal; asks of others are answered.
// Invariant: every ask of the node ends once, with `told` or `unreachable`. Never here: content.

import type { Json } from '../core/crdt/record.ts';
import type { Input } from '../core/input.ts';
import type { Content, Endpoint } from './message.ts';
import type { Timer } from './queue.ts';
import type { Stage } from './stage.ts';

/** The process that talks. */
export interface Talker {
  readonly id: string;
  submit(input: Input): void;
  whenAwake(action: () => void): void;
}

/** What an ask of somebody else is to be answered with. */
interface Owed {
  readonly to: Endpoint;
  readonly exchange: number;
  readonly boot: number;
}

/** Asks of others that may wait for their answer; the oldest is forgotten. */
const MOST_OWED = 1000;
const MS = 1000;

export class Peers {
  readonly #stage: Stage;
  readonly #index: number;
  readonly #boot: number;
  readonly #talker: Talker;
  readonly #asked = new Map<number, { readonly peer: string; readonly timer: Timer }>();
  readonly #owed = new Map<number, Owed>();
  #exchanges = 0;
  #asks = 0;

  constructor(stage: Stage, index: number, boot: number, talker: Talker) {
    this.#stage = stage;
    this.#index = index;
    this.#boot = boot;
    this.#talker = talker;
  }

  ask(peer: string, ask: Json, push: Json | null): void {
    const { queue, network, options } = this.#stage;
    const exchange = ++this.#asks;
    const deadlineUs = queue.nowUs + options.exchangeTimeoutMs * MS;
    const timer = queue.add(deadlineUs, () => this.#talker.whenAwake(() => this.#fail(exchange)));
    this.#asked.set(exchange, { peer, timer });
    const boot = this.#boot;
    const to = this.#stage.nodeIndex(peer);
    network.send(this.#index, to, { kind: 'ask', exchange, boot, ask, push });
  }

  tell(exchange: number, page: Json): void {
    const owed = this.#owed.get(exchange);
    if (owed === undefined) return;
    this.#owed.delete(exchange);
    const { to, exchange: theirs, boot } = owed;
    this.#stage.network.send(this.#index, to, { kind: 'page', exchange: theirs, boot, page });
  }

  take(from: Endpoint, content: Content): void {
    if (content.kind === 'ask') this.#takeAsk(from, content);
    else if (content.kind === 'page' && content.boot === this.#boot) {
      this.#takePage(content.exchange, content.page);
    } else if (content.kind === 'unreachable' && content.boot === this.#boot) {
      this.#fail(content.exchange);
    }
  }

  end(): void {
    for (const { timer } of this.#asked.values()) timer.cancel();
    this.#asked.clear();
    this.#owed.clear();
  }

  #takeAsk(
    from: Endpoint,
    { exchange: theirs, boot, ask, push }: Extract<Content, { kind: 'ask' }>,
  ): void {
    const exchange = ++this.#exchanges;
    this.#owed.set(exchange, { to: from, exchange: theirs, boot });
    if (this.#owed.size > MOST_OWED) this.#owed.delete(this.#owed.keys().next().value!);
    this.#talker.submit({ kind: 'asked', exchange, from: this.#stage.idOf(from), ask, push });
  }

  #takePage(exchange: number, page: Json): void {
    const asked = this.#asked.get(exchange);
    if (asked === undefined) return;
    this.#asked.delete(exchange);
    asked.timer.cancel();
    this.#talker.submit({ kind: 'told', from: asked.peer, page });
  }

  #fail(exchange: number): void {
    const asked = this.#asked.get(exchange);
    if (asked === undefined) return;
    this.#asked.delete(exchange);
    asked.timer.cancel();
    this.#talker.submit({ kind: 'unreachable', peer: asked.peer, reason: 'no answer' });
  }
}
