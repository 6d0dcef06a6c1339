// Names a certificate can hold: DNS names (RFC 8555 §7.1.4, wildcards §7.1.3) and IP addresses
// (RFC 8738). Invariant: every Identifier that leaves this file is canonical, so two are the same
// name exactly when their text is the same. Never here: policy about which names we issue for.

import { canonicalIp } from './ip-address.ts';

export type IdentifierType = 'dns' | 'ip';

/** A canonical name: lower-case A-labels, possibly with a leading `*.`, or an RFC 5952 address. */
export interface Identifier {
  readonly type: IdentifierType;
  readonly value: string;
}

export type IdentifierReading =
  | { readonly ok: true; readonly value: Identifier }
  | {
      readonly ok: false;
      readonly problem: 'malformed' | 'unsupportedIdentifier' | 'rejectedIdentifier';
      readonly reason: string;
    };

/** Tested before lower-casing, which makes an ASCII k of the Kelvin sign (U+212A). */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;
const MAX_NAME_LENGTH = 253;

/** Reads the `{type, value}` object a client sent. */
export function readIdentifier(input: unknown): IdentifierReading {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return bad('malformed', 'an identifier is an object with "type" and "value"');
  }
  const { type, value } = input as Record<string, unknown>;
  if (typeof type !== 'string' || typeof value !== 'string') {
    return bad('malformed', 'an identifier has a string "type" and a string "value"');
  }
  if (type === 'dns') return readDnsName(value);
  if (type === 'ip') return readIpAddress(value);
  return bad(
    'unsupportedIdentifier',
    `identifier type "${type.slice(0, 40)}" is not supported; use dns or ip`,
  );
}

/** Reads a DNS name or wildcard in any letter case. */
export function readDnsName(text: string): IdentifierReading {
  const base = text.startsWith('*.') ? text.slice(2) : text;
  if (text.length > MAX_NAME_LENGTH) return rejected(text, 'is longer than 253 characters');
  if (text === '' || text.endsWith('.')) return rejected(text, 'is empty or ends with a dot');
  if (canonicalIp(base) !== undefined) return rejected(text, 'is an IP address; use type ip');
  const labels = base.split('.');
  if (!labels.every((label) => LABEL.test(label))) {
    return rejected(text, 'is not a DNS name (letters, digits and hyphens; IDNs as A-labels)');
  }
  if (/^[0-9]+$/.test(labels.at(-1)!)) return rejected(text, 'ends in a numeric label');
  return { ok: true, value: { type: 'dns', value: text.toLowerCase() } };
}

/** Reads an IPv4 or IPv6 address in any textual form (RFC 8738 §3 wants RFC 5952 on the wire). */
export function readIpAddress(text: string): IdentifierReading {
  const value = canonicalIp(text);
  if (value === undefined) return rejected(text, 'is not an IP address');
  return { ok: true, value: { type: 'ip', value } };
}

/** True for `*.example.com`. */
export function isWildcard(identifier: Identifier): boolean {
  return identifier.type === 'dns' && identifier.value.startsWith('*.');
}

/** The key an identifier sorts and compares by. */
export function identifierKey(identifier: Identifier): string {
  return `${identifier.type}:${identifier.value}`;
}

/** Canonical order and no duplicates, so that two equal sets are equal lists. */
export function sortIdentifiers(identifiers: Iterable<Identifier>): Identifier[] {
  const byKey = new Map<string, Identifier>();
  for (const identifier of identifiers) byKey.set(identifierKey(identifier), identifier);
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

function rejected(text: string, why: string): IdentifierReading {
  return bad('rejectedIdentifier', `"${text.slice(0, 260)}" ${why}`);
}

function bad(
  problem: 'malformed' | 'unsupportedIdentifier' | 'rejectedIdentifier',
  reason: string,
): IdentifierReading {
  return { ok: false, problem, reason };
}
