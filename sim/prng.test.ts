import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CERTAIN, Draws, stream } from './prng.ts';

const ONE = stream('test.one');
const TWO = stream('test.two');

test('a draw is a function of its key, whatever was drawn before', () => {
  const alone = new Draws(42).u32(ONE, 3, 7);
  const draws = new Draws(42);
  for (let i = 0; i < 100; i++) draws.u32(TWO, i, i);
  assert.is(draws.u32(ONE, 3, 7), alone);
});

test('every part of the key matters', () => {
  const draws = new Draws(42);
  const words = [
    draws.u32(ONE, 3, 7),
    draws.u32(TWO, 3, 7),
    draws.u32(ONE, 4, 7),
    draws.u32(ONE, 3, 8),
    new Draws(43).u32(ONE, 3, 7),
    new Draws(42 + 2 ** 32).u32(ONE, 3, 7),
  ];
  assert.is(new Set(words).size, words.length);
});

test('bounds hold and every value comes about equally often', () => {
  const draws = new Draws(1);
  const counts = new Map<number, number>();
  for (let i = 0; i < 70_000; i++) {
    const value = draws.below(7, ONE, 0, i);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  assert.equal([...counts.keys()].sort(), [0, 1, 2, 3, 4, 5, 6]);
  for (const count of counts.values()) assert.ok(count > 9_600 && count < 10_400, `${count}`);
});

test('large bounds are reached to their end', () => {
  const draws = new Draws(1);
  const bound = 10 ** 15;
  const values = Array.from({ length: 1000 }, (_, i) => draws.below(bound, ONE, 0, i));
  assert.ok(values.every((value) => value >= 0 && value < bound));
  assert.ok(values.some((value) => value > bound * 0.99));
  assert.ok(values.some((value) => value < bound * 0.01));
});

test('a chance of one in ten comes about one time in ten, none never, certain always', () => {
  const draws = new Draws(5);
  const hits = (millionths: number): number => {
    let count = 0;
    for (let i = 0; i < 50_000; i++) if (draws.chance(millionths, ONE, 0, i)) count++;
    return count;
  };
  assert.is(hits(0), 0);
  assert.is(hits(CERTAIN), 50_000);
  const tenth = hits(100_000);
  assert.ok(tenth > 4_700 && tenth < 5_300, `${tenth}`);
});

test('exponential draws have the mean and the median of the distribution', () => {
  const draws = new Draws(9);
  for (const mean of [1000, 3_600_000_000]) {
    const values = Array.from({ length: 40_000 }, (_, i) => draws.exponential(mean, ONE, 1, i));
    assert.ok(values.every((value) => Number.isSafeInteger(value) && value >= 0));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(average / mean - 1) < 0.03, `${average / mean}`);
    const median = values.sort((a, b) => a - b)[20_000]!;
    assert.ok(Math.abs(median / mean - Math.LN2) < 0.02, `${median / mean}`);
  }
});

test('a sequence gives the draws of its entity in order', () => {
  const sequence = new Draws(3).sequence(ONE, 5);
  const again = new Draws(3).sequence(ONE, 5);
  assert.equal(
    [sequence.u32(), sequence.below(10), sequence.between(5, 6)],
    [again.u32(), again.below(10), again.between(5, 6)],
  );
  assert.is(sequence.bytes(7).length, 7);
});

test.run();
