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
import type { Intake } from './body.ts';
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

export const ALONE: string = 'this node works alone: it was started without a [gossip] section';
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
  fast: async ({ channel, driver }, header, body) => {
    const asked = await channel.openFast(header, body);
    const { from, call } = asked;
    const answer =
      call.kind === 'sync'
        ? await driver.asked(from, call.ask, call.push)
        : await driver.redeemAsked(from, call.nonces, call.reads, call.ask);
    return await channel.sealFastAnswer(asked, answer);
  },
  identity: async ({ channel, driver, calls }, _, body, boot) => {
    const { descriptor, isOutdated, body: answer } = channel.answerIntroduction(body);
    if (descriptor.node !== channel.node && !isOutdated) {
      calls.met(descriptor.node, boot);
      driver.introduced(descriptor);
    }
    return answer;
  },
} as const satisfies { readonly [name in GossipPathName]: Endpoint };

/** Who calls, as its request says; only hints. */
export interface Caller {
  readonly address: string | undefined;
  readonly node: string | undefined;
  readonly boot: string | undefined;
}

/** What came of a call: a sealed body, or a line that says why not. */
export interface Told {
  readonly status: number;
  readonly body: Uint8Array | string;
  /** It may be different in a moment. */
  readonly isPassing?: boolean;
}

export class Endpoints {
  readonly #side: () => PeerView;
  readonly #notices: Notices;
  readonly #metrics: Metrics;
  readonly #intake: Intake;

  constructor(side: () => PeerView, notices: Notices, metrics: Metrics, intake: Intake) {
    this.#side = side;
    this.#notices = notices;
    this.#metrics = metrics;
    this.#intake = intake;
  }

  get side(): PeerView {
    return this.#side();
  }

  /** Answers a request for one of the paths; undefined when nobody waits for it any more. */
  async answer(name: GossipPathName, message: IncomingMessage): Promise<WebResponse | undefined> {
    const { side } = this;
    if (typeof side === 'string') return response(name, unable(side), []);
    const who = names(side.channel);
    const { type, maxOctets } = GOSSIP_PATHS[name];
    const given = (message.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (given !== type) return response(name, this.#mistyped(message, given, type), who);
    const caller = callerOf(message);
    const told = await this.#intake.take(message, maxOctets, (body) =>
      this.work(name, side, caller, body),
    );
    if (told === 'gone') return undefined;
    if (told === 'too large') return response(name, this.tooLarge(name, caller), who);
    return response(name, told === 'busy' ? BUSY : told, who);
  }

  /** What comes of a body; rejects when that is not to be known. */
  async work(
    name: GossipPathName,
    side: PeerSide,
    caller: Caller,
    body: Uint8Array,
  ): Promise<Told> {
    try {
      const answer = await ENDPOINTS[name](side, caller.node, body, caller.boot);
      return { status: 200, body: answer };
    } catch (error) {
      if (error instanceof ChannelRefusal) return this.#refused(caller, error);
      if (!(error instanceof ExchangeFault)) throw error;
      return { status: 503, body: error.message, isPassing: true };
    }
  }

  tooLarge(name: GossipPathName, caller: Caller): Told {
    const detail = `more than ${GOSSIP_PATHS[name].maxOctets} octets`;
    return this.#refused(caller, new ChannelRefusal('size', detail));
  }

  #mistyped(message: IncomingMessage, given: string, type: string): Told {
    this.#metrics.increment('akamu_gossip_refusals_total', { reason: 'type' });
    const from = message.socket.remoteAddress;
    this.#notices.say('warn', 'message has the wrong Content-Type', undefined, { from, given });
    return { status: 415, body: `the body must be ${type}` };
  }

  #refused({ address, node }: Caller, { refusal, detail, status }: ChannelRefusal): Told {
    const { line } = REFUSALS[refusal];
    this.#metrics.increment('akamu_gossip_refusals_total', { reason: refusal });
    this.#notices.say('warn', line, undefined, {
      from: address,
      node,
      ...(detail !== '' && { detail }),
    });
    return { status, body: line };
  }
}

/** The answer to a call that is one too many. */
export const BUSY: Told = { status: 503, body: 'too much is under way', isPassing: true };

/** What a node says that cannot answer its peers. */
export function unable(view: 'alone' | 'stopped'): Told {
  if (view === 'alone') return { status: 404, body: ALONE };
  return { status: 503, body: STOPPED, isPassing: true };
}

/** Who answers, and in which life of its: a caller with an outdated idea of it can tell. */
export function names(channel: Channel): readonly (readonly [string, string])[] {
  return [
    [NODE_ID_HEADER, channel.node],
    [BOOT_HEADER, channel.boot],
  ];
}

export function callerOf(message: IncomingMessage): Caller {
  const address = message.socket.remoteAddress;
  const [node, boot] = [headerOf(message, NODE_ID_HEADER), headerOf(message, BOOT_HEADER)];
  return { address, node, boot };
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const header = headers[name.toLowerCase()];
  return typeof header === 'string' ? header : undefined;
}

function response(
  name: GossipPathName,
  { status, body, isPassing = false }: Told,
  who: readonly (readonly [string, string])[],
): WebResponse {
  if (typeof body !== 'string') {
    const headers = [['Content-Type', GOSSIP_PATHS[name].type], ...who] as const;
    return { status, headers, body, route: 'gossip' };
  }
  const plain = [['Content-Type', TEXT], ['Cache-Control', 'no-store'], ...who] as const;
  const headers = isPassing ? [...plain, ['Retry-After', '1'] as const] : plain;
  return { status, headers, body: `${body}\n`, route: 'gossip' };
}
