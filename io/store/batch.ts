// Joining batches, for group commit: many small batches become one transaction.
// Invariant: committing the joined batch leaves the same rows as committing each in turn.
// Never here: any database.

import { keyText, type Record, type RecordKey } from '../../core/crdt/record.ts';
import type { Batch } from './store.ts';

/** One batch that does what `batches` do in order; of a key only the last change remains. */
export function joinBatches(batches: readonly Batch[]): Batch {
  if (batches.length === 1) return batches[0]!;
  const records = new Map<string, Record>();
  const forget = new Map<string, RecordKey>();
  const meta = new Map<string, string | null>();
  for (const batch of batches) {
    for (const record of batch.records) {
      const key = keyText(record);
      records.set(key, record);
      forget.delete(key);
    }
    for (const key of batch.forget) {
      const text = keyText(key);
      forget.set(text, key);
      records.delete(text);
    }
    for (const [name, value] of batch.meta) meta.set(name, value);
  }
  return { records: [...records.values()], forget: [...forget.values()], meta };
}
