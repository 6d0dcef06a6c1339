import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CapsuleLine, capsuleText, readCapsuleLine } from './capsule.ts';

test('a capsule of another format is refused by its number', () => {
  const line = { line: 'node', format: 99, making: {} } as unknown as CapsuleLine;
  assert.throws(() => readCapsuleLine(capsuleText(line)), /format 99; this version reads 1/);
});

test('a form that nobody writes is refused', () => {
  assert.throws(() => readCapsuleLine('{"line":{"$secret":1}}'), /unknown form \$secret/);
});

test('what a line holds comes back as it was', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array(),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, tie('array'), tie('map'), tie('object')),
    array: fc.array(fc.oneof(tie('value'), fc.constant(undefined)), { maxLength: 4 }),
    map: fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((all) => new Map(all)),
    object: fc.dictionary(
      fc.oneof(
        fc.string().filter((name) => name !== '__proto__'),
        fc.constantFrom('$map', '$bytes', '$x'),
      ),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  }));
  fc.assert(
    fc.property(value, (effects) => {
      const line = { line: 'done', keyed: [], effects, digest: '' } as unknown as CapsuleLine;
      const back = readCapsuleLine(capsuleText(line));
      assert.equal(normal(back), normal(line));
    }),
  );
});

/** Minus zero is zero in JSON. */
function normal(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(normal);
  if (value instanceof Map) return [...value].map(normal);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, member]) => [name, normal(member)]);
}

test.run();
