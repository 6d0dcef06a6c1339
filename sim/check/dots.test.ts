import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History, status } from '../testing/history.ts';
import { dots } from './dots.ts';

test('one dot for two contents is seen, whoever has them', () => {
  const history = new History(dots());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(1, [status('order/b', 'pending', 'n0.1', 1)]);
  assert.equal(history.promises, ['no dot is used twice']);
});

test('a restored node that counts again what a peer has seen is caught', () => {
  const history = new History(dots());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(1, [status('order/a', 'pending')], { 'replica/seen/n0.1': '1' });
  history.exchange(0);
  history.commit(0, [status('order/b', 'pending')]);
  assert.equal(history.promises, ['no dot is used twice']);
});

test('a number that is left out is seen', () => {
  const history = new History(dots());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(0, [status('order/b', 'pending', 'n0.1', 3)]);
  assert.equal(history.promises, ['events have no gaps']);
});

test('copies are right, and numbers that nobody has seen are free again', () => {
  const history = new History(dots());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(1, [status('order/a', 'pending')]);
  history.exchange(1);
  history.exchange(0);
  history.commit(0, [status('order/b', 'pending')]);
  assert.equal(history.findings, []);
});

test.run();
