// Arbitrary valid contents for property tests: small domains, so that values meet, tie and
// conflict.
// Never here: assertions.

import * as fc from 'fast-check';
import type { Fields } from '../merge.ts';
import type { Json } from '../record.ts';
import { SCHEMA } from '../schema.ts';

const stamp = fc
  .tuple(fc.nat(2), fc.nat(1), fc.constantFrom('a', 'b'))
  .map(([ms, counter, node]) => `${ms.toString(16).padStart(12, '0')}-000${counter}-${node}`);
const value: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, 0, 1, 'x', 'y', [], ['x'], {}),
  fc.record({ expiresMs: fc.nat(3) }),
);
const firstValue = fc.record({ at: stamp, value });
const lastValue = fc.record({ version: fc.integer({ min: 1, max: 3 }), at: stamp, value });
const setValue = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))
  .map((members) => members.sort());
const leaseValue = fc.record({
  epoch: fc.integer({ min: 1, max: 3 }),
  claimedAt: stamp,
  node: fc.constantFrom('a', 'b'),
  renewals: fc.nat(2),
  released: fc.boolean(),
});

/** A valid value of each lattice. */
export const VALUES: { readonly [lattice: string]: fc.Arbitrary<Json> } = {
  max: fc.nat(3),
  first: firstValue,
  last: lastValue,
  set: setValue,
  lease: leaseValue,
  opaque: fc.oneof(value, firstValue, lastValue, setValue, leaseValue, fc.nat(3)),
};

/** Any subset of a kind's fields, and some that the schema does not know. */
export function fieldsOf(kind: keyof typeof SCHEMA): fc.Arbitrary<Fields> {
  const known = Object.entries(SCHEMA[kind]).map(([field, lattice]) => {
    return [field, typeof lattice === 'string' ? VALUES[lattice]! : fc.constantFrom(...lattice)];
  });
  const unknown = ['x-new', 'x-other'].map((field) => [field, VALUES['opaque']!]);
  return fc
    .record(Object.fromEntries([...known, ...unknown]), { requiredKeys: [] })
    .map((fields) => ({ ...fields }) as Fields);
}
