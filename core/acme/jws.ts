// The JSON Web Signatures ACME requests travel in (RFC 8555 §6.2; RFC 7515): the request itself,
// the inner JWS of a key change (§7.3.5) and the external account binding (§7.3.4).
// Invariant: nothing outside the protected header and the payload, which the signature covers, is
// ever looked at; whatever two readers could understand differently is refused.
// Never here: nonce and account lookup, comparing `url` with what was requested, cryptography.

import { equalBytes, fromBase64Url, textFromBase64Url } from '../bytes.ts';
import type { Json } from '../crdt/record.ts';
import { isJsonObject, type JsonObject, readJson } from '../json.ts';
import type { Jwk, Primitives } from '../primitives.ts';
import {
  algorithmsFor,
  isMacAlgorithm,
  keyFits,
  MAC_ALGORITHM_NAMES,
  MAC_ALGORITHMS,
  SIGNATURE_ALGORITHM_NAMES,
  signatureAlgorithm,
} from './jws-algorithm.ts';
import { type Problem, problem } from './problem.ts';

/** A JWS whose form is right. Nothing in it is trustworthy before its signature was verified. */
export interface Jws {
  readonly alg: string;
  readonly url: string;
  readonly nonce?: string;
  /** Exactly one of `kid` and `jwk` is present. */
  readonly kid?: string;
  /** As the client sent it: give it to `readKey` before anything else. */
  readonly jwk?: JsonObject;
  /** '' for POST-as-GET (RFC 8555 §6.3). */
  readonly payloadText: string;
  /** ASCII: what the signature is computed over (RFC 7515 §5.1 step 8). */
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

export type OuterJws = Jws & { readonly nonce: string };
export type KeyChangeJws = Jws & { readonly jwk: JsonObject };
export type BindingJws = Jws & { readonly kid: string };

/** Arrays and objects in a header or payload may nest this deep; ACME itself needs three levels. */
export const MAX_JSON_DEPTH = 8;

const NONCE = /^[A-Za-z0-9_-]*$/;

/** Reads the body of a POST (RFC 8555 §6.2). Throws malformed, badSignatureAlgorithm, badNonce. */
export function parseOuter(body: string): OuterJws {
  const jws = readJws(readObject('the request body', body), 'signature');
  // §6.5 lets a client try again only on badNonce, and that answer brings the nonce it lacks.
  if (jws.nonce === undefined) throw problem('badNonce', 'the JWS has no nonce (RFC 8555 §6.5)');
  return jws as OuterJws;
}

/** Reads the payload of a key-change request, itself a JWS by the new key (RFC 8555 §7.3.5). */
export function parseInnerKeyChange(outer: Jws): KeyChangeJws {
  const jws = readJws(readObject('the key-change payload', outer.payloadText), 'signature');
  if (jws.jwk === undefined) throw malformed('the inner JWS must carry the new key as "jwk"');
  requireInner(jws, outer);
  return jws as KeyChangeJws;
}

/** Reads the `externalAccountBinding` of a new account (RFC 8555 §7.3.4). */
export function parseExternalAccountBinding(binding: Json, outer: Jws): BindingJws {
  if (!isJsonObject(binding)) throw malformed('"externalAccountBinding" is not a JWS object');
  const jws = readJws(binding, 'mac');
  if (jws.kid === undefined) throw malformed('the external account binding must carry a "kid"');
  requireInner(jws, outer);
  return jws as BindingJws;
}

/** True for a POST-as-GET (RFC 8555 §6.3): an empty payload, which is not the same as `{}`. */
export function isPostAsGet(jws: Jws): boolean {
  return jws.payloadText === '';
}

/** The payload as an object. Throws malformed for anything else, an empty payload too. */
export function parsePayload(jws: Jws): JsonObject {
  if (isPostAsGet(jws)) {
    throw malformed('the payload is empty (POST-as-GET), but this resource needs a JSON object');
  }
  return readObject('the payload', jws.payloadText);
}

/** Verifies with a key that passed `readKey`; throws malformed unless the signature is good. */
export function verifyJws(jws: Jws, jwk: Jwk, primitives: Pick<Primitives, 'verify'>): void {
  const algorithm = signatureAlgorithm(jws.alg);
  // Both the algorithm and the key are ones we support, so badSignatureAlgorithm with its list
  // would send the client in a circle: the two contradict each other, which is malformed.
  if (algorithm === undefined || !keyFits(algorithm, jwk)) {
    const fitting = algorithmsFor(jwk).join(' or ') || 'nothing we support';
    throw malformed(`"alg" is "${jws.alg}", but this key signs with ${fitting}`);
  }
  // §6.2 names no type for a wrong signature; Boulder and Pebble say malformed, clients know that.
  if (!primitives.verify(jws.alg, jwk, jws.signingInput, jws.signature)) {
    throw malformed('the JWS signature does not verify with this key');
  }
}

/**
 * Verifies a binding with the secret of the EAB key it names, and that it binds `thumbprint`,
 * the account key of the outer JWS. Throws unauthorized for a wrong MAC, malformed otherwise.
 */
export function verifyExternalAccountBinding(
  binding: BindingJws,
  thumbprint: string,
  secret: Uint8Array,
  primitives: Pick<Primitives, 'hmac' | 'readKey'>,
): void {
  if (!isMacAlgorithm(binding.alg)) throw unsupported(binding.alg, MAC_ALGORITHM_NAMES);
  const tag = primitives.hmac(MAC_ALGORITHMS[binding.alg], secret, binding.signingInput);
  if (!equalBytes(tag, binding.signature)) {
    throw problem('unauthorized', 'the external account binding does not verify with its key');
  }
  const bound = primitives.readKey(readObject('the binding', binding.payloadText));
  if (!bound.ok || bound.value.thumbprint !== thumbprint) {
    throw malformed('the external account binding is for another account key');
  }
}

/** The one path by which every JWS is read; `use` says which algorithms it may name. */
function readJws(members: JsonObject, use: 'signature' | 'mac'): Jws {
  // RFC 7515 §7.2.1 has other members ignored; these two would be a second, unprotected voice.
  if (Object.hasOwn(members, 'header')) {
    throw malformed('the unprotected "header" is not allowed in ACME (RFC 8555 §6.2)');
  }
  if (Object.hasOwn(members, 'signatures')) {
    throw malformed('"signatures" is not allowed: one signature, flattened (RFC 8555 §6.2)');
  }
  const encodedHeader = stringMember(members, 'protected');
  const encodedPayload = stringMember(members, 'payload');
  const signature = decode('signature', stringMember(members, 'signature'));
  if (signature.length === 0) throw malformed('"signature" is empty');
  const header = readObject('the protected header', decodeText('protected', encodedHeader));
  const alg = readAlgorithm(header, use);
  refuseExtensions(header);
  return {
    alg,
    ...readNonce(header),
    ...readSigner(header),
    url: stringMember(header, 'url'),
    payloadText: decodeText('payload', encodedPayload),
    signingInput: `${encodedHeader}.${encodedPayload}`,
    signature,
  };
}

function readAlgorithm(header: JsonObject, use: 'signature' | 'mac'): string {
  const alg = stringMember(header, 'alg');
  // §6.2 forbids `none` and MACs without naming an error type. To us they are algorithms like any
  // other that we do not support, and that type alone tells the client what to use instead.
  if (use === 'signature' && signatureAlgorithm(alg) === undefined) {
    throw unsupported(alg, SIGNATURE_ALGORITHM_NAMES);
  }
  if (use === 'mac' && !isMacAlgorithm(alg)) throw unsupported(alg, MAC_ALGORITHM_NAMES);
  return alg;
}

function refuseExtensions(header: JsonObject): void {
  // We understand no extension, so any critical one makes the JWS invalid (RFC 7515 §4.1.11), and
  // an empty or wrong `crit` is invalid by itself.
  if (Object.hasOwn(header, 'crit')) throw malformed('"crit" names extensions; none is supported');
  // RFC 8555 §6.2: the unencoded payload option (RFC 7797) must not be used.
  if (Object.hasOwn(header, 'b64')) throw malformed('"b64" is not allowed (RFC 8555 §6.2)');
}

function readNonce(header: JsonObject): { readonly nonce?: string } {
  if (!Object.hasOwn(header, 'nonce')) return {};
  const nonce = stringMember(header, 'nonce');
  if (!NONCE.test(nonce)) throw malformed('"nonce" is not base64url (RFC 8555 §6.5.2)');
  return { nonce };
}

function readSigner(header: JsonObject): { readonly kid: string } | { readonly jwk: JsonObject } {
  const hasJwk = Object.hasOwn(header, 'jwk');
  if (hasJwk === Object.hasOwn(header, 'kid')) {
    throw malformed('the protected header needs "jwk" or "kid", and not both (RFC 8555 §6.2)');
  }
  if (!hasJwk) return { kid: stringMember(header, 'kid') };
  const jwk = header['jwk'];
  if (!isJsonObject(jwk)) throw malformed('"jwk" is not an object');
  return { jwk };
}

/** What the two kinds of inner JWS share: the outer one's `url`, and no nonce of their own. */
function requireInner(inner: Jws, outer: Jws): void {
  if (inner.url !== outer.url) throw malformed('the inner and the outer "url" differ');
  if (inner.nonce !== undefined) throw malformed('the inner JWS must not carry a "nonce"');
}

function readObject(what: string, text: string): JsonObject {
  const reading = readJson(text, MAX_JSON_DEPTH);
  if (!reading.ok) throw malformed(`${what} ${reading.reason}`);
  if (!isJsonObject(reading.value)) throw malformed(`${what} is not a JSON object`);
  return reading.value;
}

function stringMember(members: JsonObject, name: string): string {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  if (typeof value !== 'string') throw malformed(`"${name}" is missing or not a string`);
  return value;
}

function decode(name: string, text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  // RFC 8555 §6.1: values with trailing '=' are improperly encoded.
  if (bytes === undefined) throw malformed(`"${name}" is not unpadded base64url`);
  return bytes;
}

function decodeText(name: string, text: string): string {
  const decoded = textFromBase64Url(text);
  if (decoded !== undefined) return decoded;
  decode(name, text);
  throw malformed(`"${name}" is not UTF-8`);
}

function unsupported(alg: string, algorithms: readonly string[]): Problem {
  return problem('badSignatureAlgorithm', `"${alg}" is not one of ${algorithms.join(', ')}`, {
    algorithms,
  });
}

function malformed(detail: string): Problem {
  return problem('malformed', detail);
}
