// From an HTTP request to an authenticated one (RFC 8555 §6): media type, JWS, url, nonce, account
// or key, signature, in that order. A nonce is spent only by a request whose signature holds.
// Invariant: a handler never sees a payload that nobody signed. Never here: what a resource does.

import { assert } from '../assert.ts';
import type { Json, RecordKey } from '../crdt/record.ts';
import type { WebRequest } from '../input.ts';
import type { JsonObject } from '../json.ts';
import type { KeyFacts } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { accountStatus } from './account-status.ts';
import type { Outcome } from './answer.ts';
import type { Held, NonceVerdict } from './held.ts';
import { isPostAsGet, type OuterJws, parseOuter, parsePayload, verifyJws } from './jws.ts';
import type { NonceReading } from './nonce.ts';
import type { Policy } from './policy.ts';
import { Problem, problem } from './problem.ts';
import { accountKey } from './records.ts';
import { readFor } from './relay.ts';

/** Who may sign a request to a resource. */
export type Signer = 'account' | 'key' | 'either';

export type Wait = Outcome & { readonly kind: 'wait' };

/** The issuer of its nonce has answered it. */
export type Relay = Extract<NonceVerdict, { readonly kind: 'relayed' }>;

/** What its octets say, in every run: kept while another node is asked about its nonce. */
export interface ReadRequest {
  readonly jws: OuterJws;
}

export interface SignedRequest extends ReadRequest {
  /** The account that signed (`kid`), or undefined when a bare key (`jwk`) did. */
  readonly account: Draft | undefined;
  readonly key: KeyFacts;
  /** The payload, or undefined for POST-as-GET. */
  readonly payload: JsonObject | undefined;
}

/**
 * Checks a POST. Throws the Problem that RFC 8555 §6 names for what is wrong; returns what to wait
 * for while another node is asked about its nonce. `shown`: the record that a read shows; then that
 * node may answer it.
 */
export function authenticate(
  tx: Transaction,
  held: Held,
  web: WebRequest,
  signer: Signer,
  shown: RecordKey | undefined,
): SignedRequest | Wait | Relay {
  const { policy, nonces } = held;
  const { jws } = (tx.memory.note ??= { jws: parseOuter(bodyOf(web)) }) as ReadRequest;
  if (jws.url !== policy.baseUrl + web.target) {
    throw problem(
      'unauthorized',
      `the JWS "url" is "${jws.url.slice(0, 200)}", but the request went to ` +
        `"${policy.baseUrl}${web.target.slice(0, 200)}" (RFC 8555 §6.4)`,
    );
  }
  const nonce = nonces.read(jws.nonce, tx.now.monoMs);
  if (!nonce.ok) {
    const account = accountIdOf(policy, jws.kid ?? '');
    const isRead = shown !== undefined && account !== undefined && isPostAsGet(jws);
    const read = (): Json => (isRead ? readFor(tx, web, shown, account) : null);
    const redeemed = redeem(tx, held, jws.nonce, nonce, read);
    if (redeemed !== undefined) return redeemed;
  }
  const { account, key } = findSigner(tx, policy, jws, signer);
  try {
    verifyJws(jws, key.jwk, tx.primitives);
  } catch (error) {
    // The account may have changed its key on another node a moment ago.
    if (account === undefined || !(error instanceof Problem)) throw error;
    throw problem(error.type, error.message, { ...error.extras, mayBeStale: true });
  }
  if (nonce.ok) nonces.spend(nonce.counter);
  return { jws, account, key, payload: isPostAsGet(jws) ? undefined : parsePayload(jws) };
}

/**
 * Has another node's nonce spent. Returns what to wait for, what that node has answered, or undefined
 * when it was spent.
 */
function redeem(
  tx: Transaction,
  held: Held,
  nonce: string,
  { reason, issuer }: Extract<NonceReading, { readonly ok: false }>,
  read: () => Json,
): Wait | Relay | undefined {
  const verdict = issuer === undefined ? undefined : held.redeem?.(tx, { nonce, issuer, read });
  if (verdict?.kind === 'wait' || verdict?.kind === 'relayed') return verdict;
  if (verdict?.kind === 'spent') return undefined;
  throw problem('badNonce', verdict?.reason ?? reason);
}

/** A request on a later run: its account as it is by now, which must still be valid. */
export function withAccountOfNow(tx: Transaction, request: SignedRequest): SignedRequest {
  if (request.account === undefined) return request;
  const account = tx.get('account', request.account.id);
  assert(account !== undefined, 'an account never vanishes');
  requireValid(tx, account);
  return { ...request, account };
}

/** The id inside an account URL of ours, or undefined. */
export function accountIdOf(policy: Policy, url: string): string | undefined {
  const prefix = `${policy.baseUrl}/acme/account/`;
  const id = url.startsWith(prefix) ? url.slice(prefix.length) : '';
  return /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : undefined;
}

export function accountUrl(policy: Policy, id: string): string {
  return `${policy.baseUrl}/acme/account/${id}`;
}

function bodyOf(web: WebRequest): string {
  if (web.contentType !== 'application/jose+json') {
    throw problem('malformed', 'POST needs Content-Type: application/jose+json (RFC 8555 §6.2)', {
      status: 415,
    });
  }
  if (typeof web.body === 'string') return web.body;
  throw problem('malformed', `the request body is ${web.body.fault}`, {
    status: web.body.fault === 'too large' ? 413 : 400,
  });
}

function findSigner(
  tx: Transaction,
  policy: Policy,
  jws: OuterJws,
  signer: Signer,
): { readonly account: Draft | undefined; readonly key: KeyFacts } {
  if (jws.kid !== undefined) {
    if (signer === 'key') {
      throw problem('malformed', 'this resource is signed with "jwk", not "kid" (RFC 8555 §6.2)');
    }
    const account = findAccount(tx, policy, jws.kid);
    return { account, key: accountKey(account) };
  }
  if (signer === 'account') {
    throw problem('malformed', 'this resource is signed with "kid", not "jwk" (RFC 8555 §6.2)');
  }
  const reading = tx.primitives.readKey(jws.jwk);
  if (!reading.ok) throw problem('badPublicKey', reading.reason);
  return { account: undefined, key: reading.value };
}

function findAccount(tx: Transaction, policy: Policy, kid: string): Draft {
  const id = accountIdOf(policy, kid);
  const account = id === undefined ? undefined : tx.get('account', id);
  if (account === undefined) {
    throw problem('accountDoesNotExist', `"kid" is not an account URL of this server`);
  }
  requireValid(tx, account);
  return account;
}

/** RFC 8555 §7.3.6 wants status 401, where other cases of `unauthorized` have 403. */
export function requireValid(tx: Transaction, account: Draft): void {
  const status = accountStatus(tx, account);
  if (status !== 'valid')
    throw problem('unauthorized', `the account is ${status}`, { status: 401 });
}

/** A member that must be a string when it is there. */
export function optionalString(payload: JsonObject, name: string): string | undefined {
  const value = payload[name];
  if (value === undefined || typeof value === 'string') return value;
  throw problem('malformed', `"${name}" must be a string`);
}

/** A member that must be true or false when it is there. */
export function optionalBoolean(payload: JsonObject, name: string): boolean | undefined {
  const value = payload[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw problem('malformed', `"${name}" must be true or false`);
}
