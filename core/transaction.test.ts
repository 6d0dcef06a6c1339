import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Cache } from './cache.ts';
import { Recent } from './crdt/recent.ts';
import type { Record } from './crdt/record.ts';
import { emptyReplica } from './crdt/replica.ts';
import { PRIMITIVES } from './testing/rig.ts';
import { freshMemory, type Memory, Miss, remember, Transaction } from './transaction.ts';

const REPLICA = emptyReplica('a.1', 'boot');
const SELECTION = { kind: 'order', owner: 'me', limit: 2 };

function memory(entropy: Uint8Array | undefined = new Uint8Array(32)): Memory {
  return freshMemory(entropy, 5);
}

function transaction(
  cache: Cache = new Cache(8),
  kept: Memory = memory(),
  recent?: Recent,
): Transaction {
  let stamps = 0;
  const now = { wallMs: 10, monoMs: 20 };
  const nextStamp = (): string => `stamp-${++stamps}`;
  const setting = { now, primitives: PRIMITIVES, cache, replica: REPLICA, isAlone: true };
  return new Transaction({ ...setting, recent, nextStamp }, kept);
}

function answerSelection(kept: Memory, selections: readonly (readonly Record[])[]): void {
  remember(kept, new Miss([], [SELECTION]), { records: [], selections, ranges: [] });
}

function record(id: string, fields: Record['fields']): Record {
  return { kind: 'order', id, fields, dot: { origin: 'a.1', seq: 1 } };
}

function missed(action: () => unknown): Miss {
  try {
    action();
  } catch (error) {
    assert.instance(error, Miss);
    return error as Miss;
  }
  return assert.unreachable('expected a miss') as never;
}

test('a read that is not warm misses and names its key', () => {
  const { keys, selections } = missed(() => transaction().get('order', 'a'));
  assert.equal(keys, [{ kind: 'order', id: 'a' }]);
  assert.equal(selections, []);
});

test('a write to a cold record misses: its other fields are not known', () => {
  const tx = transaction();
  missed(() => tx.put('order', 'a', { status: 'valid' }));
  assert.is(tx.drafts.size, 0);
});

test('a selection that was not answered misses and names itself', () => {
  assert.equal(missed(() => transaction().select(SELECTION)).selections, [SELECTION]);
});

test('where something is cold needs miss together, so that one load brings them all', () => {
  const cache = new Cache(8);
  cache.fill({ kind: 'order', id: 'warm' }, undefined);
  const tx = transaction(cache);
  tx.create('order', 'draft', {});
  const keys = ['warm', 'cold', 'draft', 'colder'].map((id) => ({ kind: 'order', id }));
  const miss = missed(() => tx.need(keys, [SELECTION]));
  assert.equal(
    miss.keys.map(({ id }) => id),
    ['warm', 'cold', 'colder'],
  );
  assert.equal(miss.selections, [SELECTION]);
});

test('needs that are met are silent', () => {
  const cache = new Cache(8);
  const kept = memory();
  cache.write(record('a', {}));
  answerSelection(kept, [[]]);
  transaction(cache, kept).need([{ kind: 'order', id: 'a' }], [SELECTION]);
});

test('an id needs entropy', () => {
  assert.throws(
    () => transaction(new Cache(8), { ...memory(), entropy: undefined }).newId(),
    /entropy/,
  );
});

test('ids are the same in every run of an input, and differ within it and between inputs', () => {
  const kept = memory();
  const [first, again] = [transaction(new Cache(8), kept), transaction(new Cache(8), kept)];
  const ids = [first.newId(), first.newId()];
  assert.equal([again.newId(), again.newId()], ids);
  assert.is.not(ids[0], ids[1]);
  assert.match(ids[0]!, /^[A-Za-z0-9_-]{22}$/);
  const other = transaction(new Cache(8), memory(new Uint8Array(32).fill(1)));
  assert.is.not(other.newId(), ids[0]);
});

test('a handler reads what it wrote, and the other fields stay', () => {
  const cache = new Cache(8);
  cache.write(record('a', { status: 'pending', made: 1 }));
  const tx = transaction(cache);
  tx.put('order', 'a', { status: 'valid' });
  tx.put('order', 'a', { csr: 2 });
  assert.equal(tx.get('order', 'a')?.fields, { status: 'valid', made: 1, csr: 2 });
});

