// What of a database is not in its digest yet, and the digest after changes meanwhile.
// Invariant: a record counts once. What lies before the walk of count.ts is skipped here, and what
// changes make lies behind it or beyond where it ends. Never here: the walk.

import { advance, type Digest, type KeyedHash, type Step } from './digest.ts';
import type { Dot, Record } from './record.ts';
import { covers, EMPTY_VECTOR, type VersionVector } from './version-vector.ts';

/** The walk: events beyond `from` and up to `to` are not in the digest yet. */
export interface Uncounted {
  readonly from: VersionVector;
  readonly to: VersionVector;
}

/** No digest was kept, and the walk has not begun. */
export const NOT_KEPT: Uncounted = { from: EMPTY_VECTOR, to: EMPTY_VECTOR };

/** The digest after some changes. */
export function digestAfter(
  { digest, uncounted }: { readonly digest: Digest; readonly uncounted: Uncounted | null },
  hash: KeyedHash,
  steps: readonly Step[],
): Digest {
  if (steps.length === 0) return digest;
  if (uncounted === null) return advance(digest, hash, steps);
  const known = (record: Record | undefined): Record | undefined => {
    return record && !isOpen(uncounted, record.dot) ? record : undefined;
  };
  const counted = steps.map(({ before, after }) => ({
    before: known(before),
    after: known(after),
  }));
  return advance(digest, hash, counted);
}

function isOpen({ from, to }: Uncounted, dot: Dot): boolean {
  return covers(to, dot) && !covers(from, dot);
}
