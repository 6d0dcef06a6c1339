// An ACME client for members of a cluster in one process: each request can go to another node.
// Invariant: it follows the protocol and nothing else; a badNonce is answered by trying again with
// the nonce that came with it (RFC 8555 §6.5). Never here: checks.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toBase64Url, toUtf8 } from '../../../core/bytes.ts';
import type { WebResponse } from '../../../core/effect.ts';
import { generateCaKey } from '../../ca/keys.ts';
import { makeCsr } from '../../ca/make-csr.ts';
import { BASE_URL, type Member } from './member.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of every member it reads.
type JsonBody = { [member: string]: any };

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly body: JsonBody;
  readonly location: string;
}

const TRIES = 5;
const POLL_MS = 20;
const MAX_POLLS = 200;

export class AcmeClient {
  readonly #key: KeyObject;
  readonly #jwk: JsonBody;
  #kid: string | undefined;
  #nonce: string | undefined;
  /** How many requests were refused with badNonce. */
  badNonces = 0;

  constructor() {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    this.#jwk = pair.publicKey.export({ format: 'jwk' }) as JsonBody;
  }

  /** The account URL. */
  get kid(): string {
    return this.#kid ?? '';
  }

  async register(at: Member): Promise<Reply> {
    const reply = await this.post(at, `${BASE_URL}/acme/new-account`, {});
    this.#kid = reply.location;
    return reply;
  }

  /** POST, or POST-as-GET without a payload, to the node `at`. */
  async post(at: Member, url: string, payload?: JsonBody): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      this.#nonce ??= await this.#freshNonce(at);
      const reply = await this.#send(at, url, payload, this.#nonce);
      const isBadNonce = String(reply.body['type'] ?? '').endsWith(':badNonce');
      if (isBadNonce) this.badNonces++;
      if (!isBadNonce || tries === TRIES) return reply;
    }
  }

  /** The whole flow, each step at the next node of `nodes`: URL and PEM of the certificate. */
  async certificate(
    nodes: readonly Member[],
    name: string,
  ): Promise<{ readonly url: string; readonly pem: string; readonly order: string }> {
    let step = 0;
    const next = (): Member => nodes[step++ % nodes.length]!;
    const identifiers = [{ type: 'dns', value: name }] as const;
    const order = await this.post(next(), `${BASE_URL}/acme/new-order`, { identifiers });
    for (const url of order.body['authorizations'] as string[]) {
      const authorization = await this.post(next(), url);
      const [challenge] = authorization.body['challenges'] as JsonBody[];
      await this.post(next(), challenge!['url'], {});
    }
    const ready = await this.#settled(next, order.location, ['pending']);
    if (ready.body['status'] !== 'ready') throw new Error(`not ready: ${ready.text}`);
    const key = generateCaKey('ec:P-256', (length) => new Uint8Array(randomBytes(length)));
    const csr = toBase64Url(makeCsr({ key, names: identifiers }));
    await this.post(next(), order.body['finalize'], { csr });
    const done = await this.#settled(next, order.location, ['pending', 'ready', 'processing']);
    const url = done.body['certificate'] as string | undefined;
    if (url === undefined) throw new Error(`no certificate: ${done.text}`);
    return { url, pem: (await this.post(next(), url)).text, order: order.location };
  }

  async #settled(next: () => Member, url: string, waiting: readonly string[]): Promise<Reply> {
    for (let polls = 0; ; polls++) {
      const reply = await this.post(next(), url);
      if (!waiting.includes(reply.body['status']) || polls === MAX_POLLS) return reply;
      await sleep(POLL_MS);
    }
  }

  async #freshNonce(at: Member): Promise<string> {
    const reply = await ask(at, 'HEAD', `${BASE_URL}/acme/new-nonce`, '');
    return header(reply, 'replay-nonce')!;
  }

  async #send(
    at: Member,
    url: string,
    payload: JsonBody | undefined,
    nonce: string,
  ): Promise<Reply> {
    const who = this.#kid === undefined ? { jwk: this.#jwk } : { kid: this.#kid };
    const encode = (value: unknown): string => toBase64Url(toUtf8(JSON.stringify(value)));
    const head = encode({ alg: 'ES256', nonce, url, ...who });
    const body = payload === undefined ? '' : encode(payload);
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' as const };
    const signature = toBase64Url(sign('sha256', Buffer.from(`${head}.${body}`), key));
    const jws = JSON.stringify({ protected: head, payload: body, signature });
    const response = await ask(at, 'POST', url, jws);
    this.#nonce = header(response, 'replay-nonce');
    const text = Buffer.from(response.body as string).toString();
    const isJson = header(response, 'content-type')?.endsWith('json') === true;
    return {
      status: response.status,
      text,
      body: isJson ? (JSON.parse(text) as JsonBody) : {},
      location: header(response, 'location') ?? '',
    };
  }
}

function ask(at: Member, method: string, url: string, body: string): Promise<WebResponse> {
  const target = url.slice(BASE_URL.length);
  const contentType = body === '' ? '' : 'application/jose+json';
  return new Promise((resolve, reject) => {
    at.engine.answer({ method, target, contentType, body }, (response) => {
      if (response === undefined) reject(new Error('the node stopped'));
      else resolve(response);
    });
  });
}

function header({ headers }: WebResponse, name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1];
}
