// What operators can have a node do through its admin listener: revoke, deactivate, withdraw, and in
// a cluster see how it stands, who this node is, give it a new key, pin a node, refuse one for ever.
// Invariant: only callers on this host are heard; every refusal says what to do.
// Never here: what any of it does to records, which is the core's.

import type { IncomingMessage } from 'node:http';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { refusal } from '../../core/command-answer.ts';
import type { WebResponse } from '../../core/effect.ts';
import type { Command } from '../../core/input.ts';
import { NODE_ID, readDescriptor } from '../../io/channel/descriptor.ts';
import { Intake } from './body.ts';
import { ALONE } from './endpoints.ts';
import { notLocal } from './local.ts';

/** What a running node offers its operators. */
export interface OperatorSide {
  /** Undefined when the node stopped before it was done. */
  readonly administer: (command: Command) => Promise<WebResponse | undefined>;
  /** Undefined when it works alone. */
  readonly cluster:
    | {
        readonly descriptor: NodeDescriptor;
        readonly calls: {
          readonly skewSecs: ReadonlyMap<string, number>;
          /** Who answers at a URL; rejects when nobody of this cluster does. */
          readonly introduce: (url: string) => Promise<NodeDescriptor>;
        };
        /** Gives the node a new KEM key; undefined as above. */
        readonly rotate: () => Promise<WebResponse | undefined>;
      }
    | undefined;
}

export type OperatorView = OperatorSide | 'stopped';

const MAX_OCTETS = 64 * 1024;

interface Route {
  readonly method: 'GET' | 'POST';
  /** Below /admin/, by segment; `*` stands for any name. */
  readonly path: readonly string[];
  /** `body`: the JSON that was sent; `name`: what stands for `*`. Throws a Mistake. */
  readonly run: (
    side: OperatorSide,
    body: unknown,
    name: string,
  ) => Promise<WebResponse | undefined>;
}

const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: ['gossip', 'status'],
    run: async ({ administer, cluster }) => {
      const answer = await administer({ kind: 'status' });
      return answer && cluster ? withSkews(answer, cluster.calls.skewSecs) : answer;
    },
  },
  {
    method: 'GET',
    path: ['gossip', 'identity'],
    run: async ({ cluster }) => {
      return cluster === undefined ? refusal(409, ALONE, JOIN) : json(200, cluster.descriptor);
    },
  },
  {
    method: 'POST',
    path: ['gossip', 'register'],
    run: (side, body) => side.administer({ kind: 'register', descriptor: descriptorIn(body) }),
  },
  {
    method: 'POST',
    path: ['gossip', 'remove'],
    run: async (side, body) => {
      const node = nodeIn(body);
      if (memberOf(body, 'force') !== true && (await isThere(side, node))) return IS_THERE;
      return side.administer({ kind: 'remove', node });
    },
  },
  {
    method: 'POST',
    path: ['gossip', 'rotate'],
    run: async ({ cluster }) => {
      return cluster === undefined ? refusal(409, ALONE, JOIN) : cluster.rotate();
    },
  },
  {
    method: 'POST',
    path: ['revoke'],
    run: (side, body) => side.administer({ kind: 'revoke', ...revocationIn(body) }),
  },
  {
    method: 'POST',
    path: ['accounts', '*', 'deactivate'],
    run: (side, _, account) => side.administer({ kind: 'deactivate', account }),
  },
  {
    method: 'POST',
    path: ['eab', '*', 'revoke'],
    run: (side, _, kid) => side.administer({ kind: 'revoke-eab', kid }),
  },
];

class Mistake extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

export class OperatorRoutes {
  readonly #view: () => OperatorView;
  readonly #intake = new Intake();

  constructor(view: () => OperatorView) {
    this.#view = view;
  }

  /** The methods of a path that operators can use; none: it is not one. */
  methods(path: string): readonly string[] {
    const segments = segmentsOf(path);
    return ROUTES.filter((route) => matches(route, segments)).map(({ method }) => method);
  }

