// What every refusal has to look like, for tests of the core (RFC 8555 §6.7, RFC 7807).
// Invariant: fails unless the whole problem document is as expected. Never here: sending requests.

import * as assert from 'uvu/assert';
import { PROBLEMS, type ProblemType } from '../acme/problem.ts';
import type { Reply } from './client.ts';

/** Asserts that a reply is the problem document of this type, and returns the reply. */
export function refused(
  reply: Reply,
  type: ProblemType,
  detail: RegExp,
  status: number = PROBLEMS[type],
): Reply {
  const { body } = reply;
  assert.is(body['type'], `urn:ietf:params:acme:error:${type}`, reply.text);
  assert.match(String(body['detail']), detail);
  assert.is(reply.status, status, reply.text);
  assert.is(body['status'], status, 'the document repeats the status');
  assert.is(reply.header('content-type'), 'application/problem+json');
  return reply;
}

/** Asserts that a reply is a success, and returns it. */
export function accepted(reply: Reply, status = 200): Reply {
  assert.is(reply.status, status, reply.text);
  return reply;
}
