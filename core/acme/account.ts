// Accounts (RFC 8555 §7.3): creation, lookup by key, contacts, terms, deactivation. An account's id
// derives from the key it was made with, so two nodes that register one key make one account.
// Invariant: one key belongs to at most one account, also after a key change, of which a node may
// not have heard: so it asks the members before it binds a key. Who is cut off binds it even so.
// Never here: JWS.

import { toBase64Url } from '../bytes.ts';
import { first, last, valueOf } from '../crdt/lattice.ts';
import type { RecordKey } from '../crdt/record.ts';
import type { JsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Primitives } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { accountStatus } from './account-status.ts';
import { answer, type Outcome } from './answer.ts';
import type { Call } from './call.ts';
import { bindExternalAccount } from './external-account.ts';
import type { Policy } from './policy.ts';
import { problem, STALE } from './problem.ts';
import { accountKey, orderMade, registerMember, rung } from './records.ts';
import {
  accountUrl,
  optionalBoolean,
  optionalString,
  requireValid,
  type SignedRequest,
} from './request.ts';

/** POST new-account (§7.3, §7.3.1). */
export function newAccount(call: Call): Outcome {
  const { tx, policy, signed } = call;
  const { payload = {}, key } = signed!;
  const holder = accountOfKey(tx, key.thumbprint);
  if (holder.account !== undefined) return existing(tx, policy, holder.account);
  if (optionalBoolean(payload, 'onlyReturnExisting') === true) {
    throw problem('accountDoesNotExist', 'no account has this key');
  }
  if (holder.former !== undefined) {
    throw problem('unauthorized', 'this key was replaced by a key change; use a new key', STALE);
  }
  const contact = readContacts(payload);
  requireTerms(policy, payload);
  const id = accountIdFor(tx.primitives, key.thumbprint);
  const eab = bindExternalAccount(call, signed!, id);
  const at = tx.stamp();
  tx.create('account', id, {
    made: first(at, { createdMs: tx.now.wallMs }),
    status: 'valid',
    key: last(undefined, at, { ...key, jwk: { ...key.jwk } }),
    contact: last(undefined, at, contact),
    ...(payload['termsOfServiceAgreed'] === true && { terms: last(undefined, at, true) }),
    ...(eab !== undefined && { eab: first(at, { ...eab }) }),
  });
  tx.log('info', 'acme', 'account created', { account: id });
  return answer(201, {
    body: accountBody(tx, policy, tx.get('account', id)!),
    location: accountUrl(policy, id),
  });
}

/** POST account/{id} (§7.3.2, §7.3.6): update, deactivate, or look (POST-as-GET). */
export function updateAccount({ tx, policy, signed, ids }: Call): Outcome {
  const account = ownAccount(signed!, ids[0]!);
  const { payload } = signed!;
  if (payload !== undefined) change(tx, account, payload);
  const current = tx.get('account', account.id)!;
  return answer(200, {
    body: accountBody(tx, policy, current),
    location: accountUrl(policy, account.id),
  });
}

/** POST-as-GET account/{id}/orders (§7.1.2.1), a page at a time. */
export function listOrders({ tx, policy, signed, ids, query }: Call): Outcome {
  const { id } = ownAccount(signed!, ids[0]!);
  const after = query.get('after');
  const found = tx.select({
    kind: 'order',
    owner: id,
    ...(after !== undefined && { afterId: after }),
    limit: LIMITS.ordersPage + 1,
  });
  const page = found.slice(0, LIMITS.ordersPage);
  const orders = page
    .filter((order) => isListed(order, tx.now.wallMs))
    .map((order) => `${policy.baseUrl}/acme/order/${order.id}`);
  const url = `${accountUrl(policy, id)}/orders`;
  const next = { url: `${url}?after=${page.at(-1)?.id}`, rel: 'next' };
  return answer(200, { body: { orders }, links: found.length > page.length ? [next] : [] });
}

/** Writes the deactivation (§7.3.6). `by`: who wanted it, for the log. */
export function deactivate(tx: Transaction, account: Draft, by: string): void {
  tx.put('account', account.id, { status: 'deactivated' });
  tx.log('info', 'acme', 'account deactivated', { account: account.id, by });
}

/** The id an account made with this key has. */
export function accountIdFor(primitives: Primitives, thumbprint: string): string {
  return toBase64Url(primitives.sha256(`account/${thumbprint}`).subarray(0, 20));
}

/**
 * Who holds a key: the account made with it, or the one that changed to it. `former` is the account
 * that had it and has another one now. Of a key that nobody here holds the members are asked first;
 * those that do not answer in time do not count, or a node that is cut off could make no account.
 */
