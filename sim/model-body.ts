// What the body and headers of a right answer say: RFC 8555 §6.5 (nonces), §6.7 (problems), §7.1
// (links and objects), against the records the node holds when it answers.
// Invariant: reads only. Never here: which status is right (model.ts).

import { type Identifier, identifierKey, sortIdentifiers } from '../core/acme/identifier.ts';
import {
  authorizationMade,
  authorizationStatus,
  certificateMade,
  challengeStatus,
  orderMade,
  registerMember,
  rung,
} from '../core/acme/records.ts';
import type { ChallengeType } from '../core/acme/validation.ts';
import { sameJson } from '../core/crdt/canonical.ts';
import { valueOf } from '../core/crdt/lattice.ts';
import type { Json } from '../core/crdt/record.ts';
import type { WebResponse } from '../core/effect.ts';
import type { WebRequest } from '../core/input.ts';
import type { JsonObject } from '../core/json.ts';
import { bodyOf, headerOf, idOf, type RequestFacts } from './exchange-facts.ts';
import { type Shelf, statusOf } from './model.ts';

/** What is wrong with the form of an answer, whatever it says; undefined when nothing is. */
export function wrongForm(web: WebRequest, response: WebResponse): string | undefined {
  const isBusy = response.status === 503;
  const nonce = headerOf(response, 'Replay-Nonce');
  if (web.method === 'POST' && nonce === undefined && !isBusy) return 'a POST without Replay-Nonce';
  if (nonce !== undefined && headerOf(response, 'Cache-Control') !== 'no-store') {
    return 'a nonce that caches may keep';
  }
  if (response.status === 201 && headerOf(response, 'Location') === undefined) {
    return '201 without Location';
  }
  return response.status >= 400 ? wrongProblem(response) : undefined;
}

/** What is wrong with what a good answer says; undefined when nothing is. */
export function wrongBody(
  facts: RequestFacts,
  response: WebResponse,
  shelf: Shelf,
  nowMs: number,
): string | undefined {
  const body = bodyOf(response);
  switch (facts.route) {
    case 'new-account':
    case 'account':
      return wrongAccount(body, idOf(headerOf(response, 'Location')), shelf);
    case 'new-order':
      return wrongNewOrder(facts, body, shelf) ?? wrongOrder(body, shelf, nowMs);
    case 'order':
    case 'finalize':
      return wrongOrder(body, shelf, nowMs);
    case 'authz':
      return wrongAuthorization(body, facts.ids[0]!, shelf, nowMs);
    case 'new-authz':
      return wrongAuthorization(body, idOf(headerOf(response, 'Location')), shelf, nowMs);
    case 'challenge':
      return wrongChallenge(body, facts, shelf);
    case 'cert':
    case 'cert-full':
      return wrongCertificate(response, facts.ids[0]!, shelf);
    case 'orders':
      return wrongList(body, facts, shelf);
    default:
      return undefined;
  }
}

/** RFC 7807 §3, RFC 8555 §6.7. */
function wrongProblem(response: WebResponse): string | undefined {
  const { type, status, detail } = bodyOf(response);
  if (headerOf(response, 'Content-Type') !== 'application/problem+json') return 'no problem type';
  if (typeof type !== 'string' || !type.startsWith('urn:ietf:params:acme:error:')) return 'no URN';
  if (status !== response.status) return `status ${status} in the body`;
  return typeof detail === 'string' && detail !== '' ? undefined : 'no detail';
}

function wrongAccount(body: JsonObject, id: string, shelf: Shelf): string | undefined {
  const account = shelf.get('account', id);
  if (account === undefined) return `account ${id} is not there`;
  if (body['status'] !== rung(account, 'status')) return `status ${body['status']}`;
  const contact = valueOf(account.fields['contact']) ?? [];
  return sameJson(body['contact'] ?? [], contact) ? undefined : 'other contacts';
}

