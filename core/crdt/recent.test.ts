import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Recent } from './recent.ts';
import { keyText, type Record } from './record.ts';
import { MAX_ORIGINS } from './version-vector.ts';

const record = (id: string, seq: number, origin = 'a.1'): Record => {
  return { kind: 'order', id, fields: {}, dot: { origin, seq } };
};
const idsOf = (rows: readonly Record[] | undefined): readonly string[] | undefined => {
  return rows?.map(({ id }) => id);
};

test('nothing is said of what was held before', () => {
  const recent = new Recent(8, new Map([['a.1', 5]]));
  assert.is(recent.rows('a.1', 4, 10), undefined);
  assert.equal(recent.rows('a.1', 5, 10), []);
  recent.write(record('x', 6));
  assert.is(recent.rows('a.1', 4, 10), undefined);
  assert.equal(idsOf(recent.rows('a.1', 5, 10)), ['x']);
  assert.equal(recent.rows('b.1', 0, 10), []);
});

test('a version that is older than what was held before is not remembered', () => {
  const recent = new Recent(8, new Map([['a.1', 5]]));
  recent.write(record('x', 7));
  recent.write(record('x', 4));
  assert.is(recent.size, 0);
  assert.equal(recent.rows('a.1', 5, 10), []);
});

test('what was forgotten is not said to be absent, nor what is below it', () => {
  const recent = new Recent(2, new Map());
  for (const seq of [1, 3, 2]) recent.write(record(`x${seq}`, seq));
  assert.equal(idsOf(recent.rows('a.1', 1, 10)), ['x2', 'x3']);
  assert.is(recent.rows('a.1', 0, 10), undefined);
  recent.write(record('x4', 4));
  assert.is(recent.rows('a.1', 2, 10), undefined);
  assert.equal(idsOf(recent.rows('a.1', 3, 10)), ['x4']);
});

test('two records that a peer has given one number are both there, each until it is removed', () => {
  const recent = new Recent(8, new Map());
  recent.write(record('x', 1));
  recent.write(record('y', 1));
  assert.equal(idsOf(recent.rows('a.1', 0, 10)), ['x', 'y']);
  recent.remove(record('x', 1));
  assert.equal(idsOf(recent.rows('a.1', 0, 10)), ['y']);
});

test('of an origin beyond the most that can be, nothing is said', () => {
  const recent = new Recent(2 * MAX_ORIGINS, new Map());
  for (let i = 0; i <= MAX_ORIGINS; i++) recent.write(record(`x${i}`, 1, `o${i}.1`));
  assert.is(recent.size, MAX_ORIGINS);
  assert.is(recent.rows(`o${MAX_ORIGINS}.1`, 0, 10), undefined);
  assert.equal(idsOf(recent.rows('o0.1', 0, 10)), ['x0']);
});

test('whatever is written and removed, a range is exactly what a database would give', () => {
  let state = 7;
  const draw = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % bound;
  };
  const origins = ['a.1', 'b.1', 'c.1'];
  const last = new Map(origins.map((origin) => [origin, 0]));
  const stored = new Map<string, Record>();
  const recent = new Recent(24, new Map());
  let [told, silent] = [0, 0];
  for (let step = 0; step < 20_000; step++) {
    const id = `r${draw(60)}`;
    const origin = origins[draw(3)]!;
    const newest = last.get(origin)!;
    if (draw(10) === 0) {
      stored.delete(keyText(record(id, 0)));
      recent.remove(record(id, 0));
    } else {
      // Now and then one that comes late; no two have the same number.
      const isLate = draw(5) === 0;
      const seq = isLate ? 2 * (1 + draw(newest + 1)) : 2 * (newest + 1) + 1;
      const isTaken = [...stored.values()].some(({ dot }) => {
        return dot.origin === origin && dot.seq === seq;
      });
      if (isTaken) continue;
      last.set(origin, Math.max(newest, seq >> 1));
      const written = record(id, seq, origin);
      stored.set(keyText(written), written);
      recent.write(written);
    }
    const afterSeq = Math.max(0, 2 * (last.get(origin)! - draw(40)));
    const limit = 1 + draw(12);
    const rows = recent.rows(origin, afterSeq, limit);
    if (rows === undefined) silent++;
    else {
      told++;
      const wanted = [...stored.values()]
        .filter(({ dot }) => dot.origin === origin && dot.seq > afterSeq)
        .sort((a, b) => a.dot.seq - b.dot.seq)
        .slice(0, limit);
      assert.equal(rows, wanted);
    }
  }
  assert.ok(told > 1_000 && silent > 1_000, `${told} told, ${silent} not`);
});

test('what passes takes all below it along', () => {
  const recent = new Recent(8, new Map());
  for (const seq of [1, 2, 5]) recent.write(record(`x${seq}`, seq));
  recent.pass(record('x1', 3));
  assert.is(recent.rows('a.1', 2, 10), undefined);
  assert.equal(idsOf(recent.rows('a.1', 3, 10)), ['x5']);
  recent.pass(record('y', 2));
  assert.equal(idsOf(recent.rows('a.1', 3, 10)), ['x5']);
});

test.run();
