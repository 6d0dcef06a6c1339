import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { meets, type Selection } from '../core/crdt/columns.ts';
import { keyText, type Record } from '../core/crdt/record.ts';
import { Disk } from './disk.ts';

const NONE = { records: [], forget: [], facts: new Map<string, string | null>() };

const record = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    kind: fc.constantFrom('order', 'authorization'),
    status: fc.constantFrom('pending', 'valid', 'invalid'),
    account: fc.constantFrom('x', 'y'),
    expiresMs: fc.nat(10),
    origin: fc.constantFrom('n0.1', 'n1.1'),
    seq: fc.integer({ min: 1, max: 40 }),
  })
  .map(({ id, kind, status, account, expiresMs, origin, seq }): Record => {
    const value = { account, expiresMs, identifiers: [{ type: 'dns', value: `${id}.sim` }] };
    const fields = { status, made: { stamp: '0', value } };
    return { kind, id, fields, dot: { origin, seq } };
  });

const selection = fc.record(
  {
    kind: fc.constantFrom('order', 'authorization', 'account'),
    owner: fc.constantFrom('x', 'y', 'z'),
    state: fc.constantFrom('pending', 'valid', 'none'),
    name: fc.constantFrom('a.sim', 'b.sim'),
    expiresBeforeMs: fc.nat(11),
    expiresAfterMs: fc.nat(11),
    afterId: fc.constantFrom('', 'b', 'd'),
    limit: fc.integer({ min: 1, max: 8 }),
  },
  { requiredKeys: ['kind', 'limit'] },
);

/** A table without any index, as the contract has it. */
function scan(rows: ReadonlyMap<string, Record>, wanted: Selection): readonly Record[] {
  const found = [...rows.values()].filter((row) => {
    return meets(row, wanted) && row.id > (wanted.afterId ?? '');
  });
  return found.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, wanted.limit);
}

test('indexed selections and ranges find what a scan of the whole table finds', () => {
  const change = fc.record({ put: fc.array(record, { maxLength: 12 }), remove: fc.array(record) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), selection, (changes, wanted) => {
      const disk = new Disk();
      const rows = new Map<string, Record>();
      for (const { put, remove } of changes) {
        disk.apply({ ...NONE, records: put, forget: remove });
        for (const row of put) rows.set(keyText(row), row);
        for (const key of remove) rows.delete(keyText(key));
      }
      assert.is(disk.size, rows.size);
      assert.equal(disk.select(wanted as Selection), scan(rows, wanted as Selection));
      for (const origin of ['n0.1', 'n1.1', 'n2.1']) {
        const range = disk.range({ origin, afterSeq: 7, limit: 5 }).map(({ dot }) => dot.seq);
        const all = [...rows.values()].filter(({ dot }) => dot.origin === origin && dot.seq > 7);
        const seqs = all.map(({ dot }) => dot.seq).sort((a, b) => a - b);
        assert.equal(range, seqs.slice(0, 5));
      }
    }),
    { numRuns: 400 },
  );
});

test('a backup does not see what is written after it was taken', () => {
  const disk = new Disk();
  const [one, two] = fc.sample(record, { numRuns: 2, seed: 1 });
  disk.apply({ ...NONE, records: [one!], facts: new Map([['a', '1']]) });
  const image = disk.image();
  disk.apply({ ...NONE, records: [{ ...two!, id: 'z' }], facts: new Map([['a', null]]) });
  const restored = Disk.of(image);
  assert.is(restored.size, 1);
  assert.is(restored.facts.get('a'), '1');
  assert.is(disk.size, 2);
  assert.is(disk.facts.get('a'), undefined);
});

test.run();
