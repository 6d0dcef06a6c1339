import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sameJson } from './canonical.ts';
import { compare, type Fields, joinFields, mergeRecord } from './merge.ts';
import type { Json, Record } from './record.ts';
import {
  isDeletable,
  type Kind,
  latticeOf,
  MAX_UNKNOWN_FIELDS,
  refuseRecord,
  SCHEMA,
} from './schema.ts';
import { fieldsOf } from './testing/values.ts';

const KINDS = Object.keys(SCHEMA) as Kind[];
const RUNS = { numRuns: 300, seed: 1 };

/** A tombstone has no other fields: `join` with nothing brings any content into that form. */
function formed(kind: string, fields: Fields): Fields {
  return joinFields(kind, fields, fields);
}

for (const kind of [...KINDS, 'kind-of-tomorrow' as Kind]) {
  const known = KINDS.includes(kind) ? kind : 'lease';
  const fields = fieldsOf(known).map((content) => formed(kind, content));
  const join = (a: Fields, b: Fields): Fields => joinFields(kind, a, b);
  const same = (a: Fields, b: Fields): void => {
    assert.ok(sameJson(a as Json, b as Json), `${JSON.stringify(a)}\n${JSON.stringify(b)}`);
  };

  test(`${kind}: join is commutative, associative and idempotent`, () => {
    fc.assert(
      fc.property(fields, fields, fields, (a, b, c) => {
        same(join(a, b), join(b, a));
        same(join(join(a, b), c), join(a, join(b, c)));
        same(join(a, a), a);
      }),
      RUNS,
    );
  });

  test(`${kind}: join is the least content above both, and compare agrees with it`, () => {
    fc.assert(
      fc.property(fields, fields, fields, (a, b, c) => {
        const joined = join(a, b);
        const isBelow = (x: Fields, y: Fields): boolean => {
          return ['equal', 'less'].includes(compare(kind, x, y));
        };
        assert.ok(isBelow(a, joined) && isBelow(b, joined), 'above both');
        if (isBelow(a, c) && isBelow(b, c)) assert.ok(isBelow(joined, c), 'the least such');
        assert.is(isBelow(a, b), sameJson(joined as Json, b as Json), 'a ≤ b ⇔ a ∨ b = b');
        assert.is(compare(kind, a, b) === 'equal', sameJson(a as Json, b as Json));
        // Monotone: what grows on one side does not shrink the join.
        assert.ok(isBelow(join(a, c), join(joined, c)));
      }),
      RUNS,
    );
  });

  test(`${kind}: what is valid on both sides is valid when joined`, () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        assert.is(refuseRecord(kind, 'id', a), undefined);
        assert.is(refuseRecord(kind, 'id', join(a, b)), undefined);
      }),
      RUNS,
    );
  });

  test(`${kind}: no ladder goes down, whatever is merged`, () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const joined = join(a, b);
        if (isDeletable(kind) && 'deleted' in joined) return;
        for (const [field, lattice] of Object.entries(SCHEMA[kind] ?? {})) {
          if (typeof lattice === 'string' || a[field] === undefined) continue;
          const rungs = lattice as readonly Json[];
          assert.ok(rungs.indexOf(joined[field]!) >= rungs.indexOf(a[field]!));
        }
      }),
      RUNS,
    );
  });
}

const record = (fields: Fields, origin: string, seq: number): Record => {
  return { kind: 'account', id: 'a', fields, dot: { origin, seq } };
};
const NEXT = { origin: 'me.1', seq: 9 };

test('revoked and deactivated in two places is revoked', () => {
  const ours = record({ status: 'deactivated' }, 'me.1', 1);
  const { outcome, record: merged } = mergeRecord(
    ours,
    record({ status: 'revoked' }, 'b.1', 1),
    NEXT,
  );
  assert.is(outcome, 'adopt');
  assert.is(merged.fields['status'], 'revoked');
});

test('theirs is adopted with its dot, ours is kept with its own, a conflict is a new event', () => {
  const low = { status: 'valid' };
  const high = { status: 'revoked' };
  const other = { status: 'valid', eab: { at: '000000000001-0000-a', value: 1 } };
  assert.equal(mergeRecord(undefined, record(low, 'b.1', 3), NEXT).record.dot.seq, 3);
  assert.equal(mergeRecord(record(low, 'me.1', 1), record(high, 'b.1', 3), NEXT), {
    outcome: 'adopt',
    record: record(high, 'b.1', 3),
  });
  assert.equal(mergeRecord(record(high, 'me.1', 1), record(low, 'b.1', 3), NEXT), {
    outcome: 'keep',
    record: record(high, 'me.1', 1),
  });
  const { outcome, record: joined } = mergeRecord(
    record(high, 'me.1', 1),
    record(other, 'b.1', 3),
    NEXT,
  );
  assert.is(outcome, 'join');
  assert.equal(joined.dot, NEXT);
  assert.equal(joined.fields, { ...other, ...high });
});

test('equal content keeps the dot that is here, or a cursor could pass it unseen', () => {
  const ours = record({ status: 'valid' }, 'z.1', 8);
  assert.is(mergeRecord(ours, record({ status: 'valid' }, 'a.1', 1), NEXT).record, ours);
});

test('a deleted record stays deleted, whatever is merged into it', () => {
  const deleted = { deleted: { at: '000000000001-0000-a', value: true }, born: 'a.1:1' };
  const joined = joinFields('operator', deleted, { status: 'active', born: 'a.1:1' });
  assert.equal(joined, deleted);
  assert.is(compare('operator', { status: 'disabled' }, { ...deleted }), 'less');
});

test('kinds without deletion ignore a field of that name', () => {
  const joined = joinFields('account', { status: 'valid' }, { deleted: { at: 'x', value: 1 } });
  assert.is(joined['status'], 'valid');
});

test('names from the prototype are neither kinds nor fields of the schema', () => {
  assert.is(latticeOf('constructor', 'prototype'), latticeOf('nothing', 'nothing'));
  assert.is(refuseRecord('constructor', 'x', { valueof: 1 }), undefined);
  assert.is(refuseRecord('__proto__', 'x', {}), 'kind');
  assert.is(refuseRecord('account', 'x', JSON.parse('{"__proto__": 1}')), 'field name');
});

test('too many fields that nobody knows are refused, and two halves join to few', () => {
  const many = (prefix: string): Fields => {
    return Object.fromEntries(
      Array.from({ length: MAX_UNKNOWN_FIELDS }, (_, i) => [`${prefix}${i}`, i]),
    );
  };
  assert.is(refuseRecord('account', 'x', { ...many('u'), extra: 1 }), 'unknown fields');
  const joined = joinFields('account', { ...many('u'), status: 'valid' }, many('a'));
  assert.is(refuseRecord('account', 'x', joined), undefined);
  assert.is(joined['status'], 'valid');
  assert.is(compare('account', many('u'), joined), 'less');
});

test.run();