test('what a handler writes is not in the cache before the node commits it', () => {
  const cache = new Cache(8);
  cache.write(record('a', { status: 'pending' }));
  const tx = transaction(cache);
  tx.put('order', 'a', { status: 'valid' });
  tx.create('order', 'b', {});
  assert.is(transaction(cache).get('order', 'a')?.fields['status'], 'pending');
  missed(() => transaction(cache).get('order', 'b'));
});

test('what is known to be absent reads as undefined and can be written', () => {
  const cache = new Cache(8);
  cache.fill({ kind: 'crl', id: 'a' }, undefined);
  const tx = transaction(cache);
  assert.is(tx.get('crl', 'a'), undefined);
  tx.put('crl', 'a', { number: 1 });
  assert.equal(tx.get('crl', 'a')?.fields, { number: 1 });
});

test('a selection answered with nothing is an empty list', () => {
  const kept = memory();
  answerSelection(kept, []);
  assert.equal(transaction(new Cache(8), kept).select(SELECTION), []);
});

test('effects, notices and removals are collected in order', () => {
  const tx = transaction();
  tx.log('info', 'acme', 'first');
  tx.log('warn', 'acme', 'second', { n: 1 });
  tx.forget({ kind: 'order', id: 'a' });
  tx.notify({ kind: 'crl', id: 'b' });
  assert.equal(
    tx.effects.map((effect) => effect.kind === 'log' && [effect.message, effect.fields]),
    [
      ['first', {}],
      ['second', { n: 1 }],
    ],
  );
  assert.equal(tx.forgotten, [{ kind: 'order', id: 'a' }]);
  assert.equal(tx.notified, [{ kind: 'crl', id: 'b' }]);
});

test('rows of origins miss together, and are remembered', () => {
  const kept = memory();
  const ranges = [1, 2].map((afterSeq) => ({ origin: 'b.1', afterSeq, limit: 5 }));
  const miss = missed(() => transaction(new Cache(8), kept).ranges(ranges));
  assert.equal(miss.ranges, ranges);
  const rows = [[record('a', {})], []];
  remember(kept, miss, { records: [], selections: [], ranges: rows });
  assert.equal(transaction(new Cache(8), kept).ranges(ranges), rows);
});

test('rows belong to the replica of the moment they were asked for', () => {
  const kept = memory();
  assert.is(transaction(new Cache(8), kept).instant, REPLICA);
  kept.instant = { ...REPLICA, seq: 7 };
  assert.is(transaction(new Cache(8), kept).instant.seq, 7);
});

test('a stored version is the one before what this handler wrote', () => {
  const cache = new Cache(8);
  cache.write(record('a', { status: 'pending' }));
  const tx = transaction(cache);
  tx.put('order', 'a', { status: 'valid' });
  assert.is(tx.stored({ kind: 'order', id: 'a' })?.fields['status'], 'pending');
  missed(() => tx.stored({ kind: 'order', id: 'b' }));
  assert.is(missed(() => tx.records([{ kind: 'order', id: 'b' }])).keys.length, 1);
});

test('stamps come from the node', () => {
  const tx = transaction();
  assert.equal([tx.stamp(), tx.stamp()], ['stamp-1', 'stamp-2']);
});

test('rows that are remembered are of the instant at which they were first asked for', () => {
  const kept = memory();
  const recent = new Recent(8, new Map());
  recent.write(record('x', {}));
  const range = { origin: 'a.1', afterSeq: 0, limit: 5 };
  const first = transaction(new Cache(8), kept, recent);
  assert.equal(first.ranges([range]), [[record('x', {})]]);
  assert.is(kept.instant, REPLICA);
  recent.remove(record('x', {}));
  assert.equal(transaction(new Cache(8), kept, recent).ranges([range]), [[record('x', {})]]);
  assert.equal(transaction(new Cache(8), memory(), recent).ranges([range]), [[]]);
});

test('of ranges of which one is not remembered, all are asked for', () => {
  const recent = new Recent(8, new Map([['b.1', 3]]));
  const [known, unknown] = [
    { origin: 'a.1', afterSeq: 0, limit: 5 },
    { origin: 'b.1', afterSeq: 2, limit: 5 },
  ];
  const kept = memory();
  const miss = missed(() => transaction(new Cache(8), kept, recent).ranges([known, unknown]));
  assert.equal(miss.ranges, [known, unknown]);
  assert.is(kept.instant, undefined);
});

test.run();
