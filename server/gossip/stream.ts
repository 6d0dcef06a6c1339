// One stream of a peer: its calls come as frames, each goes the way of a POST, and the answers go
// back as they are ready. Invariant: all its calls meet the channel that the peer was told of at the
// opening, else they are not taken; and nothing is read while the peer does not read, or while too
// much is under way. Never here: which streams there are (streams.ts).

import type { Socket } from 'node:net';
import type { Channel } from '../../io/channel/channel.ts';
import { answerFrame, type Frame, FrameReader, NOT_TAKEN } from '../../io/frames.ts';
import type { StreamLoad } from './body.ts';
import { BUSY, type Caller, type Endpoints, type Told, unable } from './endpoints.ts';
import { GOSSIP_PATHS } from './paths.ts';

export interface StreamLimits {
  /** Calls under way; no more is read until one is answered. */
  readonly calls: number;
  /** Until a stream without a call is ended; longer than its caller would keep it. */
  readonly idleMs: number;
  /** From the first octet of a call to its last. */
  readonly frameMs: number;
  /** How long the peer may leave answers unread. */
  readonly unreadMs: number;
}

export interface StreamParts {
  readonly socket: Socket;
  readonly caller: Caller;
  /** That the peer was told of. */
  readonly channel: Channel;
  readonly load: StreamLoad;
  readonly endpoints: Endpoints;
  readonly limits: StreamLimits;
  /** Called when answering fails for a reason of our own. */
  readonly failed: (error: unknown) => void;
}

const FAILED: Told = { status: 500, body: 'failed' };
const NOTHING = new Uint8Array();
const { maxOctets } = GOSSIP_PATHS.fast;

export class Stream {
  readonly #parts: StreamParts;
  readonly #reader = new FrameReader('calls', maxOctets);
  #underWay = 0;
  /** It ends when what is under way is answered. */
  #isEnding = false;
  #isGivenUp = false;
  /** Since when, on the monotonic clock; undefined: it is not so. */
  #idleSinceMs: number | undefined = performance.now();
  #partialSinceMs: number | undefined;
  #unreadSinceMs: number | undefined;

  /** `head`: what has come behind the request for this stream. */
  constructor(parts: StreamParts, head: Buffer) {
    this.#parts = parts;
    const { socket, load } = parts;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => {
      this.#unreadSinceMs = undefined;
      this.#advance();
    });
    socket.on('end', () => (this.#reader.octets > 0 ? this.destroy() : this.end()));
    socket.on('close', () => load.end());
    if (head.length > 0) this.#read(head);
  }

  /** Takes no more calls; ends when those under way are answered. */
  end(): void {
    this.#isEnding = true;
    if (this.#underWay === 0) this.#finish();
  }

  destroy(): void {
    this.#parts.socket.destroy();
  }

  /** Ends what has been silent, slow or deaf for too long, or is of another life of this node. */
  check(nowMs: number): void {
    const { idleMs, frameMs, unreadMs } = this.#parts.limits;
    const isOver = (sinceMs: number | undefined, limitMs: number): boolean => {
      return sinceMs !== undefined && nowMs - sinceMs > limitMs;
    };
    const isStuck = isOver(this.#partialSinceMs, frameMs) || isOver(this.#unreadSinceMs, unreadMs);
    if (isStuck) this.destroy();
    else if (isOver(this.#idleSinceMs, idleMs) || this.#isOutdated) this.end();
  }

  get #isOutdated(): boolean {
    const { side } = this.#parts.endpoints;
    return typeof side !== 'string' && side.channel !== this.#parts.channel;
  }

  get #hasRoom(): boolean {
    const { socket, limits } = this.#parts;
    if (socket.destroyed || this.#isGivenUp) return false;
    return this.#unreadSinceMs === undefined && this.#underWay < limits.calls;
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#advance();
  }

  /** Takes what has come while there is room, and reads on when that is all. */
  #advance(): void {
    const { socket, load } = this.#parts;
    const hadFrame = this.#takeAll();
    const { octets } = this.#reader;
    if (!load.hold(octets)) this.#giveUp();
    if (!this.#hasRoom) {
      this.#partialSinceMs = undefined;
      socket.pause();
      return;
    }
    if (octets === 0) this.#partialSinceMs = undefined;
    else if (hadFrame || this.#partialSinceMs === undefined) {
      this.#partialSinceMs = performance.now();
    }
    if (socket.isPaused()) socket.resume();
  }

  /** Whether there was a whole call. */
  #takeAll(): boolean {
    let hadFrame = false;
    while (this.#hasRoom) {
      const frame = this.#reader.next();
      if (frame === undefined) break;
      if (frame === 'too large') {
        const { endpoints, caller } = this.#parts;
        this.#answer(this.#reader.number, endpoints.tooLarge('fast', caller));
        this.#giveUp();
      } else this.#take(frame);
      hadFrame = true;
    }
    return hadFrame;
  }

  #take({ number, body }: Frame): void {
    const { load, endpoints, caller, channel } = this.#parts;
    const { side } = endpoints;
    const { length } = body;
    if (typeof side === 'string') this.#answer(number, unable(side));
    else if (this.#isEnding || side.channel !== channel) {
      this.#write(answerFrame(number, NOT_TAKEN, NOTHING));
      this.end();
    } else if (!load.begin(length)) this.#answer(number, BUSY);
    else {
      this.#idleSinceMs = undefined;
      this.#underWay++;
      endpoints.work('fast', side, caller, body).then(
        (told) => this.#done(number, length, told),
        (error: unknown) => {
          this.#parts.failed(error);
          this.#done(number, length, FAILED);
        },
      );
    }
  }

  #done(number: number, octets: number, told: Told): void {
    const wasFull = !this.#hasRoom;
    this.#parts.load.done(octets);
    this.#underWay--;
    this.#answer(number, told);
    if (wasFull && this.#hasRoom) this.#advance();
    if (this.#isEnding && this.#underWay === 0) this.#finish();
  }

  #answer(number: number, { status, body }: Told): void {
    const octets = typeof body === 'string' ? Buffer.from(`${body}\n`) : body;
    this.#write(answerFrame(number, status, octets));
  }

  #write(frame: Buffer): void {
    const { socket } = this.#parts;
    if (this.#underWay === 0) this.#idleSinceMs = performance.now();
    if (socket.writable && !socket.write(frame)) this.#unreadSinceMs ??= performance.now();
  }

  /** The rest of what has come is of no use; what was answered still goes out. */
  #giveUp(): void {
    this.#isEnding = true;
    this.#isGivenUp = true;
    this.#finish();
  }

  #finish(): void {
    this.#unreadSinceMs ??= performance.now();
    this.#parts.socket.destroySoon();
  }
}
