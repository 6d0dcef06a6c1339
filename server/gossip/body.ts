// Bodies of the gossip paths: octets, with caps of their own. Invariant: nothing beyond a cap is
// kept, and what all callers together, or one of them, have under way is bounded too.
// Never here: what bodies mean.

import type { IncomingMessage } from 'node:http';

export type BodyFault = 'too large' | 'busy' | 'gone';

export interface IntakeLimits {
  /** Octets of bodies that are arriving or at work, of all callers and of one address. */
  readonly octets: number;
  readonly octetsOfOne: number;
  /** Requests under way from one address: each costs something even when its body is empty. */
  readonly requestsOfOne: number;
}

const MIB = 1024 * 1024;
const LIMITS: IntakeLimits = { octets: 96 * MIB, octetsOfOne: 48 * MIB, requestsOfOne: 2_048 };

interface Load {
  octets: number;
  requests: number;
}

/** Counts what is under way. */
export class Intake {
  readonly #limits: IntakeLimits;
  readonly #loads = new Map<string, Load>();
  #octets = 0;

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
    const load = this.#loads.get(address) ?? { octets: 0, requests: 0 };
    if (load.requests >= this.#limits.requestsOfOne) return 'busy';
    this.#loads.set(address, load);
    load.requests++;
    let taken = 0;
    const reserve = (octets: number): boolean => {
      taken += octets;
      load.octets += octets;
      this.#octets += octets;
      const { octets: most, octetsOfOne } = this.#limits;
      return load.octets <= octetsOfOne && this.#octets <= most;
    };
    try {
      const body = await collect(message, maxOctets, reserve);
      return typeof body === 'string' ? body : await work(body);
    } finally {
      reserve(-taken);
      load.requests--;
      if (load.requests === 0) this.#loads.delete(address);
    }
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