export function accountOfKey(
  tx: Transaction,
  thumbprint: string,
): { readonly account: Draft | undefined; readonly former: Draft | undefined } {
  const id = accountIdFor(tx.primitives, thumbprint);
  const binding: RecordKey = { kind: 'key', id: thumbprint };
  tx.need([{ kind: 'account', id }, binding]);
  const made = tx.get('account', id);
  const bound = tx.get(binding.kind, binding.id);
  const changed = bound && tx.get('account', String(valueOf(bound.fields['account'])));
  const account = [made, changed].find((candidate) => {
    return candidate !== undefined && accountKey(candidate).thumbprint === thumbprint;
  });
  if (account === undefined) tx.askMembers('a key is bound');
  return { account, former: account === undefined ? (made ?? changed) : undefined };
}

function existing(tx: Transaction, policy: Policy, account: Draft): Outcome {
  // §7.3.6: a deactivated account is of no use to anybody, least of all to its key.
  requireValid(tx, account);
  return answer(200, {
    body: accountBody(tx, policy, account),
    location: accountUrl(policy, account.id),
  });
}

/**
 * §7.1.2.1: orders that are invalid are left out, those that expired too. One whose authorization
 * failed is found out only when it is looked at: reading them all would cost too much here.
 */
function isListed(order: Draft, nowMs: number): boolean {
  const status = rung(order, 'status');
  return status === 'pending' ? orderMade(order).expiresMs > nowMs : status !== 'invalid';
}

/** The signer's account, when the URL is its own. */
function ownAccount(signed: SignedRequest, id: string): Draft {
  const account = signed.account!;
  if (account.id !== id) throw problem('unauthorized', 'this is the URL of another account');
  return account;
}

function change(tx: Transaction, account: Draft, payload: JsonObject): void {
  const status = optionalString(payload, 'status');
  if (status === 'deactivated') {
    deactivate(tx, account, 'itself');
    return;
  }
  if (status !== undefined && status !== 'valid') {
    throw problem('malformed', `"status" can only be set to "deactivated", not "${status}"`);
  }
  const at = tx.stamp();
  if (payload['contact'] !== undefined) {
    const contact = last(account.fields['contact'], at, readContacts(payload));
    tx.put('account', account.id, { contact });
  }
  if (optionalBoolean(payload, 'termsOfServiceAgreed') === true) {
    tx.put('account', account.id, { terms: last(account.fields['terms'], at, true) });
  }
}

function accountBody(tx: Transaction, policy: Policy, account: Draft): JsonObject {
  const { fields, id } = account;
  const binding = registerMember(account, 'eab', 'jws');
  return {
    status: accountStatus(tx, account),
    contact: valueOf(fields['contact']) ?? [],
    ...(fields['terms'] !== undefined && { termsOfServiceAgreed: true }),
    ...(binding !== undefined && { externalAccountBinding: binding }),
    orders: `${accountUrl(policy, id)}/orders`,
  };
}

function readContacts(payload: JsonObject): string[] {
  const { contact = [] } = payload;
  if (!Array.isArray(contact) || !contact.every((entry) => typeof entry === 'string')) {
    throw problem('malformed', '"contact" must be an array of strings');
  }
  if (contact.length > LIMITS.contacts) {
    throw problem('invalidContact', `at most ${LIMITS.contacts} contacts are kept`);
  }
  for (const url of contact as string[]) checkContact(url);
  return contact as string[];
}

/** §7.3: mailto with one address and no header fields; other schemes are not supported. */
function checkContact(url: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined)
    throw problem('invalidContact', `contact "${url.slice(0, 100)}" is no URL`);
  if (scheme !== 'mailto') {
    throw problem('unsupportedContact', `contact scheme "${scheme}" is not supported; use mailto`);
  }
  const address = url.slice('mailto:'.length);
  const wellFormed = /^[^\s\p{Cc}@,?<>"()\\]+@[^\s\p{Cc}@,?<>"()\\]+$/u.test(address);
  if (!wellFormed || url.length > LIMITS.contactLength) {
    throw problem('invalidContact', 'a mailto contact is one address without header fields');
  }
}

function requireTerms(policy: Policy, payload: JsonObject): void {
  const agreed = optionalBoolean(payload, 'termsOfServiceAgreed') === true;
  if (policy.termsOfServiceUrl === undefined || agreed) return;
  throw problem(
    'userActionRequired',
    `agree to the terms of service at ${policy.termsOfServiceUrl} ("termsOfServiceAgreed": true)`,
    { headers: { Link: `<${policy.termsOfServiceUrl}>;rel="terms-of-service"` } },
  );
}
