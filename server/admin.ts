// The admin listener: is the process alive, is the node ready, its metrics, and its cluster. Invariant: none of
// it is on the public listener but the two health questions. Never here: anything a client needs.

import type { RequestListener, Server } from 'node:http';
import type { WebResponse } from '../core/effect.ts';
import { METRICS_CONTENT_TYPE } from '../io/metrics.ts';
import type { Engine } from './engine.ts';
import type { GossipListener } from './gossip/listener.ts';
import { createServer, send } from './http.ts';

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** A server of everything the admin listener answers. */
export function adminServer(engine: Engine, metrics: () => string, gossip: GossipListener): Server {
  const pages: ReadonlyMap<string, () => Page> = new Map([
    ...healthPages(engine, () => engine.reason),
    ['/metrics', () => ({ status: 200, type: METRICS_CONTENT_TYPE, body: metrics() })],
  ]);
  const server = createServer((message, reply) => {
    const path = pathOf(message.url);
    if (gossip.request(path, message, reply)) return;
    send(message, reply, render(message.method, pages.get(path)));
  });
  return server.on('upgrade', gossip.upgrade);
}

/** Puts the health questions in front of another listener. */
export function withHealth(engine: Engine, next: RequestListener): RequestListener {
  const pages = healthPages(engine, () => undefined);
  return (message, reply) => {
    const page = message.url?.startsWith('/acme/') ? undefined : pages.get(pathOf(message.url));
    if (page === undefined) next(message, reply);
    else send(message, reply, render(message.method, page));
  };
}

function healthPages(
  engine: Engine,
  reason: () => string | undefined,
): ReadonlyMap<string, () => Page> {
  return new Map([
    ['/healthz', () => ({ status: 200, type: TEXT, body: 'alive\n' })],
    [
      '/readyz',
      () => {
        const { fault } = engine;
        if (fault === undefined) return { status: 200, type: TEXT, body: 'ready\n' };
        const more = reason();
        const body = `not ready: ${fault}${more === undefined ? '' : `\n${more}`}\n`;
        return { status: 503, type: TEXT, body };
      },
    ],
  ]);
}

function render(method: string | undefined, page: (() => Page) | undefined): WebResponse {
  if (page === undefined) return response({ status: 404, type: TEXT, body: 'not found\n' });
  if (method !== 'GET' && method !== 'HEAD') {
    const refusal = response({ status: 405, type: TEXT, body: 'use GET\n' });
    return { ...refusal, headers: [...refusal.headers, ['Allow', 'GET, HEAD']] };
  }
  return response(page());
}

function response({ status, type, body }: Page): WebResponse {
  const headers = [
    ['Content-Type', type],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status, headers, body, route: 'admin' };
}

function pathOf(url: string | undefined): string {
  return (url ?? '/').split('?', 1)[0]!;
}
