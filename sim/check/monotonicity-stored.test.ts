import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History, record, status } from '../testing/history.ts';
import { monotonicityStored } from './monotonicity-stored.ts';

test('a status that goes back on a disk is seen', () => {
  const history = new History(monotonicityStored());
  history.commit(0, [status('certificate/a', 'revoked')]);
  history.commit(0, [status('certificate/a', 'valid', 'n0.1', 2)]);
  assert.equal(history.promises, ['nothing goes back']);
});

test('a field that is dropped and a decision that is replaced by a later one are seen', () => {
  const at = (ms: number): string => `000000${ms}-000000-n0`;
  const history = new History(monotonicityStored());
  history.commit(0, [record('order/a', { csr: { at: at(1), value: 'x' } })]);
  history.commit(0, [record('order/a', {}, 'n0.1', 2)]);
  history.commit(0, [record('order/b', { csr: { at: at(1), value: 'x' } }, 'n0.1', 3)]);
  history.commit(0, [record('order/b', { csr: { at: at(2), value: 'y' } }, 'n0.1', 4)]);
  assert.is(history.findings.length, 2);
});

test('going up is right, and so is beginning anew on an exchanged disk', () => {
  const history = new History(monotonicityStored());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(0, [status('order/a', 'valid', 'n0.1', 2)]);
  history.exchange(0, [status('order/a', 'pending')]);
  history.commit(0, [status('order/a', 'processing', 'n0.1', 2)]);
  assert.equal(history.findings, []);
});

test.run();
