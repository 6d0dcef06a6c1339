// The paths of the admin listener that peers and operators call: which caller is which.
// Invariant: every request gets one answer, also when answering it fails. Never here: the answers.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { WebResponse } from '../../core/effect.ts';
import type { Log } from '../../io/log.ts';
import type { Metrics } from '../../io/metrics.ts';
import { send } from '../http.ts';
import { Intake } from './body.ts';
import { Endpoints, type PeerView } from './endpoints.ts';
import { Notices } from './notices.ts';
import { OperatorRoutes, type OperatorView } from './operator.ts';
import { GOSSIP_PATHS, type GossipPathName } from './paths.ts';
import { Streams } from './streams.ts';

/** What is there to answer with. */
export interface AdminViews {
  readonly gossip: () => PeerView;
  readonly operator: () => OperatorView;
}

export interface GossipListener {
  /** Takes a request, unless its path is none of these: then it says false. */
  readonly request: (path: string, message: IncomingMessage, reply: ServerResponse) => boolean;
  /** Takes a connection whose caller wants another protocol. */
  readonly upgrade: (message: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** How many of them are open. */
  readonly streams: () => number;
  /** Ends such connections, at the latest after `graceMs`; requests are the server's to end. */
  readonly close: (graceMs: number) => void;
}

const NAMES = Object.keys(GOSSIP_PATHS) as GossipPathName[];

export function gossipListener(views: AdminViews, log: Log, metrics: Metrics): GossipListener {
  const notices = new Notices(log);
  const intake = new Intake();
  const endpoints = new Endpoints(views.gossip, notices, metrics, intake);
  const streams = new Streams(endpoints, intake, notices);
  const operator = new OperatorRoutes(views.operator);
  const answer = async (
    path: string,
    message: IncomingMessage,
  ): Promise<WebResponse | undefined> => {
    const name = NAMES.find((each) => GOSSIP_PATHS[each].path === path);
    if (name !== undefined && message.method === 'POST') return endpoints.answer(name, message);
    const methods = operator.methods(path);
    if (methods.includes(message.method ?? '')) return operator.answer(path, message);
    return refusal([...(name === undefined ? [] : ['POST']), ...methods]);
  };
  const request: GossipListener['request'] = (path, message, reply) => {
    const isOurs = NAMES.some((name) => GOSSIP_PATHS[name].path === path);
    if (!isOurs && operator.methods(path).length === 0) return false;
    answer(path, message).then(
      (response) => response && send(message, reply, response),
      (error: unknown) => {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        notices.say('error', 'a request could not be answered', undefined, { path, reason });
        send(message, reply, FAILED);
      },
    );
    return true;
  };
  return {
    request,
    upgrade: streams.upgrade,
    streams: () => streams.size,
    close: (graceMs) => streams.close(graceMs),
  };
}

function refusal(methods: readonly string[]): WebResponse {
  const allow = methods.join(', ');
  const headers = [['Allow', allow]] as const;
  return { status: 405, headers, body: `use ${allow}\n`, route: 'gossip' };
}

const FAILED: WebResponse = { status: 500, headers: [], body: 'failed\n', route: 'gossip' };
