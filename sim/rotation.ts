// The KEM keys of a running process, and how it gets another, as the product's shell does it
// (server/gossip/rotation.ts): asked for by an operator, or because somebody knows a later key than
// the disk has; allowed by the core, durable before anybody hears of it.
// Invariant: one rotation at a time; a process that dies half-way has the new key after its next
// start, or the old one and nobody has heard of another. Never here: what keys open.

import type { NodeDescriptor } from '../core/cluster/descriptor.ts';
import { refusal } from '../core/command-answer.ts';
import type { WebResponse } from '../core/effect.ts';
import type { Command } from '../core/input.ts';
import type { NodeKeys } from './node-keys.ts';

/** What a rotation needs of its machine. */
export interface Host {
  /** By its present keys. */
  readonly descriptor: NodeDescriptor;
  /** Its wall clock, Unix ms. */
  wallMs(): number;
  /** Has the core do something. */
  administer(command: Command, answered: (response: WebResponse) => void): void;
  /** Has keys durable. */
  store(keys: NodeKeys, stored: () => void): void;
}

const SECOND_MS = 1000;

export class Rotation {
  readonly #host: Host;
  /** What makes the names of its keys differ from all others. */
  readonly #prefix: string;
  #keys: NodeKeys;
  #count = 0;
  #isUnderWay = false;

  /** `keys`: as they are on the disk. */
  constructor(host: Host, keys: NodeKeys, prefix: string) {
    this.#host = host;
    this.#keys = keys;
    this.#prefix = prefix;
  }

  get keys(): NodeKeys {
    return this.#keys;
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
    this.#host.administer({ kind: 'may-rotate' }, (allowed) => {
      if (allowed.status === 200) this.#renew(end, afterMs);
      else end(allowed);
    });
  }

  #renew(end: (response: WebResponse) => void, afterMs: number): void {
    const { present, madeMs } = this.#keys;
    const nowMs = this.#host.wallMs();
    const keys = {
      present: `${this.#prefix}-${++this.#count}`,
      before: present,
      madeMs: Math.max(nowMs - (nowMs % SECOND_MS), madeMs + SECOND_MS, afterMs + SECOND_MS),
    };
    this.#host.store(keys, () => {
      this.#keys = keys;
      this.#host.administer({ kind: 'rotated', descriptor: this.#host.descriptor }, end);
    });
  }
}