/** §7.4: an order names what was asked for, with an authorization of the account for each. */
function wrongNewOrder(facts: RequestFacts, body: JsonObject, shelf: Shelf): string | undefined {
  const asked = facts.payload!['identifiers'] as unknown as readonly Identifier[];
  const wanted = sortIdentifiers(asked).map(identifierKey);
  const named = (body['identifiers'] as unknown as readonly Identifier[]).map(identifierKey);
  if (wanted.join() !== named.join()) return `names ${named.join()}`;
  const urls = body['authorizations'] as readonly string[];
  const proven = urls.map((url) => {
    const authorization = shelf.get('authorization', idOf(url));
    if (authorization === undefined) return 'nothing';
    const { identifier, wildcard, account } = authorizationMade(authorization);
    const value = wildcard ? `*.${identifier.value}` : identifier.value;
    return account === facts.account ? identifierKey({ type: identifier.type, value }) : 'foreign';
  });
  return wanted.join() === proven.join() ? undefined : `authorizations for ${proven.join()}`;
}

function wrongOrder(body: JsonObject, shelf: Shelf, nowMs: number): string | undefined {
  const order = shelf.get('order', idOf(body['finalize']));
  if (order === undefined) return 'an order that is not there';
  const status = statusOf(shelf, order, nowMs);
  if (body['status'] !== status) return `status ${body['status']} instead of ${status}`;
  const ids = (body['authorizations'] as readonly string[]).map(idOf);
  if (ids.join() !== orderMade(order).authorizations.join()) return 'other authorizations';
  const serial = registerMember(order, 'certificate', 'serial');
  const shown = body['certificate'] === undefined ? undefined : idOf(body['certificate']);
  if (shown !== serial) return `certificate ${shown} instead of ${String(serial)}`;
  return status === 'valid' && serial === undefined ? 'valid without certificate' : undefined;
}

function wrongAuthorization(
  body: JsonObject,
  id: string,
  shelf: Shelf,
  nowMs: number,
): string | undefined {
  const record = shelf.get('authorization', id);
  if (record === undefined) return 'an authorization that is not there';
  const status = authorizationStatus(record, nowMs);
  if (body['status'] !== status) return `status ${body['status']} instead of ${status}`;
  const { identifier, wildcard } = authorizationMade(record);
  if (!sameJson(body['identifier'] as Json, { ...identifier })) return 'another identifier';
  // §7.1.4: `wildcard` is absent or true.
  if ((body['wildcard'] === true) !== wildcard) return 'a wrong wildcard member';
  const shown = body['challenges'] as readonly JsonObject[];
  const odd = shown.find((challenge) => {
    return challenge['status'] !== challengeStatus(record, challenge['type'] as ChallengeType);
  });
  return odd && `challenge ${odd['type']} as ${odd['status']}`;
}

function wrongChallenge(body: JsonObject, facts: RequestFacts, shelf: Shelf): string | undefined {
  const record = shelf.get('authorization', facts.ids[0]!)!;
  const status = challengeStatus(record, facts.ids[1] as ChallengeType);
  if (body['token'] !== authorizationMade(record).token) return 'another token';
  return body['status'] === status ? undefined : `${body['status']} instead of ${status}`;
}

function wrongCertificate({ body }: WebResponse, serial: string, shelf: Shelf): string | undefined {
  const { der } = certificateMade(shelf.get('certificate', serial)!);
  const pem = typeof body === 'string' ? body.replaceAll('\n', '') : '';
  return pem.startsWith(`-----BEGIN CERTIFICATE-----${der}-----END`) ? undefined : 'another leaf';
}

/** §7.1.2.1: only the account's own orders. */
function wrongList(body: JsonObject, facts: RequestFacts, shelf: Shelf): string | undefined {
  const ids = (body['orders'] as readonly string[]).map(idOf);
  const odd = ids.find((id) => {
    const order = shelf.get('order', id);
    return order === undefined || orderMade(order).account !== facts.account;
  });
  return odd && `order ${odd}, which is not the account's`;
}
