// The contract's failure cases: what every store refuses, and how it stays refused.
// Invariant: no case knows which adapter it runs on. Never here: SQL, files.

import * as assert from 'uvu/assert';
import { MAX_FIELDS_BYTES, MAX_PAGE_RECORDS } from './row.ts';
import { batchOf, type Cases, idsIn, ORIGIN, rejects, sampleRecord } from './samples.contract.ts';
import type { Batch } from './store.ts';

const UNSTORABLE_IDS = ['', 'nul\0', '\ud800', 'i'.repeat(513), 'é'.repeat(300)];

export const REFUSALS: Cases = {
  'a batch with one unstorable record is refused whole': async (store, reopen) => {
    await store.commit(batchOf([sampleRecord('order', 'before', 1)], [], [['k', 'before']]));
    const batch = batchOf(
      [sampleRecord('order', 'good', 2), sampleRecord('order', 'bad\0', 3)],
      [{ kind: 'order', id: 'before' }],
      [['k', 'after']],
    );
    await rejects(store.commit(batch), 'refused');
    const reopened = await reopen();
    assert.equal(await idsIn(reopened, 'order'), ['before']);
    assert.equal(await reopened.meta(), new Map([['k', 'before']]));
  },

  'after a refused commit everything is refused until reopened': async (store, reopen) => {
    await rejects(store.commit(batchOf([sampleRecord('order', '', 1)])), 'refused');
    await rejects(store.commit(batchOf([sampleRecord('order', 'fine', 1)])), 'stopped');
    await rejects(store.load([{ kind: 'order', id: 'fine' }]), 'stopped');
    await rejects(store.select({ kind: 'order', limit: 1 }), 'stopped');
    await rejects(store.after(ORIGIN, 0, 1), 'stopped');
    await rejects(store.read({ keys: [], selections: [], ranges: [] }), 'stopped');
    await rejects(store.meta(), 'stopped');
    await rejects(store.check(), 'stopped');
    const reopened = await reopen();
    await reopened.check();
    await reopened.commit(batchOf([sampleRecord('order', 'fine', 1)]));
    assert.equal(await idsIn(reopened, 'order'), ['fine']);
  },

  'keys, dots and facts that some database cannot hold are refused': async (_store, reopen) => {
    const good = sampleRecord('order', 'a', 1);
    const bad: Batch[] = [
      ...UNSTORABLE_IDS.map((id) => batchOf([{ ...good, id }])),
      ...UNSTORABLE_IDS.map((id) => batchOf([], [{ kind: 'order', id }])),
      ...['', 'k\0', 'k'.repeat(65)].map((kind) => batchOf([{ ...good, kind }])),
      ...['', 'o\0', 'o'.repeat(257)].map((origin) =>
        batchOf([{ ...good, dot: { origin, seq: 1 } }]),
      ),
      ...[-1, 1.5, 2 ** 53, Number.NaN].map((seq) =>
        batchOf([{ ...good, dot: { origin: 'o', seq } }]),
      ),
      batchOf([], [], [['', 'v']]),
      batchOf([], [], [['k', 'v\0']]),
      batchOf([], [], [['k', 'v'.repeat(MAX_FIELDS_BYTES + 1)]]),
      batchOf([{ ...good, fields: { blob: 'é'.repeat(MAX_FIELDS_BYTES / 2) } }]),
    ];
    for (const batch of bad) await rejects((await reopen()).commit(batch), 'refused');
    const reopened = await reopen();
    assert.equal(await reopened.after('o', -1, 10), []);
    assert.equal(await reopened.meta(), new Map());
  },

  'a page of no, too many or half a record is refused, and nothing else with it': async (store) => {
    for (const limit of [0, -1, 1.5, MAX_PAGE_RECORDS + 1, Number.POSITIVE_INFINITY]) {
      await rejects(store.select({ kind: 'order', limit }), 'refused');
      await rejects(store.after(ORIGIN, 0, limit), 'refused');
    }
    await store.commit(batchOf([sampleRecord('order', 'a', 1)]));
    assert.is((await store.select({ kind: 'order', limit: MAX_PAGE_RECORDS })).length, 1);
  },

  'asking for what no row can be called finds nothing': async (store) => {
    await store.commit(batchOf([sampleRecord('order', '\ufffd', 1, { status: '\ufffd' })]));
    const keys = ['\ud800', 'a\0', '', 'x'.repeat(9999)].map((id) => ({ kind: 'order', id }));
    assert.equal(await store.load(keys), [undefined, undefined, undefined, undefined]);
    assert.equal(await store.select({ kind: 'order', state: '\ud800', limit: 9 }), []);
    assert.equal(await store.select({ kind: 'order', owner: 'a\0', limit: 9 }), []);
  },

  'a closed store refuses everything, and closing again does no harm': async (store, reopen) => {
    const pending = store.commit(batchOf([sampleRecord('order', 'last', 1)]));
    const closing = store.close();
    await rejects(store.commit(batchOf([])), 'closed');
    await Promise.all([pending, closing, store.close()]);
    await rejects(store.load([]), 'closed');
    await rejects(store.select({ kind: 'order', limit: 1 }), 'closed');
    await rejects(store.after(ORIGIN, 0, 1), 'closed');
    await rejects(store.meta(), 'closed');
    await rejects(store.check(), 'closed');
    assert.equal(await idsIn(await reopen(), 'order'), ['last']);
  },
};
