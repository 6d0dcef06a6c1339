import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Cache } from './cache.ts';
import type { Record, RecordKey } from './crdt/record.ts';
import { emptyReplica } from './crdt/replica.ts';
import { LIMITS } from './limits.ts';
import { Loads } from './loads.ts';
import { freshMemory, Miss } from './transaction.ts';
import type { Job } from './waiting-room.ts';

const REPLICA = emptyReplica('a.1', 'boot');
const ROOM = 8;

const keys = (label: string): RecordKey[] => {
  return Array.from({ length: ROOM - 1 }, (_, i) => ({ kind: 'order', id: `${label}${i}` }));
};

const stored = (key: RecordKey): Record => {
  return { ...key, fields: { name: key.id }, dot: { origin: 'a.1', seq: 1 } };
};

const job = (): Job => {
  const input = { kind: 'chore', chore: 'sweep-order', nowMs: 0, afterId: '' } as const;
  return { input, memory: freshMemory(undefined, 0), loads: 0, missed: [] };
};

/**
 * Runs a job that needs one group of records after the other, while others write in the time of
 * each load; says how many loads that took.
 */
function loadsFor(cache: Cache, groups: readonly (readonly RecordKey[])[]): number {
  const loads = new Loads(cache);
  const needy = job();
  for (;;) {
    const cold = groups.find((group) => group.some((key) => cache.get(key) === undefined));
    if (cold === undefined) return needy.loads;
    const effect = loads.begin(needy, new Miss(cold, []), REPLICA);
    assert.is(effect.kind, 'load');
    for (const key of keys(`others${needy.loads}-`)) cache.write(stored(key));
    const records = effect.keys.map(stored);
    assert.equal(loads.end(effect.load, { records, selections: [], ranges: [] }), [needy]);
  }
}

test('what a job needs comes in one load each, where the cache has room', () => {
  assert.is(loadsFor(new Cache(8 * ROOM), [keys('a'), keys('b')]), 2);
});

test('records that push each other out of the cache come together after a few loads', () => {
  const cache = new Cache(ROOM);
  const groups = [keys('a'), keys('b'), keys('c')];
  assert.is(loadsFor(cache, groups), LIMITS.loadsApart + 2);
  for (const key of groups.flat()) assert.equal(cache.get(key), stored(key));
});

test('each record is asked for once', () => {
  const loads = new Loads(new Cache(ROOM));
  const needy = job();
  for (let n = 0; n <= LIMITS.loadsApart; n++) {
    const effect = loads.begin(needy, new Miss(keys('a'), []), REPLICA);
    assert.equal(effect.keys, keys('a'));
  }
});

test.run();
