import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  beyond,
  compareVectors,
  covers,
  coversAll,
  dotFromText,
  dotText,
  joinVectors,
  MAX_ORIGINS,
  meetVectors,
  sameVector,
  type VersionVector,
  vectorFromJson,
  vectorToJson,
} from './version-vector.ts';

const vector = fc
  .dictionary(fc.constantFrom('a.1', 'b.1', 'b.2', '-._'), fc.integer({ min: 1, max: 4 }))
  .map((entries): VersionVector => new Map(Object.entries(entries)));

test('what vectorToJson cannot have made is refused', () => {
  const bad = [
    null,
    {},
    [['a.1']],
    [['a.1', 0]],
    [['a.1', 1.5]],
    [['a.1', '1']],
    [['a', 1]],
    [['a.b.c', 1]],
    [
      ['b.1', 1],
      ['a.1', 1],
    ],
    [
      ['a.1', 1],
      ['a.1', 1],
    ],
    Array.from({ length: MAX_ORIGINS + 1 }, (_, i) => [`a.${String(i).padStart(5, '0')}`, 1]),
  ];
  for (const json of bad)
    assert.is(vectorFromJson(json), undefined, JSON.stringify(json)?.slice(0, 60));
});

test('a vector survives the wire, in one form', () => {
  fc.assert(
    fc.property(vector, (v) => {
      const shuffled = new Map([...v].reverse());
      assert.equal(vectorToJson(v), vectorToJson(shuffled));
      assert.ok(sameVector(vectorFromJson(vectorToJson(v))!, v));
    }),
  );
});

test('join and meet are the bounds, and compare agrees with covering', () => {
  fc.assert(
    fc.property(vector, vector, vector, (a, b, c) => {
      const joined = joinVectors(a, b);
      assert.ok(coversAll(joined, a) && coversAll(joined, b));
      if (coversAll(c, a) && coversAll(c, b)) assert.ok(coversAll(c, joined));
      const met = meetVectors(a, b);
      assert.ok(coversAll(a, met) && coversAll(b, met));
      if (coversAll(a, c) && coversAll(b, c)) assert.ok(coversAll(met, c));
      assert.is(compareVectors(a, b) === 'equal', sameVector(a, b));
      assert.is(['equal', 'less'].includes(compareVectors(a, b)), coversAll(b, a));
      assert.ok(sameVector(joinVectors(beyond(a, b), b), joined));
    }),
  );
});

test('a dot is covered up to its number and not beyond', () => {
  const seen = new Map([['a.1', 3]]);
  assert.ok(covers(seen, { origin: 'a.1', seq: 3 }));
  assert.not.ok(covers(seen, { origin: 'a.1', seq: 4 }));
  assert.not.ok(covers(seen, { origin: 'a.2', seq: 1 }));
});

test('the text of a dot reads back, and only that', () => {
  const dot = { origin: 'a-b.c_d', seq: 12 };
  assert.equal(dotFromText(dotText(dot)), dot);
  for (const text of ['', 'a.1', 'a.1:', 'a.1:0', 'a.1:01', 'a.1:1e3', 'a.1: 1', 'a:1', 5, null]) {
    assert.is(dotFromText(text), undefined, String(text));
  }
});

test.run();
