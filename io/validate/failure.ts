// How a probe says no, and how foreign text gets into that sentence. Invariant: what leaves
// `cleaned` is one line, bounded, without control characters. Never here: deciding what failed.

import type { ValidationFailure } from '../../core/acme/validation.ts';

const DETAIL_CHARACTERS = 700;
const QUOTE_CHARACTERS = 100;

/** Thrown by the probes and caught in one place, the validator. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure';
  readonly problem: ValidationFailure;
  /** True when trying again cannot help: policy refused, nothing was late. */
  readonly final: boolean;

  constructor(problem: ValidationFailure, detail: string, final: boolean) {
    super(cleaned(detail, DETAIL_CHARACTERS));
    this.problem = problem;
    this.final = final;
  }
}

/** A failure another attempt may cure. */
export function failed(problem: ValidationFailure, detail: string): ProbeFailure {
  return new ProbeFailure(problem, detail, false);
}

/** A failure that stays. */
export function refused(problem: ValidationFailure, detail: string): ProbeFailure {
  return new ProbeFailure(problem, detail, true);
}

/** Foreign bytes or text in double quotes, cleaned, and shortened to what a reader can use. */
export function quoted(
  content: Uint8Array | string,
  maxCharacters: number = QUOTE_CHARACTERS,
): string {
  const text = typeof content === 'string' ? content : utf8Prefix(content, maxCharacters);
  return `"${cleaned(text, maxCharacters)}"`;
}

/** One line of at most `maxCharacters`, with `?` for what a terminal or a log could obey. */
export function cleaned(text: string, maxCharacters: number): string {
  const line = text
    .slice(0, maxCharacters + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?')
    .trim();
  return line.length > maxCharacters ? `${line.slice(0, maxCharacters - 1)}…` : line;
}

/** The message of anything thrown; for Node's system errors the sentence behind the code. */
export function reasonOf(error: unknown): string {
  const code = errorCode(error);
  const sentence = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (sentence !== undefined) return sentence;
  return error instanceof Error ? error.message : String(error);
}

/** Node's `error.code`, when there is one. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed by the other side',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'network unreachable',
  EADDRNOTAVAIL: 'this address family is not available here',
  EACCES: 'not permitted by the system',
  EMFILE: 'too many open files on the server',
};

function utf8Prefix(bytes: Uint8Array, maxCharacters: number): string {
  return new TextDecoder().decode(bytes.subarray(0, 4 * maxCharacters + 4));
}
