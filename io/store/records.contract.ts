// The contract's cases about keeping: what is committed is kept whole, exactly and for good.
// Invariant: no case knows which adapter it runs on. Never here: SQL, files.

import * as assert from 'uvu/assert';
import { columnsOf } from '../../core/crdt/columns.ts';
import type { Json } from '../../core/crdt/record.ts';
import { MAX_FIELDS_BYTES, MAX_PAGE_RECORDS } from './row.ts';
import {
  batchOf,
  beforeAndAfter,
  byBytes,
  type Cases,
  idsIn,
  ORIGIN,
  orderOf,
  sampleRecord,
} from './samples.contract.ts';

export const RECORDS: Cases = {
  'an empty database answers with nothing': async (store) => {
    await store.check();
    assert.equal(await store.load([]), []);
    assert.equal(await store.load([{ kind: 'order', id: 'a' }]), [undefined]);
    assert.equal(await store.select({ kind: 'order', limit: 5 }), []);
    assert.equal(await store.after(ORIGIN, 0, 5), []);
    assert.equal(await store.meta(), new Map());
    await store.commit(batchOf([]));
    await store.commit(batchOf([], [{ kind: 'order', id: 'a' }], [['k', null]]));
  },

  'load answers in the order asked, with gaps and repetitions': async (store) => {
    const [a, b] = [sampleRecord('order', 'a', 1), sampleRecord('order', 'b', 2)];
    await store.commit(batchOf([a, b]));
    const missing = { kind: 'account', id: 'a' };
    assert.equal(await store.load([b, missing, a, b]), [b, undefined, a, b]);
  },

  'a load is read as a whole, as it was when it was asked for': async (store) => {
    const [a, b] = [orderOf('a', 1, 'ann', 'pending', 100), orderOf('b', 2, 'ann', 'valid', 100)];
    await store.commit(batchOf([a, b]));
    const missing = { kind: 'order', id: 'c' };
    const loaded = store.read({
      keys: [b, missing, { kind: 'order', id: '\0' }],
      selections: [
        { kind: 'order', state: 'valid', limit: 5 },
        { kind: 'order', owner: '\0', limit: 5 },
      ],
      ranges: [
        { origin: ORIGIN, afterSeq: 0, limit: 1 },
        { origin: 'other.1', afterSeq: 0, limit: 9 },
      ],
    });
    await store.commit(batchOf([orderOf('a', 3, 'ann', 'valid', 100)], [b]));
    assert.equal(await loaded, {
      records: [b, undefined, undefined],
      selections: [[b], []],
      ranges: [[a], []],
    });
    const nothing = { keys: [], selections: [], ranges: [] };
    assert.equal(await store.read(nothing), { records: [], selections: [], ranges: [] });
  },

  'a load of thousands of ranges is one that waits': async (store) => {
    await store.commit(batchOf([sampleRecord('order', 'a', 1)]));
    const range = { origin: ORIGIN, afterSeq: 0, limit: 1 };
    const query = { keys: [], selections: [], ranges: Array(500).fill(range) };
    const loads = await Promise.all(Array.from({ length: 20 }, () => store.read(query)));
    assert.is(loads.flatMap(({ ranges }) => ranges.flat()).length, 10_000);
  },

  'of one key in one batch the last wins': async (store) => {
    const versions = [1, 2, 3].map((seq) => sampleRecord('order', 'o', seq, { status: `s${seq}` }));
    await store.commit(batchOf(versions));
    assert.equal(await store.after(ORIGIN, 0, 9), versions.slice(2));
  },

  'forgotten rows are gone from every way of asking': async (store, reopen) => {
    const records = ['a', 'b', 'c'].map((id, at) => orderOf(id, at + 1, 'ann', 'pending', 100));
    await store.commit(batchOf(records));
    await store.commit(batchOf([sampleRecord('order', 'a', 9)], [records[0]!, records[2]!]));
    await beforeAndAfter(store, reopen, async (current) => {
      assert.equal(await current.load(records), [undefined, records[1], undefined]);
      assert.equal(await current.after(ORIGIN, 0, 9), [records[1]]);
      const selection = { kind: 'order', owner: 'ann', state: 'pending', expiresBeforeMs: 101 };
      assert.equal(await current.select({ ...selection, limit: 9 }), [records[1]]);
    });
  },

  'unknown kinds and fields come back bit for bit': async (store, reopen) => {
    const odd = sampleRecord('from-the-future', 'x', 1, oddFields());
    const text = JSON.stringify(odd);
    await store.commit(batchOf([odd]));
    await beforeAndAfter(store, reopen, async (current) => {
      const [loaded] = await current.load([odd]);
      assert.is(JSON.stringify(loaded), text);
      assert.is(JSON.stringify((await current.after(ORIGIN, 0, 1))[0]), text);
    });
  },

  'columns that a database cannot hold do not stop the record': async (store) => {
    const made = {
      value: { account: 'a\0', expiresMs: 1e300, identifiers: [{ value: '\ud800' }] },
    };
    const hostile = sampleRecord('order', 'h', 1, { made, status: 's\0' });
    const fractional = sampleRecord('order', 'i', 2, { made: { value: { expiresMs: 10.5 } } });
    await store.commit(batchOf([hostile, fractional]));
    assert.equal(await store.load([hostile, fractional]), [hostile, fractional]);
    const late = { kind: 'order', expiresAfterMs: 2 ** 53 - 1, limit: 9 };
    assert.equal(await store.select(late), [hostile]);
    assert.equal(await store.select({ kind: 'order', expiresBeforeMs: 11, limit: 9 }), [
      fractional,
    ]);
    assert.equal(await store.select({ kind: 'order', expiresBeforeMs: 10, limit: 9 }), []);
  },

  'a field of one MiB and a name of 25 kB are ordinary': async (store, reopen) => {
    const names = Array.from({ length: 100 }, (_, at) => ({ value: `${at}`.padStart(250, 'n') }));
    const made = { value: { account: 'ann', identifiers: names } };
    const big = sampleRecord('order', 'big', 1, { made, blob: 'é'.repeat(524_288) });
    await store.commit(batchOf([big]));
    const { name } = columnsOf(big);
    assert.ok(name !== undefined && name.length > 25_000);
    await beforeAndAfter(store, reopen, async (current) => {
      assert.equal(await current.load([big]), [big]);
      assert.equal(await current.select({ kind: 'order', name, limit: 1 }), [big]);
    });
  },

  'the largest record there may be is kept, though all of it has to be escaped': async (store) => {
    const account = "'".repeat(1_000_000);
    const made = { value: { account, identifiers: [{ value: '"\\'.repeat(200_000) }] } };
    const largest = sampleRecord('order', 'largest', 1, { made, blob: '' });
    const room = MAX_FIELDS_BYTES - JSON.stringify(largest.fields).length;
    const full = { ...largest, fields: { made, blob: "'".repeat(room) } };
    const second = { ...full, id: 'second', dot: { ...full.dot, seq: 2 } };
    await store.commit(batchOf([full, second]));
    assert.equal(await store.load([full, second]), [full, second]);
    assert.equal(await idsIn(store, 'order', { owner: account }), ['largest', 'second']);
    const other = `${account.slice(1)}x`;
    assert.equal(await idsIn(store, 'order', { owner: other }), []);
  },

  'fields may be nested deeper than the JSON functions of any database go': async (store) => {
    let deep: Json = 'bottom';
    for (let level = 0; level < 500; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
    const record = sampleRecord('certificate', 'deep', 1, { made: { value: { deep } } });
    await store.commit(batchOf([record]));
    assert.equal(await store.load([record]), [record]);
  },

  'ten thousand records are one batch and one page': async (store, reopen) => {
    const id = (at: number): string => `r${`${at}`.padStart(5, '0')}`;
    const records = Array.from({ length: 10_000 }, (_, at) =>
      orderOf(id(at), at + 1, 'ann', 'valid', at),
    );
    await store.commit(batchOf([...records].reverse()));
    const reopened = await reopen();
    const page = await reopened.after(ORIGIN, 0, MAX_PAGE_RECORDS);
    assert.is(page.length, 10_000);
    assert.equal(page[9_999], records[9_999]);
    const selected = await reopened.select({
      kind: 'order',
      owner: 'ann',
      limit: MAX_PAGE_RECORDS,
    });
    assert.equal(
      selected.map((record) => record.id),
      records.map((record) => record.id),
    );
    const keys = records.map(({ kind, id }) => ({ kind, id }));
    assert.is((await reopened.load(keys)).filter((found) => found !== undefined).length, 10_000);
    await reopened.commit(batchOf([], keys));
    assert.equal(await reopened.after(ORIGIN, 0, 1), []);
  },

  'facts are set, replaced and removed with the records they belong to': async (store, reopen) => {
    const facts: [string, string][] = [
      ['vv/node.1', '9007199254740991'],
      ["it's", ''],
      ['日本', '\u{1f600}"\\'],
      ['big', 'x'.repeat(100_000)],
    ];
    await store.commit(batchOf([], [], facts));
    assert.equal(await store.meta(), new Map(facts));
    await store.commit(
      batchOf(
        [],
        [],
        [
          ['big', null],
          ["it's", 'replaced'],
          ['never', null],
        ],
      ),
    );
    const reopened = await reopen();
    const expected = new Map([facts[0]!, facts[2]!, ["it's", 'replaced']]);
    assert.equal(sorted(await reopened.meta()), sorted(expected));
  },

  'what was acknowledged is there after reopening': async (store, reopen) => {
    const record = orderOf('o', 2 ** 53 - 1, 'ann', 'processing', 2 ** 53 - 1);
    await store.commit(batchOf([record], [], [['incarnation', '3']]));
    const reopened = await reopen();
    assert.equal(await reopened.load([record]), [record]);
    const late = { kind: 'order', expiresAfterMs: 2 ** 53 - 2, limit: 9 };
    assert.equal(await reopened.select(late), [record]);
    assert.equal(await reopened.meta(), new Map([['incarnation', '3']]));
  },

  'requests take effect in the order made, without waiting for answers': async (store) => {
    const done: string[] = [];
    const seen: Promise<void>[] = [];
    for (let seq = 1; seq <= 100; seq += 1) {
      const record = sampleRecord('order', 'o', seq);
      const commit = store.commit(batchOf([record], [], [['seq', `${seq}`]]));
      seen.push(commit.then(() => void done.push(`c${seq}`)));
      const check = async (): Promise<void> => {
        assert.equal(await store.load([record]), [record]);
        done.push(`l${seq}`);
      };
      seen.push(check());
    }
    await Promise.all(seen);
    assert.equal(
      done,
      Array.from({ length: 200 }, (_, at) => `${'cl'[at % 2]}${(at >> 1) + 1}`),
    );
    assert.equal(await store.meta(), new Map([['seq', '100']]));
  },

  'nothing is shared with the caller': async (store) => {
    const fields: { [field: string]: Json } = { list: [1], status: 'pending' };
    const record = sampleRecord('order', 'o', 1, fields);
    const records = [record];
    const committing = store.commit(batchOf(records));
    fields['status'] = 'valid';
    (fields['list'] as number[]).push(2);
    records.pop();
    await committing;
    const [first] = await store.load([record]);
    assert.equal(first?.fields, { list: [1], status: 'pending' });
    (first!.fields['list'] as number[]).push(3);
    const [second] = await store.load([record]);
    assert.equal(second?.fields, { list: [1], status: 'pending' });
    assert.equal(await idsIn(store, 'order', { state: 'pending' }), ['o']);
  },

  'commits read nothing, and everything is counted': async (store) => {
    const records = ['a', 'b'].map((id, at) => sampleRecord('order', id, at + 1));
    await store.commit(batchOf(records, [{ kind: 'order', id: 'c' }], [['k', 'v']]));
    await store.commit(batchOf(records));
    assert.equal(store.stats(), { commits: 2, recordsWritten: 4, reads: 0, recordsRead: 0 });
    await store.load([records[0]!, { kind: 'order', id: 'c' }]);
    const loaded = store.stats();
    assert.ok(loaded.reads >= 1);
    assert.is(loaded.recordsRead, 1);
    await store.select({ kind: 'order', limit: 9 });
    await store.after(ORIGIN, 0, 9);
    await store.meta();
    assert.is(store.stats().reads, loaded.reads + 3);
    assert.is(store.stats().recordsRead, 5);
  },
};

function oddFields(): { [field: string]: Json } {
  return {
    zulu: 1,
    alpha: { nested: [null, true, false, [], {}, ''], '': 'empty name' },
    'quo"te\\': 'line\u2028separator\n\t\0\u0001\u007f',
    lone: '\ud800 and \udfff',
    astral: '\u{1f600}\u{10ffff}',
    combining: 'é e\u0301',
    numbers: [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1), 0.1, 1e21, 1.7976931348623157e308, 5e-324],
    text: '9007199254740993',
    constructor: 'own',
    json: '{"a":1}',
  };
}

function sorted(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => byBytes(a, b));
}
