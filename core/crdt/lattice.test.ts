import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sameJson } from './canonical.ts';
import {
  claim,
  first,
  LATTICES,
  last,
  MAX_SET_MEMBERS,
  released,
  renewed,
  valueOf as valueIn,
} from './lattice.ts';
import type { Json } from './record.ts';
import { VALUES } from './testing/values.ts';

const EARLY = '000000000001-0000-a';
const LATE = '000000000002-0000-a';
const STATUS = LATTICES.ladder(['valid', 'deactivated', 'revoked']);

test('what no honest node makes is refused by every lattice', () => {
  const at = EARLY;
  const bad: { readonly [lattice: string]: readonly unknown[] } = {
    max: [-1, 1.5, 2 ** 53, '1', null],
    first: [
      { at },
      { at: 'now', value: 1 },
      { at, value: 1, more: 1 },
      { at, value: '\ud800' },
      [],
    ],
    last: [
      { version: 0, at, value: 1 },
      { version: 1.5, at, value: 1 },
      { at, value: 1 },
    ],
    set: ['a', ['b', 'a'], ['a', 'a'], [1], { 0: 'a' }],
    lease: [
      { epoch: 1 },
      { ...claim(undefined, at, 'a'), epoch: 0 },
      { ...claim(undefined, at, '/') },
    ],
    opaque: [undefined, Number.NaN, 'x'.repeat(200_000)],
  };
  for (const [name, values] of Object.entries(bad)) {
    const lattice = LATTICES[name as 'max'];
    for (const value of values) assert.not.ok(lattice.validate(value), `${name} ${String(value)}`);
  }
  for (const value of ['ready', '', 0, null, 'constructor']) assert.not.ok(STATUS.validate(value));
});

for (const [name, values] of Object.entries(VALUES)) {
  const lattice = LATTICES[name as 'max'];
  test(`${name}: values are valid, the laws hold, and leq is the order of the join`, () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        assert.ok(lattice.validate(a) && lattice.validate(lattice.join(a, b)));
        assert.ok(sameJson(lattice.join(a, b), lattice.join(b, a)));
        assert.ok(sameJson(lattice.join(a, a), a));
        const [left, right] = [
          lattice.join(lattice.join(a, b), c),
          lattice.join(a, lattice.join(b, c)),
        ];
        assert.ok(sameJson(left, right));
        assert.is(lattice.leq(a, b), sameJson(lattice.join(a, b), b));
      }),
      { numRuns: 1000 },
    );
  });
}

test('first: the earliest decision stands; at the same moment the smaller content', () => {
  const { join } = LATTICES.first;
  assert.equal(join(first(LATE, 'b'), first(EARLY, 'z')), first(EARLY, 'z'));
  assert.equal(join(first(EARLY, 'b'), first(EARLY, 'a')), first(EARLY, 'a'));
});

test('last: a write beats what it has seen, on whatever clock', () => {
  const { join } = LATTICES.last;
  const seen = last(undefined, LATE, 'fast clock');
  const later = last(seen, EARLY, 'slow clock');
  assert.is(later.version, 2);
  assert.is(join(seen, later), later);
  const unseen = last(undefined, EARLY, 'other');
  assert.is(join(unseen, seen), seen, 'between strangers the stamp decides');
});

test('last: a peer that uses up the versions does not make the next write invalid', () => {
  const hostile = { version: Number.MAX_SAFE_INTEGER, at: EARLY, value: 1 };
  const next = last(hostile, LATE, 2);
  assert.ok(LATTICES.last.validate(next));
  assert.is(LATTICES.last.join(hostile, next), next);
});

test('set: a union never outgrows what peers accept', () => {
  const names = (prefix: string): string[] => {
    return Array.from(
      { length: MAX_SET_MEMBERS },
      (_, i) => `${prefix}${String(i).padStart(4, '0')}`,
    );
  };
  const union = LATTICES.set.join(names('a'), names('b'));
  assert.ok(LATTICES.set.validate(union));
  assert.equal(LATTICES.set.join(['a', 'c'], ['b', 'c']), ['a', 'b', 'c']);
});

test('lease: the higher epoch, then the earlier claim, then the smaller node', () => {
  const { join } = LATTICES.lease;
  const held = claim(undefined, EARLY, 'b');
  assert.is(join(held, claim(undefined, LATE, 'a')), held);
  const rival = claim(undefined, EARLY, 'a');
  assert.is(join(held, rival), rival);
  const next = claim(held, EARLY, 'c');
  assert.is(next.epoch, 2);
  assert.is(join(rival, next), next);
});

test('lease: release is final in its claim, and does not release the rival that won', () => {
  const { join } = LATTICES.lease;
  const mine = claim(undefined, LATE, 'b');
  const done = released(renewed(mine));
  assert.is(join(done, renewed(renewed(mine))), done);
  assert.throws(() => renewed(done), /claimed anew/);
  const winner = claim(undefined, EARLY, 'a');
  assert.is(join(done, winner), winner);
});

test('opaque: an old node joins the fields of a newer one as the newer one does', () => {
  for (const name of ['max', 'first', 'last', 'set', 'lease'] as const) {
    fc.assert(
      fc.property(VALUES[name]!, VALUES[name]!, (a, b) => {
        assert.ok(sameJson(LATTICES.opaque.join(a, b), LATTICES[name].join(a, b)));
      }),
    );
  }
  assert.is(LATTICES.opaque.join(9, 10), 10, 'numbers, not texts');
});

test('valueOf reads registers, and nothing from what is none', () => {
  assert.is(valueIn(first(EARLY, 'a')), 'a');
  assert.is(valueIn(last(undefined, EARLY, 'b')), 'b');
  for (const other of [undefined, null, 'x', 3, ['x']] as (Json | undefined)[]) {
    assert.is(valueIn(other), undefined);
  }
});

test.run();
