// What checkers ask of the contents of records: whether one version is at or above another, and
// whether a missing record may be missing.
// Invariant: the order is the lattices' own, not what a merge happens to do.
// Never here: what any checker makes of it.

import type { Json, Record } from '../../core/crdt/record.ts';
import { expiresMsOf, isDeletable, latticeOf } from '../../core/crdt/schema.ts';
import { LIMITS } from '../../core/limits.ts';
import { EPOCH_MS, MS } from '../clock.ts';

type Fields = Record['fields'];

/** The first field in which `now` is not at or above `before`; undefined when it is in all. */
export function lowered(kind: string, before: Fields, now: Fields): string | undefined {
  if (before === now) return undefined;
  if (isDeletable(kind) && now['deleted'] !== undefined) return undefined;
  for (const field in before) {
    const left: Json = before[field]!;
    const right = now[field];
    if (left === right) continue;
    if (right === undefined || !latticeOf(kind, field).leq(left, right)) return field;
  }
  return undefined;
}

/** True when a record may have been swept by now, on a clock that is right. */
export function mayBeSwept(record: Record, nowUs: number): boolean {
  const expiresMs = expiresMsOf(record);
  return expiresMs !== undefined && expiresMs + LIMITS.expiredRetentionMs <= trueMs(nowUs);
}

/** Unix milliseconds on a clock that is right. */
export function trueMs(nowUs: number): number {
  return EPOCH_MS + Math.floor(nowUs / MS);
}
