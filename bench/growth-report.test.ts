// Tests of what the growth benchmark compares.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Stretch } from './growth.ts';
import { costOf, curveOf, firstAndLast } from './growth-report.ts';

/** Stretches of 500 certificates; `cpuMs` is per certificate, by number issued. */
function stretches(count: number, cpuMs: (issued: number) => number): readonly Stretch[] {
  return Array.from({ length: count }, (_, i) => {
    const issued = (i + 1) * 500;
    return {
      issued,
      certificates: 500,
      elapsedMs: 1000,
      serverCpuMs: 500 * cpuMs(issued),
      residentBytes: issued,
    };
  });
}

test('the cost of nothing is no number', () => {
  assert.ok(Number.isNaN(costOf([]).cpuMsPerCert));
});

test('the warm-up before the first reading is left out of the first window', () => {
  const [first] = firstAndLast(
    stretches(100, (issued) => (issued <= 1000 ? 50 : 2)),
    1000,
  );
  assert.is(first.cpuMsPerCert, 2);
  assert.is(first.certificates, 5000);
});

test('a cost that grows shows as a dearer last window', () => {
  const [first, last] = firstAndLast(
    stretches(200, (issued) => issued / 1000),
    1000,
  );
  assert.is(first.cpuMsPerCert, 3.75);
  assert.is(last.cpuMsPerCert, 97.75);
  assert.is(last.certificates, 5000);
});

test('a short run is compared in thirds', () => {
  const [first, last] = firstAndLast(
    stretches(8, () => 1),
    1000,
  );
  assert.equal([first.certificates, last.certificates], [1000, 1000]);
});

test('the curve has ten points, the last at the end', () => {
  const points = curveOf(stretches(203, () => 1));
  assert.is(points.length, 10);
  assert.is(points[9]?.issued, 203 * 500);
  assert.is(points[9]?.residentBytes, 203 * 500);
  assert.is(curveOf(stretches(4, () => 1)).length, 4);
  assert.equal(curveOf([]), []);
});

test.run();
