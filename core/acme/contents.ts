// What the registers of each kind hold, as a peer's records must have it: the shapes that the
// readers in records.ts rely on. Whoever has valid keys can write any JSON into a register, and
// what is once merged is read again at every start.
// Invariant: what `faultOf` finds nothing in no reader stumbles over, and so does any join of such
// records; members and kinds that this version does not know are let through. Never here: whether a
// content is true.

import { valueOf } from '../crdt/lattice.ts';
import type { Json, Record } from '../crdt/record.ts';
import { type Identifier, identifierKey, isWildcard, readIdentifier } from './identifier.ts';

type Check = (value: Json | undefined) => boolean;

/** Authorizations, identifiers and the like that one record names at most; orders have a hundred. */
const MAX_NAMED = 1000;
const MAX_TEXT = 65_536;
/** The last millisecond of the year 9999, the last that certificates and RFC 3339 can name. */
const MAX_TIME_MS = 253_402_300_799_999;
const ID = /^[\x21-\x7e]{1,200}$/;
/** As `CertificateFacts.serial` has it: at most 20 octets (RFC 5280 §4.1.2.2). */
const SERIAL = /^(?:[0-9a-f]{2}){1,20}$/;
/** Of a hash over a key, unpadded base64url. */
const HASH = /^[A-Za-z0-9_-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Bounded by its field only: what a node writes for operators to read may be long. */
const string: Check = (value) => typeof value === 'string';
const text: Check = (value) => typeof value === 'string' && value.length <= MAX_TEXT;
const id: Check = (value) => typeof value === 'string' && ID.test(value);
const time: Check = (value) => isCount(value) && value <= MAX_TIME_MS;
const flag: Check = (value) => typeof value === 'boolean';
const hash: Check = (value) => typeof value === 'string' && HASH.test(value);
const base64: Check = (value) => typeof value === 'string' && BASE64.test(value);
const serial: Check = (value) => typeof value === 'string' && SERIAL.test(value);
const problem: Check = object({ type: text, detail: string });

/** Of names that this version knows the canonical form: they go into probes and certificates. */
const identifier: Check = (value) => {
  if (!object({ type: text, value: text })(value)) return false;
  const name = value as unknown as Identifier;
  if (name.type !== 'dns' && name.type !== 'ip') return true;
  const reading = readIdentifier(name);
  return reading.ok && identifierKey(reading.value) === identifierKey(name);
};
const plainIdentifier: Check = (value) => {
  return identifier(value) && !isWildcard(value as unknown as Identifier);
};

/** By kind: the fields that are always there, and what the registers hold. */
const CONTENTS: {
  readonly [kind: string]: {
    readonly needs: readonly string[];
    readonly registers: { readonly [field: string]: Check };
  };
} = {
  account: {
    needs: ['made', 'status', 'key'],
    registers: {
      made: object({}),
      key: object({ jwk, thumbprint: hash, spkiHash: hash }),
      contact: list(text),
      eab: object({ kid: string }),
    },
  },
  key: { needs: ['account'], registers: { account: id } },
  order: {
    needs: ['made', 'status'],
    registers: {
      made: object({
        account: id,
        identifiers: list(identifier),
        authorizations: list(id),
        createdMs: time,
        expiresMs: time,
        ca: text,
        notBeforeMs: maybe(time),
        notAfterMs: maybe(time),
        replaces: maybe(text),
        // A certificate is written under it.
        replaced: maybe(serial),
      }),
      csr: object({ csr: text }),
      certificate: object({ serial }),
      error: problem,
    },
  },
  authorization: {
    needs: ['made', 'status'],
    registers: {
      made: object({
        account: id,
        identifier: plainIdentifier,
        wildcard: flag,
        createdMs: time,
        expiresMs: time,
        token: text,
        challenges: list(text),
      }),
      validated: object({ atMs: time }),
      error: problem,
    },
  },
  certificate: {
    // All that a node may have to write of a certificate that it has yet to hear of is `replaced`.
    needs: [],
    registers: {
      made: object({
        ca: text,
        order: id,
        account: id,
        identifiers: list(identifier),
        notBeforeMs: time,
        notAfterMs: time,
        spkiHash: hash,
        der: base64,
      }),
      revocation: object({ atMs: time, reason: isCount }),
      replaced: object({ order: id }),
    },
  },
  eab: { needs: [], registers: { secret: text, used: object({ account: id }) } },
};

/** The same, as it is gone through for every record that comes. */
const CHECKS = new Map(
  Object.entries(CONTENTS).map(([kind, { needs, registers }]) => {
    return [kind, { needs, registers: Object.entries(registers) }];
  }),
);

/**
 * The kind and field of a record that a peer sent which not everybody could read, such as
 * `order.made`; undefined when all is well.
 */
export function faultOf(record: Pick<Record, 'kind' | 'id' | 'fields'>): string | undefined {
  const { kind, fields } = record;
  const checks = CHECKS.get(kind);
  if (checks === undefined) return undefined;
  for (const field of checks.needs) {
    if (fields[field] === undefined) return `${kind}.${field}`;
  }
  for (const [field, check] of checks.registers) {
    if (fields[field] !== undefined && !check(valueOf(fields[field]))) return `${kind}.${field}`;
  }
  return kind !== 'certificate' || isCertificate(record) ? undefined : kind;
}

/** A serial number, and a revocation wherever one is spoken of: lists are made of these. */
function isCertificate({ id: number, fields }: Pick<Record, 'id' | 'fields'>): boolean {
  const { made, status, revocation } = fields;
  if (!serial(number)) return false;
  if (made === undefined) return status === undefined && revocation === undefined;
  return status !== undefined && (status === 'revoked') === (revocation !== undefined);
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function maybe(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function list(check: Check): Check {
  return (value) => Array.isArray(value) && value.length <= MAX_NAMED && value.every(check);
}

/** Whether it makes a key is found out when a signature is verified. */
function jwk(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(text);
}

/** An object that has these members, and possibly others. */
function object(members: { readonly [name: string]: Check }): Check {
  const checks = Object.entries(members);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const own = value as { readonly [name: string]: Json };
    return checks.every(([name, check]) => check(Object.hasOwn(own, name) ? own[name] : undefined));
  };
}
