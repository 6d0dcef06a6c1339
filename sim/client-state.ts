// One ACME client as plain data: its keys, its account, its habits, what it holds, and the flows it
// has under way. Flows move from stage to stage; a table elsewhere says what each stage asks and
// what it makes of the answer.
// Invariant: all that a client knows is here, so two runs that agree on this data agree on what
// happens next. Never here: requests, waiting.

import type { Identifier } from '../core/acme/identifier.ts';
import { CHALLENGE_TYPES, type ChallengeType } from '../core/acme/validation.ts';
import type { JsonObject } from '../core/json.ts';
import type { SimKey } from './crypto.ts';
import { type Draws, stream } from './prng.ts';
import type { World } from './world.ts';

const HABITS = stream('client.habits');
const NODE = stream('client.node');

/** How a client goes about things; real ones differ in all of these. */
export interface Habits {
  /** Between two looks at something that is not done yet. */
  readonly pollMs: number;
  /** Waits as long as Retry-After says. */
  readonly heedsRetryAfter: boolean;
  /** Keeps nonces of answers; otherwise asks for a new one each time. */
  readonly poolsNonces: boolean;
  readonly challenge: ChallengeType;
  /** Sends `{"resource": …}`-like additional members, which a server ignores. */
  readonly isTalkative: boolean;
}

export interface HeldCertificate {
  readonly url: string;
  /** DER, base64url. */
  readonly der: string;
  readonly key: SimKey;
  readonly identifiers: readonly Identifier[];
  isRevoked: boolean;
}

/** What a flow has found out so far. */
export interface Memory {
  identifiers?: readonly Identifier[];
  order?: string;
  finalize?: string;
  authorizations?: readonly string[];
  /** Index into `authorizations`. */
  at?: number;
  challenge?: string;
  published?: {
    readonly type: ChallengeType;
    readonly name: string;
    readonly token: string;
    readonly keyAuthorization: string;
  };
  certificate?: string;
  /** The certificate to be revoked. */
  target?: HeldCertificate;
  csr?: string;
  leaf?: SimKey;
  newKey?: SimKey;
  contact?: readonly string[];
  polls?: number;
}

export interface Flow {
  readonly number: number;
  readonly operation: string;
  readonly with: JsonObject;
  /** One that has to succeed at last, because nothing fails any more. */
  readonly mustSucceed: boolean;
  stage: string;
  memory: Memory;
  /** Requests of this stage that came to nothing. */
  failures: number;
  /** badNonce answers in a row. */
  badNonces: number;
  /** Keys tried in a row because a signature did not verify. */
  keysTried: number;
}

export interface ClientState {
  readonly index: number;
  readonly habits: Habits;
  /** The node it stays with when clients are sticky. */
  readonly node: number;
  key: SimKey;
  /** Keys the account may have instead: of key changes whose answer was lost. */
  otherKeys: SimKey[];
  keysMade: number;
  /** URL of its account. */
  account: string | undefined;
  readonly nonces: string[];
  readonly certificates: HeldCertificate[];
  /** URLs of authorizations and orders it has seen. */
  readonly authorizations: string[];
  readonly orders: string[];
  readonly running: Set<Flow>;
  readonly waiting: Flow[];
  /** Requests made so far: the index of its draws. */
  requests: number;
}

const POLLS_MS = [250, 1000, 2000, 5000] as const;

export function newClient(world: World, index: number): ClientState {
  return {
    index,
    habits: habitsOf(world.draws, index),
    node: world.draws.below(world.cluster.length, NODE, index, 0),
    key: world.crypto.newKey(keyName(index, 0)),
    otherKeys: [],
    keysMade: 1,
    account: undefined,
    nonces: [],
    certificates: [],
    authorizations: [],
    orders: [],
    running: new Set(),
    waiting: [],
    requests: 0,
  };
}

export function newFlow(
  number: number,
  operation: string,
  input: JsonObject,
  stage: string,
  mustSucceed: boolean,
): Flow {
  const flow = { number, operation, with: input, mustSucceed, stage };
  return { ...flow, memory: {}, failures: 0, badNonces: 0, keysTried: 0 };
}

/** Begins anew with a key and no account. */
export function startOver(world: World, client: ClientState): void {
  client.account = undefined;
  client.otherKeys = [];
  client.key = freshKey(world, client);
}

/** A key nobody has had before. */
export function freshKey(world: World, client: ClientState): SimKey {
  return world.crypto.newKey(keyName(client.index, client.keysMade++));
}

/** Remembers something seen, at most so many of them, the newest last. */
export function keep<T>(list: T[], entry: T, limit: number): void {
  const at = list.indexOf(entry);
  if (at >= 0) list.splice(at, 1);
  list.push(entry);
  if (list.length > limit) list.shift();
}

function habitsOf(draws: Draws, index: number): Habits {
  const draw = (bound: number, at: number): number => draws.below(bound, HABITS, index, at);
  return {
    pollMs: POLLS_MS[draw(POLLS_MS.length, 0)]!,
    heedsRetryAfter: draw(2, 1) === 0,
    poolsNonces: draw(4, 2) > 0,
    challenge: CHALLENGE_TYPES[draw(CHALLENGE_TYPES.length, 3)]!,
    isTalkative: draw(4, 4) === 0,
  };
}

function keyName(client: number, count: number): string {
  return `client-${client}-key-${count}`;
}
