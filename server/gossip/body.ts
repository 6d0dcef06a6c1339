// Bodies of the gossip paths: octets, with caps of their own. Invariant: nothing beyond a cap is
// kept, and what all callers together, or one of them, have under way is bounded too, whether it
// comes as requests or on streams. Never here: what bodies mean.

import type { IncomingMessage } from 'node:http';

export type BodyFault = 'too large' | 'busy' | 'gone';

export interface IntakeLimits {
  /** Octets of bodies that are arriving or at work, of all callers and of one address. */
  readonly octets: number;
  readonly octetsOfOne: number;
  /** Requests under way from one address: each costs something even when its body is empty. */
  readonly requestsOfOne: number;
  /** Streams, of all callers and of one address; a node has one to each of the others. */
  readonly streams: number;
  readonly streamsOfOne: number;
}

const MIB = 1024 * 1024;
const LIMITS: IntakeLimits = {
  octets: 96 * MIB,
  octetsOfOne: 48 * MIB,
  requestsOfOne: 2_048,
  streams: 1_024,
  streamsOfOne: 256,
};

interface Load {
  octets: number;
  requests: number;
  streams: number;
}

/** What one stream has under way, as a part of what its address has. */
export interface StreamLoad {
  /** Takes a whole call in; false when it is too much. Each that was taken in is `done` once. */
  begin(octets: number): boolean;
  done(octets: number): void;
  /** So many octets of a call are there that is not whole; false when it is too much. */
  hold(octets: number): boolean;
  /** Once, when the stream is over; calls may still be under way. */
  end(): void;
}

/** Counts what is under way. */
export class Intake {
  readonly #limits: IntakeLimits;
  readonly #loads = new Map<string, Load>();
  #octets = 0;
  #streams = 0;

  constructor(limits: IntakeLimits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Collects a body and hands it to `work`; what it took counts until that is done. Answers with a
   * fault when there is no body to work on; `gone` when nobody waits for an answer.
   */
  async take<T>(
    message: IncomingMessage,
    maxOctets: number,
    work: (body: Uint8Array) => Promise<T>,
  ): Promise<T | BodyFault> {
    const address = message.socket.remoteAddress ?? '';
    const load = this.#loadOf(address);
    if (load.requests >= this.#limits.requestsOfOne) return 'busy';
    load.requests++;
    let taken = 0;
    const reserve = (octets: number): boolean => {
      taken += octets;
      return this.#reserve(load, octets);
    };
    try {
      const body = await collect(message, maxOctets, reserve);
      return typeof body === 'string' ? body : await work(body);
    } finally {
      reserve(-taken);
      load.requests--;
      this.#forget(address, load);
    }
  }

  /** Takes a stream in; undefined when there are too many. */
  stream(address: string): StreamLoad | undefined {
    const load = this.#loadOf(address);
    const { requestsOfOne, streams, streamsOfOne } = this.#limits;
    if (this.#streams >= streams || load.streams >= streamsOfOne) {
      this.#forget(address, load);
      return undefined;
    }
    this.#streams++;
    load.streams++;
    let held = 0;
    const hold = (octets: number): boolean => {
      const more = octets - held;
      held = octets;
      return more === 0 || this.#reserve(load, more);
    };
    return {
      hold,
      begin: (octets) => {
        if (load.requests >= requestsOfOne) return false;
        load.requests++;
        if (this.#reserve(load, octets)) return true;
        this.#done(address, load, octets);
        return false;
      },
      done: (octets) => this.#done(address, load, octets),
      end: () => {
        hold(0);
        this.#streams--;
        load.streams--;
        this.#forget(address, load);
      },
    };
  }

  #done(address: string, load: Load, octets: number): void {
    this.#reserve(load, -octets);
    load.requests--;
    this.#forget(address, load);
  }

  #reserve(load: Load, octets: number): boolean {
    load.octets += octets;
    this.#octets += octets;
    const { octets: most, octetsOfOne } = this.#limits;
    return load.octets <= octetsOfOne && this.#octets <= most;
  }

  #loadOf(address: string): Load {
    const known = this.#loads.get(address);
    if (known !== undefined) return known;
    const load = { octets: 0, requests: 0, streams: 0 };
    this.#loads.set(address, load);
    return load;
  }

  #forget(address: string, load: Load): void {
    if (load.requests === 0 && load.streams === 0) this.#loads.delete(address);
  }
}

function collect(
  message: IncomingMessage,
  maxOctets: number,
  reserve: (octets: number) => boolean,
): Promise<Uint8Array | BodyFault> {
  if (Number(message.headers['content-length'] ?? 0) > maxOctets) {
    return Promise.resolve('too large');
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (result: Uint8Array | BodyFault): void => {
      message.off('data', take);
      message.pause();
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxOctets) end('too large');
      else if (!reserve(chunk.length)) end('busy');
      else chunks.push(chunk);
    };
    message.on('data', take);
    message.once('end', () => resolve(Buffer.concat(chunks)));
    message.once('error', () => resolve('gone'));
    message.once('close', () => resolve('gone'));
  });
}
