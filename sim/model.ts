// What a correct CA would have answered: for each request and the records its node holds at that
// moment, the outcome that RFC 8555 leaves. It is written from the RFC and knows nothing of how the
// core works; it reads records, never calls handlers.
// Invariant: for one request and one state the set of right outcomes is fixed. Never here: nonces
// (nonce-single-use.ts), bodies (model-body.ts), where records come from.

import { type Identifier, identifierKey } from '../core/acme/identifier.ts';
import {
  accountKey,
  authorizationMade,
  authorizationStatus,
  certificateMade,
  challengeStatus,
  challengeUnderWay,
  orderMade,
  registerMember,
  rung,
} from '../core/acme/records.ts';
import { fromBase64Url, toBase64, toHex } from '../core/bytes.ts';
import type { Record } from '../core/crdt/record.ts';
import type { Bend, RequestFacts } from './exchange-facts.ts';

/** The records of one node at one moment. */
export interface Shelf {
  get(kind: string, id: string): Record | undefined;
  /** Accounts that have or had a key, by its thumbprint. */
  accountsOf(thumbprint: string): readonly string[];
  /** Valid authorizations of an account. */
  authorizationsOf(account: string): readonly Record[];
}

/** A status, or a problem type with its status: `200`, `401 unauthorized`. */
export type Outcome = string;

export const ANY: readonly Outcome[] = ['*'];

const BENT: { readonly [B in Bend]: Outcome } = {
  url: '403 unauthorized',
  signature: '400 malformed',
  nonce: '400 badNonce',
  'content-type': '415 malformed',
  kid: '400 accountDoesNotExist',
};

/** The outcomes that are right before the request is carried out; badNonce is judged elsewhere. */
export function outcomesOf(facts: RequestFacts, shelf: Shelf, nowMs: number): readonly Outcome[] {
  if (!facts.isGenuine) return ['4xx'];
  const refusals = refusalsOf(facts, shelf);
  if (refusals.length > 0) return refusals;
  const rule = RULES[facts.route];
  return rule === undefined ? ANY : rule(facts, shelf, nowMs);
}

/** What is wrong with a request before it gets to its resource (§6.2–6.5): any of it may be said. */
function refusalsOf(facts: RequestFacts, shelf: Shelf): readonly Outcome[] {
  const { bend, account, thumbprint } = facts;
  const holder = account === undefined ? undefined : shelf.get('account', account);
  // A signature can only be checked with a key, and this node may not know the account yet.
  const isUnknown = account !== undefined && holder === undefined;
  if (bend === 'signature' && isUnknown) return ['400 accountDoesNotExist'];
  // §7.3.6: a deactivated account authorizes nothing.
  const isGone = holder !== undefined && rung(holder, 'status') !== 'valid';
  if (bend !== undefined) return isGone ? [BENT[bend], '401 unauthorized'] : [BENT[bend]];
  if (account === undefined) return [];
  if (holder === undefined) return ['400 accountDoesNotExist'];
  if (isGone) return ['401 unauthorized'];
  return accountKey(holder).thumbprint === thumbprint ? [] : ['400 malformed'];
}

type Rule = (facts: RequestFacts, shelf: Shelf, nowMs: number) => readonly Outcome[];

const RULES: { readonly [route: string]: Rule } = {
  directory: () => ['200'],
  'new-nonce': () => ['200', '204'],
  'new-account': registration,
  account: (facts) => (facts.ids[0] === facts.account ? ['200'] : ['403 unauthorized']),
  orders: (facts) => (facts.ids[0] === facts.account ? ['200'] : ['403 unauthorized']),
  'new-order': () => ['201'],
  order: (facts, shelf) => owned(facts, shelf, 'order', () => ['200']),
  finalize: (facts, shelf, nowMs) => {
    return owned(facts, shelf, 'order', (order) => finalization(facts, shelf, order, nowMs));
  },
  'new-authz': ({ payload, account }, shelf, nowMs) => {
    const name = payload!['identifier'] as unknown as Identifier;
    if (name.value.startsWith('*.')) return ['400 rejectedIdentifier'];
    // §7.4.1: a server may hand out one it has; it need not.
    return holds(shelf, account!, name, nowMs) ? ['200', '201'] : ['201'];
  },
  authz: (facts, shelf, nowMs) => {
    return owned(facts, shelf, 'authorization', (record) => {
      if (facts.payload === undefined) return ['200'];
      const status = authorizationStatus(record, nowMs);
      const mayEnd = status === 'pending' || status === 'valid' || status === 'deactivated';
      return mayEnd ? ['200'] : ['400 malformed'];
    });
  },
  challenge: (facts, shelf, nowMs) => {
    return owned(facts, shelf, 'authorization', (record) => challenge(facts, record, nowMs));
  },
  cert: (facts, shelf) => owned(facts, shelf, 'certificate', () => ['200']),
  'cert-full': (facts, shelf) => owned(facts, shelf, 'certificate', () => ['200']),
  'revoke-cert': revocation,
  'key-change': keyChange,
  crl: () => ['200'],
  'crl-of': () => ['200', '404 malformed'],
};

