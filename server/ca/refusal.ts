// How code that reads untrusted X.509 structures says no: it throws a Refusal with one sentence,
// and the function at the border turns that into a Reading.
// Invariant: what a border function is handed, it returns a Reading; only our own bugs get through
// as exceptions. Never here: what is refused.

import { DerError } from '../../core/der-reader.ts';
import type { Reading } from '../../core/primitives.ts';

/** Bytes that parse but that we do not accept. The message is the sentence a client sees. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Refuses with a sentence that names the mistake and the fix. */
export function refuse(reason: string): never {
  throw new Refusal(reason);
}

/** The value of a reading, or a refusal with its reason. */
export function demand<T>(reading: Reading<T>): T {
  return reading.ok ? reading.value : refuse(reading.reason);
}

/** Runs a reader; `what` names the whole in the sentence about broken DER, such as "the CSR". */
export function attempt<T>(what: string, read: () => T): Reading<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    if (error instanceof DerError) {
      return { ok: false, reason: `${what} is not valid DER: ${error.message}` };
    }
    throw error;
  }
}
