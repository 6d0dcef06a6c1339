// The answer of a node that cannot take a request now, as when too much is under way. To a POST it
// carries a nonce like any other (RFC 8555 §6.5), for the request may have spent one before it had
// to wait.
// Never here: deciding when that is.

import type { WebResponse } from '../effect.ts';
import { LIMITS } from '../limits.ts';
import { type Answer, problemAnswer, renderAnswer } from './answer.ts';
import type { Policy } from './policy.ts';
import { problem } from './problem.ts';

/** The type of problem it reports. */
export const BUSY = 'serverInternal';

/** 503 with Retry-After. */
export function busyAnswer(why: string): Answer {
  const error = problem(BUSY, why, { status: 503 });
  return { ...problemAnswer(error), retryAfterSecs: LIMITS.retryAfterSecs };
}

/** The same to a request that is turned away before its handler has come to an end. */
export function busyResponse(policy: Policy, nonce: string | undefined, why: string): WebResponse {
  return renderAnswer(policy, busyAnswer(why), {
    route: 'none',
    indexLink: true,
    problem: BUSY,
    ...(nonce !== undefined && { nonce }),
  });
}
