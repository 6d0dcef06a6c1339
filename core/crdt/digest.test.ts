import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  advance,
  DAY_MS,
  type Digest,
  digestFrom,
  EMPTY_DIGEST,
  forgetDays,
  isPastHorizon,
  sumFromText,
  sumText,
} from './digest.ts';
import type { Fields } from './merge.ts';
import type { Record } from './record.ts';
import { HASH, hashUnder } from './testing/hash.ts';
import { fieldsOf } from './testing/values.ts';

const EMPTY_SUM = '0'.repeat(32);

test('a record counts the first 128 bits of SHA-256 over key and canonical text', () => {
  const text = '00000001000000020000000300000004/account/a1/{"a":{"x":1,"y":2},"status":"valid"}';
  const expected = createHash('sha256').update(text).digest('hex').slice(0, 32);
  const one = operator(1, { status: 'valid', a: { y: 2, x: 1 } });
  assert.is(digestFrom(created(EMPTY_DIGEST, one), 0), expected);
});

function operator(id: number, fields: Fields): Record {
  return { kind: 'account', id: `a${id}`, fields, dot: { origin: 'a.1', seq: 1 } };
}

function order(id: string, day: number, status = 'pending'): Record {
  const made = { at: '000000000001-0000-a', value: { expiresMs: day * DAY_MS } };
  return { kind: 'order', id, fields: { made, status }, dot: { origin: 'a.1', seq: 1 } };
}

const created = (digest: Digest, ...records: Record[]): Digest => {
  return advance(
    digest,
    HASH,
    records.map((after) => ({ before: undefined, after })),
  );
};

test('the digest is that of the contents, by whatever way they came about', () => {
  const contents = fc.array(fieldsOf('account'), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(contents, contents, (before, after) => {
      let digest = created(EMPTY_DIGEST, ...before.map((fields, i) => operator(i, fields)));
      for (const [i, fields] of after.entries()) {
        const old = before[i] && operator(i, before[i]!);
        digest = advance(digest, HASH, [{ before: old, after: operator(i, { ...fields }) }]);
      }
      for (let i = after.length; i < before.length; i++) {
        digest = advance(digest, HASH, [{ before: operator(i, before[i]!), after: undefined }]);
      }
      const direct = [...after.entries()].reverse().map(([i, fields]) => operator(i, fields));
      assert.is(digestFrom(digest, 0), digestFrom(created(EMPTY_DIGEST, ...direct), 0));
    }),
  );
});

test('it differs by id, by field and by value, and by key', () => {
  const sums = [
    created(EMPTY_DIGEST, operator(1, { status: 'valid' })),
    created(EMPTY_DIGEST, operator(2, { status: 'valid' })),
    created(EMPTY_DIGEST, operator(1, { status: 'revoked' })),
    created(EMPTY_DIGEST, operator(1, { stand: 'valid' })),
    advance(EMPTY_DIGEST, hashUnder([1, 2, 3, 5]), [
      { before: undefined, after: operator(1, { status: 'valid' }) },
    ]),
  ].map((digest) => digestFrom(digest, 0));
  assert.is(new Set(sums).size, sums.length);
});

test('the order in which members were written does not count, nor does the dot', () => {
  const one = operator(1, { a: { x: 1, y: 2 } });
  const two = { ...operator(1, { a: { y: 2, x: 1 } }), dot: { origin: 'z.9', seq: 77 } };
  assert.is(digestFrom(created(EMPTY_DIGEST, one), 0), digestFrom(created(EMPTY_DIGEST, two), 0));
});

test('who pruned an expired order first cannot be told', () => {
  const full = created(
    EMPTY_DIGEST,
    order('old', 5),
    order('new', 9),
    operator(1, { status: 'valid' }),
  );
  const pruned = forgetDays(full, 7);
  assert.is.not(digestFrom(full, 0), digestFrom(pruned, 0));
  assert.is(digestFrom(full, pruned.horizonDay), digestFrom(pruned, pruned.horizonDay));
  assert.ok(isPastHorizon(pruned, order('late', 5)));
  // A write to what is gone already, and its removal, change nothing.
  const late = advance(pruned, HASH, [
    { before: order('old', 5), after: order('old', 5, 'valid') },
  ]);
  assert.is(digestFrom(late, 0), digestFrom(pruned, 0));
});

test('the horizon goes no further than what was there, whatever the clock says', () => {
  const digest = forgetDays(created(EMPTY_DIGEST, order('o', 5)), 1_000_000);
  assert.is(digest.horizonDay, 6);
  assert.not.ok(isPastHorizon(digest, order('later', 6)));
  assert.is(forgetDays(digest, 1_000_000).horizonDay, 6);
});

test('tombstones count nothing, and nothing is left when everything is gone', () => {
  const live: Record = { ...operator(1, { status: 'active' }), kind: 'operator' };
  const fields = { deleted: { at: '000000000001-0000-a', value: true }, born: 'a.1:1' };
  const gone: Record = { ...live, fields };
  const digest = created(EMPTY_DIGEST, live);
  assert.is.not(digestFrom(digest, 0), EMPTY_SUM);
  assert.is(digestFrom(advance(digest, HASH, [{ before: live, after: gone }]), 0), EMPTY_SUM);
  assert.is(
    digestFrom(advance(EMPTY_DIGEST, HASH, [{ before: gone, after: undefined }]), 0),
    EMPTY_SUM,
  );
});

test('sums are carried over 32 bits, and survive as text', () => {
  const sum = [0xffffffff, 0, 0x80000000, 7] as const;
  assert.equal(sumFromText(sumText(sum)), [...sum]);
  for (const text of ['', '0'.repeat(31), 'g'.repeat(32)]) assert.is(sumFromText(text), undefined);
});

test.run();