/** §7.3, §7.3.1: one key, one account. */
function registration({ thumbprint, payload }: RequestFacts, shelf: Shelf): readonly Outcome[] {
  const known = shelf.accountsOf(thumbprint!).map((id) => shelf.get('account', id)!);
  const holder = known.find((account) => accountKey(account).thumbprint === thumbprint);
  if (holder !== undefined) {
    return rung(holder, 'status') === 'valid' ? ['200'] : ['401 unauthorized'];
  }
  if (payload?.['onlyReturnExisting'] === true) return ['400 accountDoesNotExist'];
  return known.length > 0 ? ['403 unauthorized'] : ['201'];
}

/** A resource that only its account may see. */
function owned(
  { ids, account }: RequestFacts,
  shelf: Shelf,
  kind: 'order' | 'authorization' | 'certificate',
  then: (record: Record) => readonly Outcome[],
): readonly Outcome[] {
  const record = shelf.get(kind, ids[0]!);
  if (record === undefined) return ['404 malformed'];
  const { account: owner } = MADE[kind](record);
  return owner === account ? then(record) : ['403 unauthorized'];
}

const MADE = {
  order: orderMade,
  authorization: authorizationMade,
  certificate: certificateMade,
} as const;

/** §7.4: only an order that is ready takes a CSR, and only one. */
function finalization(
  { payload }: RequestFacts,
  shelf: Shelf,
  order: Record,
  nowMs: number,
): readonly Outcome[] {
  const status = statusOf(shelf, order, nowMs);
  if (registerMember(order, 'csr', 'csr') === payload?.['csr']) return ['200'];
  // One that is ready takes the CSR first, and answers when that has led to something.
  return status === 'ready' ? [] : ['403 orderNotReady'];
}

/** The status of an order by its own state and its authorizations' (§7.1.6). */
export function statusOf(shelf: Shelf, order: Record, nowMs: number): string {
  const stored = rung(order, 'status');
  if (stored !== 'pending') return stored;
  const { expiresMs, authorizations } = orderMade(order);
  if (expiresMs <= nowMs) return 'invalid';
  const statuses = authorizations.map((id) => {
    const authorization = shelf.get('authorization', id);
    return authorization === undefined ? 'gone' : authorizationStatus(authorization, nowMs);
  });
  if (statuses.every((status) => status === 'valid')) return 'ready';
  const isOpen = statuses.every((status) => status === 'valid' || status === 'pending');
  return isOpen ? 'pending' : 'invalid';
}

/** §7.5.1: a decided challenge is only shown; of an authorization one is tried at a time. */
function challenge(facts: RequestFacts, record: Record, nowMs: number): readonly Outcome[] {
  const type = authorizationMade(record).challenges.find((one) => one === facts.ids[1]);
  if (type === undefined) return ['404 malformed'];
  if (facts.payload === undefined) return ['200'];
  const status = authorizationStatus(record, nowMs);
  if (status === 'valid' || challengeStatus(record, type) !== 'pending') return ['200'];
  const isFree = status === 'pending' && challengeUnderWay(record) === undefined;
  return isFree ? ['200'] : ['400 malformed'];
}

/** §7.6: by the account that ordered it, by its key, or by who controls all its names. */
function revocation(
  { payload, account, thumbprint }: RequestFacts,
  shelf: Shelf,
  nowMs: number,
): readonly Outcome[] {
  const record = certificateOf(shelf, String(payload?.['certificate']));
  if (record === undefined) return ['404 malformed'];
  const made = certificateMade(record);
  const isOwner = account === made.account;
  const holdsAll =
    account !== undefined && made.identifiers.every((name) => holds(shelf, account, name, nowMs));
  const mayRevoke = account === undefined ? thumbprint !== undefined : isOwner || holdsAll;
  if (!mayRevoke) return ['403 unauthorized'];
  return rung(record, 'status') === 'revoked' ? ['400 alreadyRevoked'] : ['200'];
}

function certificateOf(shelf: Shelf, text: string): Record | undefined {
  const der = fromBase64Url(text);
  const serial = der && serialIn(der);
  const record = serial === undefined ? undefined : shelf.get('certificate', serial);
  return record && certificateMade(record).der === toBase64(der!) ? record : undefined;
}

/** Of a certificate the INTEGER behind version 3 (RFC 5280 §4.1), or as the cheap stand-in has it. */
function serialIn(der: Uint8Array): string | undefined {
  const [, cheap] = /"serial":"([0-9a-f]+)"/.exec(String.fromCharCode(...der)) ?? [];
  if (cheap !== undefined) return cheap;
  const [, length, rest] = /^(?:..)*?a00302010202(..)(.*)/.exec(toHex(der)) ?? [];
  return rest?.slice(0, 2 * Number.parseInt(length!, 16)).replace(/^00/, '');
}

/** §7.3.5: the new key must be nobody's. */
function keyChange(): readonly Outcome[] {
  return ['200', '400 malformed', '409 malformed'];
}

/** Whether an account has a valid authorization for exactly this name. */
function holds(shelf: Shelf, account: string, name: Identifier, nowMs: number): boolean {
  return shelf.authorizationsOf(account).some((record) => {
    const { identifier, wildcard } = authorizationMade(record);
    const value = wildcard ? `*.${identifier.value}` : identifier.value;
    const isName = identifierKey({ type: identifier.type, value }) === identifierKey(name);
    return isName && authorizationStatus(record, nowMs) === 'valid';
  });
}
