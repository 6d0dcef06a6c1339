import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ask, Cursor, Page } from '../crdt/page.ts';
import { EMPTY_VECTOR } from '../crdt/version-vector.ts';
import { PreparedPages } from './prepared.ts';

const cursor = (seq: number): Cursor => {
  return { boot: 'b', generation: 1, bulk: new Map([['a.1', seq]]), urgent: EMPTY_VECTOR };
};
const ask = (seq: number, more: Partial<Ask> = {}): Ask => ({
  origin: 'n.1',
  vector: new Map([['n.1', 1]]),
  cursor: cursor(seq),
  chain: 'c',
  listing: null,
  clockMs: 0,
  ...more,
});
const PAGE: Page = {
  base: EMPTY_VECTOR,
  chain: '',
  since: cursor(5),
  known: null,
  records: [],
  floor: EMPTY_VECTOR,
  next: cursor(9),
  complete: null,
  listing: null,
  clockMs: 0,
  isEstablished: true,
};

test('a page is not given for another ask, and then for none', () => {
  const others: readonly Ask[] = [
    ask(6),
    ask(5, { cursor: null }),
    ask(5, { cursor: { ...cursor(5), generation: 2 } }),
    ask(5, { vector: new Map([['n.1', 2]]) }),
    ask(5, { origin: 'n.2' }),
    ask(5, { listing: { after: null } }),
  ];
  for (const other of others) {
    const pages = new PreparedPages();
    pages.put('n', ask(5), PAGE);
    assert.is(pages.take('m', ask(5)), undefined, 'nor to another peer');
    assert.is(pages.take('n', other), undefined);
    assert.is(pages.take('n', ask(5)), undefined);
  }
});

test('it is given once, in the chain of the ask', () => {
  const pages = new PreparedPages();
  pages.put('n', ask(5, { chain: '' }), PAGE);
  const given = ask(5, { chain: 'later' });
  assert.equal(pages.take('n', given), { ...PAGE, base: given.vector, chain: 'later' });
  assert.is(pages.take('n', given), undefined);
});

test('no more than a few are kept', () => {
  const pages = new PreparedPages();
  for (let i = 0; i < 9; i++) pages.put(`n${i}`, ask(5), PAGE);
  assert.is(pages.size, 4);
  assert.is(pages.take('n0', ask(5)), undefined);
  assert.ok(pages.take('n8', ask(5)));
});

test.run();
