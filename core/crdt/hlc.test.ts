import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  follow,
  HLC_ZERO,
  isStamp,
  MAX_STAMP_MS,
  nextStamp,
  observe,
  stampMs,
  stampNode,
} from './hlc.ts';

const moment = fc.record({
  ms: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: MAX_STAMP_MS })),
  counter: fc.oneof(fc.nat(3), fc.nat(0xffff)),
  node: fc.constantFrom('-', 'a', 'A', 'a-0', '_', 'node-1'),
});

function stampOf({ ms, counter, node }: { ms: number; counter: number; node: string }): string {
  return `${ms.toString(16).padStart(12, '0')}-${counter.toString(16).padStart(4, '0')}-${node}`;
}

test('strings that no node can have made are not stamps', () => {
  const good = nextStamp(HLC_ZERO, 1, 'n')[0];
  const bad = [
    '',
    good.slice(1),
    `0${good}`,
    good.toUpperCase().replace('N', 'n').replace('1', 'A'),
  ];
  for (const text of [
    ...bad,
    '000000000001-0000-',
    '000000000001-0000-a b',
    `${good}\n`,
    7,
    null,
  ]) {
    assert.not.ok(isStamp(text), String(text));
  }
  assert.ok(isStamp(good));
});

test('a name that is no node id makes no stamp', () => {
  assert.throws(() => nextStamp(HLC_ZERO, 1, ''), /node id/);
  assert.throws(() => nextStamp(HLC_ZERO, 1, 'a/b'), /node id/);
});

test('stamps sort by code unit as (ms, counter, node)', () => {
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      const byParts =
        a.ms - b.ms || a.counter - b.counter || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0);
      const [left, right] = [stampOf(a), stampOf(b)];
      assert.is(left < right ? -1 : left > right ? 1 : 0, Math.sign(byParts));
      assert.is(stampMs(left), a.ms);
      assert.is(stampNode(left), a.node);
    }),
  );
});

test('every stamp of a node is greater than the one before, whatever its wall clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(5), fc.constant(0xffff_ffff))), (walls) => {
      let clock = { ms: 2, counter: 0xfffe };
      let previous = '';
      for (const wall of walls) {
        const [stamp, next] = nextStamp(clock, wall, 'n');
        assert.ok(isStamp(stamp) && stamp > previous);
        clock = next;
        previous = stamp;
      }
    }),
  );
});

test('a full counter carries into the milliseconds', () => {
  const [stamp, clock] = nextStamp({ ms: 9, counter: 0xffff }, 3, 'n');
  assert.is(stamp, '00000000000a-0000-n');
  assert.equal(clock, { ms: 10, counter: 0 });
});

test('the clock follows a stamp within the tolerance, and the next stamp is beyond it', () => {
  const seen = stampOf({ ms: 1030, counter: 7, node: 'x' });
  const clock = observe(HLC_ZERO, seen, 1000, 30);
  assert.equal(clock, { ms: 1030, counter: 7 });
  assert.ok(nextStamp(clock, 1000, 'n')[0] > seen);
});

test('the clock does not follow a stamp beyond the tolerance, and never runs back', () => {
  const ahead = stampOf({ ms: 1031, counter: 0, node: 'x' });
  assert.is(observe(HLC_ZERO, ahead, 1000, 30), HLC_ZERO);
  const clock = { ms: 1000, counter: 5 };
  assert.is(observe(clock, stampOf({ ms: 1000, counter: 4, node: 'x' }), 1000, 30), clock);
  assert.is(observe(clock, stampOf({ ms: 999, counter: 9, node: 'x' }), 1000, 30), clock);
});

test('following records is observing each of their stamps', () => {
  const registers = fc.array(fc.tuple(moment, fc.constantFrom('at', 'claimedAt', 'other')));
  fc.assert(
    fc.property(fc.array(registers), moment, fc.nat(9), (all, start, wallMs) => {
      const records = all.map((list) => ({
        fields: Object.fromEntries(list.map(([at, name], i) => [`f${i}`, { [name]: stampOf(at) }])),
      }));
      const clock = { ms: start.ms, counter: start.counter };
      const stamps = all.flat().filter(([, name]) => name !== 'other');
      const expected = stamps.reduce((c, [at]) => observe(c, stampOf(at), wallMs, 3), clock);
      assert.equal(follow(clock, records, wallMs, 3), expected);
    }),
  );
  const junk = [{ fields: { a: null, b: 'valid', c: { at: 'zzz' }, d: { at: 5 }, e: ['x'] } }];
  assert.equal(follow(HLC_ZERO, junk, 1, 1), HLC_ZERO);
});

test.run();
