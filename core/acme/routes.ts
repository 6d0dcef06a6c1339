// The one table of everything a client can ask, and the dispatch over it: path, methods, who
// signs, what the payload may be, which handler. Invariant: a handler runs only after its row's
// conditions hold, and every POST is answered with a fresh nonce, refusals too (RFC 8555 §6.5).
// Never here: what a resource does.

import type { Json, RecordKey } from '../crdt/record.ts';
import type { WebResponse } from '../effect.ts';
import type { WebRequest } from '../input.ts';
import type { JsonObject } from '../json.ts';
import { Miss, type Transaction, Unasked } from '../transaction.ts';
import { listOrders, newAccount, updateAccount } from './account.ts';
import { type Answer, answer, type Outcome, problemAnswer, renderAnswer } from './answer.ts';
import { newAuthorization, updateAuthorization } from './authorization.ts';
import { BUSY, busyAnswer } from './busy.ts';
import type { Call } from './call.ts';
import { downloadCertificate, downloadFullChain, revokeCertificate } from './certificate.ts';
import { respondToChallenge } from './challenge.ts';
import { revocationList } from './crl.ts';
import { directory, issuerChain, newNonce, rootCertificate } from './directory.ts';
import { finalizeOrder } from './finalize.ts';
import type { Held } from './held.ts';
import { isPostAsGet, parseOuter } from './jws.ts';
import { changeKey } from './key-change.ts';
import { getOrder, newOrder } from './order.ts';
import { mayBeStale, Problem, problem } from './problem.ts';
import { type AnsweredRead, LEFT, type Read, readHere, toRelayed } from './relay.ts';
import { renewalInformation } from './renewal.ts';
import {
  authenticate,
  type ReadRequest,
  type Relay,
  type SignedRequest,
  type Signer,
  type Wait,
  withAccountOfNow,
} from './request.ts';

interface Route {
  readonly name: string;
  /** Segments; `*` is an id. */
  readonly path: readonly string[];
  readonly signer: Signer | 'none';
  /** For signed resources: `get` takes only POST-as-GET, `post` only an object, `both` either. */
  readonly payload: 'get' | 'post' | 'both' | 'none';
  /** `records`: a node that lacks some would answer wrongly, such as with too short a list. */
  readonly about: 'records' | 'this node';
  readonly run: (call: Call) => Outcome;
  /** The kind of the record with the first id, if that is what a read shows. */
  readonly shows?: string | undefined;
}

const ROUTES: readonly Route[] = [
  open('directory', 'acme/directory', directory),
  open('new-nonce', 'acme/new-nonce', newNonce),
  signed('new-account', 'acme/new-account', 'key', 'post', newAccount),
  signed('account', 'acme/account/*', 'account', 'both', updateAccount),
  signed('orders', 'acme/account/*/orders', 'account', 'get', listOrders),
  signed('new-order', 'acme/new-order', 'account', 'post', newOrder),
  signed('order', 'acme/order/*', 'account', 'get', getOrder, 'order'),
  signed('finalize', 'acme/order/*/finalize', 'account', 'post', finalizeOrder),
  signed('new-authz', 'acme/new-authz', 'account', 'post', newAuthorization),
  signed('authz', 'acme/authz/*', 'account', 'both', updateAuthorization, 'authorization'),
  signed('challenge', 'acme/chall/*/*', 'account', 'both', respondToChallenge),
  signed('cert', 'acme/cert/*', 'account', 'get', downloadCertificate, 'certificate'),
  signed('cert-full', 'acme/cert/*/full', 'account', 'get', downloadFullChain, 'certificate'),
  signed('revoke-cert', 'acme/revoke-cert', 'either', 'post', revokeCertificate),
  signed('key-change', 'acme/key-change', 'account', 'post', changeKey),
  open('renewal-info', 'acme/renewal-info/*', renewalInformation, 'records'),
  open('crl', 'ca/crl', revocationList, 'records'),
  open('crl-of', 'ca/*/crl', revocationList, 'records'),
  open('root', 'ca/root', rootCertificate),
  open('chain', 'ca/chain', issuerChain),
];

