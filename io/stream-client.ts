// Calls to peers that come often: over a stream where the peer takes one, else by POST.
// Invariant: nobody waits for a stream to open, calls go by POST until it has; and what a stream may
// have brought to the peer is not posted. Never here: frames, what bodies mean.

import { STREAM_IDLE_MS, STREAM_PROTOCOL } from './frames.ts';
import { PeerClient, type PeerRequest, type PeerResponse } from './peer-client.ts';
import { PeerStream } from './peer-stream.ts';

export interface StreamClientOptions {
  /** A stream is ended after so long without a call. */
  readonly idleMs: number;
  /** Until a peer that has refused a stream, or let one lead nowhere, is asked for one again. */
  readonly refusedMs: number;
  /** The same for one that could not be reached, or was not ready. */
  readonly failedMs: number;
}

const OPTIONS: StreamClientOptions = {
  idleMs: STREAM_IDLE_MS.caller,
  refusedMs: 60_000,
  failedMs: 1_000,
};

/** Peers whose ways are kept. */
const MAX_WAYS = 256;
/** A peer's answer when it is not ready: it may take streams in a moment. */
const NOT_READY = 503;

/** How one peer is called. */
interface Way {
  stream: PeerStream | undefined;
  isOpening: boolean;
  /** No stream is asked for before, on the monotonic clock. */
  notBeforeMs: number;
}

export class StreamClient {
  readonly #options: StreamClientOptions;
  readonly #posts = new PeerClient();
  /** By base URL. */
  readonly #ways = new Map<string, Way>();
  #isClosed = false;

  constructor(options: Partial<StreamClientOptions> = {}) {
    this.#options = { ...OPTIONS, ...options };
  }

  /** As `PeerClient.post`. All calls of one URL have the same path, headers and bound. */
  post(request: PeerRequest): Promise<PeerResponse> {
    const way = this.#wayTo(request.url);
    if (way.stream?.hasRoom) {
      const endMs = performance.now() + request.timeoutMs;
      return way.stream.call(request, () => {
        const timeoutMs = Math.max(1, endMs - performance.now());
        return this.#posts.post({ ...request, timeoutMs });
      });
    }
    const isDue = way.stream === undefined && !way.isOpening;
    if (isDue && performance.now() >= way.notBeforeMs) void this.#open(way, request);
    return this.#posts.post(request);
  }

  /** Ends all connections; calls under way fail. */
  close(): void {
    this.#isClosed = true;
    this.#posts.close();
    for (const { stream } of this.#ways.values()) stream?.close();
    this.#ways.clear();
  }

  async #open(way: Way, request: PeerRequest): Promise<void> {
    const { idleMs, refusedMs, failedMs } = this.#options;
    const { url, path, timeoutMs, maxOctets } = request;
    const { 'Content-Type': _, ...headers } = request.headers;
    way.isOpening = true;
    let waitMs = failedMs;
    try {
      const upgraded = await this.#posts.upgrade(
        { url, path, headers, timeoutMs },
        STREAM_PROTOCOL,
      );
      if (typeof upgraded === 'number') {
        if (upgraded !== NOT_READY) waitMs = refusedMs;
      } else if (this.#isClosed || this.#ways.get(url) !== way) upgraded.socket.destroy();
      else {
        waitMs = 0;
        const onOver = (ledNowhere: boolean): void => {
          way.stream = undefined;
          if (ledNowhere) way.notBeforeMs = performance.now() + refusedMs;
        };
        const stream = new PeerStream(upgraded, { maxOctets, idleMs, onOver });
        // What came behind the peer's consent may have ended it already.
        if (stream.hasRoom) way.stream = stream;
      }
    } catch {
      // The call that asked for it says what is wrong, if anything is.
    }
    way.isOpening = false;
    if (waitMs > 0) way.notBeforeMs = performance.now() + waitMs;
  }

  #wayTo(url: string): Way {
    const known = this.#ways.get(url);
    if (known !== undefined) return known;
    if (this.#ways.size >= MAX_WAYS) this.#forgetOldest();
    const way = { stream: undefined, isOpening: false, notBeforeMs: 0 };
    this.#ways.set(url, way);
    return way;
  }

  #forgetOldest(): void {
    const [url, { stream }] = this.#ways.entries().next().value!;
    this.#ways.delete(url);
    stream?.end();
  }
}
