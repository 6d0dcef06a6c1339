// Every bound of the validators in one table: time, tries, sizes, how many at once. Invariant: all
// of them are finite, and the relations between them hold or nothing starts. Never here: ports and
// policy, which an operator configures.

import { assert } from '../../core/assert.ts';

export interface ValidationLimits {
  /** Everything for one validation: waiting for its turn, all attempts, the pauses between. */
  readonly overallMs: number;
  /** One attempt: names, connections, redirects, the answer and the CAA records. */
  readonly attemptMs: number;
  /** One TCP connection to one address; then the next address has its turn. */
  readonly connectMs: number;
  /** The first wait for a DNS server; c-ares lengthens the later ones. */
  readonly dnsTimeoutMs: number;
  readonly dnsTries: number;
  /** The pause before each further attempt: as many retries as there are numbers. */
  readonly retryDelaysMs: readonly number[];
  /** Attempts under way at one time. */
  readonly concurrent: number;
  /** Attempts waiting for their turn; one more is refused. */
  readonly queued: number;
  /** RFC 8555 §8.3 leaves the number open; ten is what the large authorities follow. */
  readonly redirects: number;
  readonly addressesPerHost: number;
  /** The status line and headers of one answer, interim answers included. */
  readonly headBytes: number;
  /** A key authorization has some 90 octets; what is longer than this cannot be one. */
  readonly bodyBytes: number;
  readonly urlCharacters: number;
  /** CNAMEs followed by ourselves, when the DNS server does not. */
  readonly cnames: number;
  /** CAA lookups sent at the same time while climbing the tree. */
  readonly caaLookups: number;
  readonly hostsFileBytes: number;
}

export const VALIDATION_LIMITS: ValidationLimits = {
  overallMs: 30_000,
  attemptMs: 10_000,
  connectMs: 3_000,
  dnsTimeoutMs: 2_000,
  dnsTries: 2,
  retryDelaysMs: [500, 1_000, 2_000],
  concurrent: 256,
  queued: 4_096,
  redirects: 10,
  addressesPerHost: 4,
  headBytes: 16_384,
  bodyBytes: 4_096,
  urlCharacters: 2_048,
  cnames: 8,
  caaLookups: 4,
  hostsFileBytes: 1_048_576,
};

/** The table with some numbers replaced. Throws when the numbers do not fit together. */
export function validationLimits(changes: Partial<ValidationLimits> = {}): ValidationLimits {
  const limits = { ...VALIDATION_LIMITS, ...changes };
  const { retryDelaysMs, ...single } = limits;
  for (const [name, value] of Object.entries(single)) {
    assert(Number.isSafeInteger(value) && value > 0, `limit ${name} is a positive integer`);
  }
  assert(
    retryDelaysMs.every((delay) => Number.isSafeInteger(delay) && delay >= 0),
    'retry delays are milliseconds',
  );
  assert(limits.attemptMs <= limits.overallMs, 'an attempt fits into a validation');
  assert(limits.connectMs <= limits.attemptMs, 'a connection fits into an attempt');
  return limits;
}
