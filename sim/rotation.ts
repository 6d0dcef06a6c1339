// A running process gets a new KEM key, as the product's shell does it (server/gossip/rotation.ts):
// asked for by an operator, allowed by the core, durable before anybody hears of it.
// Invariant: one at a time; a process that dies half-way has the new key after its next start, or
// the old one and nobody has heard of another. Never here: what keys open.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import { refusal } from '../core/command-answer.ts';
import type { WebResponse } from '../core/effect.ts';
import type { Command } from '../core/input.ts';
import type { NodeKeys } from './node-keys.ts';

/** What a rotation needs of its process. */
export interface Rotating {
  readonly keys: NodeKeys;
  /** Its wall clock, Unix ms. */
  wallMs(): number;
  /** Has the core do something. */
  administer(command: Command, answered: (response: WebResponse) => void): void;
  /** Has other keys durable, then goes by them. */
  renew(keys: NodeKeys, renewed: (descriptor: NodeDescriptor) => void): void;
}

const SECOND_MS = 1000;

export class Rotation {
  readonly #process: Rotating;
  /** What makes the names of its keys differ from all others. */
  readonly #prefix: string;
  #count = 0;
  #isUnderWay = false;

  constructor(process: Rotating, prefix: string) {
    this.#process = process;
    this.#prefix = prefix;
  }

  /** `afterMs`: when a key was made that is known elsewhere, Unix ms. */
  run(answer: (response: WebResponse) => void, afterMs: number = 0): void {
    if (this.#isUnderWay) {
      answer(refusal(409, 'this node is being given a new key already', 'look at its log'));
      return;
    }
    this.#isUnderWay = true;
    const end = (response: WebResponse): void => {
      this.#isUnderWay = false;
      answer(response);
    };
    this.#process.administer({ kind: 'may-rotate' }, (allowed) => {
      if (allowed.status === 200) this.#renew(end, afterMs);
      else end(allowed);
    });
  }

  #renew(end: (response: WebResponse) => void, afterMs: number): void {
    const { present, madeMs } = this.#process.keys;
    const nowMs = this.#process.wallMs();
    const keys = {
      present: `${this.#prefix}-${++this.#count}`,
      before: present,
      madeMs: Math.max(nowMs - (nowMs % SECOND_MS), madeMs + SECOND_MS, afterMs + SECOND_MS),
    };
    this.#process.renew(keys, (descriptor) => {
      this.#process.administer({ kind: 'rotated', descriptor }, end);
    });
  }
}
