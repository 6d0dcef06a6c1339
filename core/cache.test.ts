import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AssertionFailure } from './assert.ts';
import { Cache } from './cache.ts';
import type { Record, RecordKey } from './crdt/record.ts';

const key = (id: string): RecordKey => ({ kind: 'order', id });
const version = (id: string, seq: number): Record => {
  return { ...key(id), fields: { seq }, dot: { origin: 'a.1', seq } };
};

/** Writes so many other records that nothing unprotected stays. */
function flood(cache: Cache, label: string, count: number): void {
  for (let i = 0; i < count; i++) cache.write(version(`${label}${i}`, i + 1));
}

test('a cache without room is refused', () => {
  assert.throws(
    () => new Cache(1),
    (error: Error) => error instanceof AssertionFailure,
  );
});

test('a load that is answered twice is a bug of ours', () => {
  const cache = new Cache(8);
  const load = cache.beginLoad();
  cache.endLoad(load);
  assert.throws(() => cache.endLoad(load), /answered once/);
  assert.throws(() => cache.endLoad(99), /answered once/);
});

test('what was never seen is not warm, which is not the same as absent', () => {
  const cache = new Cache(8);
  assert.is(cache.get(key('a')), undefined);
  cache.fill(key('a'), undefined);
  assert.is(cache.get(key('a')), null);
});

test('a removed key is known to be absent', () => {
  const cache = new Cache(8);
  cache.write(version('a', 1));
  cache.remove(key('a'));
  assert.is(cache.get(key('a')), null);
});

test('what a load brings does not replace what is warm, neither young nor old', () => {
  const cache = new Cache(8);
  cache.write(version('a', 2));
  cache.fill(key('a'), version('a', 1));
  assert.equal(cache.get(key('a')), version('a', 2));
  flood(cache, 'x', 5);
  cache.fill(key('a'), version('a', 1));
  assert.equal(cache.get(key('a')), version('a', 2));
});

test('what was warm before a load that asks for it stays with what the load brings', () => {
  const cache = new Cache(8);
  cache.write(version('a', 1));
  flood(cache, 'x', 5);
  const load = cache.beginLoad();
  const asked = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const id of asked) cache.fill(key(id), version(id, 1));
  cache.endLoad(load);
  for (const id of asked) assert.equal(cache.get(key(id)), version(id, 1));
});

test('a key removed during a load does not come back with it', () => {
  const cache = new Cache(8);
  const load = cache.beginLoad();
  cache.remove(key('a'));
  flood(cache, 'x', 40);
  cache.fill(key('a'), version('a', 1));
  cache.endLoad(load);
  assert.is(cache.get(key('a')), null);
});

test('a version written during a load survives any flood until the load is back', () => {
  const cache = new Cache(8);
  const load = cache.beginLoad();
  cache.write(version('a', 2));
  flood(cache, 'x', 40);
  cache.fill(key('a'), version('a', 1));
  assert.equal(cache.get(key('a')), version('a', 2));
  cache.endLoad(load);
  flood(cache, 'y', 40);
  assert.is(cache.get(key('a')), undefined);
});

test('a version written before a load began needs no protection: the load reads it', () => {
  const cache = new Cache(8);
  cache.write(version('a', 2));
  cache.beginLoad();
  flood(cache, 'x', 40);
  assert.is(cache.get(key('a')), undefined);
});

test('a version stays protected while any load that is older than it is under way', () => {
  const cache = new Cache(8);
  const [first, second] = [cache.beginLoad(), cache.beginLoad()];
  cache.write(version('a', 2));
  cache.endLoad(first);
  flood(cache, 'x', 40);
  assert.equal(cache.get(key('a')), version('a', 2));
  cache.endLoad(second);
  flood(cache, 'y', 40);
  assert.is(cache.get(key('a')), undefined);
});

test('without loads under way the size stays within the limit', () => {
  const cache = new Cache(64);
  for (let i = 0; i < 10_000; i++) {
    cache.write(version(`n${i}`, i));
    assert.ok(cache.size <= 65, `${cache.size} records`);
  }
});

test('what one load brings is warm as a whole, even when it is more than the cache holds', () => {
  const cache = new Cache(8);
  const ids = Array.from({ length: 100 }, (_, i) => `n${i}`);
  for (let round = 0; round < 2; round++) {
    const cold = ids.filter((id) => cache.get(key(id)) === undefined);
    const load = cache.beginLoad();
    for (const [i, id] of cold.entries()) cache.fill(key(id), version(id, i + 1));
    cache.endLoad(load);
    assert.ok(ids.every((id) => cache.get(key(id)) !== undefined));
    cache.write(version('another', 1));
  }
});

test('what is used stays, what is not used goes', () => {
  const cache = new Cache(16);
  cache.write(version('used', 1));
  cache.write(version('unused', 1));
  for (let i = 0; i < 100; i++) {
    cache.write(version(`n${i}`, i));
    assert.ok(cache.get(key('used')), `gone after ${i} others`);
  }
  assert.is(cache.get(key('unused')), undefined);
});

test('kinds do not mix', () => {
  const cache = new Cache(8);
  cache.write(version('a', 1));
  assert.is(cache.get({ kind: 'authorization', id: 'a' }), undefined);
});

test('what passes by a load under way is kept, so that the answer does not hide it', () => {
  const cache = new Cache(8, 1024);
  const load = cache.beginLoad();
  cache.pass(version('a', 2));
  cache.fill(key('a'), version('a', 1));
  cache.endLoad(load);
  assert.is(cache.get(key('a'))?.dot.seq, 2);
});

test('of many that pass, the warm ones are replaced and the others are not kept', () => {
  const cache = new Cache(8);
  cache.write(version('warm', 1));
  cache.pass(version('warm', 2));
  cache.pass(version('cold', 3));
  assert.is(cache.get(key('warm'))?.dot.seq, 2);
  assert.is(cache.get(key('cold')), undefined);
});

test('where the database held nothing, what was never written does not exist', () => {
  const cache = new Cache(8, 65_536);
  assert.is(cache.get(key('never')), null);
  cache.pass(version('passed', 1));
  assert.is(cache.get(key('passed')), undefined, 'it has to be asked for');
  cache.write(version('written', 1));
  flood(cache, 'f', 100);
  assert.is(cache.get(key('written')), undefined);
});

test.run();
