// The contract's cases about finding: selections, order and pages.
// Invariant: no case knows which adapter it runs on. Never here: SQL, files.

import * as assert from 'uvu/assert';
import { columnsOf, type Selection } from '../../core/crdt/columns.ts';
import type { Record } from '../../core/crdt/record.ts';
import {
  batchOf,
  byBytes,
  type Cases,
  idsOf,
  ORIGIN,
  orderOf,
  sampleRecord,
} from './samples.contract.ts';

const WEIRD_IDS = [
  "it's",
  'a"b',
  'a/b/c',
  'a\\b',
  '%',
  '_',
  '; DROP TABLE records; --',
  ' ',
  'é',
  'e\u0301',
  '日本',
  '\u{1f600}',
  '\uffff',
  'A',
  'a',
  '10',
  '9',
  'i'.repeat(512),
];

export const SELECTIONS: Cases = {
  'an upsert replaces fields, dot and every column': async (store) => {
    await store.commit(batchOf([orderOf('o', 1, 'ann', 'pending', 100)]));
    await store.commit(batchOf([orderOf('o', 2, 'ann', 'valid', 100)]));
    const moved = orderOf('o', 3, 'bob', 'processing', 200, 'new.example');
    await store.commit(batchOf([moved]));
    assert.equal(await store.load([moved]), [moved]);
    assert.equal(await store.after(ORIGIN, 0, 9), [moved]);
    const gone: Partial<Selection>[] = [
      { owner: 'ann' },
      { name: 'old.example' },
      { state: 'valid' },
    ];
    for (const condition of [...gone, { state: 'pending' }, { expiresBeforeMs: 150 }]) {
      assert.equal(await store.select({ kind: 'order', limit: 9, ...condition }), []);
    }
    const found = { owner: 'bob', name: 'new.example', state: 'processing', expiresAfterMs: 150 };
    assert.equal(await store.select({ kind: 'order', limit: 9, ...found }), [moved]);
    const bare = sampleRecord('order', 'o', 4);
    await store.commit(batchOf([bare]));
    assert.equal(await store.select({ kind: 'order', limit: 9, owner: 'bob' }), []);
    assert.equal(await store.select({ kind: 'order', limit: 9, expiresAfterMs: 0 }), []);
    assert.equal(await store.select({ kind: 'order', limit: 9 }), [bare]);
  },

  'kinds do not mix, and ids are compared exactly': async (store) => {
    const ids = [...WEIRD_IDS].sort(byBytes);
    const orders = ids.map((id, at) => sampleRecord('order', id, at + 1, { at }));
    const others = ids.map((id, at) => sampleRecord('o\'/"k', id, at + 100, { at: -at }));
    await store.commit(batchOf([...orders].reverse().concat(others)));
    assert.equal(await store.load([...orders, ...others]), [...orders, ...others]);
    assert.equal(await store.select({ kind: 'order', limit: 99 }), orders);
    assert.equal(await store.select({ kind: 'o\'/"k', limit: 99 }), others);
    for (const [at, afterId] of ids.entries()) {
      const rest = await store.select({ kind: 'order', afterId, limit: 99 });
      assert.equal(rest, orders.slice(at + 1));
    }
  },

  'every combination of conditions selects what the columns say': async (store) => {
    const records = everySort();
    await store.commit(batchOf(records));
    for (const kind of ['order', 'authorization', 'certificate', 'account', 'new-kind']) {
      for (const selection of everySelection(kind)) {
        const expected = matching(records, selection);
        assert.equal(await idsOf(store.select(selection)), expected, JSON.stringify(selection));
      }
    }
  },

  'pages joined by afterId are the whole selection': async (store) => {
    const records = everySort();
    await store.commit(batchOf(records));
    for (const kind of ['order', 'authorization', 'certificate']) {
      for (const selection of everySelection(kind)) {
        const pages: string[] = [];
        let page: string[] = [];
        do {
          const from = pages.length === 0 ? {} : { afterId: pages.at(-1)! };
          page = await idsOf(store.select({ ...selection, ...from, limit: 2 }));
          pages.push(...page);
        } while (page.length === 2);
        assert.equal(pages, matching(records, selection), JSON.stringify(selection));
      }
    }
  },

  'after pages through one origin by seq, whatever the kind': async (store) => {
    const kinds = ['order', 'account', 'zone'];
    const mine = [5, 1, 9, 3, 2 ** 53 - 1].map((seq) =>
      sampleRecord(kinds[seq % 3]!, `i${seq}`, seq),
    );
    const others = [2, 4].map((seq) => sampleRecord('order', `x${seq}`, seq, {}, 'node.10'));
    await store.commit(batchOf([...mine, ...others]));
    const inOrder = [...mine].sort((a, b) => a.dot.seq - b.dot.seq);
    assert.equal(await store.after(ORIGIN, 0, 99), inOrder);
    assert.equal(await store.after(ORIGIN, 1, 2), inOrder.slice(1, 3));
    assert.equal(await store.after(ORIGIN, 9, 2), inOrder.slice(4));
    assert.equal(await store.after(ORIGIN, 2 ** 53 - 1, 2), []);
    assert.equal(await store.after('node.10', 2, 2), [others[1]]);
    assert.equal(await store.after('node', 0, 2), []);
  },

  'records that share a dot are all kept: a cloned database must not stop its peers': async (
    store,
  ) => {
    const twins = ['a', 'b'].map((id) => sampleRecord('order', id, 7));
    await store.commit(batchOf([twins[1]!]));
    await store.commit(batchOf([twins[0]!]));
    assert.equal(await store.after(ORIGIN, 6, 9), twins);
  },
};

