// Introductions: two nodes exchange descriptors in one round trip, each authenticated by HMAC-SHA-256
// under the key that only holders of the CA's key can derive.
// The answer is bound to the caller's challenge and to the whole request, so it is fresh. The
// request cannot be: it may be an old one, sent again. That harms nothing, since a descriptor is
// vouched for by its node's own key and a later one always wins: what can be repeated is only what
// that node once said itself, and nothing comes of it where something later, or its removal, is
// known. Each also shows the latest descriptor of the other that it has: a node that was restored
// from a backup learns so that it once had another key.
// Invariant: a descriptor that comes out was said by a holder of the CA's key, and its own key
// vouches for it. Never here: who is a member.

import { createHmac, randomBytes } from 'node:crypto';
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from '../../core/bytes.ts';
import type { NodeDescriptor } from '../../core/cluster/descriptor.ts';
import { canonical, isJson } from '../../core/crdt/canonical.ts';
import type { Json } from '../../core/crdt/record.ts';
import { readDescriptor } from './descriptor.ts';
import { refuse } from './refusal.ts';
import { bodyHash } from './sealed-messages.ts';

/** Bodies of introductions are no longer than this, octets; a descriptor takes about 2,400. */
export const MAX_INTRODUCTION_OCTETS = 8_192;

const DESCRIPTOR_BOUNDS = { size: MAX_INTRODUCTION_OCTETS, depth: 2 };
const VERSION = 2;
const CHALLENGE_OCTETS = 32;
const MEMBERS = 'challenge,descriptor,known,mac,version';

/** What a node says in an introduction. */
export interface Said {
  /** Itself. */
  readonly descriptor: NodeDescriptor;
  /** The other, as it knows him; null when it does not, or would only repeat him. */
  readonly known: NodeDescriptor | null;
}

/** The body of the request. */
export function requestIntroduction(key: Uint8Array, own: Said): Uint8Array {
  return bodyOf(key, 'request', own, toBase64Url(randomBytes(CHALLENGE_OCTETS)));
}

/** What the caller says. Refuses with `identity`. */
export function readIntroduction(key: Uint8Array, request: Uint8Array): Said {
  return read(key, 'request', request);
}

/** The body of the answer to a request that was read. */
export function answerIntroduction(key: Uint8Array, own: Said, request: Uint8Array): Uint8Array {
  // The hash of the request covers the caller's challenge.
  return bodyOf(key, 'answer', own, bodyHash(request));
}

/** What was answered. Refuses with `identity`, and with `unbound` what answers another request. */
export function concludeIntroduction(
  key: Uint8Array,
  request: Uint8Array,
  answer: Uint8Array,
): Said {
  const { challenge, ...said } = read(key, 'answer', answer);
  if (challenge !== bodyHash(request)) refuse('unbound');
  return said;
}

type Direction = 'request' | 'answer';

function bodyOf(key: Uint8Array, direction: Direction, said: Said, challenge: string): Uint8Array {
  const { descriptor, known } = said as unknown as { readonly [member in keyof Said]: Json };
  const mac = toBase64Url(macOf(key, direction, challenge, descriptor, known));
  return toUtf8(JSON.stringify({ version: VERSION, challenge, descriptor, known, mac }));
}

function read(
  key: Uint8Array,
  direction: Direction,
  body: Uint8Array,
): Said & { readonly challenge: string } {
  const json = parse(body);
  if (Object.keys(json).sort().join() !== MEMBERS) refuse('identity', `members are not ${MEMBERS}`);
  const { version, challenge, descriptor, known, mac } = json;
  if (version !== VERSION) refuse('identity', 'it is of another version');
  if (typeof challenge !== 'string' || fromBase64Url(challenge)?.length !== CHALLENGE_OCTETS) {
    return refuse('identity', 'the challenge is malformed');
  }
  if (!isJson(descriptor, DESCRIPTOR_BOUNDS) || !isJson(known, DESCRIPTOR_BOUNDS)) {
    return refuse('identity', 'the descriptor is malformed');
  }
  const claimed = typeof mac === 'string' ? fromBase64Url(mac) : undefined;
  const isAuthentic =
    claimed !== undefined &&
    equalBytes(claimed, macOf(key, direction, challenge, descriptor, known));
  if (!isAuthentic) refuse('identity', 'it was made without the CA key of this cluster');
  return {
    challenge,
    descriptor: genuine(descriptor),
    known: known === null ? null : genuine(known),
  };
}

function genuine(json: Json): NodeDescriptor {
  const found = readDescriptor(json);
  return 'fault' in found ? refuse('identity', found.fault) : found;
}

/** One member name cannot be told from another's text: the canonical form is unambiguous. */
function macOf(
  key: Uint8Array,
  direction: Direction,
  challenge: string,
  descriptor: Json,
  known: Json,
): Uint8Array {
  const said = canonical(['akamu introduction', VERSION, direction, challenge, descriptor, known]);
  return createHmac('sha256', key).update(said).digest();
}

function parse(body: Uint8Array): { readonly [member: string]: unknown } {
  if (body.length > MAX_INTRODUCTION_OCTETS) refuse('size', `${body.length} octets`);
  try {
    const json: unknown = JSON.parse(fromUtf8(body) ?? '');
    if (typeof json === 'object' && json !== null) return json as { [member: string]: unknown };
  } catch {
    // Told below.
  }
  return refuse('identity', 'it is not JSON');
}
