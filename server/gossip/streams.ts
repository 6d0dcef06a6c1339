// The streams that peers have open to this node: connections of the admin listener on which they
// have asked for frames instead of requests (RFC 9110 §7.8).
// Invariant: their number is bounded, in all and by address, and each ends some time after its caller
// has gone silent; whatever else wants another protocol is refused as a request would be.
// Never here: what comes on a stream (stream.ts).

import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Channel } from '../../io/channel/channel.ts';
import { STREAM_IDLE_MS, STREAM_PROTOCOL } from '../../io/frames.ts';
import type { Intake } from './body.ts';
import {
  BUSY,
  callerOf,
  type Endpoints,
  names,
  type PeerSide,
  type Told,
  unable,
} from './endpoints.ts';
import type { Notices } from './notices.ts';
import { GOSSIP_PATHS } from './paths.ts';
import { Stream, type StreamLimits } from './stream.ts';

const LIMITS: StreamLimits & { readonly checkMs: number } = {
  calls: 64,
  idleMs: STREAM_IDLE_MS.called,
  frameMs: 10_000,
  unreadMs: 10_000,
  /** How often streams are held to these times. */
  checkMs: 5_000,
};

export class Streams {
  readonly #endpoints: Endpoints;
  readonly #intake: Intake;
  readonly #notices: Notices;
  readonly #limits: typeof LIMITS;
  readonly #open = new Set<Stream>();
  #checks: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    endpoints: Endpoints,
    intake: Intake,
    notices: Notices,
    limits: Partial<typeof LIMITS> = {},
  ) {
    this.#endpoints = endpoints;
    this.#intake = intake;
    this.#notices = notices;
    this.#limits = { ...LIMITS, ...limits };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection whose caller wants to change the protocol: an `upgrade` of a server. */
  readonly upgrade = (message: IncomingMessage, socket: Socket, head: Buffer): void => {
    // Its end is what counts, and comes as `close`.
    socket.on('error', () => {});
    socket.setTimeout(0);
    if (socket.destroyed) return;
    const { side } = this.#endpoints;
    const refusal = refusalOf(message) ?? (typeof side === 'string' ? unable(side) : undefined);
    if (refusal !== undefined) refuse(socket, refusal);
    else this.#take(message, socket, head, side as PeerSide);
  };

  /** Takes no more streams; those there are end with what is under way, at the latest after `graceMs`. */
  close(graceMs: number): void {
    this.#isClosed = true;
    for (const stream of this.#open) stream.end();
    setTimeout(() => {
      for (const stream of this.#open) stream.destroy();
    }, graceMs).unref();
  }

  #take(message: IncomingMessage, socket: Socket, head: Buffer, { channel }: PeerSide): void {
    const caller = callerOf(message);
    const load = this.#isClosed ? undefined : this.#intake.stream(caller.address ?? '');
    if (load === undefined) {
      refuse(socket, BUSY);
      return;
    }
    consent(socket, channel);
    const [endpoints, limits, failed] = [this.#endpoints, this.#limits, this.#failed];
    const parts = { socket, caller, channel, load, endpoints, limits, failed };
    this.#keep(new Stream(parts, head), socket);
  }

  #keep(stream: Stream, socket: Socket): void {
    this.#open.add(stream);
    this.#checks ??= setInterval(() => {
      const nowMs = performance.now();
      for (const each of this.#open) each.check(nowMs);
    }, this.#limits.checkMs).unref();
    socket.once('close', () => {
      this.#open.delete(stream);
      if (this.#open.size > 0) return;
      clearInterval(this.#checks);
      this.#checks = undefined;
    });
  }

  readonly #failed = (error: unknown): void => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const { path } = GOSSIP_PATHS.fast;
    this.#notices.say('error', 'a request could not be answered', undefined, { path, reason });
  };
}

function refusalOf({ url = '/', method, headers }: IncomingMessage): Told | undefined {
  if (url.split('?', 1)[0] !== GOSSIP_PATHS.fast.path) {
    return { status: 400, body: 'there is no other protocol on this path' };
  }
  if (headers.upgrade !== STREAM_PROTOCOL) {
    return { status: 400, body: `the only other protocol here is ${STREAM_PROTOCOL}` };
  }
  return method === 'GET' ? undefined : { status: 405, body: 'use GET' };
}

/** Who answers is said once, for all answers on this stream. */
function consent(socket: Socket, channel: Channel): void {
  const lines = names(channel).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `Connection: Upgrade\r\nUpgrade: ${STREAM_PROTOCOL}\r\n${lines.join('')}`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head}\r\n`);
}

function refuse(socket: Socket, { status, body, isPassing = false }: Told): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(`${body}\n`)}`,
    ...(isPassing ? ['Retry-After: 1'] : []),
    'Connection: close',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}\n`);
  socket.destroySoon();
}
