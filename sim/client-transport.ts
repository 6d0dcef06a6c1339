// How clients get a request through: a nonce from the pool or a new one, a time limit, another try
// after a lost answer, a dead node, badNonce or 503; now and then the same octets twice.
// Invariant: each call of `ask` ends in exactly one `done`, whatever is lost on the way.
// Never here: what is asked, what the answer means.

import type { WebResponse } from '../core/effect.ts';
import type { WebRequest } from '../core/input.ts';
import { type Ask, plainRequest, signedRequest } from './client-request.ts';
import type { ClientState, Flow } from './client-state.ts';
import { MS, SECOND } from './clock.ts';
import { bodyOf, headerOf, problemOf } from './exchange-facts.ts';
import type { Reply } from './observation.ts';
import { stream } from './prng.ts';
import type { World } from './world.ts';

const BACK_OFF = stream('client.back-off');
const BALANCE = stream('client.balance');
const REPLAY = stream('client.replay');

/** Tries of one request before a client gives its flow up. */
const MOST_FAILURES = 12;
/** badNonce answers in a row before a client gives up; a random load balancer causes many. */
const MOST_BAD_NONCES = 40;
const FIRST_BACK_OFF_US = 500 * MS;
const LONGEST_BACK_OFF_US = 10 * SECOND;
/** A pool holds at most this many nonces. */
const POOL = 10;
/** Signed requests that are sent a second time as they are. */
const REPLAY_PPM = 10_000;

export class Transport {
  readonly #world: World;
  #isHealed = false;

  constructor(world: World) {
    this.#world = world;
  }

  heal(): void {
    this.#isHealed = true;
  }

