// What a handler wants answered, and how that becomes a response: status, JSON, links (RFC 8288),
// the headers every ACME answer carries (RFC 8555 §6.5, §7.1) and CORS.
// Invariant: every problem document the server sends is made here. Never here: deciding anything.

import type { Json, RecordKey } from '../crdt/record.ts';
import type { WebResponse } from '../effect.ts';
import type { Policy } from './policy.ts';
import { type Problem, problemDocument } from './problem.ts';

export interface Answer {
  readonly status: number;
  /** An object becomes JSON; text and bytes need a `contentType`. */
  readonly body?: { readonly [member: string]: Json } | string | Uint8Array;
  readonly contentType?: string;
  readonly location?: string;
  readonly links?: readonly Link[];
  readonly retryAfterSecs?: number;
  readonly headers?: { readonly [name: string]: string };
}

export interface Link {
  readonly url: string;
  readonly rel: string;
}

/** A handler answers, or asks to be run again when a record has changed, at the latest in `ms`. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'wait'; readonly key: RecordKey; readonly ms: number };

export function answer(status: number, parts: Omit<Answer, 'status'> = {}): Outcome {
  return { kind: 'answer', answer: { status, ...parts } };
}

export function waitFor(kind: string, id: string, ms: number): Outcome {
  return { kind: 'wait', key: { kind, id }, ms };
}

/** The answer that reports a problem. */
export function problemAnswer(error: Problem): Answer {
  return {
    status: error.status,
    body: problemDocument(error),
    contentType: 'application/problem+json',
    ...(error.extras.headers !== undefined && { headers: error.extras.headers }),
  };
}

export interface Framing {
  readonly route: string;
  /** Set on every answer to a POST, and on new-nonce. */
  readonly nonce?: string | undefined;
  /** Whether this is an ACME resource, which links to its directory. */
  readonly indexLink: boolean;
  readonly problem?: string | undefined;
}

/** The response to send. */
export function renderAnswer(policy: Policy, answer: Answer, framing: Framing): WebResponse {
  const headers: (readonly [string, string])[] = [['Access-Control-Allow-Origin', '*']];
  const { body = '', contentType } = answer;
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  if (isJson) headers.push(['Content-Type', contentType ?? 'application/json']);
  else if (contentType !== undefined) headers.push(['Content-Type', contentType]);
  if (framing.nonce !== undefined) headers.push(['Replay-Nonce', framing.nonce]);
  if (framing.nonce !== undefined) headers.push(['Cache-Control', 'no-store']);
  if (answer.location !== undefined) headers.push(['Location', answer.location]);
  if (framing.indexLink) headers.push(['Link', `<${policy.baseUrl}/acme/directory>;rel="index"`]);
  for (const link of answer.links ?? []) headers.push(['Link', `<${link.url}>;rel="${link.rel}"`]);
  if (answer.retryAfterSecs !== undefined) {
    headers.push(['Retry-After', String(answer.retryAfterSecs)]);
  }
  headers.push(['Access-Control-Expose-Headers', 'Link, Location, Replay-Nonce, Retry-After']);
  if (answer.headers !== undefined) headers.push(...Object.entries(answer.headers));
  const response: WebResponse = {
    status: answer.status,
    headers,
    body: isJson ? JSON.stringify(body) : body,
    route: framing.route,
  };
  return framing.problem === undefined ? response : { ...response, problem: framing.problem };
}
