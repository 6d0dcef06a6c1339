// A running node gets a new KEM key: asked for by an operator, allowed by the core, made here.
// Invariant: a key is durable before anybody hears of it, and can be used before anybody uses it;
// a rotation that ends half-way is finished by the next start, for the database has the key.
// Never here: when a node may have a new key (core/cluster/rotation.ts).

import { refusal } from '../../core/command-answer.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Channel } from '../../io/channel/channel.ts';
import { type NodeKeys, nodeKeyFacts, rotateKemKey } from '../../io/channel/node-keys.ts';
import type { Driver } from '../../io/driver.ts';
import type { Store } from '../../io/store/store.ts';

export interface RotationOptions {
  /** As they are in the database. */
  readonly keys: NodeKeys;
  readonly clusterSecret: Uint8Array;
  readonly store: Pick<Store, 'commit'>;
  readonly channel: Pick<Channel, 'renew'>;
  /** Wall clock, Unix ms. */
  readonly nowMs: () => number;
}

export class Rotation {
  readonly #options: RotationOptions;
  #keys: NodeKeys;
  #isUnderWay = false;

  constructor(options: RotationOptions) {
    this.#options = options;
    this.#keys = options.keys;
  }

  /**
   * Answers with the new descriptor, or says why there is none; undefined when the node stopped
   * before it was done. `afterMs`: when a key was made that is known elsewhere, Unix ms.
   */
  async run(
    driver: Pick<Driver, 'administer' | 'fail'>,
    afterMs: number = 0,
  ): Promise<WebResponse | undefined> {
    if (this.#isUnderWay) {
      return refusal(409, 'this node is being given a new key already', 'look at its log');
    }
    this.#isUnderWay = true;
    try {
      const answer = await driver.administer({ kind: 'may-rotate' });
      return answer?.status === 200 ? await this.#rotate(driver, afterMs) : answer;
    } finally {
      this.#isUnderWay = false;
    }
  }

  async #rotate(
    driver: Pick<Driver, 'administer' | 'fail'>,
    afterMs: number,
  ): Promise<WebResponse | undefined> {
    const { clusterSecret, store, channel, nowMs } = this.#options;
    const keys = rotateKemKey(this.#keys, Math.max(nowMs(), afterMs + 1000));
    try {
      await store.commit({ records: [], forget: [], meta: nodeKeyFacts(keys, clusterSecret) });
      this.#keys = keys;
      await channel.renew(keys);
    } catch (error) {
      // Which key is in the database nobody knows any more: the node begins anew from what is there.
      driver.fail(error);
      return undefined;
    }
    return driver.administer({ kind: 'rotated', descriptor: keys.descriptor });
  }
}
