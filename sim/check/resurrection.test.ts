import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EPOCH_MS } from '../clock.ts';
import { History, record } from '../testing/history.ts';
import { resurrection } from './resurrection.ts';

const DAY_MS = 86_400_000;
const order = (expiresMs: number, seq: number) => {
  const made = { at: 'x', value: { expiresMs } };
  return record('order/a', { made, status: 'pending' }, 'n0.1', seq);
};
const KEY = { kind: 'order', id: 'a' };

test('an expired order that was removed and is stored again is seen', () => {
  const history = new History(resurrection());
  const expired = EPOCH_MS - 2 * DAY_MS;
  history.commit(0, [order(expired, 1)]);
  history.commit(0, [], {}, [KEY]);
  history.commit(0, [order(expired, 2)]);
  assert.equal(history.promises, ['what is removed never comes back']);
});

test('a deleted record that loses its tombstone and comes back is seen', () => {
  const history = new History(resurrection());
  const key = { kind: 'operator', id: 'o' };
  history.commit(0, [record('operator/o', { deleted: { at: 'x', value: true } })]);
  history.commit(0, [], {}, [key]);
  history.commit(0, [record('operator/o', { status: 'active' }, 'n1.1', 1)]);
  assert.is(history.findings.length, 1);
});

test('what a fast clock removed may come back, and so may all on an exchanged disk', () => {
  const history = new History(resurrection());
  history.commit(0, [order(EPOCH_MS + DAY_MS, 1)]);
  history.commit(0, [], {}, [KEY]);
  history.commit(0, [order(EPOCH_MS + DAY_MS, 1)]);
  history.commit(1, [], {}, [KEY]);
  history.exchange(1);
  history.commit(1, [order(EPOCH_MS - 2 * DAY_MS, 1)]);
  assert.equal(history.findings, []);
});

test.run();
