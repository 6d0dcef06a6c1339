// The host's clocks, read in one place. Invariant: monotonic time never goes back; wall time may.
// Never here: timers.

import type { Now } from '../core/time.ts';

/** What a driver hands the core with every input. Whole milliseconds. */
export function hostNow(): Now {
  return { wallMs: Date.now(), monoMs: Math.floor(performance.now()) };
}
