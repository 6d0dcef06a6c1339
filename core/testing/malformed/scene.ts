// The server state the table of malformed requests is sent to, and the form of its rows.
// Invariant: no row changes the scene, so one scene serves them all. Never here: the rows.

import type { ProblemType } from '../../acme/problem.ts';
import { toBase64Url, toUtf8 } from '../../bytes.ts';
import type { WebRequest } from '../../input.ts';
import { type Bend, Client, derOf, type JsonBody, path } from '../client.ts';
import { BASE_URL, Rig } from '../rig.ts';

export const SECRET: Uint8Array = new Uint8Array(32).fill(3);
export const JOSE = 'application/jose+json';

/** One malformed request: what is wrong, what it is answered, how it is made. */
export interface Row {
  readonly what: string;
  readonly type: ProblemType;
  /** What `detail` has to say. */
  readonly detail: RegExp;
  readonly make: (scene: Scene) => WebRequest;
  /** When it is not the one the problem type has. */
  readonly status?: number;
}

export function row(
  what: string,
  type: ProblemType,
  detail: RegExp,
  make: Row['make'],
  status?: number,
): Row {
  return { what, type, detail, make, ...(status !== undefined && { status }) };
}

/** An account with an order in each state, another account, and requests about them. */
export class Scene {
  readonly rig: Rig;
  readonly client: Client;
  readonly other: Client;
  readonly stranger: Client;
  readonly pending: JsonBody;
  readonly ready: JsonBody;
  readonly pem: string;
  readonly usedNonce: string;
  readonly authorization: string;

  constructor() {
    this.rig = new Rig({ policy: { eabKeys: new Map([['key-1', SECRET]]) } });
    this.client = Client.registered(this.rig);
    this.other = Client.registered(this.rig);
    this.stranger = new Client(this.rig);
    this.pending = this.client.order(['pending.example.com']).body;
    this.ready = this.client.order(['ready.example.com']).body;
    this.client.prove(this.ready);
    this.pem = this.client.certificate(['issued.example.com']).pem;
    this.usedNonce = this.client.nonce();
    this.client.post(path(this.client.kid), undefined, { nonce: this.usedNonce });
    this.authorization = path(this.pending['authorizations'][0]);
  }

  get account(): string {
    return path(this.client.kid);
  }

  get der(): string {
    return derOf(this.pem);
  }

  /** A request signed by the account, bent. */
  signed(target: string, payload: JsonBody | undefined, bend: Bend = {}): WebRequest {
    return this.body(target, JSON.stringify(this.client.jws(target, payload, bend)));
  }

  /** A new-account request of a key without account. */
  registration(payload: JsonBody, header: JsonBody = {}): WebRequest {
    const target = '/acme/new-account';
    const jws = this.stranger.jws(target, payload, {
      header: { jwk: this.stranger.jwk, ...header },
    });
    return this.body(target, JSON.stringify(jws));
  }

  /** A request whose payload is this text. */
  payload(target: string, text: string): WebRequest {
    return this.raw(target, JSON.stringify(this.header(target)), text);
  }

  /** A request whose protected header is this text. */
  raw(target: string, header: string, payload = ''): WebRequest {
    const parts = { protected: toBase64Url(toUtf8(header)), payload: toBase64Url(toUtf8(payload)) };
    const { signature } = this.client.signParts(parts);
    return this.body(target, JSON.stringify({ ...parts, signature }));
  }

  /** A good request with the members of its JWS changed; undefined removes one. */
  jws(change: JsonBody): WebRequest {
    const jws = this.client.jws(this.account, undefined);
    return this.body(this.account, JSON.stringify({ ...jws, ...change }));
  }

  /** A good look at the account with header members changed; undefined removes one. */
  headed(header: JsonBody): WebRequest {
    return this.signed(this.account, undefined, { header });
  }

  header(target: string): JsonBody {
    return {
      alg: 'ES256',
      nonce: this.client.nonce(),
      url: BASE_URL + target,
      kid: this.client.kid,
    };
  }

  body(target: string, body: WebRequest['body']): WebRequest {
    return { method: 'POST', target, contentType: JOSE, body };
  }

  /** An order for one identifier. */
  order(identifier: unknown, extra: JsonBody = {}): WebRequest {
    return this.signed('/acme/new-order', { identifiers: [identifier], ...extra });
  }

  /** A request with a CSR for the order that is ready. */
  finalize(payload: JsonBody): WebRequest {
    return this.signed(path(this.ready['finalize']), payload);
  }
}
