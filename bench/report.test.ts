// Tests of the statistics. A wrong percentile would make every printed latency a lie.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { figure, groupBy, mebibytes, median, percentile, table } from './report.ts';

test('nothing measured has no median and no percentile', () => {
  assert.ok(Number.isNaN(median([])));
  assert.ok(Number.isNaN(percentile([], 50)));
});

test('a percentile is one of the measured values, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.is(percentile(hundred, 50), 50);
  assert.is(percentile(hundred, 99), 99);
  assert.is(percentile(hundred, 100), 100);
  assert.is(percentile([15, 20, 35, 40, 50], 30), 20);
  assert.is(percentile([7], 1), 7);
});

test('values are ordered as numbers, not as text', () => {
  assert.is(median([9, 10, 100]), 10);
  assert.is(percentile([9, 10, 100], 99), 100);
});

test('an even number of values has its median in the middle of two', () => {
  assert.is(median([4, 1, 3, 2]), 2.5);
});

test('statistics leave their input as it was', () => {
  const values = [3, 1, 2];
  median(values);
  percentile(values, 50);
  assert.equal(values, [3, 1, 2]);
});

test('what was not measured prints as a dash', () => {
  assert.is(figure(undefined), '-');
  assert.is(figure(Number.NaN), '-');
  assert.is(figure(1 / 0), '-');
});

test('figures have about three significant digits', () => {
  assert.equal([0, 1.234, 12.34, 123.4].map(figure), ['0.00', '1.23', '12.3', '123']);
  assert.is(mebibytes(3 * 1024 * 1024), '3.00');
});

test('groups keep the order in which their keys appeared', () => {
  const groups = groupBy(['b1', 'a1', 'b2'], (text) => text.slice(0, 1));
  assert.equal(groups, [['b1', 'b2'], ['a1']]);
});

test('a table aligns two columns of text to the left and numbers to the right', () => {
  const rows = [
    ['load', 'who', 'n'],
    ['a', 'bc', '100'],
  ];
  assert.is(table(rows), 'load  who    n\na     bc   100');
});

test.run();
