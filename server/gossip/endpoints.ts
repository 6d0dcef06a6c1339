// What peers can ask of this node over HTTP: to exchange records, to spend a nonce, to be known.
// Invariant: nothing of a message that the channel refuses reaches the core, and every refusal has
// its status, its log line and its metric. Never here: what operators do, the way out to peers.

import type { IncomingMessage } from 'node:http';
import type { WebResponse } from '../../core/effect.ts';
import { BOOT_HEADER, type Channel, NODE_ID_HEADER } from '../../io/channel/channel.ts';
import { ChannelRefusal, REFUSALS } from '../../io/channel/refusal.ts';
import type { Driver } from '../../io/driver.ts';
import { ExchangeFault } from '../../io/exchanges.ts';
import type { Metrics } from '../../io/metrics.ts';
import { type BodyFault, Intake } from './body.ts';
import type { Calls } from './calls.ts';
import type { Notices } from './notices.ts';
import { GOSSIP_PATHS, type GossipPathName } from './paths.ts';

const TEXT = 'text/plain; charset=utf-8';

/** What a running node gives its peers to call. */
export interface PeerSide {
  readonly channel: Channel;
  readonly driver: Pick<Driver, 'asked' | 'redeemAsked' | 'introduced'>;
  readonly calls: Pick<Calls, 'met'>;
}

/** `alone`: there is no [gossip] section. `stopped`: the node is not running at the moment. */
export type PeerView = PeerSide | 'alone' | 'stopped';

const ALONE = 'this node works alone: its configuration has no [gossip] section';
const STOPPED = 'this node is not running at the moment; see its log';

/** `boot`: what the caller says of its start; only a hint. */
type Endpoint = (
  side: PeerSide,
  header: string | undefined,
  body: Uint8Array,
  boot: string | undefined,
) => Promise<Uint8Array>;

const ENDPOINTS = {
  sync: async ({ channel, driver }, header, body) => {
    const asked = await channel.openAsk(header, body);
    const page = await driver.asked(asked.from, asked.ask, asked.push);
    return await channel.sealAnswer(asked, page);
  },
  redeem: async ({ channel, driver }, header, body) => {
    const asked = await channel.openRedeem(header, body);
    const answer = await driver.redeemAsked(asked.from, asked.nonces, asked.ask);
    return await channel.sealRedeemAnswer(asked, answer);
  },
  identity: async ({ channel, driver, calls }, _, body, boot) => {
    const { descriptor, body: answer } = channel.answerIntroduction(body);
    if (descriptor.node !== channel.node) {
      calls.met(descriptor.node, boot);
      driver.introduced(descriptor);
    }
    return answer;
  },
} as const satisfies { readonly [name in GossipPathName]: Endpoint };

export class Endpoints {
  readonly #side: () => PeerView;
  readonly #notices: Notices;
  readonly #metrics: Metrics;
  readonly #intake = new Intake();

  constructor(side: () => PeerView, notices: Notices, metrics: Metrics) {
    this.#side = side;
    this.#notices = notices;
    this.#metrics = metrics;
  }

  /** Answers a request for one of the paths; undefined when nobody waits for it any more. */
  async answer(name: GossipPathName, message: IncomingMessage): Promise<WebResponse | undefined> {
    const side = this.#side();
    if (side === 'alone') return text(404, ALONE);
    if (side === 'stopped') return text(503, STOPPED, [['Retry-After', '1']]);
    const { type, maxOctets } = GOSSIP_PATHS[name];
    const given = (message.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (given !== type) return this.#mistyped(side, message, given, type);
    const answer = await this.#intake.take(message, maxOctets, (body) =>
      this.#work(name, side, message, body),
    );
    return typeof answer === 'string' ? this.#faulty(name, message, side, answer) : answer;
  }

  async #work(
    name: GossipPathName,
    side: PeerSide,
    message: IncomingMessage,
    body: Uint8Array,
  ): Promise<WebResponse> {
    try {
      const boot = headerOf(message, BOOT_HEADER);
      const answer = await ENDPOINTS[name](side, senderOf(message), body, boot);
      const headers = [['Content-Type', GOSSIP_PATHS[name].type], ...names(side.channel)] as const;
      return { status: 200, headers, body: answer, route: 'gossip' };
    } catch (error) {
      if (error instanceof ChannelRefusal) return this.#refused(side, message, error);
      if (!(error instanceof ExchangeFault)) throw error;
      return text(503, error.message, [['Retry-After', '1'], ...names(side.channel)]);
    }
  }

  #faulty(
    name: GossipPathName,
    message: IncomingMessage,
    side: PeerSide,
    fault: BodyFault,
  ): WebResponse | undefined {
    if (fault === 'gone') return undefined;
    if (fault === 'too large') {
      const detail = `more than ${GOSSIP_PATHS[name].maxOctets} octets`;
      return this.#refused(side, message, new ChannelRefusal('size', detail));
    }
    return text(503, 'too much is under way', [['Retry-After', '1'], ...names(side.channel)]);
  }

  #mistyped(side: PeerSide, message: IncomingMessage, given: string, type: string): WebResponse {
    this.#metrics.increment('akamu_gossip_refusals_total', { reason: 'type' });
    const from = message.socket.remoteAddress;
    this.#notices.say('warn', 'message has the wrong Content-Type', undefined, { from, given });
    return text(415, `the body must be ${type}`, names(side.channel));
  }

  #refused(side: PeerSide, message: IncomingMessage, error: ChannelRefusal): WebResponse {
    const { refusal, detail, status } = error;
    this.#metrics.increment('akamu_gossip_refusals_total', { reason: refusal });
    this.#notices.say('warn', REFUSALS[refusal].line, undefined, {
      from: message.socket.remoteAddress,
      node: senderOf(message),
      ...(detail !== '' && { detail }),
    });
    return text(status, REFUSALS[refusal].line, names(side.channel));
  }
}

/** Who answers, and in which life of its: a caller with an outdated idea of it can tell. */
function names(channel: Channel): readonly (readonly [string, string])[] {
  return [
    [NODE_ID_HEADER, channel.node],
    [BOOT_HEADER, channel.boot],
  ];
}

function senderOf(message: IncomingMessage): string | undefined {
  return headerOf(message, NODE_ID_HEADER);
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const header = headers[name.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

function text(
  status: number,
  line: string,
  headers: readonly (readonly [string, string])[] = [],
): WebResponse {
  return {
    status,
    headers: [['Content-Type', TEXT], ['Cache-Control', 'no-store'], ...headers],
    body: `${line}\n`,
    route: 'gossip',
  };
}