const SEGMENT = /^[A-Za-z0-9_.-]{1,128}$/;
const OPEN_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const SIGNED_METHODS = ['POST', 'OPTIONS'];
/** Instead of a refusal that another member might know better. */
const UNSURE = busyAnswer('some members of the cluster did not answer in time; try again');
const NO_QUERY: ReadonlyMap<string, string> = new Map();
/** The rows by how many segments they have: nearly all that a request could be is ruled out. */
const BY_LENGTH: ReadonlyMap<number, readonly Route[]> = new Map(
  ROUTES.map(({ path: { length } }) => [
    length,
    ROUTES.filter(({ path }) => path.length === length),
  ]),
);

/** Names of all routes, for metrics. */
export const ROUTE_NAMES: readonly string[] = [...ROUTES.map((route) => route.name), 'none'];

/** Whether the answer follows from records. */
export function asksForRecords({ method, target }: WebRequest): boolean {
  const [path] = splitOnce(target, '?');
  return method !== 'OPTIONS' && findRoute(path)?.route.about === 'records';
}

/** Runs the handler of a request. Returns the response, or what to wait for. */
export function handleRequest(tx: Transaction, held: Held, web: WebRequest): WebResponse | Wait {
  const [path = '', search = ''] = splitOnce(web.target, '?');
  const match = findRoute(path);
  try {
    if (match === undefined) throw problem('malformed', 'there is nothing here', { status: 404 });
    const outcome = runRoute(tx, held, web, match.route, match.ids, readQuery(search));
    if (outcome.kind === 'wait') return outcome;
    if (outcome.kind === 'relayed') return { ...outcome.answer, route: match.route.name };
    return frame(tx, held, web, match.route, outcome.answer, undefined);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const isSure = match === undefined || !mayBeStale(error) || tx.askMembers('a refusal');
    if (!isSure) return frame(tx, held, web, match?.route, UNSURE, BUSY);
    return frame(tx, held, web, match?.route, problemAnswer(error), error.type);
  }
}

/**
 * The answer to a read that came to another node with this nonce of ours, if it can be given at once
 * and is no refusal: those are for the node that was asked.
 */
export function answerRead(tx: Transaction, held: Held, json: Json, nonce: string): AnsweredRead {
  const read = readHere(tx, json);
  if (read === undefined || !held.nonces.read(nonce, tx.now.monoMs).ok) return LEFT;
  const response = respondToRead(tx, held, read, nonce);
  const isSpent = isAuthenticated(tx.memory.note);
  tx.memory.note = undefined;
  return { isSpent, answer: response && toRelayed(response) };
}

function respondToRead(
  tx: Transaction,
  held: Held,
  { target, body }: Read,
  nonce: string,
): WebResponse | undefined {
  const match = findRoute(target);
  if (match?.route.shows === undefined) return undefined;
  const web = { method: 'POST', target, contentType: 'application/jose+json', body };
  try {
    const { jws } = (tx.memory.note ??= { jws: parseOuter(body) }) as ReadRequest;
    if (jws.nonce !== nonce || !isPostAsGet(jws)) return undefined;
    const outcome = runRoute(tx, held, web, match.route, match.ids, NO_QUERY);
    if (outcome.kind !== 'answer' || followsFromOthers(match.route, outcome.answer))
      return undefined;
    return frame(tx, held, web, match.route, outcome.answer, undefined);
  } catch (error) {
    if (error instanceof Problem || error instanceof Unasked || error instanceof Miss) {
      return undefined;
    }
    throw error;
  }
}

/** Before an order is valid it shows how far its authorizations are: more may be known of those. */
function followsFromOthers({ shows }: Route, { body }: Answer): boolean {
  return shows === 'order' && (body as JsonObject)['status'] !== 'valid';
}

function runRoute(
  tx: Transaction,
  held: Held,
  web: WebRequest,
  route: Route,
  ids: readonly string[],
  query: ReadonlyMap<string, string>,
): Outcome | Relay {
  const methods = route.signer === 'none' ? OPEN_METHODS : SIGNED_METHODS;
  if (web.method === 'OPTIONS') return preflight(methods);
  if (!methods.includes(web.method)) {
    const allow = methods.join(', ');
    throw problem('malformed', `${web.method} is not allowed here; use ${allow}`, {
      status: 405,
      headers: { Allow: allow },
    });
  }
  if (route.signer === 'none') return route.run(callOf(tx, held, web, ids, query, undefined));
  const { shows } = route;
  const shown = shows === undefined ? undefined : { kind: shows, id: ids[0]! };
  const request = signedRequest(tx, held, web, route.signer, shown);
  if ('kind' in request) return request;
  checkPayload(route, request);
  return route.run(callOf(tx, held, web, ids, query, request));
}

