// A few rigs that gossip with each other over a network that a test can part, for tests of the core.
// Invariant: messages arrive in the order they were sent. Never here: other faults; the simulator
// has them.

import type { NodeDescriptor } from '../cluster/descriptor.ts';
import type { Input } from '../input.ts';
import { Rig, type RigOptions } from './rig.ts';

const PAGE = { records: 50, octets: 100_000 };
const MOST_MESSAGES = 100_000;
const STEP_MS = 50;
const MOST_STEPS = 60;

export class Cluster {
  readonly rigs: Map<string, Rig>;
  readonly #names: readonly string[];
  readonly #options: RigOptions;
  readonly #page: typeof PAGE;
  /** Who is to be answered, and about which redemption, if it is one. */
  readonly #askers = new Map<number, { readonly from: string; readonly redemption?: number }>();
  #exchanges = 0;
  /** The side each node is on; nothing travels from one side to another. */
  #sides = new Map<string, number>();
  /** Messages delivered so far. */
  messages = 0;

  /** Nodes with new databases, who know each other unless they are `strangers`. */
  constructor(
    names: readonly string[],
    options: RigOptions = {},
    page: typeof PAGE = PAGE,
    strangers = false,
  ) {
    this.#names = names;
    this.#options = options;
    this.#page = page;
    this.rigs = new Map(names.map((node) => [node, this.#open(node, options)]));
    if (!strangers) this.#meet();
  }

  static ofStrangers(names: readonly string[]): Cluster {
    return new Cluster(names, {}, PAGE, true);
  }

  /** Starts a node again on what a database holds. */
  restart(node: string, from: Pick<RigOptions, 'database' | 'facts' | 'validator'>): void {
    this.rigs.set(node, this.#open(node, { ...this.#options, ...from }));
  }

  /** Before they have met, new nodes do not serve. */
  #meet(): void {
    const all = [...this.rigs.values()];
    for (let i = 0; i < 20 && !all.every(({ node }) => node.ready); i++) this.run(1);
  }

  #open(node: string, options: RigOptions): Rig {
    const peers = this.#names.filter((name) => name !== node).map(urlOf);
    const digestKey = [1, 2, 3, 4] as const;
    const self = descriptorOf(node);
    const gossip = { self, peers, intervalMs: 1000, fanOut: 0, page: this.#page, digestKey };
    const rig = new Rig({ ...options, node, gossip });
    rig.settle = (isAnswered) => this.#settle(isAnswered);
    return rig;
  }

  /** Nothing travels between these groups any more. */
  split(...groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((names, side) => names.map((name) => [name, side])));
  }

  mend(): void {
    this.#sides = new Map();
  }

  /** The process of a node is gone, with what it had not sent. */
  stop(node: string): void {
    this.rigs.delete(node);
  }

  rig(name: string): Rig {
    return this.rigs.get(name)!;
  }

  /** Lets all clocks run and delivers messages until `rounds` intervals have passed. */
  run(rounds: number): void {
    for (let i = 0; i < rounds * 4; i++) {
      for (const rig of this.rigs.values()) rig.advance(250);
      this.deliver();
    }
  }

  /** Lets all clocks run for so many milliseconds, ten at a time. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 10) {
      for (const rig of this.rigs.values()) rig.advance(10);
      this.deliver();
    }
  }

  /** Delivers messages, and lets a little time pass, until a request is answered or waits long. */
  #settle(isAnswered: () => boolean): void {
    this.deliver();
    for (let i = 0; i < MOST_STEPS && !isAnswered(); i++) {
      for (const rig of this.rigs.values()) rig.advance(STEP_MS);
      this.deliver();
    }
  }

  /** Delivers messages until there are none. */
  deliver(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const [name, rig] of this.rigs) {
        for (const message of rig.outbox.splice(0)) {
          isBusy = true;
          this.#deliverOne(name, message);
        }
      }
      if (this.messages > MOST_MESSAGES) throw new Error('the nodes never stop talking');
    }
  }

  #reaches(from: string, to: string): boolean {
    return this.rigs.has(to) && this.#sides.get(from) === this.#sides.get(to);
  }

  #deliverOne(from: string, message: Rig['outbox'][number]): void {
    this.messages++;
    if (message.kind === 'tell') this.#tell(from, message);
    else {
      const to = message.url.slice(URL_PREFIX.length);
      if (this.#reaches(from, to)) this.#call(from, to, message);
      else this.rig(from).submit(failureOf(message));
    }
  }

  #call(from: string, to: string, message: Message): void {
    const called = this.rig(to);
    if (message.kind === 'introduce') {
      called.submit({ kind: 'introduced', url: null, descriptor: descriptorOf(from) });
      const { url } = message;
      this.rig(from).submit({ kind: 'introduced', url, descriptor: descriptorOf(to) });
      return;
    }
    const exchange = ++this.#exchanges;
    const { ask } = message;
    if (message.kind === 'ask') {
      this.#askers.set(exchange, { from });
      called.submit({ kind: 'asked', exchange, from, ask, push: message.push });
    } else {
      const { nonces, reads, redemption } = message;
      this.#askers.set(exchange, { from, redemption });
      called.submit({ kind: 'redeem-asked', exchange, from, nonces, reads, ask });
    }
    // A node that was removed answers nothing more: whoever called it gives up.
    if (/removed/.test(called.node.unready ?? '')) this.rig(from).submit(failureOf(message));
  }

  #tell(from: string, { exchange, page }: Extract<Rig['outbox'][number], { kind: 'tell' }>): void {
    const asker = this.#askers.get(exchange)!;
    const { redemption } = asker;
    const rig = this.rigs.get(asker.from);
    if (redemption === undefined) rig?.submit({ kind: 'told', from, page });
    else rig?.submit({ kind: 'redeemed', redemption, answer: page });
  }
}

type Message = Exclude<Rig['outbox'][number], { kind: 'tell' }>;

/** What the core hears of a call that reaches nobody. */
function failureOf(message: Message): Input {
  const reason = 'nobody answers';
  if (message.kind === 'introduce') return { kind: 'unintroduced', url: message.url, reason };
  if (message.kind === 'ask') return { kind: 'unreachable', peer: message.peer, reason };
  return { kind: 'unredeemed', redemption: message.redemption, reason };
}

const URL_PREFIX = 'http://';

export function urlOf(node: string): string {
  return URL_PREFIX + node;
}

/** A node as it introduces itself. */
export function descriptorOf(node: string): NodeDescriptor {
  return { node, url: urlOf(node), kem: 'a2Vt', certificate: 'Y2VydA', madeMs: 0 };
}
