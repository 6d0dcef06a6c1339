// Answers to operators: JSON that says what stands now, or what is wrong and what to do.
// Invariant: every refusal names a way on. Never here: what any command does.

import type { Json } from './crdt/record.ts';
import type { WebResponse } from './effect.ts';

/** What came of a command. */
export function done(body: { readonly [member: string]: Json }): WebResponse {
  return answer(200, body);
}

/** `error`: what is wrong; `fix`: what to do. */
export function refusal(status: number, error: string, fix: string): WebResponse {
  return answer(status, { error, fix });
}

function answer(status: number, body: { readonly [member: string]: Json }): WebResponse {
  const headers = [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status, headers, body: `${JSON.stringify(body)}\n`, route: 'admin' };
}
