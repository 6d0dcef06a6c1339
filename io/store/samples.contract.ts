// Records, batches and small checks that the contract's cases share.
// Invariant: nothing here knows which adapter is tested. Never here: cases.

import * as assert from 'uvu/assert';
import type { Selection } from '../../core/crdt/columns.ts';
import type { Record, RecordKey } from '../../core/crdt/record.ts';
import { type Batch, type Store, StoreError } from './store.ts';

/** One thing every store must do. `reopen` closes the store and opens its database again. */
export type Case = (store: Store, reopen: () => Promise<Store>) => Promise<void>;

export interface Cases {
  readonly [title: string]: Case;
}

export const ORIGIN = 'node.1';

/** A record of the shapes the program stores. */
export function sampleRecord(
  kind: string,
  id: string,
  seq: number,
  fields: Record['fields'] = {},
  origin: string = ORIGIN,
): Record {
  return { kind, id, fields, dot: { origin, seq } };
}

export function batchOf(
  records: readonly Record[],
  forget: readonly RecordKey[] = [],
  meta: readonly (readonly [string, string | null])[] = [],
): Batch {
  return { records, forget, meta: new Map(meta) };
}

export function orderOf(
  id: string,
  seq: number,
  account: string,
  status: string,
  expiresMs: number,
  name = 'old.example',
): Record {
  const value = { account, identifiers: [{ type: 'dns', value: name }], expiresMs };
  return sampleRecord('order', id, seq, { made: { at: [1, 0, 'n'], value }, status });
}

/** Checks the open store, then the same database reopened. */
export async function beforeAndAfter(
  store: Store,
  reopen: () => Promise<Store>,
  check: (current: Store) => Promise<void>,
): Promise<void> {
  await check(store);
  await check(await reopen());
}

export async function rejects(promise: Promise<unknown>, fault: string): Promise<void> {
  const outcome = await promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof StoreError ? error.fault : error),
  );
  assert.is(outcome, fault);
}

export async function idsIn(
  store: Store,
  kind: string,
  more: Partial<Selection> = {},
): Promise<string[]> {
  return idsOf(store.select({ kind, limit: 99, ...more }));
}

export async function idsOf(records: Promise<Record[]>): Promise<string[]> {
  return (await records).map((record) => record.id);
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
