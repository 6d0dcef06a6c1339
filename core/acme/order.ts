// Orders (RFC 8555 §7.1.3, §7.4): creation with reuse of valid authorizations, and how an order
// looks to its account. Invariant: a stored order never holds a status that depends on time or on
// its authorizations. Never here: finalizing (finalize.ts), proving control (challenge.ts).

import { first, valueOf } from '../crdt/lattice.ts';
import type { Json } from '../crdt/record.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { formatTime, parseTime } from '../time.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { answer, type Outcome, waitFor } from './answer.ts';
import { createAuthorization, reusableAuthorizations } from './authorization.ts';
import type { Call } from './call.ts';
import { type Identifier, readIdentifier, sortIdentifiers } from './identifier.ts';
import { issuingCa, type Policy } from './policy.ts';
import { errorObject, type Problem, problem, type Subproblem } from './problem.ts';
import {
  authorizationStatus,
  authorizationsOf,
  orderMade,
  orderStatus,
  registerMember,
} from './records.ts';
import { replacedSerial } from './renewal.ts';
import { optionalString } from './request.ts';

/** POST new-order (§7.4). */
export function newOrder(call: Call): Outcome {
  const { tx, policy, signed } = call;
  const payload = signed!.payload;
  if (payload === undefined) throw problem('malformed', 'new-order needs a payload');
  const account = signed!.account!.id;
  const identifiers = readIdentifiers(payload['identifiers']);
  const period = readPeriod(tx, policy, payload);
  const replaces = optionalString(payload, 'replaces');
  const renewal = replaces !== undefined && {
    replaces,
    replaced: replacedSerial(tx, policy, account, replaces),
  };
  const reused = reusableAuthorizations(call, account, identifiers);
  const authorizations = identifiers.map((identifier, index) => {
    return reused[index] ?? createAuthorization(tx, policy, account, identifier);
  });
  const id = tx.newId();
  const made = {
    account,
    identifiers: identifiers.map(plain),
    ...period,
    authorizations,
    createdMs: tx.now.wallMs,
    // An order for a period that is over could only be finalized for a certificate of no use.
    expiresMs: Math.min(tx.now.wallMs + policy.orderExpiryMs, period.notAfterMs ?? Infinity),
    ca: issuingCa(policy).id,
    ...renewal,
  };
  tx.create('order', id, { made: first(tx.stamp(), made), status: 'pending' });
  const body = orderBody(tx, policy, tx.get('order', id)!);
  return answer(201, { body, location: orderUrl(policy, id) });
}

/** POST-as-GET order/{id}; a moment's patience while the certificate is being made. */
export function getOrder({ tx, policy, signed, ids }: Call): Outcome {
  const order = ownOrder(tx, signed!.account!.id, ids[0]!);
  const status = orderStatus(tx, order);
  if (status === 'processing' && !tx.memory.waited) {
    return waitFor('order', order.id, LIMITS.longPollMs);
  }
  return answer(200, orderAnswer(tx, policy, order));
}

/** Body and headers that show an order. */
export function orderAnswer(
  tx: Transaction,
  policy: Policy,
  order: Draft,
): { readonly body: JsonObject; readonly location: string; readonly retryAfterSecs?: number } {
  return {
    body: orderBody(tx, policy, order),
    location: orderUrl(policy, order.id),
    ...(orderStatus(tx, order) === 'processing' && { retryAfterSecs: LIMITS.retryAfterSecs }),
  };
}

/** The order, when it is this account's. */
export function ownOrder(tx: Transaction, account: string, id: string): Draft {
  const order = tx.get('order', id);
  if (order === undefined) throw problem('malformed', 'there is no such order', { status: 404 });
  if (orderMade(order).account !== account) {
    throw problem('unauthorized', 'this order belongs to another account');
  }
  return order;
}

export function orderUrl(policy: Policy, id: string): string {
  return `${policy.baseUrl}/acme/order/${id}`;
}