  /** Answers a request for one of them; undefined when nobody waits for it any more. */
  async answer(path: string, message: IncomingMessage): Promise<WebResponse | undefined> {
    const reason = notLocal(message);
    if (reason !== undefined) return refusal(403, reason, 'use the akamu command on its host');
    const segments = segmentsOf(path);
    const route = ROUTES.find((each) => each.method === message.method && matches(each, segments))!;
    const view = this.#view();
    if (view === 'stopped') return STOPPED;
    if (route.method === 'POST' && !/^application\/json\b/.test(typeOf(message))) {
      const fix = 'send Content-Type: application/json';
      return refusal(415, 'the body must be application/json', fix);
    }
    const answer = await this.#intake.take(message, MAX_OCTETS, async (octets) => {
      try {
        const body = octets.length === 0 ? undefined : parse(octets);
        return (await route.run(view, body, nameIn(route, segments))) ?? STOPPED;
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        return refusal(400, error.message, error.fix);
      }
    });
    if (typeof answer !== 'string') return answer;
    if (answer === 'gone') return undefined;
    if (answer === 'busy') return refusal(503, 'too much is under way', 'try again in a moment');
    return refusal(413, 'the body is too large', `send at most ${MAX_OCTETS} octets`);
  }
}

const JOIN = 'add one to make it a node of a cluster';
const STOPPED = refusal(503, 'this node is not running at the moment', 'see its log');

const IS_THERE = refusal(409, 'this node answers', 'stop it first, or give --force');

function segmentsOf(path: string): readonly string[] {
  return path.startsWith('/admin/') ? path.slice('/admin/'.length).split('/') : [];
}

function matches({ path }: Route, segments: readonly string[]): boolean {
  if (path.length !== segments.length) return false;
  return path.every((part, i) => (part === '*' ? segments[i] !== '' : part === segments[i]));
}

function nameIn({ path }: Route, segments: readonly string[]): string {
  try {
    return decodeURIComponent(segments[path.indexOf('*')] ?? '');
  } catch {
    throw new Mistake('the path is not percent-encoded', 'write a % in a name as %25');
  }
}

function json(status: number, value: object): WebResponse {
  const headers = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status, headers, body: `${JSON.stringify(value)}\n`, route: 'admin' };
}

/** Whether a member answers where it is called: asked now, since the last exchange may be long ago. */
async function isThere({ administer, cluster }: OperatorSide, node: string): Promise<boolean> {
  const answer = cluster && (await administer({ kind: 'status' }));
  if (answer?.status !== 200 || typeof answer.body !== 'string') return false;
  const { members } = JSON.parse(answer.body) as { members: readonly NodeDescriptor[] };
  const url = members.find((member) => member.node === node)?.url;
  if (url === undefined) return false;
  const found = await cluster?.calls.introduce(url).catch(() => undefined);
  return found?.node === node;
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
    throw new Mistake('the body is not JSON', 'send a JSON object');
  }
}

function descriptorIn(body: unknown): NodeDescriptor {
  const read = readDescriptor(body);
  if (!('fault' in read)) return read;
  const fix = 'write it on that node with: akamu node identity --json';
  throw new Mistake(`this is not the descriptor of a node: ${read.fault}`, fix);
}

function nodeIn(body: unknown): string {
  const node = memberOf(body, 'node');
  if (typeof node === 'string' && NODE_ID.test(node)) return node;
  const fix = 'write {"node": ID}, with an id as `akamu cluster status` shows it';
  throw new Mistake('the body names no node', fix);
}

/** What is well-formed; whether it makes sense is for the core to say. */
function revocationIn(body: unknown): { readonly serial: string; readonly reason?: number } {
  const [serial, reason] = [memberOf(body, 'serial'), memberOf(body, 'reason')];
  const fix = 'write {"serial": "0a1b…", "reason": 1}; without a reason it is 0';
  if (typeof serial !== 'string') throw new Mistake('the body names no serial number', fix);
  if (reason === undefined) return { serial };
  if (!Number.isInteger(reason)) throw new Mistake('the reason is no whole number', fix);
  return { serial, reason: reason as number };
}

function memberOf(body: unknown, name: string): unknown {
  const isObject = typeof body === 'object' && body !== null && Object.hasOwn(body, name);
  return isObject ? (body as { readonly [name: string]: unknown })[name] : undefined;
}
