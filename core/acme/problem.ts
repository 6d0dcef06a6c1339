// The problems an ACME server reports (RFC 8555 §6.7, RFC 9773 §7.4), one row each, and the error
// that carries one from pure code to the web edge. Invariant: every refusal of a client's request
// is a Problem of this table. Never here: rendering to HTTP.

import type { Json } from '../crdt/record.ts';
import type { Identifier } from './identifier.ts';

const URN = 'urn:ietf:params:acme:error:';

/** Problem type -> HTTP status it is answered with unless the thrower says otherwise. */
export const PROBLEMS = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  caa: 403,
  compound: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  incorrectResponse: 403,
  invalidContact: 400,
  malformed: 400,
  orderNotReady: 403,
  rateLimited: 429,
  rejectedIdentifier: 400,
  serverInternal: 500,
  tls: 400,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
  userActionRequired: 403,
} as const;
export type ProblemType = keyof typeof PROBLEMS;

export interface ProblemExtras {
  /** Overrides the table's HTTP status (404 for an unknown object, 405, 409, 413, 415…). */
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  /** badSignatureAlgorithm lists what would be accepted (RFC 8555 §6.2). */
  readonly algorithms?: readonly string[];
  readonly subproblems?: readonly Subproblem[];
  /** What it is about may have changed on another node; absent: so it is for 404 and some types. */
  readonly mayBeStale?: boolean;
}

export const STALE: ProblemExtras = { mayBeStale: true };

/** One identifier's share of a problem (RFC 8555 §6.7.1). */
export interface Subproblem {
  readonly type: ProblemType;
  readonly detail: string;
  readonly identifier?: Identifier;
}

/** A client's mistake, or bad luck. Thrown by pure code, rendered in one place. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: ProblemType;
  readonly extras: ProblemExtras;

  constructor(type: ProblemType, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.type = type;
    this.extras = extras;
  }

  get status(): number {
    return this.extras.status ?? PROBLEMS[this.type];
  }
}

/** True for a refusal that may be for want of what another node has just written. */
export function mayBeStale({ type, status, extras }: Problem): boolean {
  const isUnknown = type === 'accountDoesNotExist' || type === 'orderNotReady' || status === 404;
  return extras.mayBeStale ?? isUnknown;
}

/** Makes a Problem to throw: `throw problem('malformed', 'the payload is not JSON')`. */
export function problem(type: ProblemType, detail: string, extras: ProblemExtras = {}): Problem {
  return new Problem(type, detail, extras);
}

/** The problem document (RFC 7807) of a problem. */
export function problemDocument(error: Problem): { readonly [member: string]: Json } {
  const { algorithms, subproblems } = error.extras;
  return {
    type: URN + error.type,
    detail: error.message,
    status: error.status,
    ...(algorithms !== undefined && { algorithms: [...algorithms] }),
    ...(subproblems !== undefined &&
      subproblems.length > 0 && { subproblems: subproblems.map(subproblemDocument) }),
  };
}

/** The `error` member of an order or challenge: as a document, kept as plain data in records. */
export function errorObject(
  type: ProblemType,
  detail: string,
  subproblems: readonly Subproblem[] = [],
): { readonly [member: string]: Json } {
  return problemDocument(new Problem(type, detail, { subproblems }));
}

function subproblemDocument(sub: Subproblem): { readonly [member: string]: Json } {
  const { identifier } = sub;
  return {
    type: URN + sub.type,
    detail: sub.detail,
    ...(identifier && { identifier: { type: identifier.type, value: identifier.value } }),
  };
}
