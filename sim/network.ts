// The simulated network: one queue per directed link, in order unless a message may overtake, with
// delay, loss, duplication, damage and cuts. Damage is found by the receiver (TLS, sealed
// envelopes) and the message is thrown away.
// Invariant: what happens to a message is keyed by its link and the moment it was sent, so taking
// another message out of a run changes nothing for it. Never here: what messages mean.

import type { Liars } from './liar.ts';
import { CLIENTS, type Content, type Endpoint, type Message } from './message.ts';
import type { Observation } from './observation.ts';
import type { Options } from './options.ts';
import type { LinkDecision, PartitionDecision } from './plan.ts';
import { type Draws, stream } from './prng.ts';
import type { Queue } from './queue.ts';

/** What the network needs of its world. */
export interface NetworkHost {
  readonly queue: Queue;
  readonly draws: Draws;
  readonly options: Options;
  readonly liars: Liars;
  observe(observation: Observation): void;
  deliver(message: Message): void;
}

interface Link {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly entity: number;
  /** Cuts that lie on it now. */
  cuts: number;
  /** Bad-link decisions in force, the last one counts. */
  readonly faults: LinkDecision[];
  lastArrivalUs: number;
  lastSentUs: number;
  ties: number;
}

const LOSS = stream('network.loss');
const DUPLICATE = stream('network.duplicate');
const DAMAGE = stream('network.damage');
const OVERTAKE = stream('network.overtake');
const DELAY = stream('network.delay');
const SECOND_DELAY = stream('network.delay.duplicate');
const SPAN = 4096;

export class Network {
  readonly #host: NetworkHost;
  readonly #links = new Map<number, Link>();
  #messages = 0;
  #isHealed = false;

  constructor(host: NetworkHost) {
    this.#host = host;
  }

  send(from: Endpoint, to: Endpoint, content: Content): void {
    const { queue, draws, options, liars } = this.#host;
    const link = this.#link(from, to);
    const key = this.#keyOf(link, queue.nowUs);
    const said = liars.bend(from, to, content, key);
    const message: Message = { id: ++this.#messages, from, to, content: said };
    this.#host.observe({ kind: 'sent', atUs: queue.nowUs, message });
    const rates = this.#isHealed ? NO_FAULTS : (link.faults.at(-1) ?? options);
    const isLost = draws.chance(rates.lossPpm, LOSS, link.entity, key);
    const isShutOut = liars.isShutOut(from, to);
    if (link.cuts > 0 || isLost || isShutOut) {
      this.#drop(message, isShutOut ? 'shut out' : link.cuts > 0 ? 'cut' : 'lost');
      return;
    }
    const delayUs = link.faults.at(-1)?.delayUs ?? options.delayUs;
    const isDamaged = draws.chance(rates.corruptPpm, DAMAGE, link.entity, key);
    this.#travel(link, message, isDamaged, this.#delay(delayUs, DELAY, link, key), key);
    if (!draws.chance(rates.duplicatePpm, DUPLICATE, link.entity, key)) return;
    // The copy is late by much more than what is usual, so that it meets another state.
    const lateUs = this.#delay(delayUs * 20, SECOND_DELAY, link, key);
    this.#travel(link, message, false, lateUs, undefined);
  }

  /** Begins or ends a cut. */
  cut({ from, to, bothWays }: PartitionDecision, isOver: boolean): void {
    const change = isOver ? -1 : 1;
    for (const a of from) {
      for (const b of to) {
        this.#link(a, b).cuts += change;
        if (bothWays) this.#link(b, a).cuts += change;
      }
    }
  }

  /** Begins or ends a bad link. */
  worsen(decision: LinkDecision, isOver: boolean): void {
    const { faults } = this.#link(decision.from, decision.to);
    if (!isOver) faults.push(decision);
    else if (faults.includes(decision)) faults.splice(faults.indexOf(decision), 1);
  }

  /** From now on messages are only delayed. */
  heal(): void {
    this.#isHealed = true;
    for (const link of this.#links.values()) {
      link.cuts = 0;
      link.faults.length = 0;
    }
  }

  /** `key` undefined: may overtake. */
  #travel(
    link: Link,
    message: Message,
    isDamaged: boolean,
    delayUs: number,
    key: number | undefined,
  ): void {
    const { queue, draws, options } = this.#host;
    let arrivalUs = queue.nowUs + delayUs;
    const isFree = key === undefined || this.#mayOvertake(draws, options, link, key);
    if (!isFree) {
      if (arrivalUs < link.lastArrivalUs) arrivalUs = link.lastArrivalUs;
      link.lastArrivalUs = arrivalUs;
    }
    queue.add(arrivalUs, () => {
      if (isDamaged) this.#drop(message, 'damaged');
      else if (link.cuts > 0) this.#drop(message, 'cut');
      else this.#arrive(message);
    });
  }

  #mayOvertake(draws: Draws, options: Options, link: Link, key: number): boolean {
    return !this.#isHealed && draws.chance(options.reorderPpm, OVERTAKE, link.entity, key);
  }

  #arrive(message: Message): void {
    this.#host.observe({ kind: 'delivered', atUs: this.#host.queue.nowUs, message });
    this.#host.deliver(message);
  }

  #drop(message: Message, why: string): void {
    this.#host.observe({ kind: 'dropped', atUs: this.#host.queue.nowUs, message, why });
  }

  /** A quarter of the mean for every message, the rest as chance will have it. */
  #delay(meanUs: number, of: number, link: Link, key: number): number {
    const least = (meanUs >> 2) + 1;
    return least + this.#host.draws.exponential(meanUs - (meanUs >> 2), of, link.entity, key);
  }

  #link(from: Endpoint, to: Endpoint): Link {
    const entity = from * SPAN + to;
    let link = this.#links.get(entity);
    if (link === undefined) {
      link = {
        from,
        to,
        entity,
        cuts: 0,
        faults: [],
        lastArrivalUs: 0,
        lastSentUs: -1,
        ties: 0,
      };
      this.#links.set(entity, link);
    }
    return link;
  }

  /** Names a message of a link by when it was sent; several of one moment are counted. */
  #keyOf(link: Link, nowUs: number): number {
    link.ties = nowUs === link.lastSentUs ? link.ties + 1 : 0;
    link.lastSentUs = nowUs;
    return momentKey(nowUs) ^ Math.imul(link.ties, 0x9e3779b1);
  }
}

const NO_FAULTS = { lossPpm: 0, duplicatePpm: 0, corruptPpm: 0 };

/** A moment as the index of a draw. */
export function momentKey(atUs: number): number {
  return (atUs | 0) ^ Math.imul(Math.floor(atUs / 0x1_0000_0000), 0x85ebca77);
}

/** Clients are endpoints as well; links between them and nodes are as good or bad as any. */
export function isClient(endpoint: Endpoint): boolean {
  return endpoint >= CLIENTS;
}
