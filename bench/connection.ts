// One keep-alive connection with one request in flight, on a raw TCP or TLS socket: node:https and
// undici cost the load client more of the cores it shares with the server it measures.
// Invariant: an answer belongs to the one request in flight; whatever breaks that breaks the
// connection, and the next request opens a new one.
// Never here: ACME, retries.

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Reply, readReply } from './http-message.ts';

export interface Origin {
  /** As in a URL: `https://127.0.0.1:14000`. */
  readonly text: string;
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A server that takes a request and never answers it hangs: nothing it is given will end. */
export class SilentServer extends Error {}

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_REPLY_BYTES = 1 << 20;

export class Connection {
  readonly #origin: Origin;
  readonly #patienceMs: number;
  #socket: Socket | undefined;
  #received = '';
  #waiting: Waiting | undefined;

  /** `patienceMs`: how long the server may be silent before the connection is broken. */
  constructor(origin: Origin, patienceMs: number = REQUEST_TIMEOUT_MS) {
    this.#origin = origin;
    this.#patienceMs = patienceMs;
  }

  /** Sends one request; rejects when the connection breaks or the server is silent. */
  get(path: string): Promise<Reply> {
    return this.#send(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: bench\r\n\r\n`);
  }

  /** Posts a JWS (RFC 8555 §6.2). The body must be ASCII. */
  post(path: string, body: string): Promise<Reply> {
    return this.#send(
      `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: bench\r\n` +
        `Content-Type: application/jose+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  /** Ends the connection; a request in flight is rejected. */
  close(): void {
    this.#fail(new Error('connection closed by the load client'));
  }

  get #host(): string {
    return `${this.#origin.hostname}:${this.#origin.port}`;
  }

  #send(request: string): Promise<Reply> {
    if (this.#waiting) throw new Error('a request is already in flight');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket ??= this.#open();
      this.#socket.write(request, 'latin1');
    });
  }

  #open(): Socket {
    const { hostname: host, port, isTls } = this.#origin;
    const socket = isTls
      ? connectTls({ host, port, rejectUnauthorized: false })
      : connectTcp({ host, port });
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.setTimeout(this.#patienceMs);
    const failWith = (reason: Error) => {
      if (this.#socket === socket) this.#fail(reason);
    };
    socket.on('data', (text: unknown) => this.#receive(String(text)));
    socket.on('error', failWith);
    socket.on('close', () => failWith(new Error('the server closed the connection')));
    socket.on('timeout', () => failWith(new SilentServer(`no answer for ${this.#patienceMs} ms`)));
    return socket;
  }

  #receive(text: string): void {
    this.#received = this.#received === '' ? text : this.#received + text;
    try {
      if (this.#received.length > MAX_REPLY_BYTES) throw new Error('an answer beyond 1 MiB');
      const read = readReply(this.#received);
      if (read) this.#deliver(read.reply, read.size);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #deliver(reply: Reply, size: number): void {
    const waiting = this.#waiting;
    if (!waiting || size !== this.#received.length) throw new Error('an answer nobody asked for');
    this.#waiting = undefined;
    this.#received = '';
    if (reply.isLast) this.#drop();
    waiting.resolve(reply);
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#drop();
    waiting?.reject(error);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#received = '';
    socket?.destroy();
  }
}

/** Reads an origin out of any URL below it. */
export function originOf(url: string): Origin {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  const number = port === '' ? (isTls ? 443 : 80) : Number(port);
  return { text: `${protocol}//${hostname}:${number}`, isTls, hostname, port: number };
}