  /** Asks until there is an answer; undefined when the client has lost its patience. */
  ask(
    client: ClientState,
    flow: Flow,
    ask: Ask,
    done: (response: WebResponse | undefined) => void,
  ): void {
    if (ask.payload === undefined) {
      this.#send(client, plainRequest(ask.target, ask.method), (reply) => {
        this.#judge(client, flow, ask, reply, done);
      });
      return;
    }
    this.#withNonce(client, flow, done, (nonce) => {
      // Another flow has found out meanwhile that the account is gone.
      const hasAccount = client.account !== undefined || ask.bareKey !== undefined;
      if (!hasAccount) {
        done(undefined);
        return;
      }
      const web = signedRequest(this.#world.baseUrl, client, ask, nonce);
      this.#send(client, web, (reply) => {
        this.#replay(client, web);
        this.#judge(client, flow, ask, reply, done);
      });
    });
  }

  /** A nonce of the pool, the newest first: it is the likeliest to be good. */
  #withNonce(
    client: ClientState,
    flow: Flow,
    done: (response: undefined) => void,
    use: (nonce: string) => void,
  ): void {
    const pooled = client.nonces.pop();
    if (pooled !== undefined) {
      use(pooled);
      return;
    }
    const method = client.index % 2 === 0 ? 'HEAD' : 'GET';
    this.#send(client, plainRequest('/acme/new-nonce', method), (reply) => {
      const nonce = reply?.kind === 'response' && headerOf(reply.response, 'Replay-Nonce');
      if (nonce) use(nonce);
      else
        this.#again(client, flow, undefined, done, () => this.#withNonce(client, flow, done, use));
    });
  }

  /** One request, one reply: undefined when none came in time. */
  #send(client: ClientState, web: WebRequest, replied: (reply: Reply | undefined) => void): void {
    const world = this.#world;
    const timeoutUs = world.options.clientTimeoutMs * MS;
    let isOver = false;
    const timer = world.schedule(world.nowUs + timeoutUs, () => {
      if (isOver) return;
      isOver = true;
      call.abandon();
      world.mark('a client gave up waiting for an answer');
      replied(undefined);
    });
    const call = world.send(client.index, this.#nodeFor(client), web, (reply) => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      this.#pool(client, reply);
      replied(reply);
    });
  }

  #nodeFor(client: ClientState): number {
    const { options, cluster, draws } = this.#world;
    const request = client.requests++;
    const isThere = cluster.some(({ index }) => index === client.node);
    if (options.sticky === 1 && isThere) return client.node;
    return cluster[draws.below(cluster.length, BALANCE, client.index, request)]!.index;
  }

  #pool(client: ClientState, reply: Reply): void {
    if (reply.kind !== 'response') return;
    const nonce = headerOf(reply.response, 'Replay-Nonce');
    // new-nonce is asked for when a nonce is wanted at once, so it never lies in the pool.
    if (nonce === undefined || reply.response.route === 'new-nonce') return;
    if (!client.habits.poolsNonces) client.nonces.length = 0;
    client.nonces.push(nonce);
    if (client.nonces.length > POOL) client.nonces.shift();
  }

  /** Takes the answer, or tries again where a client would. */
  #judge(
    client: ClientState,
    flow: Flow,
    ask: Ask,
    reply: Reply | undefined,
    done: (response: WebResponse | undefined) => void,
  ): void {
    const again = (): void => this.ask(client, flow, ask, done);
    if (reply?.kind !== 'response') {
      if (reply?.kind !== 'refused') this.#world.mark('a client retried after a lost answer');
      this.#again(client, flow, undefined, done, again);
      return;
    }
    const { response } = reply;
    const isBadNonce = problemOf(response) === 'badNonce' && ask.bend !== 'nonce';
    flow.badNonces = isBadNonce ? flow.badNonces + 1 : 0;
    if (isBadNonce && flow.badNonces > MOST_BAD_NONCES && !this.#isHealed) done(undefined);
    else if (isBadNonce) again();
    else if (response.status >= 500) this.#again(client, flow, response, done, again);
    else if (isWrongSignature(response) && this.#tryOtherKey(client, flow, ask)) again();
    else {
      flow.keysTried = 0;
      flow.failures = 0;
      done(response);
    }
  }

  #again(
    client: ClientState,
    flow: Flow,
    response: WebResponse | undefined,
    done: (response: undefined) => void,
    again: () => void,
  ): void {
    const failures = ++flow.failures;
    if (failures > MOST_FAILURES && !flow.mustSucceed && !this.#isHealed) {
      done(undefined);
      return;
    }
    const doubled = FIRST_BACK_OFF_US * 2 ** Math.min(failures - 1, 6);
    const pauseUs = Math.min(doubled, LONGEST_BACK_OFF_US);
    const { draws, nowUs } = this.#world;
    const jitterUs = draws.below(pauseUs, BACK_OFF, client.index, client.requests);
    const afterUs = Math.max(retryAfterUs(response), Math.floor(pauseUs / 2) + jitterUs);
    this.#world.schedule(nowUs + afterUs, again);
  }

  /** A key change whose answer was lost may have happened after all. */
  #tryOtherKey(client: ClientState, flow: Flow, ask: Ask): boolean {
    const [other, ...rest] = client.otherKeys;
    const isOwn = ask.bareKey === undefined && ask.bend === undefined;
    if (other === undefined || !isOwn || flow.keysTried++ > client.otherKeys.length) return false;
    client.otherKeys = [...rest, client.key];
    client.key = other;
    this.#world.mark('a client found out which key its account has');
    return true;
  }

  /** Somebody between client and server sends the same octets once more. */
  #replay(client: ClientState, web: WebRequest): void {
    const { draws } = this.#world;
    const chance = this.#isHealed ? 0 : REPLAY_PPM;
    if (!draws.chance(chance, REPLAY, client.index, client.requests)) return;
    this.#world.mark('a request was replayed');
    this.#world.send(client.index, this.#nodeFor(client), web, () => {});
  }
}

/** How long an answer asks its client to wait. */
export function retryAfterUs(response: WebResponse | undefined): number {
  const secs = response && headerOf(response, 'Retry-After');
  return secs === undefined ? 0 : Number(secs) * SECOND;
}

/** The account has another key than the one that signed. */
export function isWrongSignature(response: WebResponse): boolean {
  const { detail } = bodyOf(response);
  return (
    response.status === 400 && typeof detail === 'string' && detail.includes('does not verify')
  );
}
