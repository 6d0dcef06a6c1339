// Requests as clients make them: the JWS of RFC 8555 §6.2, signed with an account key, a bare key
// or the key of a certificate, and bent when that is wanted.
// Invariant: what a request says is noted beside it. Never here: when it is sent, nonces' origin.

import { toBase64Url, toUtf8 } from '../core/bytes.ts';
import type { Json } from '../core/crdt/record.ts';
import type { WebRequest } from '../core/input.ts';
import type { JsonObject } from '../core/json.ts';
import type { ClientState } from './client-state.ts';
import type { SimKey } from './crypto.ts';
import { type Bend, noteRequest, routeOf } from './exchange-facts.ts';

/** What is to be asked, before it has a nonce and a signature. */
export interface Ask {
  readonly target: string;
  /** Absent: a plain GET. `look`: POST-as-GET. */
  readonly payload?: JsonObject | 'look';
  /** Signs as a bare key instead of the account: its own for new accounts, or a certificate's. */
  readonly bareKey?: SimKey;
  readonly bend?: Bend;
  readonly method?: 'GET' | 'HEAD';
}

const FORGED_NONCE = 'Zm9yZ2Vk'.repeat(7);

/** A request without signature. */
export function plainRequest(target: string, method: 'GET' | 'HEAD' = 'GET'): WebRequest {
  const web: WebRequest = { method, target, contentType: '', body: '' };
  noteRequest(web, {
    ...routeOf(target),
    isGenuine: true,
    nonce: undefined,
    account: undefined,
    thumbprint: undefined,
    payload: undefined,
    bend: undefined,
  });
  return web;
}

/** A signed request. */
export function signedRequest(
  baseUrl: string,
  client: ClientState,
  ask: Ask,
  nonce: string,
): WebRequest {
  const { target, bend, bareKey } = ask;
  const key = bareKey ?? client.key;
  const kid = bend === 'kid' ? `${baseUrl}/acme/account/nobody` : client.account!;
  const header: { [member: string]: Json } = {
    alg: key.alg,
    nonce: bend === 'nonce' ? FORGED_NONCE : nonce,
    url: bend === 'url' ? `${baseUrl}/acme/elsewhere` : baseUrl + target,
    ...(bareKey === undefined ? { kid } : { jwk: bareKey.jwk }),
  };
  const payload = ask.payload === 'look' ? undefined : ask.payload;
  const jws = signedJws(key, header, payload === undefined ? '' : JSON.stringify(payload), bend);
  const contentType = bend === 'content-type' ? 'application/json' : 'application/jose+json';
  const web: WebRequest = { method: 'POST', target, contentType, body: JSON.stringify(jws) };
  noteRequest(web, {
    ...routeOf(target),
    isGenuine: true,
    nonce: header['nonce'] as string,
    account: bareKey === undefined ? kid.slice(kid.lastIndexOf('/') + 1) : undefined,
    thumbprint: key.thumbprint,
    payload,
    bend,
  });
  return web;
}

/** The payload of a key change (RFC 8555 §7.3.5): a JWS by the new key. */
export function keyChangePayload(baseUrl: string, client: ClientState, newKey: SimKey): JsonObject {
  const header = { alg: newKey.alg, jwk: newKey.jwk, url: `${baseUrl}/acme/key-change` };
  const payload = { account: client.account!, oldKey: client.key.jwk };
  return signedJws(newKey, header, JSON.stringify(payload), undefined);
}

function signedJws(
  key: SimKey,
  header: JsonObject,
  payload: string,
  bend: Bend | undefined,
): JsonObject {
  const parts = {
    protected: toBase64Url(toUtf8(JSON.stringify(header))),
    payload: toBase64Url(toUtf8(payload)),
  };
  const message = `${parts.protected}.${parts.payload}`;
  const signature = key.sign(bend === 'signature' ? `${message}.` : message);
  return { ...parts, signature: toBase64Url(signature) };
}
