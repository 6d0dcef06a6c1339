// Authorizations (RFC 8555 §7.1.4, §7.5): creation, pre-authorization (§7.4.1), reuse,
// deactivation (§7.5.2), and how one looks to its account.
// Invariant: an authorization's identifier carries no `*.`; `wildcard` says it. Never here: probes.

import type { Selection } from '../crdt/columns.ts';
import { first, valueOf } from '../crdt/lattice.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { formatTime } from '../time.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome, waitFor } from './answer.ts';
import type { Call } from './call.ts';
import { type Identifier, identifierKey, isWildcard, readIdentifier } from './identifier.ts';
import type { Policy } from './policy.ts';
import { problem } from './problem.ts';
import {
  type AuthorizationMade,
  authorizationMade,
  authorizationStatus,
  authorizationsOf,
  challengeStatus,
  challengeUnderWay,
  nameKey,
  registerMember,
} from './records.ts';
import { optionalString } from './request.ts';
import type { ChallengeType } from './validation.ts';

/** POST new-authz (§7.4.1). */
export function newAuthorization(call: Call): Outcome {
  const { tx, policy, signed } = call;
  const payload = signed!.payload;
  if (payload === undefined) throw problem('malformed', 'new-authz needs a payload');
  const reading = readIdentifier(payload['identifier']);
  if (!reading.ok) throw problem(reading.problem, reading.reason);
  if (isWildcard(reading.value)) {
    throw problem('rejectedIdentifier', 'wildcards cannot be pre-authorized (RFC 8555 §7.4.1)');
  }
  const account = signed!.account!.id;
  const [reused] = reusableAuthorizations(call, account, [reading.value]);
  const id = reused ?? createAuthorization(tx, policy, account, reading.value);
  return answer(reused === undefined ? 201 : 200, {
    ...authorizationAnswer(tx, policy, tx.get('authorization', id)!),
    location: authorizationUrl(policy, id),
  });
}

/** POST authz/{id}: look (POST-as-GET) or deactivate (§7.5.2). */
export function updateAuthorization({ tx, policy, signed, ids }: Call): Outcome {
  const authorization = ownAuthorization(tx, signed!.account!.id, ids[0]!);
  const { payload } = signed!;
  if (payload !== undefined) deactivate(tx, authorization, payload);
  else if (challengeUnderWay(authorization) !== undefined && !tx.memory.waited) {
    return waitFor('authorization', authorization.id, LIMITS.longPollMs);
  }
  return answer(200, {
    ...authorizationAnswer(tx, policy, tx.get('authorization', authorization.id)!),
    location: authorizationUrl(policy, authorization.id),
  });
}

/**
 * For each name the id of a valid authorization of the account (§7.1.4), undefined where it has
 * none. Whatever is not warm is asked of the database together, not name by name.
 */
export function reusableAuthorizations(
  { tx, reusable }: Call,
  account: string,
  identifiers: readonly Identifier[],
): readonly (string | undefined)[] {
  const known = identifiers.map((name) => reusable.find(account, identifierKey(name)));
  authorizationsOf(
    tx,
    known.filter((id) => id !== undefined),
  );
  const good = known.map((id) => (id !== undefined && isReusable(tx, id) ? id : undefined));
  const searches = identifiers.map((name, index) => {
    if (good[index] !== undefined) return undefined;
    const mayHaveMore = reusable.mayHaveMore(account, identifierKey(name), tx.now.wallMs);
    return mayHaveMore ? validSelection(tx, account, name) : undefined;
  });
  tx.need(
    [],
    searches.filter((search) => search !== undefined),
  );
  return identifiers.map((name, index) => {
    const search = searches[index];
    if (search === undefined) return good[index];
    const found = tx.select(search).map(({ id }) => id);
    // What was found is as old as the search; whether it is still good the record itself says.
    authorizationsOf(tx, found);
    return found.find((id) => isReusable(tx, id, identifierKey(name)));
  });
}

/** Writes a new pending authorization and returns its id. */
export function createAuthorization(
  tx: Transaction,
  policy: Policy,
  account: string,
  identifier: Identifier,
): string {
  const id = tx.newId();
  const wildcard = isWildcard(identifier);
  const value = wildcard ? identifier.value.slice(2) : identifier.value;
  const made = {
    account,
    identifier: { type: identifier.type, value },
    wildcard,
    createdMs: tx.now.wallMs,
    expiresMs: tx.now.wallMs + policy.authorizationExpiryMs,
    token: tx.newId() + tx.newId(),
    challenges: challengesFor(policy, identifier),
  };
  tx.create('authorization', id, { made: first(tx.stamp(), made), status: 'pending' });
  return id;
}

