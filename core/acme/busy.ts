// The answer of a node that cannot take a request now, as when too much is under way. To a POST it
// carries a nonce like any other (RFC 8555 §6.5), for the request may have spent one before it had
// to wait.
// Never here: deciding when that is.

import type { WebResponse } from '../effect.ts';
import { LIMITS } from '../limits.ts';
import { problemAnswer, renderAnswer } from './answer.ts';
import type { Policy } from './policy.ts';
import { problem } from './problem.ts';

/** 503 with Retry-After. */
export function busyResponse(policy: Policy, nonce: string | undefined, why: string): WebResponse {
  const error = problem('serverInternal', why, { status: 503 });
  const answer = { ...problemAnswer(error), retryAfterSecs: LIMITS.retryAfterSecs };
  return renderAnswer(policy, answer, {
    route: 'none',
    indexLink: true,
    problem: error.type,
    ...(nonce !== undefined && { nonce }),
  });
}
