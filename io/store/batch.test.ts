// Joining batches against committing them one by one.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { joinBatches } from './batch.ts';
import { MemoryStore, memoryDisk } from './memory.ts';
import { batchOf, sampleRecord } from './samples.contract.ts';
import type { Batch } from './store.ts';

const KEY = { kind: 'order', id: 'a' };

/** What a database holds after these commits. */
async function outcome(batches: readonly Batch[]): Promise<unknown> {
  const store = new MemoryStore(memoryDisk());
  for (const batch of batches) await store.commit(batch);
  return [await store.after('node.1', 0, 99), await store.meta()];
}

test('a key forgotten and written again is kept, and the other way round', async () => {
  const write = (seq: number): Batch => batchOf([sampleRecord('order', 'a', seq)]);
  const forget = batchOf([], [KEY]);
  assert.equal(joinBatches([write(1), forget, write(2)]), write(2));
  assert.equal(joinBatches([write(1), forget]), forget);
});

test('every sequence of three small batches does the same joined as in turn', async () => {
  const makers: ((seq: number) => Batch)[] = [
    (seq) => batchOf([sampleRecord('order', 'a', seq)], [], [['m', `${seq}`]]),
    (seq) => batchOf([sampleRecord('order', 'b', seq)], [KEY]),
    (seq) => batchOf([sampleRecord('order', 'a', seq)], [KEY], [['n', `${seq}`]]),
    () => batchOf([], [], [['m', null]]),
  ];
  for (let code = 0; code < makers.length ** 3; code += 1) {
    const picks = [code & 3, (code >> 2) & 3, code >> 4];
    const batches = picks.map((pick, at) => makers[pick]!(at + 1));
    assert.equal(await outcome([joinBatches(batches)]), await outcome(batches), `${picks}`);
  }
});

test('a single batch is passed on as it is', () => {
  const batch = batchOf([sampleRecord('order', 'a', 1)]);
  assert.is(joinBatches([batch]), batch);
  assert.equal(joinBatches([]), batchOf([]));
});

test.run();
