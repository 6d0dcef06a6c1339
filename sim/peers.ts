// The gossip exchanges of one simulated process: an ask goes out and comes back as a page, as
// silence that a timeout ends, or as a refusal; asks of others are answered.
// Invariant: every ask of the node ends once, with `told` or `unreachable`. Never here: content.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import type { Json } from '../core/crdt/record.ts';
import type { Effect } from '../core/effect.ts';
import type { Input } from '../core/input.ts';
import { Door } from './door.ts';
import type { Content, Endpoint } from './message.ts';
import { type NodeKeys, opens } from './node-keys.ts';
import type { Timer } from './queue.ts';
import type { Stage } from './stage.ts';

/** The process that talks. */
export interface Talker {
  readonly descriptor: NodeDescriptor;
  readonly keys: NodeKeys;
  /** Its wall clock, Unix ms. */
  wallMs(): number;
  submit(input: Input): void;
  /** Somebody knows a key of this node that was made at this time, later than its own. */
  outdated(knownMs: number): void;
  whenAwake(boot: number, action: () => void): void;
}

/** What an ask of somebody else is to be answered with. */
interface Owed {
  readonly kind: 'ask' | 'redeem';
  readonly to: Endpoint;
  readonly exchange: number;
  readonly boot: number;
}

/** Asks of others that may wait for their answer; the oldest is forgotten. */
const MOST_OWED = 1000;
const MS = 1000;
const URL_PREFIX = 'http://';

export class Peers {
  readonly #stage: Stage;
  readonly #index: number;
  readonly #boot: number;
  readonly #talker: Talker;
  /** What is under way, with what the core hears when nothing comes of it. */
  readonly #asked = new Map<number, { readonly failure: Input; readonly timer: Timer }>();
  readonly #owed = new Map<number, Owed>();
  readonly #door = new Door();
  #exchanges = 0;
  #asks = 0;

  constructor(stage: Stage, index: number, boot: number, talker: Talker) {
    this.#stage = stage;
    this.#index = index;
    this.#boot = boot;
    this.#talker = talker;
  }

  perform(
    effect: Extract<Effect, { kind: 'ask' | 'introduce' | 'redeem' | 'tell' | 'members' }>,
  ): void {
    if (effect.kind === 'ask') this.#ask(effect.peer, effect.url, effect.ask, effect.push);
    else if (effect.kind === 'introduce') this.#introduce(effect.url);
    else if (effect.kind === 'redeem') this.#redeem(effect);
    else if (effect.kind === 'members') this.#door.admit(effect);
    else this.#tell(effect.exchange, effect.page);
  }