/** The authorization, when it is this account's. */
export function ownAuthorization(tx: Transaction, account: string, id: string): Draft {
  const authorization = tx.get('authorization', id);
  if (authorization === undefined) {
    throw problem('malformed', 'there is no such authorization', { status: 404 });
  }
  if (authorizationMade(authorization).account !== account) {
    throw problem('unauthorized', 'this authorization belongs to another account');
  }
  return authorization;
}

export function authorizationUrl(policy: Policy, id: string): string {
  return `${policy.baseUrl}/acme/authz/${id}`;
}

/** A challenge as its account sees it (§7.1.5, §8). */
export function challengeBody(
  policy: Policy,
  authorization: Draft,
  type: ChallengeType,
): JsonObject {
  const status = challengeStatus(authorization, type);
  const atMs = registerMember(authorization, 'validated', 'atMs');
  const error = valueOf(authorization.fields['error']);
  return {
    type,
    url: `${policy.baseUrl}/acme/chall/${authorization.id}/${type}`,
    status,
    token: authorizationMade(authorization).token,
    ...(status === 'valid' && typeof atMs === 'number' && { validated: formatTime(atMs) }),
    ...(status === 'invalid' && error !== undefined && { error }),
  };
}

function authorizationAnswer(
  tx: Transaction,
  policy: Policy,
  authorization: Draft,
): { readonly body: JsonObject; readonly retryAfterSecs?: number } {
  const made = authorizationMade(authorization);
  const { type, value } = made.identifier;
  const body = {
    identifier: { type, value },
    status: authorizationStatus(authorization, tx.now.wallMs),
    expires: formatTime(made.expiresMs),
    challenges: shownChallenges(authorization, made).map((challenge) => {
      return challengeBody(policy, authorization, challenge);
    }),
    ...(made.wildcard && { wildcard: true }),
  };
  const busy = challengeUnderWay(authorization) !== undefined;
  return { body, ...(busy && { retryAfterSecs: LIMITS.retryAfterSecs }) };
}

/** §7.1.4: all of them while pending, afterwards the one that decided it. */
function shownChallenges(authorization: Draft, made: AuthorizationMade): readonly ChallengeType[] {
  const decided = made.challenges.filter((type) => {
    const status = challengeStatus(authorization, type);
    return status === 'valid' || status === 'invalid';
  });
  return decided.length > 0 ? decided : made.challenges;
}

/** Wildcards can only be proven by DNS; an IP address only by what answers there (RFC 8738 §7). */
function challengesFor(policy: Policy, identifier: Identifier): readonly ChallengeType[] {
  const fits = (type: ChallengeType): boolean => {
    if (isWildcard(identifier)) return type === 'dns-01';
    return identifier.type === 'dns' || type !== 'dns-01';
  };
  return policy.challengeTypes.filter(fits);
}

function validSelection(tx: Transaction, account: string, { value }: Identifier): Selection {
  return {
    kind: 'authorization',
    owner: account,
    name: value,
    state: 'valid',
    expiresAfterMs: tx.memory.firstRunMs,
    limit: LIMITS.reuseCandidates,
  };
}

function isReusable(tx: Transaction, id: string, name?: string): boolean {
  const authorization = tx.get('authorization', id);
  if (authorization === undefined) return false;
  const fits = name === undefined || nameKey(authorization) === name;
  return fits && authorizationStatus(authorization, tx.now.wallMs) === 'valid';
}

function deactivate(tx: Transaction, authorization: Draft, payload: JsonObject): void {
  const status = optionalString(payload, 'status');
  if (status !== 'deactivated') {
    throw problem('malformed', '"status" can only be set to "deactivated" (RFC 8555 §7.5.2)');
  }
  const current = authorizationStatus(authorization, tx.now.wallMs);
  if (current === 'deactivated') return;
  if (current !== 'pending' && current !== 'valid') {
    throw problem('malformed', `an authorization that is ${current} cannot be deactivated`);
  }
  tx.put('authorization', authorization.id, { status });
}
