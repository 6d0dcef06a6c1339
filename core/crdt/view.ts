// What a replica needs of the records of its node. The node keeps the warm ones in memory and all
// of them in its database; a read that is not warm stops the caller, who is run again with the
// answer.
// Invariant: nothing here is called after a change was made, so running again is safe.
// Never here: how records are kept.

import type { Position } from './page.ts';
import type { Origin, Record, RecordKey } from './record.ts';

/** Events of one origin beyond a number. */
export interface Range {
  readonly origin: Origin;
  readonly afterSeq: number;
  /** Its own limit of rows. */
  readonly limit?: number;
}

export interface View {
  /** The records of these keys, in the order asked. */
  load(keys: readonly RecordKey[]): readonly (Record | undefined)[];
  /**
   * For each range the first `limit` records by seq, unless it has a limit of its own. All ranges are read at one instant, and it is
   * the instant of the replica state that is handed in with this view.
   */
  ranges(ranges: readonly Range[], limit: number): readonly (readonly Record[])[];
  /**
   * The first `limit` records of deletable kinds beyond a position, by kind, then id (code unit).
   */
  deletables(after: Position, limit: number): readonly Record[];
}
