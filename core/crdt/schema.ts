// The replicated kinds and the lattice of each of their fields: the one table that decides what a
// merge does. A ladder is written as its rungs, from the lowest; other lattices by their name.
// Invariant: a status is always a ladder, so no order of messages takes it back; adding a kind or a
// field changes no stored record and makes no event. Never here: rules about when a write is
// allowed.

import { FIELD_BOUNDS, LATTICES, type Lattice, UNKNOWN_BOUNDS } from './lattice.ts';
import type { Json, Record } from './record.ts';

/** kind → field → lattice. */
export const SCHEMA = {
  account: {
    made: 'first',
    status: ['valid', 'deactivated', 'revoked'],
    key: 'last',
    contact: 'last',
    terms: 'last',
    eab: 'first',
  },
  /** Binds the thumbprint of a rolled-over key to its account. */
  key: { account: 'first' },
  order: {
    made: 'first',
    status: ['pending', 'processing', 'invalid', 'valid'],
    csr: 'first',
    certificate: 'first',
    error: 'first',
    /** Which node has the certificate made, while the order is being processed. */
    owner: 'lease',
  },
  authorization: {
    made: 'first',
    status: ['pending', 'valid', 'invalid', 'deactivated', 'revoked'],
    'http-01': ['pending', 'processing', 'valid', 'invalid'],
    'dns-01': ['pending', 'processing', 'valid', 'invalid'],
    'tls-alpn-01': ['pending', 'processing', 'valid', 'invalid'],
    validated: 'first',
    error: 'last',
    /** Which node probes, while a challenge is being processed. */
    owner: 'lease',
  },
  certificate: {
    made: 'first',
    status: ['valid', 'revoked'],
    revocation: 'first',
    replaced: 'first',
  },
  /** Never deleted: a key that was withdrawn or used must not come back by anybody's word. */
  eab: {
    made: 'first',
    secret: 'first',
    used: 'first',
    status: ['active', 'revoked'],
  },
  /** Never deleted: a node that was removed is refused for ever, and so its rung has to stay. */
  node: {
    descriptor: 'last',
    status: ['member', 'removed'],
    /** The greatest incarnation the node has taken; smaller ones write no more. */
    incarnation: 'max',
  },
  operator: {
    made: 'first',
    credential: 'last',
    role: 'last',
    status: ['active', 'disabled'],
    deleted: 'first',
    born: 'opaque',
  },
  lease: { claim: 'lease' },
  policy: { value: 'last', deleted: 'first', born: 'opaque' },
  crl: { number: 'max' },
  'log-entry': { made: 'first' },
  checkpoint: { made: 'first', cosignatures: 'set' },
} as const;

export type Kind = keyof typeof SCHEMA;

/** The rungs of a ladder field, as a type: `Rung<'order', 'status'>`. */
export type Rung<
  K extends Kind,
  F extends keyof (typeof SCHEMA)[K],
> = (typeof SCHEMA)[K][F] extends readonly (infer R)[] ? R : never;

/**
 * Kinds of which a record can be deleted. A deleted record is a tombstone: the field `deleted`, and
 * `born`, the dot of its first event, which tells a deleted record from a new one once the
 * tombstone is gone. An id is never used again after its deletion.
 */
export const DELETABLE = ['operator', 'policy'] as const;

/**
 * Kinds that vanish by themselves after `made.value.expiresMs`, on every node, without tombstone.
 */
export const EXPIRING = ['authorization', 'order'] as const;

/** Kinds that travel before everything else: small, and others wait for them. */
export const URGENT = [
  'account',
  'crl',
  'eab',
  'key',
  'lease',
  'node',
  'operator',
  'policy',
] as const;

/**
 * A record has at most this many fields that this version does not know. With the bounds of fields
 * it follows how large any record can become, whatever is merged into it: see MAX_FIELDS_SIZE.
 */
export const MAX_UNKNOWN_FIELDS = 16;

