// The contract for the store in memory, and what it offers to tests beyond it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryStore, memoryDisk } from './memory.ts';
import { batchOf, sampleRecord } from './samples.contract.ts';
import { storeContract } from './store.contract.ts';
import { StoreError } from './store.ts';

storeContract('memory', async () => {
  const disk = memoryDisk();
  return { open: async () => new MemoryStore(disk), dispose: async () => undefined };
});

test('a commit told to fail keeps nothing and stops the store', async () => {
  const disk = memoryDisk();
  const store = new MemoryStore(disk);
  const record = sampleRecord('order', 'o', 1);
  store.failNextCommit('disk full');
  const error = await store.commit(batchOf([record], [], [['k', 'v']])).catch((e: unknown) => e);
  assert.instance(error, StoreError);
  assert.match((error as StoreError).message, 'disk full');
  const refusal = await store.meta().catch((e: unknown) => e);
  assert.is((refusal as StoreError).fault, 'stopped');
  const reopened = new MemoryStore(disk);
  assert.equal(await reopened.load([record]), [undefined]);
  assert.equal(await reopened.meta(), new Map());
});

test.run();
