// One kind of client for trying the engine: whole certificate flows at one node, again and again,
// in a world whose web servers always answer right. Invariant: what it sends is well-formed.
// Never here: what real clients do wrong; mixed populations of clients.

import { toBase64Url, toUtf8 } from '../../core/bytes.ts';
import type { Json } from '../../core/crdt/record.ts';
import type { WebResponse } from '../../core/effect.ts';
import { HOUR, MS, SECOND } from '../clock.ts';
import type { SimKey } from '../crypto.ts';
import type { Reply } from '../observation.ts';
import type { Options } from '../options.ts';
import type { ClientDecision, Decision } from '../plan.ts';
import { momentsOf } from '../plan-faults.ts';
import type { Draws } from '../prng.ts';
import type { Timer } from '../queue.ts';
import type { Actor, Call, World } from '../world.ts';

type Body = { readonly [member: string]: Json };

const TRIES = 40;
const RETRY_US: number = SECOND / 2;
const PROBE_US = 5000;

export function planFlows(draws: Draws, options: Options): readonly Decision[] {
  const endUs = options.safetySecs * SECOND;
  return Array.from({ length: options.clients }, (_, client): ClientDecision[] => {
    const gapUs = HOUR / Math.max(1, options.flowsPerHour);
    return momentsOf(draws, 'client.flow', client, gapUs, endUs).map((atUs) => {
      return { kind: 'client', atUs, client, operation: 'certificate', with: {} };
    });
  }).flat();
}

/** All clients, and the internet they live in. */
export function firstClients(world: World): Actor {
  const clients = Array.from({ length: world.options.clients }, (_, index) => {
    return new FirstClient(world, index);
  });
  return {
    name: 'clients',
    performs: ['client'],
    perform: (decision) => {
      if (decision.kind === 'client') clients[decision.client]?.begin();
    },
    heal: () => undefined,
    unfinished: () => {
      const busy = clients.filter(({ isBusy }) => isBusy).length;
      return busy === 0 ? undefined : `${busy} clients have not finished`;
    },
    internet: {
      validate: (_, __, answer) => {
        world.schedule(world.nowUs + PROBE_US, () => answer({ ok: true }));
      },
    },
  };
}

class FirstClient {
  readonly #world: World;
  readonly #index: number;
  readonly #key: SimKey;
  #kid = '';
  #flows = 0;
  #flow: string | undefined;
  #call: Call | undefined;
  #timeout: Timer | undefined;
  #tries = 0;

  constructor(world: World, index: number) {
    this.#world = world;
    this.#index = index;
    this.#key = world.crypto.newKey(`client ${index}`);
  }

  get isBusy(): boolean {
    return this.#flow !== undefined;
  }

  begin(): void {
    if (this.isBusy) return;
    this.#flow = `c${this.#index}-${++this.#flows}.sim`;
    this.#tries = 0;
    this.#register();
  }

  #register(): void {
    this.#post('/acme/new-account', {}, (body, response) => {
      this.#kid = headerOf(response, 'location') ?? '';
      this.#order(body);
    });
  }

  #order(_: Body): void {
    const identifiers = [{ type: 'dns', value: this.#flow! }];
    this.#post('/acme/new-order', { identifiers }, (order) => this.#prove(order));
  }

  #prove(order: Body): void {
    const [url] = order['authorizations'] as readonly string[];
    this.#post(this.#path(url!), undefined, (authorization) => {
      if (authorization['status'] === 'valid') return this.#finalize(order);
      const [challenge] = authorization['challenges'] as readonly Body[];
      this.#post(this.#path(challenge!['url'] as string), {}, () => {
        this.#world.schedule(this.#world.nowUs + RETRY_US, () => this.#prove(order));
      });
    });
  }

  #finalize(order: Body): void {
    const names = [{ type: 'dns' as const, value: this.#flow! }];
    const leaf = this.#world.crypto.newKey(`leaf of ${this.#flow}`);
    const csr = this.#world.crypto.encodeCsr(names, leaf);
    this.#post(this.#path(order['finalize'] as string), { csr }, (final) => {
      const url = final['certificate'];
      if (typeof url !== 'string') return this.#end('failed');
      this.#post(this.#path(url), undefined, () => this.#end('has its certificate'));
    });
  }

  #end(how: string): void {
    this.#world.note(`${this.#flow} ${how}`, { client: this.#index });
    this.#flow = undefined;
  }

  /** Sends a signed request with a fresh nonce; begins the flow again when that fails. */
  #post(
    target: string,
    payload: Body | undefined,
    next: (body: Body, response: WebResponse) => void,
  ): void {
    const head = { method: 'HEAD', target: '/acme/new-nonce', contentType: '', body: '' };
    this.#send(head, (nonceResponse) => {
      const nonce = headerOf(nonceResponse, 'replay-nonce') ?? '';
      const identity = target === '/acme/new-account' ? { jwk: this.#key.jwk } : { kid: this.#kid };
      const header = { alg: this.#key.alg, nonce, url: this.#world.baseUrl + target, ...identity };
      const body = sign(this.#key, header, payload);
      const web = { method: 'POST', target, contentType: 'application/jose+json', body };
      this.#send(web, (response) => {
        if (response.status >= 400) return this.#again();
        const isJson = headerOf(response, 'content-type') === 'application/json';
        next(isJson ? (JSON.parse(response.body as string) as Body) : {}, response);
      });
    });
  }

  #send(web: Parameters<World['send']>[2], next: (response: WebResponse) => void): void {
    const { options, nowUs } = this.#world;
    const node = this.#index % options.nodes;
    this.#call = this.#world.send(this.#index, node, web, (reply: Reply) => {
      this.#timeout?.cancel();
      if (reply.kind === 'response') next(reply.response);
      else this.#again();
    });
    this.#timeout = this.#world.schedule(nowUs + options.clientTimeoutMs * MS, () => {
      this.#call?.abandon();
      this.#again();
    });
  }

  #again(): void {
    const atUs = this.#world.nowUs + RETRY_US * ++this.#tries;
    if (this.#tries > TRIES) this.#end('was given up');
    else this.#world.schedule(atUs, () => this.#register());
  }

  #path(url: string): string {
    return url.slice(this.#world.baseUrl.length);
  }
}

function sign(key: SimKey, header: Body, payload: Body | undefined): string {
  const parts = {
    protected: toBase64Url(toUtf8(JSON.stringify(header))),
    payload: payload === undefined ? '' : toBase64Url(toUtf8(JSON.stringify(payload))),
  };
  const signature = toBase64Url(key.sign(`${parts.protected}.${parts.payload}`));
  return JSON.stringify({ ...parts, signature });
}

function headerOf(response: WebResponse, name: string): string | undefined {
  return response.headers.find(([key]) => key.toLowerCase() === name)?.[1];
}
