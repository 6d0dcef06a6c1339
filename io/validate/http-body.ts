// The body of an HTTP/1.1 answer (RFC 9112 §6, §7.1): counted, chunked, or up to the end of the
// connection. Invariant: never keeps more than its limit; whoever sends more is cut off there.
// Never here: headers, sockets.

import { failed } from './failure.ts';

const MAX_CHUNK_LINE = 256;
const MAX_TRAILER_BYTES = 4096;

/** Gathers content octets up to a limit. */
export class BodyCollector {
  readonly #parts: Buffer[] = [];
  readonly #limit: number;
  #size = 0;
  /** True once more than the limit was offered. */
  overflowed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(part: Buffer): void {
    const room = this.#limit - this.#size;
    if (part.length > room) this.overflowed = true;
    const kept = part.subarray(0, room);
    if (kept.length > 0) this.#parts.push(kept);
    this.#size += kept.length;
  }

  content(): Buffer {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
  }
}

/** One way to tell where a body ends. */
export interface BodyFraming {
  /** Takes what arrived; true when the body is complete. Throws a ProbeFailure on bad framing. */
  push(chunk: Buffer, body: BodyCollector): boolean;
  /** The connection ended: undefined when that is fine, otherwise what is missing. */
  ended(): string | undefined;
}

export class CountedBody implements BodyFraming {
  #missing: number;

  constructor(length: number) {
    this.#missing = length;
  }

  push(chunk: Buffer, body: BodyCollector): boolean {
    const content = chunk.subarray(0, this.#missing);
    body.add(content);
    this.#missing -= content.length;
    return this.#missing === 0;
  }

  ended(): string | undefined {
    return `the connection ended ${this.#missing} octets before the end of the body`;
  }
}

export class UntilClosed implements BodyFraming {
  push(chunk: Buffer, body: BodyCollector): boolean {
    body.add(chunk);
    return false;
  }

  ended(): string | undefined {
    return undefined;
  }
}

/** `size line`, `content`, `the CRLF after content`, `trailer lines`. */
type ChunkPhase = 'size' | 'content' | 'separator' | 'trailer';

export class ChunkedBody implements BodyFraming {
  #phase: ChunkPhase = 'size';
  #line = '';
  #missing = 0;
  #trailerBytes = 0;

  push(chunk: Buffer, body: BodyCollector): boolean {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#phase === 'content') {
        const content = chunk.subarray(offset, offset + this.#missing);
        body.add(content);
        offset += content.length;
        this.#missing -= content.length;
        if (this.#missing === 0) this.#phase = 'separator';
      } else {
        const end = chunk.indexOf(0x0a, offset);
        const next = end < 0 ? chunk.length : end + 1;
        this.#gather(chunk.subarray(offset, next));
        offset = next;
        if (end >= 0 && this.#takeLine()) return true;
      }
    }
    return false;
  }

  ended(): string | undefined {
    return 'the connection ended inside a chunked body';
  }

  #gather(part: Buffer): void {
    if (this.#line.length + part.length > MAX_CHUNK_LINE && this.#phase !== 'trailer') {
      throw failed('connection', 'a chunk line in the answer is too long');
    }
    this.#trailerBytes += this.#phase === 'trailer' ? part.length : 0;
    if (this.#trailerBytes > MAX_TRAILER_BYTES) {
      throw failed('connection', 'the trailer of the answer is too long');
    }
    this.#line += part.toString('latin1');
  }

  /** Acts on a whole line; true at the end of the body. */
  #takeLine(): boolean {
    const line = this.#line.replace(/\r?\n$/, '');
    this.#line = '';
    if (this.#phase === 'trailer') return line === '';
    if (this.#phase === 'separator') {
      if (line !== '') throw failed('connection', 'a chunk of the answer has the wrong length');
      this.#phase = 'size';
      return false;
    }
    // RFC 9112 §7.1: hexadecimal digits, then extensions nobody needs.
    const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(line)?.[1];
    if (size === undefined) throw failed('connection', 'a chunk size in the answer is malformed');
    this.#missing = Number.parseInt(size, 16);
    this.#phase = this.#missing === 0 ? 'trailer' : 'content';
    return false;
  }
}
