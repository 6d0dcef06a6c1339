// HTTP to peers: one POST, one answer, over connections that are kept. Invariant: every call ends
// within its time, with a bounded answer or an Error that says why not; nothing is followed
// anywhere else. Never here: what bodies mean, whom to trust.

import { Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';

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

  /** Ends all connections; calls under way fail. */
  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  #attempt(request: PeerRequest, timeoutMs: number): Promise<PeerResponse> {
    // A base URL may have a path of its own, before which a proxy tells nodes apart.
    const url = new URL(request.url + request.path);
    const isTls = url.protocol === 'https:';
    const headers = { ...request.headers, 'Content-Length': String(request.body.length) };
    const options = { method: 'POST', headers, agent: isTls ? this.#tls : this.#plain };
    return new Promise((resolve, reject) => {
      const call = (isTls ? requestTls : requestPlain)(url, options);
      const timer = setTimeout(() => {
        call.destroy(new Error(`no answer within ${Math.ceil(request.timeoutMs / 1000)} s`));
      }, timeoutMs);
      const fail = (error: NodeJS.ErrnoException): void => {
        clearTimeout(timer);
        const isStale = call.reusedSocket && /^(?:ECONNRESET|EPIPE)$/.test(error.code ?? '');
        const words = WORDS[error.code ?? ''] ?? error.message;
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
}

class StaleConnection extends Error {}

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
