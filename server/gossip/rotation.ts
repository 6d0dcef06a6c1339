// A running node gets a new KEM key: asked for by an operator, or because somebody knows a later one
// than its database has; allowed by the core, made here.
// Invariant: a key is durable before anybody hears of it, and can be used before anybody uses it;
// a rotation that ends half-way is finished by the next start, for the database has the key.
// Never here: when a node may have a new key (core/cluster/rotation.ts).

import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { refusal } from '../../core/command-answer.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Channel } from '../../io/channel/channel.ts';
import { type NodeKeys, nodeKeyFacts, rotateKemKey } from '../../io/channel/node-keys.ts';
import type { Driver } from '../../io/driver.ts';
import type { Store } from '../../io/store/store.ts';
import type { Notices } from './notices.ts';

export interface RotationOptions {
  /** As they are in the database. */
  readonly keys: NodeKeys;
  readonly clusterSecret: Uint8Array;
  readonly store: Pick<Store, 'commit'>;
  readonly channel: Pick<Channel, 'renew'>;
  /** Wall clock, Unix ms. */
  readonly nowMs: () => number;
  readonly notices: Pick<Notices, 'say'>;
}

/** Times that a process may find its database outdated: a backup is restored once, a copy goes on. */
const MOST_RENEWALS = 2;
const RENEWED = 'the database is older than the last KEM key of this node, which has another now';
const NOT_RENEWED = 'the database is older than the last KEM key of this node, and that stays so';
const COPY_RUNS =
  'others know a later KEM key of this node again and again: does another node run with a copy of ' +
  'its database? Stop it, and start it on an empty one';

export class Rotation {
  readonly #options: RotationOptions;
  #keys: NodeKeys;
  #isUnderWay = false;
  #renewals = 0;

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

  /** Somebody has shown a later descriptor of this node: an old backup was restored. */
  async renew(
    driver: Pick<Driver, 'administer' | 'fail'>,
    { madeMs }: NodeDescriptor,
  ): Promise<void> {
    const { notices } = this.#options;
    if (this.#isUnderWay) return;
    if (this.#renewals >= MOST_RENEWALS) {
      notices.say('error', COPY_RUNS, undefined);
      return;
    }
    const answer = await this.run(driver, madeMs);
    if (answer?.status === 200) {
      this.#renewals++;
      notices.say('warn', RENEWED, undefined);
    } else if (answer !== undefined) {
      const { error } = JSON.parse(String(answer.body)) as { readonly error: string };
      notices.say('warn', NOT_RENEWED, undefined, { reason: error });
    }
  }

  async #rotate(
    driver: Pick<Driver, 'administer' | 'fail'>,
    afterMs: number,
  ): Promise<WebResponse | undefined> {
    const { clusterSecret, store, channel, nowMs } = this.#options;
    let keys: NodeKeys;
    try {
      keys = rotateKemKey(this.#keys, Math.max(nowMs(), afterMs + 1000));
    } catch (error) {
      return refusal(
        409,
        (error as Error).message,
        'its clock, or one that it had, is far in the future',
      );
    }
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
