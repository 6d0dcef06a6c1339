// The cryptography of a simulated world: what nodes are handed as primitives, and what clients and
// the CA make with it. Cheap and deterministic, but failing as the real thing does: a signature is
// a keyed hash of message and key, so a forged or damaged one is refused.
// Invariant: everything is a function of its arguments. Never here: real cryptography (sim/cli
// injects it with --real-crypto), secrets worth keeping.

import type { Identifier } from '../core/acme/identifier.ts';
import type { IssueRequest, IssueResult } from '../core/acme/issuance.ts';
import { fromBase64Url, fromUtf8, toBase64, toBase64Url, toHex, toUtf8 } from '../core/bytes.ts';
import type {
  CertificateFacts,
  CsrFacts,
  Jwk,
  KeyFacts,
  Primitives,
  Reading,
} from '../core/primitives.ts';
import { digestOf, keyedDigest } from './hash.ts';

/** A key pair of a client. */
export interface SimKey {
  /** The JWS algorithm it signs with. */
  readonly alg: string;
  readonly jwk: Jwk;
  readonly thumbprint: string;
  readonly spkiHash: string;
  /** Signs the ASCII `message`. */
  sign(message: string): Uint8Array;
}

/** A revocation list as it is to be signed. */
export interface ListOrder {
  readonly ca: string;
  readonly number: number;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Serials of revoked certificates, sorted. */
  readonly revoked: readonly string[];
}

export interface SimCrypto {
  readonly primitives: Primitives;
  /** The key pair of a name: always the same one. */
  newKey(name: string): SimKey;
  /** A CSR as base64url, for these names and signed with this key. */
  encodeCsr(names: readonly Identifier[], key: SimKey): string;
  /** The CA: a pure function of the request. */
  issue(request: IssueRequest): IssueResult;
  buildCrl(order: ListOrder): Uint8Array;
}

/** What tells one use of the hash from another. */
const SALT = {
  sha: 1,
  mac: 2,
  secret: 3,
  signature: 4,
  spki: 5,
  serial: 6,
  seal: 7,
  mask: 8,
} as const;
const TAG = 32;
const DEFAULT_VALIDITY_MS = 90 * 86_400_000;

export function cheapCrypto(validityMs: number = DEFAULT_VALIDITY_MS): SimCrypto {
  return {
    primitives: PRIMITIVES,
    newKey,
    encodeCsr: (names, key) => {
      return toBase64Url(toUtf8(JSON.stringify({ names, spkiHash: key.spkiHash })));
    },
    issue: (request) => issue(request, validityMs),
    buildCrl: (order) => toUtf8(JSON.stringify(order)),
  };
}

const PRIMITIVES: Primitives = {
  sha256: (data) => digestOf(data, SALT.sha),
  hmac: (hash, key, data) => {
    const tag = keyedDigest(key, data, SALT.mac + hash.length + hash.charCodeAt(3));
    return hash === 'sha256' ? tag : stretch(tag, hash === 'sha384' ? 48 : 64);
  },
  seal,
  unseal,
  readKey,
  verify: (alg, jwk, message, signature) => {
    return alg === 'ES256' && isEqual(signature, signatureOf(jwk['x'] ?? '', message));
  },
  readCsr: (der) => readPlain(der, 'names') as Reading<CsrFacts>,
  readCertificate: (der) => readPlain(der, 'serial') as Reading<CertificateFacts>,
};

/** A tag over all of it, and the content under a mask that depends on the tag. */
function seal(key: Uint8Array, context: string, content: Uint8Array): Uint8Array {
  const tag = keyedDigest(key, `${context} ${toHex(content)}`, SALT.seal);
  const sealed = new Uint8Array(TAG + content.length);
  sealed.set(tag);
  sealed.set(masked(key, tag, content), TAG);
  return sealed;
}

function unseal(key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array | undefined {
  const tag = sealed.slice(0, TAG);
  const content = masked(key, tag, sealed.subarray(TAG));
  return isEqual(seal(key, context, content), sealed) ? content : undefined;
}

function masked(key: Uint8Array, tag: Uint8Array, content: Uint8Array): Uint8Array {
  const mask = keyedDigest(key, tag, SALT.mask);
  return content.map((octet, i) => octet ^ mask[i % mask.length]! ^ ((i >> 5) & 0xff));
}

function newKey(name: string): SimKey {
  const x = toBase64Url(digestOf(name, SALT.secret));
  const y = toBase64Url(digestOf(x, SALT.secret));
  const jwk: Jwk = { crv: 'P-256', kty: 'EC', x, y };
  const { thumbprint, spkiHash } = factsOf(jwk);
  return { alg: 'ES256', jwk, thumbprint, spkiHash, sign: (message) => signatureOf(x, message) };
}

/** An elliptic key whose coordinates belong together, as a point on the curve would be. */
function readKey(input: unknown): Reading<KeyFacts> {
  if (typeof input !== 'object' || input === null) return bad('the key is not an object');
  const { kty, crv, x, y } = input as { readonly [member: string]: unknown };
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string') return bad('no such kind of key');
  if (y !== toBase64Url(digestOf(x, SALT.secret))) return bad('the key is not a point on P-256');
  return { ok: true, value: factsOf({ crv, kty, x, y }) };
}

function factsOf(jwk: Jwk): KeyFacts {
  const text = JSON.stringify(jwk);
  const thumbprint = toBase64Url(digestOf(text, SALT.sha));
  return { thumbprint, spkiHash: toBase64Url(digestOf(text, SALT.spki)), jwk };
}

/** 64 octets, as ES256 has them. */
function signatureOf(x: string, message: string): Uint8Array {
  return stretch(keyedDigest(toUtf8(x), message, SALT.signature), 64);
}

function issue(request: IssueRequest, validityMs: number): IssueResult {
  const reading = readPlain(fromBase64Url(request.csr) ?? new Uint8Array(0), 'names');
  if (!reading.ok) return { ok: false, problem: 'badCSR', detail: reading.reason };
  const { spkiHash } = reading.value as CsrFacts;
  const serial = toHex(digestOf(`${request.order} ${request.csr}`, SALT.serial).subarray(0, 16));
  const { ca, order, identifiers, notBeforeMs } = request;
  const notAfterMs = request.notAfterMs ?? notBeforeMs + validityMs;
  const leaf = { serial, spkiHash, ca, order, identifiers, notBeforeMs, notAfterMs };
  const der = toBase64(toUtf8(JSON.stringify(leaf)));
  return { ok: true, certificate: { serial, der, notBeforeMs, notAfterMs, spkiHash } };
}

function readPlain(der: Uint8Array, member: string): Reading<unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(der) ?? '');
    if (typeof value === 'object' && value !== null && member in value) return { ok: true, value };
  } catch {
    // Falls through to the refusal.
  }
  return bad('this cannot be read');
}

function bad(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

function stretch(tag: Uint8Array, length: number): Uint8Array {
  const long = new Uint8Array(length);
  for (let i = 0; i < length; i++) long[i] = tag[i % tag.length]! ^ (i >> 5);
  return long;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
