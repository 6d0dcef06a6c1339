// An ACME conversation (RFC 8555 §6) on one connection that does not give up soon: a lost connection,
// a 503 or a badNonce is tried again until the server has answered, for about a minute.
// Invariant: every answer tells whether earlier tries may have been carried out unseen; whatever does
// not come rejects in the end, and says what was waited for.
// Never here: what is asked for, TLS verification (the interop scenarios see to that).

import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, originOf, SilentServer } from '../../../bench/connection.ts';
import type { Reply } from '../../../bench/http-message.ts';
import type { SigningKey } from './signing-key.ts';

export interface Signer {
  readonly key: SigningKey;
  /** The account URL; without it the key speaks for itself. */
  readonly kid?: string;
}

/** A request as it went over the wire. */
export interface SignedRequest {
  readonly url: string;
  readonly jws: string;
}

export interface Answer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
  /** False when an earlier try ended without an answer: it may have been carried out. */
  readonly isFirstTry: boolean;
  /** The last part of the problem type (RFC 8555 §6.7); empty when there is no problem. */
  readonly problem: string;
}

/** Who decides when requests may go out, and hears what was accepted. */
export interface Traffic {
  enter(): Promise<void>;
  leave(): void;
  /** The server has answered this request with success: its nonce is spent. */
  accepted(request: SignedRequest): void;
  /** Any answer, and how long it took. */
  answered?(tookMs: number): void;
  /** A request has to be made again. */
  troubled?(by: Trouble): void;
}

export const TROUBLES = ['badNonce', 'unavailable', 'broken'] as const;
export type Trouble = (typeof TROUBLES)[number];

export type Directory = Readonly<
  Record<'newNonce' | 'newAccount' | 'newOrder' | 'revokeCert' | 'keyChange', string>
>;

const RETRY_MS = 20;
/** About a minute, by the pauses alone: longer than any test lets a server be away. */
const MAX_TRIES = 3_000;
/** What clients in the field wait for an answer (certbot: 45 s). A disk may stall for seconds. */
const PATIENCE_MS = 30_000;
/** In a row and without a lost connection between them: a server that goes on like this is broken. */
const MAX_BAD_NONCES = 5;
const UNHINDERED: Traffic = { enter: async () => {}, leave: () => {}, accepted: () => {} };

export class Session {
  readonly #connection: Connection;
  readonly #origin: string;
  readonly #directoryUrl: string;
  readonly #traffic: Traffic;
  #directory: Directory | undefined;
  #nonce: string | undefined;

  /** `connectTo`: where requests go, when that is not where the URLs point. */
  constructor(directoryUrl: string, traffic: Traffic = UNHINDERED, connectTo?: string) {
    const origin = originOf(directoryUrl);
    this.#connection = new Connection(
      connectTo === undefined ? origin : originOf(connectTo),
      PATIENCE_MS,
    );
    this.#origin = origin.text;
    this.#directoryUrl = directoryUrl;
    this.#traffic = traffic;
  }

  async directory(): Promise<Directory> {
    this.#directory ??= JSON.parse((await this.get(this.#directoryUrl)).body) as Directory;
    return this.#directory;
  }

  /** A GET; rejects unless the answer is 200 in the end. */
  async get(url: string): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      const reply = await this.#exchange(() => this.#connection.get(this.#pathOf(url)));
      if (reply?.status === 200) return reply;
      if (reply !== undefined && reply.status !== 503) {
        throw new Error(`GET ${url}: HTTP ${reply.status} ${reply.body.slice(0, 300)}`);
      }
      await this.#pause(url, tries, reply);
    }
  }

  /** A signed POST; `payload` undefined is a POST-as-GET. */
  async post(signer: Signer, url: string, payload?: object): Promise<Answer> {
    const voice = signer.kid === undefined ? { jwk: signer.key.jwk } : { kid: signer.kid };
    let isFirstTry = true;
    for (let [tries, badNonces] = [1, 0]; ; tries++) {
      const nonce = this.#nonce ?? (await this.#freshNonce());
      this.#nonce = undefined;
      const request = { url, jws: JSON.stringify(signer.key.jws(voice, url, nonce, payload)) };
      const reply = await this.send(request);
      if (reply !== undefined && reply.status !== 503) {
        const answer = answerOf(reply, isFirstTry);
        if (answer.status < 300) this.#traffic.accepted(request);
        if (answer.problem !== 'badNonce' || ++badNonces > MAX_BAD_NONCES) return answer;
        this.#traffic.troubled?.('badNonce');
        continue;
      }
      this.#traffic.troubled?.(reply === undefined ? 'broken' : 'unavailable');
      // A node whose database fails answers 503 to what it may have made durable.
      [isFirstTry, badNonces] = [false, 0];
      await this.#pause(url, tries, reply);
    }
  }

  /** Sends a request as it is, once; undefined when the connection broke before an answer. */
  async send({ url, jws }: SignedRequest): Promise<Reply | undefined> {
    const reply = await this.#exchange(() => this.#connection.post(this.#pathOf(url), jws));
    this.#nonce = reply?.replayNonce;
    return reply;
  }

  close(): void {
    this.#connection.close();
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    for (let tries = 1; ; tries++) {
      const reply = await this.#exchange(() => this.#connection.get(this.#pathOf(newNonce)));
      if (reply?.replayNonce !== undefined) return reply.replayNonce;
      await this.#pause(newNonce, tries, reply);
    }
  }

  /** Between two tries. Rejects after the last. */
  async #pause(url: string, tries: number, reply: Reply | undefined): Promise<void> {
    if (tries >= MAX_TRIES) {
      const last = reply === undefined ? 'a broken connection' : `HTTP ${reply.status}`;
      throw new Error(`${url}: ${tries} tries, the last one ended with ${last}`);
    }
    await sleep(RETRY_MS);
  }

  async #exchange(request: () => Promise<Reply>): Promise<Reply | undefined> {
    await this.#traffic.enter();
    try {
      const sentMs = performance.now();
      const reply = await request();
      this.#traffic.answered?.(performance.now() - sentMs);
      return reply;
    } catch (error) {
      if (error instanceof SilentServer) throw error;
      return undefined;
    } finally {
      this.#traffic.leave();
    }
  }

  #pathOf(url: string): string {
    if (!url.startsWith(this.#origin)) throw new Error(`not a URL of this server: ${url}`);
    return url.slice(this.#origin.length);
  }
}

function answerOf(reply: Reply, isFirstTry: boolean): Answer {
  const { status, location = '', body } = reply;
  if (status < 400) return { status, location, body, isFirstTry, problem: '' };
  const type = /"type":"([^"]*)"/.exec(body)?.[1];
  return { status, location, body, isFirstTry, problem: type?.split(':').at(-1) ?? 'unknown' };
}
