import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EPOCH_MS, HOUR, MS, NodeClock, SECOND } from './clock.ts';

const fresh = (): NodeClock => new NodeClock({ wallOffsetUs: 0, monoStartUs: 7 * SECOND });

test('a right clock shows the time of the world', () => {
  assert.equal(fresh().now(HOUR), { wallMs: EPOCH_MS + 3_600_000, monoMs: 3_607_000 });
});

test('a jump of the wall clock leaves the monotonic one alone', () => {
  const clock = fresh();
  clock.jumpWall(SECOND, -HOUR);
  assert.equal(clock.now(2 * SECOND), { wallMs: EPOCH_MS + 2000 - 3_600_000, monoMs: 9000 });
  assert.is(clock.skewUs(2 * SECOND), -HOUR);
});

test('drift adds up exactly, also over a hundred years', () => {
  const clock = fresh();
  clock.drift(0, 100, -100);
  const yearsUs = 100 * 365 * 24 * HOUR;
  const { wallMs, monoMs } = clock.now(yearsUs);
  assert.is(wallMs - EPOCH_MS, (yearsUs / MS) * 1.0001);
  assert.is(monoMs, 7000 + (yearsUs / MS) * 0.9999);
});

test('a suspended machine finds its monotonic clock where it was', () => {
  const clock = fresh();
  clock.suspend(SECOND);
  assert.is(clock.now(HOUR).monoMs, 8000);
  assert.is(clock.now(HOUR).wallMs, EPOCH_MS + 3_600_000);
  clock.resume(HOUR);
  assert.is(clock.now(HOUR + SECOND).monoMs, 9000);
});

test('a healed clock is right and runs at the right speed', () => {
  const clock = fresh();
  clock.drift(0, 500_000, -1_000_000);
  clock.jumpWall(SECOND, HOUR);
  clock.heal(HOUR);
  assert.is(clock.now(2 * HOUR).wallMs, EPOCH_MS + 7_200_000);
  assert.is(clock.now(2 * HOUR).monoMs - clock.now(HOUR).monoMs, 3_600_000);
});

test('the monotonic clock never goes back, and shows a moment when it was promised to', () => {
  const act = fc.record({
    afterUs: fc.nat(10_000_000),
    what: fc.constantFrom('drift', 'leap', 'suspend', 'resume', 'wall'),
    by: fc.integer({ min: -900_000, max: 900_000 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 20 }), fc.nat(100_000), (acts, aheadMs) => {
      const clock = fresh();
      let nowUs = 0;
      for (const { afterUs, what, by } of acts) {
        const before = clock.now(nowUs).monoMs;
        nowUs += afterUs;
        if (what === 'drift') clock.drift(nowUs, by, by);
        else if (what === 'leap') clock.jumpMono(nowUs, by);
        else if (what === 'wall') clock.jumpWall(nowUs, by);
        else if (what === 'suspend') clock.suspend(nowUs);
        else clock.resume(nowUs);
        assert.ok(clock.now(nowUs).monoMs >= before);
      }
      clock.drift(nowUs, 0, acts[0]?.by ?? 0);
      const wanted = clock.now(nowUs).monoMs + aheadMs;
      const atUs = clock.whenMono(nowUs, wanted);
      assert.ok(clock.now(atUs).monoMs >= wanted);
      assert.ok(atUs === nowUs || clock.now(atUs - 20).monoMs <= wanted);
    }),
    { numRuns: 500 },
  );
});

test.run();
