// An ACME client (RFC 8555 §7) that does what a flow needs and nothing more, on one connection to
// each node it may ask.
// Invariant: one request in flight and the nonce of the last answer for the next request, as §6.5
// suggests; a badNonce is counted, then retried with the nonce it came with.
// Never here: statistics beyond counting, TLS verification, keys of certificates.

import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountKey } from './account-key.ts';
import { Connection, originOf } from './connection.ts';
import type { Ingredients } from './csr-pool.ts';
import type { Reply } from './http-message.ts';

/** What the workers of one measured part count together. */
export interface Tally {
  requests: number;
  badNonces: number;
  /** Given: how long each request took, ms, is noted here. */
  readonly requestMs?: number[];
}

export interface ClientSettings {
  readonly directoryUrl: string;
  readonly key: AccountKey;
  readonly keyAuthorizations: Map<string, string>;
  /** Pause before a first poll; doubled for every further one. */
  readonly firstPollMs: number;
  /** Origins that all answer for the directory's: one of them at random for every request. */
  readonly nodes?: readonly string[];
}

interface Resource {
  readonly status?: string;
  readonly authorizations?: readonly string[];
  readonly finalize?: string;
  readonly certificate?: string;
  readonly challenges?: readonly { type: string; url: string; token: string; error?: unknown }[];
  readonly error?: unknown;
}

const EMPTY = '';
const EMPTY_OBJECT = Buffer.from('{}').toString('base64url');
const MAX_NONCE_RETRIES = 3;
const LONGEST_POLL_MS = 100;
const POLL_DEADLINE_MS = 20_000;

export class AcmeClient {
  readonly #connections: readonly Connection[];
  readonly #origin: string;
  readonly #directoryPath: string;
  readonly #key: AccountKey;
  readonly #keyAuthorizations: Map<string, string>;
  readonly #firstPollMs: number;
  #urls: Readonly<Record<string, string>> = {};
  #signer: string;
  #nonce: string | undefined;
  tally: Tally = { requests: 0, badNonces: 0 };

  constructor({ directoryUrl, key, keyAuthorizations, firstPollMs, nodes }: ClientSettings) {
    const origin = originOf(directoryUrl);
    this.#firstPollMs = firstPollMs;
    const origins = nodes?.map(originOf) ?? [origin];
    this.#connections = origins.map((one) => new Connection(one));
    this.#origin = origin.text;
    this.#directoryPath = directoryUrl.slice(origin.text.length);
    this.#key = key;
    this.#signer = `"jwk":${key.jwk}`;
    this.#keyAuthorizations = keyAuthorizations;
  }

  /** Reads the directory, takes a first nonce, creates (or finds) the account. */
  async register(): Promise<void> {
    const directory = await this.#pick().get(this.#directoryPath);
    if (directory.status !== 200) throw failure('directory', directory);
    this.#urls = JSON.parse(directory.body);
    await this.#freshNonce();
    const payload = Buffer.from('{"termsOfServiceAgreed":true}').toString('base64url');
    const reply = await this.#post('new-account', this.#urls['newAccount'], payload);
    this.#signer = `"kid":"${reply.location}"`;
  }

  /** One full issuance, from new-order to the downloaded chain (PEM), which is the answer. */
  async issue(ingredients: Ingredients): Promise<string> {
    const created = await this.newOrder(ingredients.newOrderPayload);
    const order: Resource = JSON.parse(created.body);
    const orderUrl = created.location;
    for (const url of order.authorizations ?? []) await this.#prove(url);
    const finalized = await this.#post('finalize', order.finalize, ingredients.finalizePayload);
    // A server that has issued already is asked at once; asking again is what most clients do.
    const isIssued = (JSON.parse(finalized.body) as Resource).status === 'valid';
    const firstMs = isIssued ? 0 : this.#firstPollMs;
    const issued = await this.#poll('order', orderUrl, ['processing', 'ready'], firstMs);
    const chain = await this.#post('certificate', issued.certificate, EMPTY);
    if (!chain.body.startsWith('-----BEGIN CERTIFICATE-----')) throw failure('certificate', chain);
    return chain.body;
  }

  /** Creates an order and leaves it pending. */
  newOrder(payload: string): Promise<Reply> {
    return this.#post('new-order', this.#urls['newOrder'], payload);
  }

  /** Gives up what is in flight; the next request starts on a new connection and a new nonce. */
  reset(): void {
    this.#nonce = undefined;
    for (const connection of this.#connections) connection.close();
  }

  async #prove(url: string): Promise<void> {
    const reply = await this.#post('authorization', url, EMPTY);
    const authorization: Resource = JSON.parse(reply.body);
    const challenge = authorization.challenges?.find((offer) => offer.type === 'http-01');
    if (!challenge) throw failure('authorization without http-01', reply);
    const { token } = challenge;
    this.#keyAuthorizations.set(token, `${token}.${this.#key.thumbprint}`);
    try {
      await this.#post('challenge', challenge.url, EMPTY_OBJECT);
      await this.#poll('authorization', url, ['pending'], this.#firstPollMs);
    } finally {
      this.#keyAuthorizations.delete(token);
    }
  }

  /** Asks at least once, however the answer before looked: the same requests for every server. */
  async #poll(
    step: string,
    url: string | undefined,
    open: readonly string[],
    firstMs: number,
  ): Promise<Resource> {
    const deadline = performance.now() + POLL_DEADLINE_MS;
    const longer = (ms: number) => Math.min(Math.max(2 * ms, this.#firstPollMs), LONGEST_POLL_MS);
    for (let waitMs = firstMs; ; waitMs = longer(waitMs)) {
      if (waitMs > 0) await sleep(waitMs);
      const reply = await this.#post(step, url, EMPTY);
      const resource: Resource = JSON.parse(reply.body);
      if (resource.status === 'valid') return resource;
      const isOpen = open.includes(resource.status ?? '');
      if (!isOpen || performance.now() > deadline) throw failure(`poll ${step}`, reply);
    }
  }

  async #post(step: string, url: string | undefined, payload: string): Promise<Reply> {
    if (!url?.startsWith(this.#origin)) throw new Error(`${step}: no URL of this server: ${url}`);
    for (let retries = 0; ; retries++) {
      const nonce = this.#nonce ?? (await this.#freshNonce());
      this.#nonce = undefined;
      const jws = this.#key.sign(this.#signer, url, nonce, payload);
      this.tally.requests++;
      const sentMs = performance.now();
      const reply = await this.#pick().post(url.slice(this.#origin.length), jws);
      this.tally.requestMs?.push(performance.now() - sentMs);
      this.#nonce = reply.replayNonce;
      if (reply.status < 300) return reply;
      const isBadNonce = reply.status === 400 && reply.body.includes(':badNonce"');
      if (isBadNonce) this.tally.badNonces++;
      if (!isBadNonce || retries === MAX_NONCE_RETRIES) throw failure(step, reply);
    }
  }

  #pick(): Connection {
    const count = this.#connections.length;
    return this.#connections[count === 1 ? 0 : Math.floor(Math.random() * count)]!;
  }

  async #freshNonce(): Promise<string> {
    const path = this.#urls['newNonce']?.slice(this.#origin.length) ?? '';
    const reply = await this.#pick().get(path);
    if (reply.replayNonce === undefined) throw failure('new-nonce', reply);
    this.#nonce = reply.replayNonce;
    return reply.replayNonce;
  }
}

function failure(step: string, reply: Reply): Error {
  return new Error(`${step}: HTTP ${reply.status} ${reply.body.slice(0, 300)}`);
}
