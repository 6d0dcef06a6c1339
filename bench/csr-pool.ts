// Ready-made ingredients of ACME flows: a name nobody asked for before and its request, both
// already in the base64url form that goes into a JWS payload (RFC 7515 §2).
// Invariant: no name is handed out twice, so no server can answer from an authorization it still
// has.
// Never here: anything that talks to a server.

import { makeCsr } from './csr.ts';

export interface Ingredients {
  readonly name: string;
  readonly newOrderPayload: string;
  readonly finalizePayload: string;
}

export class CsrPool {
  readonly #ready: Ingredients[] = [];
  readonly #prefix: string;
  #made = 0;
  /** How many were made at the moment they were needed, because none was ready. */
  lateCount = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Makes what is missing to have `count` ready; a key pair and a signature each. */
  fill(count: number): void {
    while (this.#ready.length < count) this.#ready.push(this.#make());
  }

  /** The next ingredients. */
  take(): Ingredients {
    const ready = this.#ready.pop();
    if (ready) return ready;
    this.lateCount++;
    return this.#make();
  }

  /** A fresh name alone, for orders that are never finalized. */
  takeNewOrderPayload(): string {
    return newOrderPayload(this.#nextName());
  }

  #make(): Ingredients {
    const name = this.#nextName();
    const csr = Buffer.from(makeCsr(name)).toString('base64url');
    return { name, newOrderPayload: newOrderPayload(name), finalizePayload: encode({ csr }) };
  }

  #nextName(): string {
    return `${this.#prefix}${++this.#made}.bench.test`;
  }
}

function newOrderPayload(name: string): string {
  return encode({ identifiers: [{ type: 'dns', value: name }] });
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
