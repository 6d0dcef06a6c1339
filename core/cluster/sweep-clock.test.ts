import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SweepClock } from './sweep-clock.ts';

const HOUR_MS = 3_600_000;

test('nothing is removed before the clock has been watched for long enough', () => {
  const clock = new SweepClock(6 * HOUR_MS, 0);
  assert.is(clock.read({ wallMs: 5_000, monoMs: 5 * HOUR_MS }), undefined);
  assert.is(clock.read({ wallMs: 6_000, monoMs: 6 * HOUR_MS }), 5_000);
});

test('a clock that jumps ahead and back never counts', () => {
  const clock = new SweepClock(6 * HOUR_MS, 0);
  const right = (hour: number): number => 1_000_000 + hour * HOUR_MS;
  for (let hour = 0; hour <= 24; hour++) {
    const isWrong = hour > 8 && hour < 13;
    const wallMs = right(hour) + (isWrong ? 1000 * HOUR_MS : 0);
    const moment = clock.read({ wallMs, monoMs: hour * HOUR_MS });
    assert.ok(moment === undefined || moment <= right(hour), `hour ${hour}`);
  }
});

test('a clock that runs right is followed at the distance of the caution', () => {
  const clock = new SweepClock(6 * HOUR_MS, 0);
  let moment: number | undefined;
  for (let hour = 0; hour <= 24; hour++) {
    moment = clock.read({ wallMs: hour * HOUR_MS, monoMs: hour * HOUR_MS });
  }
  assert.is(moment, 18 * HOUR_MS);
});

test.run();