  #ask(peer: string, url: string, ask: Json, push: Json | null): void {
    const exchange = this.#open({ kind: 'unreachable', peer, reason: 'no answer' });
    this.#send(url, {
      kind: 'ask',
      exchange,
      boot: this.#boot,
      ask,
      push,
      issuedMs: this.#talker.wallMs(),
      sealedTo: this.#door.keyOf(peer),
    });
  }

  #introduce(url: string): void {
    const exchange = this.#open({ kind: 'unintroduced', url, reason: 'no answer' });
    const { descriptor } = this.#talker;
    const knownMs = this.#door.keyMadeMs(this.#stage.idOf(this.#at(url)));
    this.#send(url, { kind: 'introduce', exchange, boot: this.#boot, descriptor, knownMs });
  }

  #redeem({ redemption, url, nonces, reads, ask }: Extract<Effect, { kind: 'redeem' }>): void {
    const exchange = this.#open({ kind: 'unredeemed', redemption, reason: 'no answer' });
    this.#send(url, {
      kind: 'redeem',
      exchange,
      boot: this.#boot,
      nonces,
      reads,
      ask,
      issuedMs: this.#talker.wallMs(),
    });
  }

  #tell(exchange: number, page: Json): void {
    const owed = this.#owed.get(exchange);
    if (owed === undefined) return;
    this.#owed.delete(exchange);
    const { kind, to, exchange: theirs, boot } = owed;
    this.#stage.network.send(this.#index, to, {
      kind: 'page',
      exchange: theirs,
      boot,
      page,
      issuedMs: this.#talker.wallMs(),
      sealedTo: kind === 'ask' ? this.#door.keyOf(this.#stage.idOf(to)) : null,
    });
  }

  take(from: Endpoint, content: Content): void {
    if (content.kind === 'ask' || content.kind === 'redeem') this.#takeAsk(from, content);
    else if (content.kind === 'introduce') this.#takeIntroduction(from, content);
    else if (content.kind === 'introduction' && content.boot === this.#boot) {
      this.#takeAnswer(content);
    } else if (content.kind === 'page' && content.boot === this.#boot) {
      this.#takePage(from, content);
    } else if (content.kind === 'unreachable' && content.boot === this.#boot) {
      this.#fail(content.exchange);
    }
  }

  end(): void {
    for (const { timer } of this.#asked.values()) timer.cancel();
    this.#asked.clear();
    this.#owed.clear();
  }

  #takeAsk(to: Endpoint, content: Extract<Content, { kind: 'ask' | 'redeem' }>): void {
    const { exchange: theirs, boot, ask } = content;
    // A redemption goes with a key of its own, which this process has when it has heard of the sender.
    if (this.#refuses(to, content.kind === 'ask' ? content.sealedTo : null, content.issuedMs)) {
      this.#stage.network.send(this.#index, to, { kind: 'unreachable', exchange: theirs, boot });
      return;
    }
    const exchange = ++this.#exchanges;
    this.#owed.set(exchange, { kind: content.kind, to, exchange: theirs, boot });
    if (this.#owed.size > MOST_OWED) this.#owed.delete(this.#owed.keys().next().value!);
    const from = this.#stage.idOf(to);
    if (content.kind === 'ask') {
      this.#talker.submit({ kind: 'asked', exchange, from, ask, push: content.push });
    } else {
      const { nonces, reads } = content;
      this.#talker.submit({ kind: 'redeem-asked', exchange, from, nonces, reads, ask });
    }
  }

  #takeIntroduction(
    from: Endpoint,
    { exchange, boot, descriptor, knownMs }: Extract<Content, { kind: 'introduce' }>,
  ): void {
    this.#hearOfSelf(knownMs);
    const laterMs = this.#door.keyMadeMs(descriptor.node);
    const own = { descriptor: this.#talker.descriptor, knownMs: laterMs };
    this.#stage.network.send(this.#index, from, { kind: 'introduction', exchange, boot, ...own });
    if (laterMs > descriptor.madeMs) return;
    this.#talker.submit({ kind: 'introduced', url: null, descriptor });
  }

  #takeAnswer({ exchange, descriptor, knownMs }: Extract<Content, { kind: 'introduction' }>): void {
    const failure = this.#end(exchange);
    if (failure?.kind !== 'unintroduced') return;
    this.#hearOfSelf(knownMs);
    if (this.#door.keyMadeMs(descriptor.node) > descriptor.madeMs) this.#talker.submit(failure);
    else this.#talker.submit({ kind: 'introduced', url: failure.url, descriptor });
  }

  #hearOfSelf(knownMs: number): void {
    if (knownMs > this.#talker.descriptor.madeMs) this.#talker.outdated(knownMs);
  }

  #takePage(
    from: Endpoint,
    { exchange, page, issuedMs, sealedTo }: Extract<Content, { kind: 'page' }>,
  ): void {
    if (this.#refuses(from, sealedTo, issuedMs)) {
      this.#fail(exchange);
      return;
    }
    const failure = this.#end(exchange);
    if (failure?.kind === 'unreachable') {
      this.#talker.submit({ kind: 'told', from: failure.peer, page });
    } else if (failure?.kind === 'unredeemed') {
      this.#talker.submit({ kind: 'redeemed', redemption: failure.redemption, answer: page });
    }
  }

  /** Refused, as the channel does it: loudly, and nothing of the message is merged. */
  #refuses(from: Endpoint, sealedTo: string | null, issuedMs: number): boolean {
    const { options } = this.#stage;
    const isReadable = sealedTo === null || opens(this.#talker.keys, sealedTo);
    const skewMs = issuedMs - this.#talker.wallMs();
    const toleranceMs = options.clockToleranceSecs * 1000;
    const sender = this.#stage.idOf(from);
    const refusal = this.#door.refusal(sender, isReadable, skewMs, toleranceMs);
    if (refusal !== undefined) {
      this.#stage.mark(`a message was refused: ${refusal}`, this.#index);
    }
    return refusal !== undefined;
  }

  #fail(exchange: number): void {
    const failure = this.#end(exchange);
    if (failure !== undefined) this.#talker.submit(failure);
  }

  #open(failure: Input): number {
    const { queue, options } = this.#stage;
    const exchange = ++this.#asks;
    const deadlineUs = queue.nowUs + options.exchangeTimeoutMs * MS;
    const timer = queue.add(deadlineUs, () =>
      this.#talker.whenAwake(this.#boot, () => this.#fail(exchange)),
    );
    this.#asked.set(exchange, { failure, timer });
    return exchange;
  }

  #end(exchange: number): Input | undefined {
    const asked = this.#asked.get(exchange);
    this.#asked.delete(exchange);
    asked?.timer.cancel();
    return asked?.failure;
  }

  #send(url: string, content: Content): void {
    this.#stage.network.send(this.#index, this.#at(url), content);
  }

  #at(url: string): Endpoint {
    return this.#stage.nodeIndex(url.slice(URL_PREFIX.length));
  }
}
