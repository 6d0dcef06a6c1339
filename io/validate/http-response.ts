// Reads one HTTP/1.1 answer as it arrives (RFC 9112): interim answers skipped, head, body.
// Invariant: memory is bounded by the two limits whatever is sent; anything but a well-formed
// answer is a ProbeFailure. Lines may end in a bare LF, which §2.2 allows and small servers send.
// Never here: sockets, what the answer means.

import { failed, quoted } from './failure.ts';
import {
  BodyCollector,
  type BodyFraming,
  ChunkedBody,
  CountedBody,
  UntilClosed,
} from './http-body.ts';

export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name; repeated fields joined with a comma (RFC 9110 §5.2). */
  readonly fields: ReadonlyMap<string, string>;
  /** Empty unless the status is 200: nothing else's body is of interest. */
  readonly body: Buffer;
  /** True when the body was longer than the limit and is cut there. */
  readonly truncated: boolean;
}

interface Head {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

const EMPTY: Buffer = Buffer.alloc(0);

export class ResponseReader {
  readonly #headBytes: number;
  readonly #body: BodyCollector;
  #pending: Buffer = EMPTY;
  #headBytesSeen = 0;
  #head: Head | undefined;
  #framing: BodyFraming | undefined;

  constructor(limits: { readonly headBytes: number; readonly bodyBytes: number }) {
    this.#headBytes = limits.headBytes;
    this.#body = new BodyCollector(limits.bodyBytes);
  }

  /** Takes what arrived; the answer once it is complete. Throws a ProbeFailure. */
  push(chunk: Buffer): HttpAnswer | undefined {
    if (this.#framing !== undefined) return this.#pushBody(chunk);
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const rest = this.#takeHead();
    if (rest === undefined) return undefined;
    if (this.#head!.status !== 200) return this.#answer();
    this.#framing = framingOf(this.#head!.fields);
    return this.#pushBody(rest);
  }

  /** The connection ended; the answer when that is how it ends. Throws a ProbeFailure. */
  end(): HttpAnswer {
    if (this.#framing === undefined) {
      const seen = this.#headBytesSeen + this.#pending.length;
      const what = seen === 0 ? 'without an answer' : 'inside the headers';
      throw failed('connection', `the connection ended ${what}`);
    }
    const missing = this.#framing.ended();
    if (missing !== undefined) throw failed('connection', missing);
    return this.#answer();
  }

  /** Reads heads up to the first that is not interim; what follows it, once it is there. */
  #takeHead(): Buffer | undefined {
    for (;;) {
      const text = this.#pending.toString('latin1', 0, this.#headBytes);
      const end = /\n\r?\n/.exec(text);
      const size = end === null ? this.#pending.length : end.index + end[0].length;
      if (this.#headBytesSeen + size > this.#headBytes) {
        throw failed('connection', `the answer's headers exceed ${this.#headBytes} octets`);
      }
      if (end === null) {
        refuseOtherProtocols(text);
        return undefined;
      }
      this.#headBytesSeen += size;
      this.#head = parseHead(text.slice(0, end.index));
      this.#pending = this.#pending.subarray(size);
      // RFC 9110 §15.2: any number of interim answers; 101 was not asked for and ends it.
      if (this.#head.status >= 200 || this.#head.status === 101) return this.#pending;
    }
  }

  #pushBody(chunk: Buffer): HttpAnswer | undefined {
    const complete = this.#framing!.push(chunk, this.#body);
    return complete || this.#body.overflowed ? this.#answer() : undefined;
  }

  #answer(): HttpAnswer {
    const { status, fields } = this.#head!;
    return { status, fields, body: this.#body.content(), truncated: this.#body.overflowed };
  }
}

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\n');
  const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |\r?$)/.exec(statusLine)?.[1];
  if (status === undefined) {
    throw failed('connection', `the answer is not HTTP/1.1: ${quoted(statusLine)}`);
  }
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    // A line without a name continues the one before (obs-fold) or is noise; neither matters here.
    if (colon <= 0 || line.startsWith(' ') || line.startsWith('\t')) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = fields.get(name);
    fields.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { status: Number(status), fields };
}

/** RFC 9112 §6.3: a transfer coding overrides a length; neither means until the end. */
function framingOf(fields: ReadonlyMap<string, string>): BodyFraming {
  const coding = fields.get('transfer-encoding');
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked') return new ChunkedBody();
    throw failed('connection', `the answer has an unknown transfer coding ${quoted(coding)}`);
  }
  const length = fields.get('content-length');
  if (length === undefined) return new UntilClosed();
  const [first = '', ...others] = length.split(',').map((part) => part.trim());
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) {
    throw failed('connection', `the answer has a malformed length ${quoted(length)}`);
  }
  return new CountedBody(Number(first));
}

/** What does not begin like HTTP is refused at once, not after the attempt's time. */
function refuseOtherProtocols(text: string): void {
  const start = 'HTTP/1.';
  if (!text.startsWith(start.slice(0, text.length)) && !text.startsWith(start)) {
    throw failed('connection', `the answer is not HTTP/1.1: ${quoted(text)}`);
  }
}
