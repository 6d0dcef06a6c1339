// A member with valid keys that says whatever a test has it say, through the real channel: it joins
// with the CA's key like any node, and has no core that would keep it honest.
// Invariant: its messages are authentic; only what they mean is not. Never here: the lies.

import { randomBytes } from 'node:crypto';
import type { Json } from '../../../core/crdt/record.ts';
import {
  BOOT_HEADER,
  type Channel,
  NODE_ID_HEADER,
  type Sent,
} from '../../../io/channel/channel.ts';
import { CLUSTER_SECRET_LABEL } from '../../../io/channel/cluster-key.ts';
import { makeNodeKeys } from '../../../io/channel/node-keys.ts';
import { openChannel } from '../../../io/channel/open-channel.ts';
import { REFUSALS } from '../../../io/channel/refusal.ts';
import { PeerClient, type PeerResponse } from '../../../io/peer-client.ts';
import { openCa } from '../../ca/ca.ts';
import { GOSSIP_PATHS, type GossipPathName } from '../paths.ts';
import { configOf } from './member.ts';

const LIMITS = {
  skewToleranceMs: 60_000,
  maxAgeMs: 60_000,
  sealedOctets: 16 * 1024 * 1024,
  inflatedOctets: 64 * 1024 * 1024,
};

export class Liar {
  readonly node: string;
  readonly #channel: Channel;
  readonly #client = new PeerClient();

  /** `directory`: of the members, whose CA key it has. */
  constructor(directory: string) {
    const authority = openCa(configOf(directory).ca[0]! as Parameters<typeof openCa>[0], {
      nowMs: Date.now(),
      random: (length) => new Uint8Array(randomBytes(length)),
    });
    this.#channel = openChannel({
      // Nobody listens there: it only calls.
      keys: makeNodeKeys('http://127.0.0.1:9', Date.now()),
      clusterSecret: authority.deriveSecret(CLUSTER_SECRET_LABEL),
      nowMs: Date.now,
      limits: LIMITS,
    });
    this.node = this.#channel.node;
  }

  /** Becomes a member. Returns the node id of who was called. */
  async join(url: string): Promise<string> {
    const introduction = this.#channel.introduce(url);
    const answer = await this.#post('identity', url, introduction.body);
    const victim = this.#channel.concludeIntroduction(introduction, answer.body);
    this.#channel.members([victim], []);
    this.#channel.heardBoot(victim.node, headerOf(answer, BOOT_HEADER));
    return victim.node;
  }

  /** Asks, and hands over a page. The page that is answered, or the status without one. */
  async say(url: string, victim: string, ask: Json, push: Json | null): Promise<Json | number> {
    for (let isSecond = false; ; isSecond = true) {
      const sent: Sent = await this.#channel.sealAsk(victim, ask, push);
      const answer = await this.#post('sync', url, sent.body);
      if (answer.status === REFUSALS.boot.status && !isSecond) {
        this.#channel.heardBoot(victim, headerOf(answer, BOOT_HEADER));
      } else if (answer.status !== 200) return answer.status;
      else return this.#channel.openAnswer(sent, headerOf(answer, NODE_ID_HEADER), answer.body);
    }
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#channel.close();
  }

  #post(name: GossipPathName, url: string, body: Uint8Array): Promise<PeerResponse> {
    const { path, type, maxOctets, timeoutMs } = GOSSIP_PATHS[name];
    const headers = {
      'Content-Type': type,
      [NODE_ID_HEADER]: this.node,
      [BOOT_HEADER]: this.#channel.boot,
    };
    return this.#client.post({ url, path, headers, body, timeoutMs, maxOctets });
  }
}

function headerOf({ headers }: PeerResponse, name: string): string | undefined {
  const header = headers[name.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}
