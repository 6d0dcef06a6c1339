// The ACME objects as they lie in records, with types: what each kind's fields hold, how to read
// them, and the status that follows from them. Stored status is a rung of a ladder; what depends
// on the clock (expired) or on other records (ready) is computed at every read.
// Invariant: reading never changes anything. Never here: HTTP, JSON for clients.

import { valueOf } from '../crdt/lattice.ts';
import type { Json } from '../crdt/record.ts';
import type { Jwk } from '../primitives.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { type Identifier, identifierKey } from './identifier.ts';
import { CHALLENGE_TYPES, type ChallengeType } from './validation.ts';

export interface AccountKey {
  readonly jwk: Jwk;
  readonly thumbprint: string;
  readonly spkiHash: string;
}

export interface OrderMade {
  readonly account: string;
  readonly identifiers: readonly Identifier[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly authorizations: readonly string[];
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly ca: string;
  /** The certificate it replaces (RFC 9773 §5): as the client named it, and its serial number. */
  readonly replaces?: string;
  readonly replaced?: string;
}

export interface AuthorizationMade {
  readonly account: string;
  /** Without the `*.` of a wildcard. */
  readonly identifier: Identifier;
  readonly wildcard: boolean;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** One token for all challenges of the authorization. */
  readonly token: string;
  readonly challenges: readonly ChallengeType[];
}

export interface CertificateMade {
  readonly ca: string;
  readonly order: string;
  readonly account: string;
  readonly identifiers: readonly Identifier[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spkiHash: string;
  /** DER in padded base64. */
  readonly der: string;
}

export type AccountStatus = 'valid' | 'deactivated' | 'revoked';
export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
export type AuthorizationStatus =
  | 'pending'
  | 'valid'
  | 'invalid'
  | 'deactivated'
  | 'expired'
  | 'revoked';
export type ChallengeStatus = 'pending' | 'processing' | 'valid' | 'invalid';

export function accountKey(account: Draft): AccountKey {
  return valueOf(account.fields['key']) as unknown as AccountKey;
}

export function orderMade(order: Draft): OrderMade {
  return valueOf(order.fields['made']) as unknown as OrderMade;
}

export function authorizationMade(authorization: Draft): AuthorizationMade {
  return valueOf(authorization.fields['made']) as unknown as AuthorizationMade;
}

export function certificateMade(certificate: Draft): CertificateMade {
  return valueOf(certificate.fields['made']) as unknown as CertificateMade;
}

/**
 * A certificate that was issued, as far as this node has heard. Of one that it has yet to hear of it
 * may know already which order replaced it.
 */
export function issuedCertificate(tx: Transaction, serial: string): Draft | undefined {
  const found = tx.get('certificate', serial);
  return found?.fields['made'] === undefined ? undefined : found;
}

/** The rung a status ladder stands on. */
export function rung(record: Draft, field: string): string {
  const value = record.fields[field];
  return typeof value === 'string' ? value : '';
}

/** A member of the object inside a register, when the register is there. */
export function registerMember(record: Draft, field: string, member: string): Json | undefined {
  const value = valueOf(record.fields[field]);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as { readonly [name: string]: Json })[member] : undefined;
}

/** RFC 8555 §7.1.6: a pending or valid authorization expires. */
export function authorizationStatus(authorization: Draft, nowMs: number): AuthorizationStatus {
  const stored = rung(authorization, 'status') as AuthorizationStatus;
  const perishable = stored === 'pending' || stored === 'valid';
  return perishable && authorizationMade(authorization).expiresMs <= nowMs ? 'expired' : stored;
}

export function challengeStatus(authorization: Draft, type: ChallengeType): ChallengeStatus {
  return (rung(authorization, type) || 'pending') as ChallengeStatus;
}

/** The challenge that is being validated, if any. */
export function challengeUnderWay(authorization: Draft): ChallengeType | undefined {
  if (rung(authorization, 'status') !== 'pending') return undefined;
  return CHALLENGE_TYPES.find((type) => challengeStatus(authorization, type) === 'processing');
}

/** RFC 8555 §7.1.6, computed: `ready` once all authorizations are valid, `invalid` if one failed. */
export function orderStatus(tx: Transaction, order: Draft): OrderStatus {
  const stored = rung(order, 'status') as OrderStatus;
  if (stored === 'valid' || stored === 'invalid' || stored === 'processing') return stored;
  const { expiresMs, authorizations } = orderMade(order);
  if (expiresMs <= tx.now.wallMs) return 'invalid';
  const statuses = authorizationsOf(tx, authorizations).map((authorization) => {
    return authorization && authorizationStatus(authorization, tx.now.wallMs);
  });
  if (statuses.every((status) => status === 'valid')) return 'ready';
  return statuses.every((status) => status === 'valid' || status === 'pending')
    ? 'pending'
    : 'invalid';
}

/** The authorizations of an order, warm after one load; undefined where one is gone. */
export function authorizationsOf(
  tx: Transaction,
  ids: readonly string[],
): readonly (Draft | undefined)[] {
  tx.need(ids.map((id) => ({ kind: 'authorization', id })));
  return ids.map((id) => tx.get('authorization', id));
}

/** The name an authorization is good for: `dns:example.com`, `dns:*.example.com`, `ip:…`. */
export function nameKey(authorization: Draft): string {
  const { identifier, wildcard } = authorizationMade(authorization);
  return identifierKey({
    type: identifier.type,
    value: wildcard ? `*.${identifier.value}` : identifier.value,
  });
}
