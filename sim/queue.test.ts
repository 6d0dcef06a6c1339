import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Queue } from './queue.ts';

test('what is scheduled for the past happens now, and time does not go back', () => {
  const queue = new Queue();
  const seen: number[] = [];
  queue.add(50, () => queue.add(10, () => seen.push(queue.nowUs)));
  while (queue.runNext(100));
  assert.equal(seen, [50]);
  assert.is(queue.nowUs, 100);
});

test('what was cancelled never happens, also at its own moment', () => {
  const queue = new Queue();
  const seen: string[] = [];
  const second = queue.add(5, () => seen.push('cancelled'));
  queue.add(4, () => second.cancel());
  queue.add(5, () => seen.push('kept'));
  while (queue.runNext(10));
  assert.equal(seen, ['kept']);
});

test('nothing happens beyond the end', () => {
  const queue = new Queue();
  queue.add(11, () => assert.unreachable());
  assert.is(queue.runNext(10), false);
  assert.is(queue.nextUs, 11);
});

test('events happen by time, and in the order they were scheduled at one moment', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (moments) => {
      const queue = new Queue();
      const seen: (readonly [number, number])[] = [];
      for (const [index, atUs] of moments.entries()) {
        queue.add(atUs, () => seen.push([atUs, index]));
      }
      while (queue.runNext(1000));
      const wanted = moments.map((atUs, index) => [atUs, index] as const);
      wanted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      assert.equal(seen, wanted);
    }),
  );
});

test.run();
