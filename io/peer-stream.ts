// Calls as frames over one kept connection to a peer: what an HTTP request costs is paid once.
// Invariant: every call ends within its time; one that the peer may have looked at is never made
// again, one that it says it has not taken is made in the way the caller names.
// Never here: how a connection comes to be (stream-client.ts), what bodies mean.

import { callFrame, type Frame, FrameReader, MAX_NUMBER, NOT_TAKEN } from './frames.ts';
import { InFlight } from './in-flight.ts';
import {
  failureOf,
  type PeerRequest,
  type PeerResponse,
  tooLate,
  type Upgraded,
} from './peer-client.ts';

export interface PeerStreamOptions {
  /** Largest answer, octets. */
  readonly maxOctets: number;
  /** It is ended after so long without a call. */
  readonly idleMs: number;
  /** Called once, when no more calls can be made on it; `ledNowhere`: calls were, none was answered. */
  readonly onOver: (ledNowhere: boolean) => void;
}

type Request = Pick<PeerRequest, 'body' | 'timeoutMs'>;

interface Call {
  readonly resolve: (answer: PeerResponse | Promise<PeerResponse>) => void;
  readonly reject: (error: Error) => void;
  readonly otherwise: () => Promise<PeerResponse>;
  readonly timer: NodeJS.Timeout;
}

/** Calls under way, and octets that the connection has not taken yet: further calls go elsewhere. */
const MAX_CALLS = 256;
const MAX_UNSENT_OCTETS = 1024 * 1024;

export class PeerStream {
  readonly #socket: Upgraded['socket'];
  readonly #headers: Upgraded['headers'];
  readonly #options: PeerStreamOptions;
  readonly #reader: FrameReader;
  readonly #calls = new InFlight<Call>();
  #lastNumber = 0;
  #calledMs = performance.now();
  #idleTimer: NodeJS.Timeout;
  #isOver = false;
  #hasAnswered = false;
  #failure = 'the connection was closed';

  constructor({ socket, headers, head }: Upgraded, options: PeerStreamOptions) {
    this.#socket = socket;
    this.#headers = headers;
    this.#options = options;
    this.#reader = new FrameReader('answers', options.maxOctets);
    this.#idleTimer = setTimeout(() => this.#checkIdle(), options.idleMs).unref();
    socket.setTimeout(0);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => {
      this.#failure = failureOf(error);
    });
    socket.on('end', () => this.#break(this.#failure));
    socket.on('close', () => this.#break(this.#failure));
    if (head.length > 0) this.#read(head);
  }

  /** Whether one more call can be made on it now. */
  get hasRoom(): boolean {
    const { writable, writableLength } = this.#socket;
    if (this.#isOver || !writable) return false;
    return this.#calls.size < MAX_CALLS && writableLength <= MAX_UNSENT_OCTETS;
  }

  /** Only while there is room. `otherwise`: how to call when the peer has not taken this call. */
  call(
    { body, timeoutMs }: Request,
    otherwise: () => Promise<PeerResponse>,
  ): Promise<PeerResponse> {
    return new Promise((resolve, reject) => {
      this.#calledMs = performance.now();
      const number = this.#lastNumber + 1;
      const timer = setTimeout(() => this.#giveUp(number, timeoutMs), timeoutMs);
      this.#lastNumber = this.#calls.add({ resolve, reject, otherwise, timer });
      this.#socket.write(callFrame(number, body));
      if (number === MAX_NUMBER) this.#retire();
    });
  }

  /** Takes no more calls, and ends when those under way have. */
  end(): void {
    this.#retire();
    this.#endIfDone();
  }

  /** Ends the connection; calls under way fail. */
  close(): void {
    this.#break('the connection was closed');
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk);
    while (!this.#socket.destroyed) {
      const frame = this.#reader.next();
      if (frame === undefined) return;
      if (frame !== 'too large') this.#take(frame);
      else this.#break(`the answer is larger than ${this.#options.maxOctets} octets`);
    }
  }

  #take({ number, status, body }: Frame): void {
    const call = this.#calls.take(number);
    // After a call was given up its answer may come; else nobody answers what was not asked.
    if (call === undefined) {
      if (!this.#isOver) this.#break('the peer has answered what it was not asked');
      return;
    }
    clearTimeout(call.timer);
    this.#hasAnswered = true;
    if (status === NOT_TAKEN) {
      call.resolve(call.otherwise());
      this.end();
    } else {
      call.resolve({ status, headers: this.#headers, body });
      this.#endIfDone();
    }
  }

  /** What does not answer one call may not answer the next: those that are under way may end. */
  #giveUp(number: number, timeoutMs: number): void {
    this.#calls.take(number)?.reject(tooLate(timeoutMs));
    this.end();
  }

  #retire(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#idleTimer);
    this.#options.onOver(this.#lastNumber > 0 && !this.#hasAnswered);
  }

  #endIfDone(): void {
    if (this.#isOver && this.#calls.size === 0) this.#socket.destroySoon();
  }

  #break(reason: string): void {
    this.#retire();
    this.#socket.destroy();
    for (const { timer, reject } of this.#calls.takeAll()) {
      clearTimeout(timer);
      reject(new Error(reason));
    }
  }

  #checkIdle(): void {
    const { idleMs } = this.#options;
    const leftMs = this.#calls.size > 0 ? idleMs : this.#calledMs + idleMs - performance.now();
    if (leftMs > 0) {
      this.#idleTimer = setTimeout(() => this.#checkIdle(), Math.max(1, leftMs)).unref();
      return;
    }
    this.end();
  }
}
