import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { amended, placesOf } from './layers.ts';
import {
  beyond,
  compareVectors,
  differences,
  EMPTY_VECTOR,
  joinVectors,
  meetVectors,
  sameVector,
  type VersionVector,
  vectorToJson,
  withDifferences,
} from './version-vector.ts';

const BASE: VersionVector = new Map(
  Array.from({ length: 100 }, (_, i) => [`n${100 + i}.b`, 3] as const),
);
const ORIGINS = [
  ...[...BASE.keys()].slice(0, 20),
  ...Array.from({ length: 80 }, (_, i) => `z${i}.b`),
];

/** A vector made in steps, and a plain map of the same content. */
interface Twin {
  readonly layered: VersionVector;
  readonly plain: VersionVector;
}

const step = fc.array(fc.tuple(fc.constantFrom(...ORIGINS), fc.nat(6)), { maxLength: 12 });
const twin: fc.Arbitrary<Twin> = fc
  .tuple(fc.constantFrom(BASE, EMPTY_VECTOR), fc.array(step, { maxLength: 12 }))
  .map(([base, steps]) => {
    const layered = steps.reduce((vector, changes) => amended(vector, changes), base);
    const plain = new Map(base);
    for (const [origin, seq] of steps.flat()) {
      if (seq === 0) plain.delete(origin);
      else plain.set(origin, seq);
    }
    return { layered, plain };
  });

function entriesOf(vector: VersionVector): readonly (readonly [string, number])[] {
  return [...vector].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('a vector in layers is the map that it stands for', () => {
  fc.assert(
    fc.property(twin, ({ layered, plain }) => {
      assert.is(layered.size, plain.size);
      assert.equal(entriesOf(layered), entriesOf(plain));
      assert.equal(new Set(layered.keys()), new Set(plain.keys()));
      assert.equal([...layered.values()].sort(), [...plain.values()].sort());
      const visited = new Map<string, number>();
      layered.forEach((seq, origin) => {
        visited.set(origin, seq);
      });
      assert.equal(entriesOf(visited), entriesOf(plain));
      for (const origin of ORIGINS) {
        assert.is(layered.get(origin), plain.get(origin));
        assert.is(layered.has(origin), plain.has(origin));
      }
    }),
  );
});

test('what is found out about two vectors does not depend on their layers', () => {
  const copy = (vector: VersionVector): VersionVector => new Map(vector);
  fc.assert(
    fc.property(twin, twin, (one, other) => {
      const [a, b, c, d] = [one.layered, other.layered, copy(one.plain), copy(other.plain)];
      assert.is(compareVectors(a, b), naive(c, d));
      assert.equal(entriesOf(joinVectors(a, b)), entriesOf(joinedOf(c, d)));
      assert.equal(entriesOf(meetVectors(a, b)), entriesOf(meetVectors(c, d)));
      const gained = [...c].filter(([origin, seq]) => seq > (d.get(origin) ?? 0));
      assert.equal(entriesOf(beyond(a, b)), entriesOf(new Map(gained)));
      const but = differences(a, b, 1000)!;
      assert.ok(sameVector(withDifferences(b, but), c));
      assert.equal(vectorToJson(withDifferences(b, but)), vectorToJson(c));
      const places = placesOf(a, b);
      if (places !== undefined) for (const [origin] of but) assert.ok(places.includes(origin));
      if (but.length > 0) assert.is(differences(a, b, but.length - 1), undefined);
    }),
    { numRuns: 500 },
  );
});

test('what one entry of many changes is found without looking at all of them', () => {
  const many = new Map(Array.from({ length: 5000 }, (_, i) => [`n${i}.b`, 1] as const));
  const [a, b] = [amended(many, [['x.b', 1]]), amended(many, [['n7.b', 2]])];
  assert.equal(placesOf(a, b), ['x.b', 'n7.b']);
  const elsewhere = amended(new Map(many), [['y.b', 1]]);
  assert.equal(placesOf(a, elsewhere), ['x.b', 'y.b']);
});

function naive(a: VersionVector, b: VersionVector): ReturnType<typeof compareVectors> {
  const covers = (above: VersionVector, below: VersionVector): boolean => {
    return [...below].every(([origin, seq]) => seq <= (above.get(origin) ?? 0));
  };
  const [isLess, isGreater] = [covers(b, a), covers(a, b)];
  if (isLess) return isGreater ? 'equal' : 'less';
  return isGreater ? 'greater' : 'concurrent';
}

function joinedOf(a: VersionVector, b: VersionVector): VersionVector {
  const joined = new Map(a);
  for (const [origin, seq] of b) joined.set(origin, Math.max(seq, joined.get(origin) ?? 0));
  return joined;
}

test.run();