function orderBody(tx: Transaction, policy: Policy, order: Draft): JsonObject {
  const made = orderMade(order);
  const { identifiers, authorizations, expiresMs, notBeforeMs, notAfterMs, replaces } = made;
  const serial = registerMember(order, 'certificate', 'serial');
  const status = orderStatus(tx, order);
  const error = status === 'invalid' ? orderError(tx, order) : undefined;
  return {
    status,
    expires: formatTime(expiresMs),
    identifiers: identifiers.map(plain),
    ...(notBeforeMs !== undefined && { notBefore: formatTime(notBeforeMs) }),
    ...(notAfterMs !== undefined && { notAfter: formatTime(notAfterMs) }),
    ...(replaces !== undefined && { replaces }),
    ...(error !== undefined && { error }),
    authorizations: authorizations.map((id) => `${policy.baseUrl}/acme/authz/${id}`),
    finalize: `${orderUrl(policy, order.id)}/finalize`,
    ...(serial !== undefined && { certificate: `${policy.baseUrl}/acme/cert/${String(serial)}` }),
  };
}

/** Why an order is invalid: what was stored, or what became of its authorizations. */
function orderError(tx: Transaction, order: Draft): Json {
  const stored = valueOf(order.fields['error']);
  if (stored !== undefined) return stored;
  const { authorizations, expiresMs } = orderMade(order);
  if (expiresMs <= tx.now.wallMs) return errorObject('malformed', 'the order has expired');
  const reasons = authorizationsOf(tx, authorizations).map((authorization) => {
    return authorization ? authorizationStatus(authorization, tx.now.wallMs) : 'gone';
  });
  const lost = reasons.find((reason) => reason !== 'valid' && reason !== 'pending');
  return errorObject('unauthorized', `an authorization of this order is ${lost}`);
}

function readIdentifiers(input: Json | undefined): readonly Identifier[] {
  if (!Array.isArray(input) || input.length === 0) {
    throw problem('malformed', '"identifiers" must be an array with at least one identifier');
  }
  if (input.length > LIMITS.orderIdentifiers) {
    throw problem('malformed', `an order has at most ${LIMITS.orderIdentifiers} identifiers`);
  }
  const refused: Problem[] = [];
  const identifiers: Identifier[] = [];
  const subproblems: Subproblem[] = [];
  for (const entry of input as readonly Json[]) {
    const reading = readIdentifier(entry);
    if (reading.ok) identifiers.push(reading.value);
    else {
      refused.push(problem(reading.problem, reading.reason));
      const named = namedBy(entry);
      subproblems.push({ type: reading.problem, detail: reading.reason, ...named });
    }
  }
  if (refused.length === 1) throw problem(refused[0]!.type, refused[0]!.message, { subproblems });
  if (refused.length > 1) {
    throw problem(refused[0]!.type, `${refused.length} identifiers were refused`, { subproblems });
  }
  return sortIdentifiers(identifiers);
}

/** What the client called the identifier, for its subproblem; nothing when it had no form. */
function namedBy(entry: Json): { readonly identifier?: Identifier } {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return {};
  const { type, value } = entry as JsonObject;
  if (typeof type !== 'string' || typeof value !== 'string') return {};
  return { identifier: { type: type as Identifier['type'], value: value.slice(0, 300) } };
}

/** `notBefore` and `notAfter` (§7.4): at most the profile's validity, and not in the past. */
function readPeriod(
  tx: Transaction,
  policy: Policy,
  payload: JsonObject,
): { readonly notBeforeMs?: number; readonly notAfterMs?: number } {
  const notBeforeMs = readMoment(payload, 'notBefore');
  const notAfterMs = readMoment(payload, 'notAfter');
  const { validityMs } = issuingCa(policy);
  const startMs = notBeforeMs ?? tx.now.wallMs;
  if (startMs > tx.now.wallMs + validityMs || startMs < tx.now.wallMs - validityMs) {
    throw problem('malformed', '"notBefore" is too far from the present');
  }
  if (notAfterMs !== undefined) {
    if (notAfterMs <= Math.max(startMs, tx.now.wallMs)) {
      throw problem('malformed', '"notAfter" must be after "notBefore" and in the future');
    }
    if (notAfterMs > startMs + validityMs) {
      const days = Math.floor(validityMs / 86_400_000);
      throw problem('malformed', `"notAfter" is later than the ${days} days certificates last`);
    }
  }
  return {
    ...(notBeforeMs !== undefined && { notBeforeMs }),
    ...(notAfterMs !== undefined && { notAfterMs }),
  };
}

function readMoment(payload: JsonObject, name: string): number | undefined {
  const text = optionalString(payload, name);
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms === undefined) throw problem('malformed', `"${name}" is not an RFC 3339 time`);
  return ms;
}

function plain({ type, value }: Identifier): { readonly type: string; readonly value: string } {
  return { type, value };
}