/** UTF-16 code units that all fields of one record take at most. */
export const MAX_FIELDS_SIZE: number =
  MAX_UNKNOWN_FIELDS * UNKNOWN_BOUNDS.size +
  FIELD_BOUNDS.size * Math.max(...Object.values(SCHEMA).map(registersOf));

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const ID = /^[\x21-\x7e]{1,200}$/;

/** Fields that were fine for a kind. What comes off a wire is a new object, and is looked at. */
const FINE = new WeakMap<object, string>();

const LATTICE_OF: ReadonlyMap<string, ReadonlyMap<string, Lattice>> = new Map(
  Object.entries(SCHEMA).map(([kind, fields]) => [kind, latticesOf(fields)]),
);

const DELETABLE_KINDS: ReadonlySet<string> = new Set(DELETABLE);
const EXPIRING_KINDS: ReadonlySet<string> = new Set(EXPIRING);
const URGENT_KINDS: ReadonlySet<string> = new Set(URGENT);

/** The lattice of a field; opaque when this version does not know the field. */
export function latticeOf(kind: string, field: string): Lattice {
  return LATTICE_OF.get(kind)?.get(field) ?? LATTICES.opaque;
}

export const KINDS: readonly string[] = Object.keys(SCHEMA);

export function isKnownKind(kind: string): boolean {
  return LATTICE_OF.has(kind);
}

export function isKnownField(kind: string, field: string): boolean {
  return LATTICE_OF.get(kind)?.has(field) ?? false;
}

export function isDeletable(kind: string): boolean {
  return DELETABLE_KINDS.has(kind);
}

/** True for a record that must travel before bulk: an urgent kind, or a revocation. */
export function isUrgent(record: Record): boolean {
  return URGENT_KINDS.has(record.kind) || record.fields['revocation'] !== undefined;
}

/** True for what a deletion leaves behind. */
export function isTombstone(record: Record): boolean {
  return DELETABLE_KINDS.has(record.kind) && record.fields['deleted'] !== undefined;
}

/** The moment after which a record of an expiring kind no longer exists; else undefined. */
export function expiresMsOf(record: Record): number | undefined {
  if (!EXPIRING_KINDS.has(record.kind)) return undefined;
  const made = record.fields['made'] as { readonly value: Json } | undefined;
  const value = made?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const expiresMs = (value as { readonly [member: string]: Json })['expiresMs'];
  return Number.isSafeInteger(expiresMs) ? (expiresMs as number) : undefined;
}

/** Why a peer's kind, id and fields are refused, or undefined when they are fine. */
export function refuseRecord(kind: unknown, id: unknown, fields: unknown): string | undefined {
  if (typeof kind !== 'string' || !NAME.test(kind)) return 'kind';
  if (typeof id !== 'string' || !ID.test(id)) return 'id';
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return 'fields';
  if (FINE.get(fields) === kind) return undefined;
  const refusal = refuseFields(kind, fields);
  if (refusal === undefined) FINE.set(fields, kind);
  return refusal;
}

function refuseFields(kind: string, fields: object): string | undefined {
  let unknown = 0;
  for (const [field, value] of Object.entries(fields)) {
    const isKnown = isKnownField(kind, field);
    if (!isKnown && !NAME.test(field)) return 'field name';
    if (!latticeOf(kind, field).validate(value)) return `${kind}.${field}`;
    if (!isKnown && ++unknown > MAX_UNKNOWN_FIELDS) return 'unknown fields';
  }
  return undefined;
}

/** Fields whose values are not bounded by their lattice already: a rung, a number and a lease are. */
function registersOf(fields: { readonly [field: string]: string | readonly string[] }): number {
  const small = ['max', 'lease'];
  return Object.values(fields).filter((lattice) => {
    return typeof lattice === 'string' && !small.includes(lattice);
  }).length;
}

function latticesOf(fields: {
  readonly [field: string]: Exclude<keyof typeof LATTICES, 'ladder'> | readonly string[];
}): ReadonlyMap<string, Lattice> {
  return new Map(
    Object.entries(fields).map(([field, lattice]) => [
      field,
      typeof lattice === 'string' ? LATTICES[lattice] : LATTICES.ladder(lattice),
    ]),
  );
}
