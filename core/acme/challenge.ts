// Challenges (RFC 8555 §7.5.1, §8): a client says it is ready, a validator probes, the result
// decides the authorization. Invariant: only a POST with an object starts a validation; looking
// (POST-as-GET) never does. Never here: the probes themselves.

import type { Leases } from '../cluster/leases.ts';
import { first, last } from '../crdt/lattice.ts';
import { LIMITS } from '../limits.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome } from './answer.ts';
import { authorizationUrl, challengeBody, ownAuthorization } from './authorization.ts';
import type { Call } from './call.ts';
import type { Policy } from './policy.ts';
import { errorObject, problem } from './problem.ts';
import {
  accountKey,
  authorizationMade,
  authorizationStatus,
  challengeStatus,
  challengeUnderWay,
} from './records.ts';
import { accountUrl } from './request.ts';
import {
  CHALLENGE_TYPES,
  type ChallengeType,
  type ValidationRequest,
  type ValidationResult,
} from './validation.ts';

/** POST chall/{authz}/{type}. */
export function respondToChallenge(call: Call): Outcome {
  const { tx, policy, signed, ids } = call;
  const account = signed!.account!;
  const authorization = ownAuthorization(tx, account.id, ids[0]!);
  const type = CHALLENGE_TYPES.find((known) => known === ids[1]);
  if (type === undefined || !authorizationMade(authorization).challenges.includes(type)) {
    throw problem('malformed', 'there is no such challenge', { status: 404 });
  }
  if (signed!.payload !== undefined) start(call, authorization, account, type);
  const current = tx.get('authorization', authorization.id)!;
  return answer(200, {
    body: challengeBody(policy, current, type),
    location: `${policy.baseUrl}/acme/chall/${authorization.id}/${type}`,
    links: [{ url: authorizationUrl(policy, authorization.id), rel: 'up' }],
    ...(challengeStatus(current, type) === 'processing' && {
      retryAfterSecs: LIMITS.retryAfterSecs,
    }),
  });
}

/**
 * Takes in what a validator found. A result nobody waits for any more changes nothing, nor does one
 * that comes after another node may have begun anew.
 */
export function concludeValidation(
  tx: Transaction,
  leases: Leases | undefined,
  id: string,
  type: ChallengeType,
  result: ValidationResult,
): void {
  const authorization = tx.get('authorization', id);
  if (authorization === undefined || !isUnderWay(authorization, type)) return;
  if (leases?.isHeld(authorization, tx.now.monoMs) === false) {
    tx.mark('a result came after its lease');
    return;
  }
  const at = tx.stamp();
  const { identifier } = authorizationMade(authorization);
  if (result.ok) {
    const validated = first(at, { type, atMs: tx.now.wallMs });
    tx.put('authorization', id, { [type]: 'valid', status: 'valid', validated });
  } else {
    const error = last(
      authorization.fields['error'],
      at,
      errorObject(result.problem, result.detail),
    );
    tx.put('authorization', id, { [type]: 'invalid', status: 'invalid', error });
  }
  const level = result.ok ? 'debug' : 'info';
  tx.log(level, 'acme', result.ok ? 'validation succeeded' : 'validation failed', {
    authorization: id,
    type,
    name: identifier.value,
    ...(!result.ok && { problem: result.problem, detail: result.detail }),
  });
}

/** Asks for the probe of a challenge that is under way: at first, and again after a restart. */
export function validateAgain(tx: Transaction, policy: Policy, authorization: Draft): void {
  const type = challengeUnderWay(authorization);
  const account = tx.get('account', authorizationMade(authorization).account);
  if (type === undefined || account === undefined) return;
  const request = validationRequest(policy, authorization, account, type);
  tx.emit({ kind: 'validate', authorization: authorization.id, request });
}

function start(
  { tx, policy, leases }: Call,
  authorization: Draft,
  account: Draft,
  type: ChallengeType,
): void {
  const status = authorizationStatus(authorization, tx.now.wallMs);
  const isAsked = challengeStatus(authorization, type) !== 'pending';
  if (isAsked && isUnderWay(authorization, type) && leases?.isForeign(authorization)) {
    tx.mark('a lease was refused to a retry');
  }
  if (status === 'valid' || isAsked) return;
  if (status !== 'pending') {
    throw problem('malformed', `the authorization is ${status}; create a new order`);
  }
  const other = challengeUnderWay(authorization);
  if (other !== undefined) {
    throw problem('malformed', `the ${other} challenge of this authorization is being validated`);
  }
  const owner = leases?.claimed(authorization, tx.stamp());
  tx.put('authorization', authorization.id, { [type]: 'processing', ...owner });
  const request = validationRequest(policy, authorization, account, type);
  tx.emit({ kind: 'validate', authorization: authorization.id, request });
}

/** Two nodes that did not know of each other may have begun with two challenges. */
function isUnderWay(authorization: Draft, type: ChallengeType): boolean {
  const isOpen = challengeUnderWay(authorization) !== undefined;
  return isOpen && challengeStatus(authorization, type) === 'processing';
}

function validationRequest(
  policy: Policy,
  authorization: Draft,
  account: Draft,
  type: ChallengeType,
): ValidationRequest {
  const { identifier, wildcard, token } = authorizationMade(authorization);
  return {
    type,
    identifier,
    wildcard,
    token,
    keyAuthorization: `${token}.${accountKey(account).thumbprint}`,
    accountUrl: accountUrl(policy, account.id),
    caaIdentities: policy.caaIdentities,
  };
}
