// What peers have asked of the core and it has not answered yet. Invariant: every exchange ends
// once, with the core's answer or with the reason why there is none, and no more than a bound of
// them are open. Never here: messages, HTTP.

import type { Json } from '../core/crdt/record.ts';

/** Why an exchange ended without an answer of the core. */
export const EXCHANGE_FAULTS = {
  busy: 'too many exchanges are open',
  silent: 'the core gave no answer in time',
  stopped: 'this node is stopping',
} as const;

export type ExchangeFaultReason = keyof typeof EXCHANGE_FAULTS;

export class ExchangeFault extends Error {
  override readonly name = 'ExchangeFault';
  readonly reason: ExchangeFaultReason;

  constructor(reason: ExchangeFaultReason) {
    super(EXCHANGE_FAULTS[reason]);
    this.reason = reason;
  }
}

export interface ExchangeLimits {
  /** Exchanges open at once: pages in the making, and nonces being spent for clients of others. */
  readonly maxOpen: number;
  /** A core that has not answered after this long never will: it refused, or its database hangs. */
  readonly patienceMs: number;
}

const LIMITS: ExchangeLimits = { maxOpen: 4_096, patienceMs: 10_000 };

interface Open {
  readonly resolve: (answer: Json) => void;
  readonly reject: (fault: ExchangeFault) => void;
  readonly timer: NodeJS.Timeout;
}

export class Exchanges {
  readonly #limits: ExchangeLimits;
  readonly #open = new Map<number, Open>();
  #last = 0;
  #stopped = false;

  constructor(limits: ExchangeLimits = LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens an exchange, hands its number to `submit`. Rejects with an ExchangeFault. */
  open(submit: (exchange: number) => void): Promise<Json> {
    if (this.#stopped) return Promise.reject(new ExchangeFault('stopped'));
    if (this.#open.size >= this.#limits.maxOpen) return Promise.reject(new ExchangeFault('busy'));
    const exchange = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(exchange, 'silent'), this.#limits.patienceMs);
      this.#open.set(exchange, { resolve, reject, timer });
      submit(exchange);
    });
  }

  /** The core's answer; one that comes too late is for nobody. */
  answer(exchange: number, answer: Json): void {
    this.#take(exchange)?.resolve(answer);
  }

  /** Ends all of them; no new ones are opened. */
  stop(): void {
    this.#stopped = true;
    for (const exchange of [...this.#open.keys()]) this.#fail(exchange, 'stopped');
  }

  #fail(exchange: number, reason: ExchangeFaultReason): void {
    this.#take(exchange)?.reject(new ExchangeFault(reason));
  }

  #take(exchange: number): Open | undefined {
    const open = this.#open.get(exchange);
    if (open === undefined) return undefined;
    clearTimeout(open.timer);
    this.#open.delete(exchange);
    return open;
  }
}
