// What an operator can ask of the cluster through the admin listener: how it stands, who this node
// is, to pin a node, to refuse one for ever. Invariant: only callers on this host are heard.
// Never here: what any of it does to records, which is the core's.

import type { IncomingMessage } from 'node:http';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Command } from '../../core/input.ts';
import { NODE_ID, readDescriptor } from '../../io/channel/descriptor.ts';
import { Intake } from './body.ts';
import { notLocal } from './local.ts';

/** What a running node in a cluster offers. */
export interface OperatorSide {
  readonly descriptor: NodeDescriptor;
  readonly calls: { readonly skewSecs: ReadonlyMap<string, number> };
  /** Undefined when the node stopped before it was done. */
  readonly administer: (command: Command) => Promise<WebResponse | undefined>;
}

export type OperatorView = OperatorSide | 'alone' | 'stopped';

const MAX_OCTETS = 64 * 1024;

interface Route {
  readonly method: 'GET' | 'POST';
  /** `body`: the JSON that was sent. Throws a Mistake. */
  readonly run: (side: OperatorSide, body: unknown) => Promise<WebResponse | undefined>;
}

/** By path and method. */
const ROUTES: Readonly<Record<string, Route>> = {
  'GET /admin/gossip/status': {
    method: 'GET',
    run: async ({ administer, calls }) => {
      const answer = await administer({ kind: 'status' });
      return answer && withSkews(answer, calls.skewSecs);
    },
  },
  'GET /admin/gossip/identity': {
    method: 'GET',
    run: async ({ descriptor }) => json(200, descriptor),
  },
  'POST /admin/gossip/register': {
    method: 'POST',
    run: (side, body) => side.administer({ kind: 'register', descriptor: descriptorIn(body) }),
  },
  'POST /admin/gossip/remove': {
    method: 'POST',
    run: (side, body) => side.administer({ kind: 'remove', node: nodeIn(body) }),
  },
};

class Mistake extends Error {}

export class OperatorRoutes {
  readonly #view: () => OperatorView;
  readonly #intake = new Intake();

  constructor(view: () => OperatorView) {
    this.#view = view;
  }

  /** The methods of a path that operators can use; none: it is not one. */
  methods(path: string): readonly string[] {
    return ['GET', 'POST'].filter((method) => `${method} ${path}` in ROUTES);
  }

  /** Answers a request for one of them; undefined when nobody waits for it any more. */
  async answer(path: string, message: IncomingMessage): Promise<WebResponse | undefined> {
    const reason = notLocal(message);
    if (reason !== undefined) return json(403, { error: reason });
    const route = ROUTES[`${message.method} ${path}`]!;
    const view = this.#view();
    if (view === 'alone') return json(409, { error: ALONE });
    if (view === 'stopped') return json(503, { error: STOPPED });
    if (route.method === 'POST' && !/^application\/json\b/.test(typeOf(message))) {
      return json(415, { error: 'the body must be application/json' });
    }
    const answer = await this.#intake.take(message, MAX_OCTETS, async (octets) => {
      try {
        const body = route.method === 'POST' ? parse(octets) : undefined;
        return (await route.run(view, body)) ?? json(503, { error: STOPPED });
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        return json(400, { error: error.message });
      }
    });
    if (typeof answer !== 'string') return answer;
    if (answer === 'gone') return undefined;
    return json(answer === 'too large' ? 413 : 503, { error: `the body is ${answer}` });
  }
}

const ALONE = 'this node works alone: its configuration has no [gossip] section';
const STOPPED = 'this node is not running at the moment; see its log';

function json(status: number, value: object): WebResponse {
  const headers = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status, headers, body: `${JSON.stringify(value)}\n`, route: 'gossip' };
}

/** The core knows no clock but its own: how far the others are off is added here. */
function withSkews(answer: WebResponse, skewSecs: ReadonlyMap<string, number>): WebResponse {
  if (answer.status !== 200 || typeof answer.body !== 'string') return answer;
  const status = JSON.parse(answer.body) as { members: readonly { readonly node: string }[] };
  const members = status.members.map((member) => {
    return { ...member, clockSkewSecs: skewSecs.get(member.node) ?? null };
  });
  return { ...answer, body: `${JSON.stringify({ ...status, members })}\n` };
}

function typeOf(message: IncomingMessage): string {
  return (message.headers['content-type'] ?? '').toLowerCase();
}

function parse(octets: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(octets).toString('utf8'));
  } catch {
    throw new Mistake('the body is not JSON');
  }
}

function descriptorIn(body: unknown): NodeDescriptor {
  const read = readDescriptor(body);
  if ('fault' in read) throw new Mistake(`this is not the descriptor of a node: ${read.fault}`);
  return read;
}

function nodeIn(body: unknown): string {
  const node = typeof body === 'object' && body !== null && 'node' in body ? body.node : undefined;
  if (typeof node === 'string' && NODE_ID.test(node)) return node;
  throw new Mistake('write {"node": ID}, with an id as `akamu cluster status` shows it');
}
