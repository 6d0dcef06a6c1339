import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonical, compareJson, inOrder, isJson, sameJson, sizeOf } from './canonical.ts';
import type { Json } from './record.ts';

/** A member named `__proto__` is refused, so that no copy of a record can lose or gain a prototype. */
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => !JSON.stringify(value).includes('"__proto__"'))
  .map((value) => value as Json);
const BOUNDS = { size: 1000, depth: 4 };

test('content that is not plain JSON within the bounds is refused', () => {
  const tooDeep = [[[[[]]]]];
  const bad = [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    () => 1,
    new Date(0),
    new Map(),
    [undefined],
    { a: undefined },
    '\ud800',
    { '\udc00': 1 },
    JSON.parse('{"__proto__": 1}'),
    'x'.repeat(1001),
    Array(2000).fill(0),
    tooDeep,
  ];
  for (const value of bad) assert.not.ok(isJson(value, BOUNDS), typeof value);
});

test('everything that JSON.parse can return is JSON, when it is small and has no __proto__', () => {
  fc.assert(fc.property(json, (value) => assert.ok(isJson(value, { size: 1e6, depth: 9 }))));
});

test('the canonical text reads back as the value, and the order of members is gone', () => {
  assert.is(
    canonical({ b: [1, { d: null, c: 'é' }], a: -0 }),
    '{"a":0,"b":[1,{"c":"é","d":null}]}',
  );
  assert.is(canonical({ 10: 1, 9: 2 } as Json), '{"10":1,"9":2}');
  fc.assert(
    fc.property(json, (value) => {
      assert.ok(sameJson(JSON.parse(canonical(value)), value));
      assert.ok(sizeOf(value) >= 1);
    }),
  );
});

test('values are the same exactly when their canonical texts are, and the order is total', () => {
  fc.assert(
    fc.property(json, json, json, (a, b, c) => {
      assert.is(sameJson(a, b), canonical(a) === canonical(b));
      assert.is(compareJson(a, b) === 0, sameJson(a, b));
      assert.is(compareJson(a, b), -compareJson(b, a) + 0);
      if (compareJson(a, b) <= 0 && compareJson(b, c) <= 0) assert.ok(compareJson(a, c) <= 0);
    }),
  );
  assert.ok(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 }));
  assert.not.ok(sameJson({ a: 1 }, { b: 1 }));
  assert.not.ok(sameJson([1], { 0: 1 } as Json));
});

test('in order is the same content, and the engine writes it as its canonical text', () => {
  fc.assert(
    fc.property(json, (value) => {
      const sorted = inOrder(value);
      assert.ok(sameJson(value, sorted));
      assert.is(canonical(sorted), canonical(value));
      if (isNumbered(sorted)) return;
      assert.is(inOrder(sorted), sorted);
      assert.is(JSON.stringify(sorted), canonical(value));
    }),
  );
  assert.is(canonical({ b: 1, a: { 10: 1, 9: -0 } }), '{"a":{"10":1,"9":0},"b":1}');
});

/** Members named by numbers are enumerated as the engine likes. */
function isNumbered(value: Json): boolean {
  return /"\d+":/.test(JSON.stringify(value));
}

test.run();
