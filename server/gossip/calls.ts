// The way out to peers: seals, calls, opens, and says in the operators' words what went wrong.
// Invariant: every call ends within its time, and an answer is used only if the channel vouches
// for it. Never here: whom to call and when, which the core decides.

import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { EffectOf } from '../../core/effect.ts';
import { BOOT_HEADER, type Channel, NODE_ID_HEADER, type Sent } from '../../io/channel/channel.ts';
import {
  ANSWER_REFUSED,
  ChannelRefusal,
  REFUSALS,
  SENDER_REJECTED,
} from '../../io/channel/refusal.ts';
import type { Metrics } from '../../io/metrics.ts';
import { PeerClient, type PeerResponse } from '../../io/peer-client.ts';
import type { PeerPort } from '../../io/peer-port.ts';
import type { Notices } from './notices.ts';
import { GOSSIP_PATHS, type GossipPathName } from './paths.ts';

/** Answers with which a peer says that its start is another than the one we know. */
const BOOT_STATUSES: readonly number[] = [REFUSALS.boot.status, REFUSALS['no-fast-key'].status];

/** Characters of a peer's own words that are repeated. */
const MAX_WORDS = 200;

export class Calls implements PeerPort {
  readonly #channel: Channel;
  readonly #notices: Notices;
  readonly #metrics: Metrics;
  /** Redemptions have connections of their own: clients wait for them, and pages are large. */
  readonly #bulk = new PeerClient();
  readonly #quick = new PeerClient();

  constructor(channel: Channel, notices: Notices, metrics: Metrics) {
    this.#channel = channel;
    this.#notices = notices;
    this.#metrics = metrics;
  }

  readonly ask = async ({ peer, url, ask, push }: EffectOf<'ask'>): Promise<Json> => {
    const { sent, answer } = await this.#exchange('sync', peer, url, () =>
      this.#channel.sealAsk(peer, ask, push),
    );
    return await this.#opened(url, () => {
      return this.#channel.openAnswer(sent, senderOf(answer), answer.body);
    });
  };

  readonly redeem = async ({ peer, url, nonce, ask }: EffectOf<'redeem'>): Promise<Json> => {
    const startMs = performance.now();
    const { sent, answer } = await this.#exchange('redeem', peer, url, () =>
      this.#channel.sealRedeem(peer, nonce, ask),
    );
    const told = await this.#opened(url, () => {
      return this.#channel.openRedeemAnswer(sent, senderOf(answer), answer.body);
    });
    const seconds = (performance.now() - startMs) / 1000;
    this.#metrics.observe('akamu_gossip_redemption_seconds', seconds);
    return told;
  };

  readonly introduce = async (url: string): Promise<NodeDescriptor> => {
    const introduction = this.#channel.introduce();
    const answer = await this.#post('identity', url, introduction.body);
    if (answer.status !== 200) throw new Error(wordsOf(answer));
    const descriptor = await this.#opened(url, async () => {
      return this.#channel.concludeIntroduction(introduction, answer.body);
    });
    const isClone = descriptor.node === this.#channel.node && bootOf(answer) !== this.#channel.boot;
    if (isClone) throw new Error('a copy of this node runs there, with the keys of its database');
    return descriptor;
  };

  readonly members = ({ members, removed }: EffectOf<'members'>): void => {
    this.#channel.members(members, removed);
    this.#metrics.set('akamu_gossip_members', members.length);
  };

  close(): void {
    this.#bulk.close();
    this.#quick.close();
  }

  /** Seals and calls, twice when the peer turns out to have started anew. */
  async #exchange(
    path: GossipPathName,
    peer: string,
    url: string,
    seal: () => Promise<Sent>,
  ): Promise<{ readonly sent: Sent; readonly answer: PeerResponse }> {
    for (let isSecond = false; ; isSecond = true) {
      const sent = await this.#sealed(url, seal);
      const answer = await this.#post(path, url, sent.body);
      if (answer.status === 200) return { sent, answer };
      const isNews =
        BOOT_STATUSES.includes(answer.status) && this.#channel.heardBoot(peer, bootOf(answer));
      if (isNews && !isSecond) continue;
      if (answer.status === REFUSALS.sender.status) this.#notices.say('warn', SENDER_REJECTED, url);
      throw new Error(wordsOf(answer));
    }
  }

  async #sealed(url: string, seal: () => Promise<Sent>): Promise<Sent> {
    try {
      return await seal();
    } catch (error) {
      if (error instanceof ChannelRefusal && error.refusal === 'no-kem-key') {
        this.#notices.say('warn', REFUSALS['no-kem-key'].line, url);
      }
      throw error;
    }
  }

  async #opened<T>(url: string, open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (error instanceof ChannelRefusal) {
        this.#metrics.increment('akamu_gossip_refusals_total', { reason: error.refusal });
        this.#notices.say('warn', ANSWER_REFUSED, url, { reason: error.message });
      }
      throw error;
    }
  }

  #post(name: GossipPathName, url: string, body: Uint8Array): Promise<PeerResponse> {
    const client = name === 'redeem' ? this.#quick : this.#bulk;
    const { path, type, maxOctets, timeoutMs } = GOSSIP_PATHS[name];
    const headers = { 'Content-Type': type, [NODE_ID_HEADER]: this.#channel.node };
    return client.post({ url, path, headers, body, timeoutMs, maxOctets });
  }
}

function senderOf({ headers }: PeerResponse): string | undefined {
  const header = headers[NODE_ID_HEADER.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

function bootOf({ headers }: PeerResponse): string | undefined {
  const header = headers[BOOT_HEADER.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

/** What a refusal says, for the log. */
function wordsOf({ status, body }: PeerResponse): string {
  const words = body.toString('utf8', 0, MAX_WORDS).split('\n', 1)[0]!.trim();
  return `the peer answered ${status}${words === '' ? '' : `: ${words}`}`;
}
