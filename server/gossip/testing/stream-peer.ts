// A caller that speaks octets to a server: what a well-behaved one would never send, too.
// Invariant: it keeps all that it was sent. Never here: what should come of it.

import { connect, type Socket } from 'node:net';
import { type Frame, FrameReader, STREAM_PROTOCOL } from '../../../io/frames.ts';
import { GOSSIP_PATHS } from '../paths.ts';

export class StreamPeer {
  readonly socket: Socket;
  readonly #reader = new FrameReader('answers', GOSSIP_PATHS.fast.maxOctets);
  #head = '';
  #isOpen = false;
  readonly frames: Frame[] = [];
  isEnded = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isEnded = true;
    });
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** What was answered before frames: all of it, when it was refused. */
  get head(): string {
    return this.#head;
  }

  /** Asks for a stream; what is left out is as it should be. */
  ask(
    changes: {
      readonly method?: string;
      readonly path?: string;
      readonly protocol?: string;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): this {
    const { method = 'GET', path = GOSSIP_PATHS.fast.path } = changes;
    const lines = Object.entries({
      Host: 'x',
      Connection: 'Upgrade',
      Upgrade: changes.protocol ?? STREAM_PROTOCOL,
      ...changes.headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    return this;
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    if (!this.#isOpen) {
      const text = this.#head + chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n') + 4;
      this.#isOpen = text.startsWith('HTTP/1.1 101') && end >= 4;
      rest = this.#isOpen ? Buffer.from(text.slice(end), 'latin1') : Buffer.alloc(0);
      this.#head = this.#isOpen ? text.slice(0, end) : text;
    }
    if (rest.length > 0) this.#reader.push(rest);
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      if (frame === 'too large') throw new Error(frame);
      this.frames.push(frame);
    }
  }
}
