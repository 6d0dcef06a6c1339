// Frames on a kept connection between two nodes: calls one way, answers the other, in any order.
// A call is: octets of its body (4), its number (4), body. An answer is: octets of its body (4), the
// number of the call (4), status as in HTTP (2), body.
// Invariant: nothing beyond the bound is kept, and octets that come in small pieces cost no more
// than twice their length. Never here: sockets, and what bodies mean.

/** In the Upgrade header (RFC 9110 §7.8), both ways. */
export const STREAM_PROTOCOL = 'akamu-fast';

/** Status of a call that nobody has looked at: it may be made in another way. */
export const NOT_TAKEN = 0;
/** The last number a call may have. */
export const MAX_NUMBER = 0xffff_ffff;

/**
 * How long a stream stays without a call, ms: the calling side ends it well before the other one
 * would, so that no call meets an end.
 */
export const STREAM_IDLE_MS = { caller: 20_000, called: 40_000 } as const;

export interface Frame {
  readonly number: number;
  /** Of an answer; 200 for a call, which has none. */
  readonly status: number;
  /** Good for as long as anybody wants it. */
  readonly body: Buffer;
}

const CALL_HEAD = 8;
const ANSWER_HEAD = 10;
const NOTHING = Buffer.alloc(0);

export function callFrame(number: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(CALL_HEAD + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.writeUInt32BE(number, 4);
  frame.set(body, CALL_HEAD);
  return frame;
}

export function answerFrame(number: number, status: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(ANSWER_HEAD + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.writeUInt32BE(number, 4);
  frame.writeUInt16BE(status, 8);
  frame.set(body, ANSWER_HEAD);
  return frame;
}

/** Finds the frames in what comes. After `too large` it is of no use any more. */
export class FrameReader {
  readonly #head: number;
  readonly #maxOctets: number;
  /** What has come stands from start to end; in front of it, frames that were read. */
  #held: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  #number = 0;

  /** `maxOctets`: of a body. */
  constructor(kind: 'calls' | 'answers', maxOctets: number) {
    this.#head = kind === 'calls' ? CALL_HEAD : ANSWER_HEAD;
    this.#maxOctets = maxOctets;
  }

  /** Octets of a frame that is not all there yet. */
  get octets(): number {
    return this.#end - this.#start;
  }

  /** Of the frame that was last looked at, also when it is too large. */
  get number(): number {
    return this.#number;
  }

  /** The chunk is kept, and must not be written to any more. */
  push(chunk: Buffer): void {
    const { octets } = this;
    if (octets === 0) {
      this.#held = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#end + chunk.length > this.#held.length) this.#grow(octets + chunk.length);
    this.#held.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next frame; undefined when it is not all there. */
  next(): Frame | 'too large' | undefined {
    const bodyAt = this.#start + this.#head;
    if (this.#end < bodyAt) return undefined;
    const length = this.#held.readUInt32BE(this.#start);
    this.#number = this.#held.readUInt32BE(this.#start + 4);
    if (length > this.#maxOctets) return 'too large';
    const end = bodyAt + length;
    if (this.#end < end) return undefined;
    const status = this.#head === ANSWER_HEAD ? this.#held.readUInt16BE(this.#start + 8) : 200;
    const body = this.#held.subarray(bodyAt, end);
    this.#start = end;
    if (end === this.#end) this.#held = NOTHING;
    return { number: this.#number, status, body };
  }

  /** A buffer of its own, with room for as much again: those who have bodies of the old one keep it. */
  #grow(octets: number): void {
    const most = this.#head + this.#maxOctets;
    const held = Buffer.allocUnsafe(Math.max(octets, Math.min(2 * octets, most)));
    this.#held.copy(held, 0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#held = held;
  }
}
