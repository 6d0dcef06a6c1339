// The HTTP edge: bytes in, a WebRequest out; a WebResponse in, bytes out. Bodies are capped while
// they arrive, slow and idle connections are closed, and a client that goes away is forgotten.
// Invariant: nothing of a body beyond the cap is kept. Never here: what any path means.

import {
  createServer as createPlainServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { WebResponse } from '../core/effect.ts';
import type { BodyFault, WebRequest } from '../core/input.ts';
import type { Answered } from '../io/driver.ts';

/** Time and size bounds of a listener, milliseconds and octets. */
export const HTTP_LIMITS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 75_000,
  /** Until a connection that has asked nothing is closed; longer than any answer takes. */
  silenceMs: 30_000,
  handshakeMs: 10_000,
  /** How often connections are held to these times. */
  checkMs: 5_000,
  headerBytes: 16_384,
  targetLength: 2_048,
  connections: 10_000,
} as const;

/** How long a body may be, octets. */
export interface EdgeOptions {
  readonly maxBodyBytes: number;
}

/** Answers a request, at once or later; returns what to call when nobody waits any more. */
export type Answerer = (web: WebRequest, answered: Answered) => () => void;

/** Told about every request that was answered. */
export type Observer = (
  request: { readonly method: string; readonly target: string },
  response: WebResponse,
  seconds: number,
) => void;

/** A server for `listener`, with TLS when there is a context for it. */
export function createServer(listener: RequestListener, tls?: ServerOptions): Server {
  const options = {
    maxHeaderSize: HTTP_LIMITS.headerBytes,
    headersTimeout: HTTP_LIMITS.headersTimeoutMs,
    requestTimeout: HTTP_LIMITS.requestTimeoutMs,
    keepAliveTimeout: HTTP_LIMITS.keepAliveTimeoutMs,
    connectionsCheckingInterval: HTTP_LIMITS.checkMs,
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createPlainServer(options, listener)
      : createTlsServer(
          { ...options, handshakeTimeout: HTTP_LIMITS.handshakeMs, ...tls },
          listener,
        );
  server.maxConnections = HTTP_LIMITS.connections;
  // headersTimeout begins with the first octet; a client that sends none would stay for good.
  server.setTimeout(HTTP_LIMITS.silenceMs);
  return server;
}

/** A request listener in front of the core. */
export function edge(options: EdgeOptions, answerer: Answerer, observe: Observer): RequestListener {
  return (message, reply) => {
    const startedMs = performance.now();
    readBody(message, options.maxBodyBytes, (body) => {
      if (reply.destroyed) return;
      const web = toWebRequest(message, body);
      let isOpen = true;
      const abandon = answerer(web, (answer = STOPPED) => {
        isOpen = false;
        observe(web, answer, (performance.now() - startedMs) / 1000);
        send(message, reply, answer);
      });
      if (isOpen) reply.once('close', abandon);
    });
  };
}

/** Writes a response; the body of an answer to HEAD is left out by its length only. */
export function send(message: IncomingMessage, reply: ServerResponse, response: WebResponse): void {
  if (reply.destroyed) return;
  const { body } = response;
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  const octets = Buffer.byteLength(body);
  if (response.status !== 204) headers.push('Content-Length', String(octets));
  if (!message.complete) {
    // The rest of a refused body is not read: this connection has no next request.
    headers.push('Connection', 'close');
    reply.once('finish', () => message.destroy());
  }
  reply.writeHead(response.status, headers);
  // ASCII, which nearly every answer is, is written as it stands.
  const encoding = octets === body.length ? 'latin1' : 'utf8';
  reply.end(message.method === 'HEAD' ? undefined : body, encoding);
}

/** The answer of a node that is stopping or has stopped. */
export const STOPPED: WebResponse = {
  status: 503,
  headers: [
    ['Content-Type', 'application/problem+json'],
    ['Retry-After', '1'],
  ],
  body: JSON.stringify({
    type: 'urn:ietf:params:acme:error:serverInternal',
    detail: 'this node is not available at the moment; try again',
    status: 503,
  }),
  route: 'none',
  problem: 'serverInternal',
};

function toWebRequest(message: IncomingMessage, body: string | BodyFault): WebRequest {
  const target = message.url ?? '/';
  const contentType = message.headers['content-type'] ?? '';
  return {
    method: message.method ?? 'GET',
    target: target.length > HTTP_LIMITS.targetLength ? '/' : target,
    contentType: contentType.split(';', 1)[0]!.trim().toLowerCase(),
    body,
  };
}

/** Collects a body and calls back once, also when it is refused; never when the client goes. */
function readBody(
  message: IncomingMessage,
  maxBytes: number,
  done: (body: string | BodyFault) => void,
): void {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) {
    done({ fault: 'too large' });
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  message.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else if (length - chunk.length <= maxBytes) {
      message.pause();
      done({ fault: 'too large' });
    }
  });
  message.on('end', () => {
    if (length <= maxBytes) done(decode(chunks));
  });
  message.on('error', () => {});
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(chunks: readonly Buffer[]): string | BodyFault {
  if (chunks.length === 0) return '';
  try {
    return UTF8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  } catch {
    return { fault: 'not UTF-8' };
  }
}