/** Records of several kinds that differ in every column, some without any. */
function everySort(): Record[] {
  const records: Record[] = [];
  for (const kind of ['order', 'authorization', 'certificate', 'account', 'new-kind']) {
    for (let at = 0; at < 24; at += 1) {
      // Steps that share no factor mix the columns and the order of ids.
      const id = `${kind}-${(at * 7) % 24}`;
      const account = at % 5 === 4 ? {} : { account: ['ann', 'bob'][at % 2]! };
      const value = ['a.example', 'b.example', 'c.example'][at % 3]!;
      const identifiers = at % 6 === 5 ? {} : { identifiers: [{ type: 'dns', value }] };
      const expires = at % 7 === 6 ? {} : { expiresMs: 100 * (at % 4) };
      const made = { at: [at, 0, 'n'], value: { ...account, ...identifiers, ...expires } };
      const status = ['pending', 'processing', 'valid', 'revoked'][at % 4]!;
      const fields = at % 8 === 7 ? { made } : { made, status };
      records.push(sampleRecord(kind, id, records.length + 1, fields));
    }
  }
  return records;
}

function everySelection(kind: string): Selection[] {
  let selections: Selection[] = [{ kind, limit: 99 }];
  const conditions: Partial<Selection>[][] = [
    [{ owner: 'ann' }, { owner: 'nobody' }],
    [{ name: 'b.example' }],
    [{ state: 'pending' }, { state: 'valid' }, { state: 'revoked' }],
    [{ expiresBeforeMs: 200 }],
    [{ expiresAfterMs: 0 }],
    [{ afterId: `${kind}-17` }],
  ];
  for (const choices of conditions) {
    const narrower = choices.flatMap((c) => selections.map((s): Selection => ({ ...s, ...c })));
    selections = [...selections, ...narrower];
  }
  return selections;
}

/** The conditions in plain words, written apart from the code under test. */
function matching(records: readonly Record[], selection: Selection): string[] {
  const { kind, owner, name, state, expiresBeforeMs, expiresAfterMs, afterId } = selection;
  const matches = records.filter((record) => {
    const columns = columnsOf(record);
    if (record.kind !== kind) return false;
    if (owner !== undefined && columns.owner !== owner) return false;
    if (name !== undefined && columns.name !== name) return false;
    if (state !== undefined && columns.state !== state) return false;
    const { expiresMs } = columns;
    if (expiresBeforeMs !== undefined && !(expiresMs! < expiresBeforeMs)) return false;
    if (expiresAfterMs !== undefined && !(expiresMs! > expiresAfterMs)) return false;
    return afterId === undefined || byBytes(record.id, afterId) > 0;
  });
  return matches.map((record) => record.id).sort(byBytes);
}
