// An ACME client for tests of the core: signs requests with real keys and sends them through a
// Rig. Invariant: what it sends is well-formed unless a test asks otherwise. Never here: checks.

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { MAC_ALGORITHMS, type MacAlgorithm } from '../acme/jws-algorithm.ts';
import type { ChallengeType } from '../acme/validation.ts';
import { toBase64Url, toUtf8 } from '../bytes.ts';
import type { WebResponse } from '../effect.ts';
import { BASE_URL, encodeCsr, type Rig } from './rig.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of every member it reads.
export type JsonBody = { [member: string]: any };

export interface Reply {
  readonly status: number;
  readonly body: JsonBody;
  readonly text: string;
  header(name: string): string | undefined;
  /** All `Link` headers. */
  readonly links: readonly string[];
}

/** What a test may bend in a request. */
export interface Bend {
  readonly header?: JsonBody;
  readonly nonce?: string;
  readonly method?: string;
  readonly contentType?: string;
  readonly signature?: string;
  readonly body?: string;
}

export class Client {
  rig: Rig;
  readonly privateKey: KeyObject;
  readonly jwk: JsonBody;
  kid = '';

  constructor(rig: Rig) {
    this.rig = rig;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.privateKey = pair.privateKey;
    this.jwk = pair.publicKey.export({ format: 'jwk' }) as JsonBody;
  }

  /** A client with an account. */
  static registered(rig: Rig): Client {
    const client = new Client(rig);
    client.register();
    return client;
  }

  register(payload: JsonBody = {}): Reply {
    const reply = this.post('/acme/new-account', payload, { header: { jwk: this.jwk } });
    if (reply.status < 300) this.kid = reply.header('location')!;
    return reply;
  }

  get(target: string, method = 'GET'): Reply {
    return read(this.rig.request({ method, target, contentType: '', body: '' }).response!);
  }

  /** A signed POST; `payload` undefined is POST-as-GET. The reply must come at once. */
  post(target: string, payload: JsonBody | undefined, bend: Bend = {}): Reply {
    const { response } = this.begin(target, payload, bend);
    if (response === undefined) throw new Error(`${target} is waiting`);
    return read(response);
  }

  /** The same, for requests that may wait. */
  begin(
    target: string,
    payload: JsonBody | undefined,
    bend: Bend = {},
  ): ReturnType<Rig['request']> {
    const { method = 'POST', contentType = 'application/jose+json' } = bend;
    const body = bend.body ?? JSON.stringify(this.jws(target, payload, bend));
    return this.rig.request({ method, target, contentType, body });
  }

  jws(target: string, payload: JsonBody | undefined, bend: Bend = {}): JsonBody {
    const header = {
      alg: 'ES256',
      nonce: bend.nonce ?? this.nonce(),
      url: BASE_URL + target,
      ...(bend.header?.['jwk'] === undefined && { kid: this.kid }),
      ...bend.header,
    };
    const signed = this.sign(header, payload === undefined ? '' : JSON.stringify(payload));
    return { ...signed, ...(bend.signature !== undefined && { signature: bend.signature }) };
  }

  sign(header: JsonBody, payload: string): JsonBody {
    const parts = {
      protected: toBase64Url(toUtf8(JSON.stringify(header))),
      payload: toBase64Url(toUtf8(payload)),
    };
    return this.signParts(parts);
  }

  /** Signs what is encoded already. */
  signParts(parts: { readonly protected: string; readonly payload: string }): JsonBody {
    const key = { key: this.privateKey, dsaEncoding: 'ieee-p1363' as const };
    const signature = sign('sha256', Buffer.from(`${parts.protected}.${parts.payload}`), key);
    return { ...parts, signature: toBase64Url(signature) };
  }

  nonce(): string {
    return this.get('/acme/new-nonce', 'HEAD').header('replay-nonce')!;
  }

  order(names: readonly string[], extra: JsonBody = {}): Reply {
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    return this.post('/acme/new-order', { identifiers, ...extra });
  }

  /** Proves control over every pending authorization of an order. */
  prove(order: JsonBody, type: ChallengeType = 'http-01'): void {
    for (const url of order['authorizations'] as string[]) {
      const authorization = this.post(path(url), undefined).body;
      if (authorization['status'] !== 'pending') continue;
      const challenges = authorization['challenges'] as JsonBody[];
      const challenge = challenges.find((entry) => entry['type'] === type) ?? challenges[0]!;
      this.post(path(challenge['url']), {});
    }
  }

  finalize(order: JsonBody, key = 'leaf-key'): Reply {
    const csr = encodeCsr({ names: order['identifiers'], spkiHash: key });
    return this.post(path(order['finalize']), { csr });
  }

  /** The whole flow; returns the certificate's URL and PEM. */
  certificate(names: readonly string[]): { readonly url: string; readonly pem: string } {
    const order = this.order(names).body;
    this.prove(order);
    const url = this.finalize(order).body['certificate'] as string;
    return { url, pem: this.post(path(url), undefined).text };
  }

  /** An external account binding for this client's key (RFC 8555 §7.3.4). */
  binding(kid: string, secret: Uint8Array, bend: JsonBody = {}): JsonBody {
    const header = { alg: 'HS256', kid, url: `${BASE_URL}/acme/new-account`, ...bend };
    const parts = {
      protected: toBase64Url(toUtf8(JSON.stringify(header))),
      payload: toBase64Url(toUtf8(JSON.stringify(this.jwk))),
    };
    const hash = MAC_ALGORITHMS[header.alg as MacAlgorithm] ?? 'sha256';
    const mac = createHmac(hash, secret).update(`${parts.protected}.${parts.payload}`).digest();
    return { ...parts, signature: toBase64Url(mac) };
  }

  /** The payload of a key change to `next`: a JWS by its key (RFC 8555 §7.3.5). */
  keyChange(next: Client, header: JsonBody = {}, payload: JsonBody = {}): JsonBody {
    const inner = { account: this.kid, oldKey: this.jwk, ...payload };
    const url = `${BASE_URL}/acme/key-change`;
    return next.sign({ alg: 'ES256', jwk: next.jwk, url, ...header }, JSON.stringify(inner));
  }

  /** Revokes the first certificate of a PEM text, signed by this account. */
  revoke(pem: string, extra: JsonBody = {}, bend: Bend = {}): Reply {
    return this.post('/acme/revoke-cert', { certificate: derOf(pem), ...extra }, bend);
  }
}

export function read(response: WebResponse): Reply {
  const text =
    typeof response.body === 'string' ? response.body : Buffer.from(response.body).toString();
  const all = (name: string): string[] => {
    return response.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  };
  const isJson = all('content-type').some((type) => type.endsWith('json'));
  return {
    status: response.status,
    text,
    body: isJson ? JSON.parse(text) : {},
    header: (name) => all(name.toLowerCase())[0],
    links: all('link'),
  };
}

/** The DER of the first certificate of a PEM text, in base64url. */
export function derOf(pem: string): string {
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(pem) ?? [];
  return toBase64Url(Buffer.from(base64, 'base64'));
}

/** The path of one of the server's URLs. */
export function path(url: string): string {
  if (!url.startsWith(BASE_URL)) throw new Error(`not a URL of the server: ${url}`);
  return url.slice(BASE_URL.length);
}
