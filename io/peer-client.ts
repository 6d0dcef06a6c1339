// HTTP to peers: one POST, one answer, over connections that are kept; or a connection itself, once
// the peer agrees to another protocol on it. Invariant: every call ends within its time, with a
// bounded answer or an Error that says why not; nothing is followed anywhere else.
// Never here: what bodies mean, whom to trust.

import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestPlain,
} from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';

export interface PeerRequest {
  /** Base URL, `http:` or `https:`, without a trailing slash. */
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** From the call to the last octet of the answer. */
  readonly timeoutMs: number;
  /** Largest answer, octets. */
  readonly maxOctets: number;
}

export interface PeerResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A connection on which the peer speaks another protocol from now on. */
export interface Upgraded {
  readonly socket: Socket;
  /** Of the answer that said so, by lower-case name. */
  readonly headers: IncomingMessage['headers'];
  /** What has come behind that answer. */
  readonly head: Buffer;
}

/** Connections to one peer at a time; further calls wait for one, within their time. */
const MAX_CONNECTIONS = 32;
const MAX_KEPT = 8;
/** Less than the other side keeps a silent connection (server/http.ts), so it is ours to close. */
const KEEP_MS = 20_000;

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name cannot be resolved at the moment',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
};

export class PeerClient {
  readonly #plain: Agent;
  readonly #tls: TlsAgent;

  constructor() {
    const options = {
      keepAlive: true,
      noDelay: true,
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_KEPT,
      timeout: KEEP_MS,
    };
    this.#plain = new Agent(options);
    this.#tls = new TlsAgent(options);
  }

  async post(request: PeerRequest): Promise<PeerResponse> {
    const endMs = performance.now() + request.timeoutMs;
    try {
      return await this.#attempt(request, request.timeoutMs);
    } catch (error) {
      // The other side may close a kept connection just when it is used: that is no refusal.
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#attempt(request, Math.max(1, endMs - performance.now()));
    }
  }

  /** Asks for another protocol on a connection (RFC 9110 §7.8); answers with a status if refused. */
  upgrade(
    { url, path, headers, timeoutMs }: Omit<PeerRequest, 'body' | 'maxOctets'>,
    protocol: string,
  ): Promise<Upgraded | number> {
    const wanted = { ...headers, Connection: 'Upgrade', Upgrade: protocol };
    return new Promise((resolve, reject) => {
      const call = this.#request(url + path, { method: 'GET', headers: wanted });
      const timer = setTimeout(() => call.destroy(tooLate(timeoutMs)), timeoutMs);
      call.on('error', (error) => reject(new Error(failureOf(error))));
      call.on('close', () => clearTimeout(timer));
      call.on('response', (message) => {
        resolve(message.statusCode ?? 0);
        message.destroy();
      });
      call.on('upgrade', (message, socket: Socket, head) => {
        clearTimeout(timer);
        const { headers } = message;
        if (headers.upgrade === protocol) return resolve({ socket, headers, head });
        socket.destroy();
        reject(new Error('the peer has changed to a protocol that nobody asked for'));
      });
      call.end();
    });
  }

  /** Ends all connections, but for those with another protocol; calls under way fail. */
  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  #attempt(request: PeerRequest, timeoutMs: number): Promise<PeerResponse> {
    const headers = { ...request.headers, 'Content-Length': String(request.body.length) };
    return new Promise((resolve, reject) => {
      const call = this.#request(request.url + request.path, { method: 'POST', headers });
      const timer = setTimeout(() => call.destroy(tooLate(request.timeoutMs)), timeoutMs);
      const fail = (error: NodeJS.ErrnoException): void => {
        clearTimeout(timer);
        const isStale = call.reusedSocket && /^(?:ECONNRESET|EPIPE)$/.test(error.code ?? '');
        const words = failureOf(error);
        reject(isStale ? new StaleConnection(words) : new Error(words));
      };
      call.on('error', fail);
      call.on('response', (message) => {
        collect(message, request.maxOctets, fail, (body) => {
          clearTimeout(timer);
          resolve({ status: message.statusCode ?? 0, headers: message.headers, body });
        });
      });
      call.end(request.body);
    });
  }

  /** A base URL may have a path of its own, before which a proxy tells nodes apart. */
  #request(target: string, options: RequestOptions): ClientRequest {
    const url = new URL(target);
    return url.protocol === 'https:'
      ? requestTls(url, { ...options, agent: this.#tls })
      : requestPlain(url, { ...options, agent: this.#plain });
  }
}

class StaleConnection extends Error {}

/** Why a call was given up. */
export function tooLate(timeoutMs: number): Error {
  return new Error(`no answer within ${Math.ceil(timeoutMs / 1000)} s`);
}

/** What a connection's error means, in words. */
export function failureOf({ code = '', message }: NodeJS.ErrnoException): string {
  return WORDS[code] ?? message;
}

function collect(
  message: IncomingMessage,
  maxOctets: number,
  fail: (error: Error) => void,
  done: (body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  message.on('error', fail);
  message.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxOctets) chunks.push(chunk);
    else message.destroy(new Error(`the answer is larger than ${maxOctets} octets`));
  });
  message.on('end', () => done(Buffer.concat(chunks)));
}
