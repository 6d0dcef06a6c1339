// Whether a message is of now, by the time that its sender has put into it.
// Never here: whether it came before (replay-guard.ts).

import type { ChannelLimits } from './channel.ts';
import { refuse } from './refusal.ts';

export type FreshnessLimits = Pick<ChannelLimits, 'skewToleranceMs' | 'maxAgeMs'>;

/** Both times: wall clock, Unix ms. Refuses with `freshness`. */
export function requireFresh(issueMs: number, nowMs: number, limits: FreshnessLimits): void {
  const { skewToleranceMs, maxAgeMs } = limits;
  const ageMs = nowMs - issueMs;
  const isFresh = -ageMs <= skewToleranceMs && ageMs <= Math.min(skewToleranceMs, maxAgeMs);
  if (!isFresh) refuse('freshness', `issued ${Math.abs(ageMs)} ms ${ageMs < 0 ? 'ahead' : 'ago'}`);
}
