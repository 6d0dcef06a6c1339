// Reads that come with a nonce of another node. Its issuer has to be asked about the nonce anyhow, and
// it is the node that the client has heard from last. So it answers the read as well, and the node
// that got the request hands the answer on: no record has to travel, and none to become durable here.
// Invariant: the issuer answers only if it has seen what the other one knows of what the read shows,
// so the answer lacks nothing that one made there would have had.
// Never here: how the issuer is asked (cluster/redemption.ts), what a resource shows.

import type { Json, RecordKey } from '../crdt/record.ts';
import { vectorOf } from '../crdt/replica.ts';
import {
  coversAll,
  EMPTY_VECTOR,
  type VersionVector,
  vectorFromJson,
  vectorToJson,
  withDot,
} from '../crdt/version-vector.ts';
import type { Relayed, WebResponse } from '../effect.ts';
import type { WebRequest } from '../input.ts';
import { isJsonObject } from '../json.ts';
import { LIMITS } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { bindingOf } from './account-status.ts';

/** A POST-as-GET (RFC 8555 §6.3) for the issuer of its nonce. */
export interface Read {
  readonly target: string;
  readonly body: string;
}

/** An answer to one, as it travels. */
export interface RelayedJson {
  readonly headers: readonly Json[];
  readonly body: string;
}

/** What its issuer has done for a nonce that came with a read. */
export interface AnsweredRead {
  /** Whether the nonce has been spent on the read. */
  readonly isSpent: boolean;
  readonly answer?: RelayedJson | undefined;
}

/** Left to the node that it came to. */
export const LEFT: AnsweredRead = { isSpent: false };

/** What an answer to a read can say in its head (see `renderAnswer`). */
const HEADERS: readonly string[] = [
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
  'Cache-Control',
  'Content-Type',
  'Link',
  'Location',
  'Replay-Nonce',
  'Retry-After',
];
const MOST_HEADERS = 16;
const PLAIN = /^[\x20-\x7e]{0,1024}$/;

/**
 * A read as its issuer gets it, with the last event of each origin that is known here of what it
 * shows; null when it is to be answered here: that would have to be looked up first.
 */
export function readFor(
  tx: Transaction,
  { target, body }: WebRequest,
  shown: RecordKey,
  account: string,
): Json {
  if (typeof body !== 'string' || body.length > LIMITS.readLength) return null;
  const known = knownOf(tx, shown, account);
  return known === undefined ? null : { target, body, known: vectorToJson(known) };
}

/** The read that `readFor` made, if this node may answer it. */
export function readHere(tx: Transaction, json: Json): Read | undefined {
  if (!isJsonObject(json)) return undefined;
  const { target, body } = json;
  const known = vectorFromJson(json['known']);
  if (typeof target !== 'string' || typeof body !== 'string' || known === undefined) {
    return undefined;
  }
  if (body.length > LIMITS.readLength || !coversAll(vectorOf(tx.replica), known)) return undefined;
  return { target, body };
}

/** An answer as it travels; undefined when it is none to hand on. */
export function toRelayed({ status, headers, body }: WebResponse): RelayedJson | undefined {
  if (status !== 200 || typeof body !== 'string') return undefined;
  return { headers: headers.map(([name, value]) => [name, value]), body };
}

/** The answer that `toRelayed` made. A node that lies can say what it likes, in this form. */
export function relayedFrom(json: Json): Relayed | undefined {
  if (!isJsonObject(json)) return undefined;
  const { headers, body } = json;
  if (!Array.isArray(headers) || typeof body !== 'string') return undefined;
  const isHeader = (header: Json): boolean => {
    if (!Array.isArray(header) || header.length !== 2) return false;
    const [name, value] = header as readonly Json[];
    return HEADERS.includes(name as string) && typeof value === 'string' && PLAIN.test(value);
  };
  if (headers.length > MOST_HEADERS || !headers.every(isHeader)) return undefined;
  return { status: 200, headers: headers as unknown as Relayed['headers'], body };
}

/** Of what is shown and of who asks; undefined when some of it is not warm. */
function knownOf(tx: Transaction, shown: RecordKey, account: string): VersionVector | undefined {
  const owner = tx.peek({ kind: 'account', id: account });
  const binding = owner ? bindingOf(tx.primitives, owner) : undefined;
  const held = [owner, tx.peek(shown), binding === undefined ? null : tx.peek(binding)];
  let known = EMPTY_VECTOR;
  for (const record of held) {
    if (record === undefined) return undefined;
    if (record !== null) known = withDot(known, record.dot);
  }
  return known;
}