/** One literal, so that every call has one shape: spreading `held` costs 20 µs and 1 KB a request. */
function callOf(
  tx: Transaction,
  held: Held,
  web: WebRequest,
  ids: readonly string[],
  query: ReadonlyMap<string, string>,
  signed: SignedRequest | undefined,
): Call {
  const { policy, nonces, reusable, lists, leases, sealingKey } = held;
  return { policy, nonces, reusable, lists, leases, sealingKey, tx, web, ids, query, signed };
}

/** Authenticates once, however often the input has to be run; the account may change meanwhile. */
function signedRequest(
  tx: Transaction,
  held: Held,
  web: WebRequest,
  signer: Signer,
  shown: RecordKey | undefined,
): SignedRequest | Wait | Relay {
  const { note } = tx.memory;
  if (isAuthenticated(note)) return withAccountOfNow(tx, note);
  const request = authenticate(tx, held, web, signer, shown);
  if (!('kind' in request)) tx.memory.note = request;
  return request;
}

/** Whether a request, by what it has noted, was signed well; then its nonce is spent. */
function isAuthenticated(note: unknown): note is SignedRequest {
  return note !== undefined && 'key' in (note as ReadRequest | SignedRequest);
}

function checkPayload(route: Route, request: SignedRequest): void {
  if (route.payload === 'get' && request.payload !== undefined) {
    throw problem('malformed', 'this resource is read with POST-as-GET: the payload must be empty');
  }
  if (route.payload === 'post' && request.payload === undefined) {
    throw problem('malformed', 'this resource needs a JSON object as payload, not an empty one');
  }
}

function frame(
  tx: Transaction,
  held: Held,
  web: WebRequest,
  route: Route | undefined,
  content: Answer,
  problemType: string | undefined,
): WebResponse {
  const needsNonce = web.method === 'POST' || route?.name === 'new-nonce';
  // What this answer acknowledges counts as well, which becomes an event in a moment.
  const position = tx.replica.seq + tx.drafts.size;
  return renderAnswer(held.policy, content, {
    route: route?.name ?? 'none',
    nonce: needsNonce ? held.nonces.issue(tx.now.monoMs, position) : undefined,
    indexLink: web.target.startsWith('/acme/') && route?.name !== 'directory',
    problem: problemType,
  });
}

/** CORS (WHATWG Fetch §3.2): browsers ask before they POST JOSE. */
function preflight(methods: readonly string[]): Outcome {
  return answer(204, {
    headers: {
      'Access-Control-Allow-Methods': methods.join(', '),
      'Access-Control-Allow-Headers': 'Content-Type',
      'Access-Control-Max-Age': '86400',
    },
  });
}

function findRoute(
  path: string,
): { readonly route: Route; readonly ids: readonly string[] } | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).split('/');
  const route = BY_LENGTH.get(segments.length)?.find(({ path: wanted }) => {
    return wanted.every((want, index) => {
      return want === '*' ? SEGMENT.test(segments[index]!) : want === segments[index];
    });
  });
  if (route === undefined) return undefined;
  return { route, ids: segments.filter((_, index) => route.path[index] === '*') };
}

function readQuery(search: string): ReadonlyMap<string, string> {
  if (search === '') return NO_QUERY;
  const pairs = search.split('&').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => splitOnce(pair, '=') as [string, string]));
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function open(
  name: string,
  path: string,
  run: Route['run'],
  about: Route['about'] = 'this node',
): Route {
  return { name, path: path.split('/'), signer: 'none', payload: 'none', about, run };
}

function signed(
  name: string,
  path: string,
  signer: Signer,
  payload: Route['payload'],
  run: Route['run'],
  shows?: Route['shows'],
): Route {
  return { name, path: path.split('/'), signer, payload, about: 'records', run, shows };
}
