// The contract of a node's identity over a store. Never here: what a replica is.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryStore } from '../io/store/memory.ts';
import { type Store, StoreError } from '../io/store/store.ts';
import { loadIdentity } from './identity.ts';

/** The same content, in a store that takes no writes. */
function readOnly(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'commit')
        return async () => Promise.reject(new StoreError('failed', 'read only'));
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    (error: unknown) => String(error),
  );
}

test('a database that can be read but not written makes no identity', async () => {
  const store = new MemoryStore();
  assert.match(await reasonOf(loadIdentity(readOnly(store), '00000001')), /read only/);
  await loadIdentity(store, '00000001');
  assert.match(await reasonOf(loadIdentity(readOnly(store), '00000002')), /read only/);
});

test('a damaged fact is named, and nothing is replaced', async () => {
  const store = new MemoryStore();
  await loadIdentity(store, '00000001');
  await store.commit({ records: [], forget: [], meta: new Map([['replica/origin', '!']]) });
  assert.match(await reasonOf(loadIdentity(store, '00000002')), /"replica\/origin" makes no sense/);
});

test('a node keeps its id and origin over restarts', async () => {
  const store = new MemoryStore();
  const first = await loadIdentity(store, '00000001');
  const second = await loadIdentity(store, '00000002');
  assert.is(second.node, first.node);
  assert.is(second.replica.origin, first.replica.origin);
});

test.run();
