// What a request says and what a response says, read once and kept beside them: clients note it
// when they sign, and checkers need not take requests apart again.
// Invariant: a request that no client noted (damaged on its way) is read from its own text and
// never counts as genuine. Never here: whether what is said is right.

import { relayedFrom } from '../core/acme/relay.ts';
import { fromBase64Url, fromUtf8 } from '../core/bytes.ts';
import type { Json } from '../core/crdt/record.ts';
import type { Effect, WebResponse } from '../core/effect.ts';
import type { WebRequest } from '../core/input.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';

/** How a client bends a request on purpose, so that it must be refused. */
export const BENDS = ['url', 'signature', 'nonce', 'content-type', 'kid'] as const;
export type Bend = (typeof BENDS)[number];

export interface RequestFacts {
  /** Name of the route, as responses carry it; 'none' when there is none. */
  readonly route: string;
  readonly ids: readonly string[];
  /** False when the text is not what a client signed. */
  readonly isGenuine: boolean;
  readonly nonce: string | undefined;
  /** Id of the account in `kid`. */
  readonly account: string | undefined;
  /** Thumbprint of the key that signed; undefined when that is not known. */
  readonly thumbprint: string | undefined;
  /** Undefined for POST-as-GET and for requests without a body. */
  readonly payload: JsonObject | undefined;
  readonly bend: Bend | undefined;
}

const NOTED = new WeakMap<WebRequest, RequestFacts>();
const BODIES = new WeakMap<WebResponse, JsonObject>();
const RELAYED = new WeakMap<JsonObject, WebResponse>();
const EMPTY: JsonObject = {};
const ACCOUNT_PATH = '/acme/account/';

/** A client says what it has just made. */
export function noteRequest(web: WebRequest, facts: RequestFacts): void {
  NOTED.set(web, facts);
}

/** What a request says. */
export function factsOf(web: WebRequest): RequestFacts {
  const noted = NOTED.get(web);
  if (noted !== undefined) return noted;
  const read = readRequest(web);
  NOTED.set(web, read);
  return read;
}

/** The JSON body of a response; empty when there is none. */
export function bodyOf(response: WebResponse): JsonObject {
  const known = BODIES.get(response);
  if (known !== undefined) return known;
  const body = typeof response.body === 'string' ? parseObject(response.body) : EMPTY;
  BODIES.set(response, body);
  return body;
}

/** The first header of this name. */
export function headerOf({ headers }: WebResponse, name: string): string | undefined {
  for (const [key, value] of headers) if (key === name) return value;
  return undefined;
}

/** The problem type without its URN; undefined for an answer that is no problem. */
export function problemOf(response: WebResponse): string | undefined {
  if (response.status < 400) return undefined;
  const { type } = bodyOf(response);
  return typeof type === 'string' ? type.slice(type.lastIndexOf(':') + 1) : '';
}

/** What a node answers to reads that came to another one, by the place of their nonces. */
export function relayedIn(told: Json): readonly (WebResponse | undefined)[] {
  const verdicts = isJsonObject(told) ? told['verdicts'] : undefined;
  if (!Array.isArray(verdicts)) return [];
  return verdicts.map((verdict: Json) => {
    const answer = isJsonObject(verdict) ? verdict['answer'] : undefined;
    return answer === undefined ? undefined : relayedResponse(answer);
  });
}

/** What a node answers, by this effect, to reads that came to others. */
export function saidIn(effect: Effect): readonly WebResponse[] {
  if (effect.kind !== 'tell') return [];
  return relayedIn(effect.page).filter((answer) => answer !== undefined);
}

function relayedResponse(answer: Json): WebResponse | undefined {
  const known = RELAYED.get(answer as JsonObject);
  if (known !== undefined) return known;
  const relayed = relayedFrom(answer);
  if (relayed === undefined) return undefined;
  const body = parseObject(String(relayed.body));
  const isOrder = body['finalize'] !== undefined;
  const route = isOrder ? 'order' : body['challenges'] === undefined ? 'cert' : 'authz';
  const response = { ...relayed, route };
  BODIES.set(response, body);
  RELAYED.set(answer as JsonObject, response);
  return response;
}

/** Route and ids of a target. */
export function routeOf(target: string): Pick<RequestFacts, 'route' | 'ids'> {
  const [path = ''] = target.split('?');
  const [, area = '', kind = '', id = '', rest = ''] = path.split('/');
  if (area === 'ca') {
    if (kind === 'crl') return { route: 'crl', ids: [] };
    if (id === 'crl') return { route: 'crl-of', ids: [kind] };
    return { route: kind, ids: [] };
  }
  if (area !== 'acme') return { route: 'none', ids: [] };
  if (kind === 'account') return { route: rest === 'orders' ? 'orders' : 'account', ids: [id] };
  if (kind === 'order') return { route: rest === 'finalize' ? 'finalize' : 'order', ids: [id] };
  if (kind === 'authz') return { route: 'authz', ids: [id] };
  if (kind === 'chall') return { route: 'challenge', ids: [id, rest] };
  if (kind === 'cert') return { route: rest === 'full' ? 'cert-full' : 'cert', ids: [id] };
  return { route: kind, ids: [] };
}

/** The id at the end of one of the server's URLs, or behind a segment such as `order`. */
export function idOf(url: unknown): string {
  if (typeof url !== 'string') return '';
  const segments = url.split('/');
  return segments[5] ?? '';
}

function readRequest(web: WebRequest): RequestFacts {
  const base = { ...routeOf(web.target), isGenuine: web.method !== 'POST', bend: undefined };
  const outer = typeof web.body === 'string' ? parseObject(web.body) : EMPTY;
  const header = parseObject(decode(outer['protected']));
  const { nonce, kid } = header;
  const payload = decode(outer['payload']);
  return {
    ...base,
    nonce: typeof nonce === 'string' ? nonce : undefined,
    account: accountIn(kid),
    thumbprint: undefined,
    payload: payload === '' ? undefined : parseObject(payload),
  };
}

function accountIn(kid: unknown): string | undefined {
  if (typeof kid !== 'string') return undefined;
  const at = kid.indexOf(ACCOUNT_PATH);
  return at < 0 ? undefined : kid.slice(at + ACCOUNT_PATH.length);
}

function decode(text: unknown): string {
  const bytes = typeof text === 'string' ? fromBase64Url(text) : undefined;
  return (bytes && fromUtf8(bytes)) ?? '';
}

function parseObject(text: string): JsonObject {
  if (!text.startsWith('{')) return EMPTY;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : EMPTY;
  } catch {
    return EMPTY;
  }
}
