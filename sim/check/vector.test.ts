import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History, status } from '../testing/history.ts';
import { vector } from './vector.ts';

test('a vector that covers an event without its content is seen', () => {
  const history = new History(vector());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(0, [status('order/a', 'valid', 'n0.1', 2)]);
  history.commit(1, [status('order/a', 'pending')], { 'replica/seen/n0.1': '2' });
  assert.equal(history.promises, ['what a vector covers is held']);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /status=pending/);
});

test('a vector that covers a record which is not there is seen', () => {
  const history = new History(vector());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(1, [], { 'replica/seen/n0.1': '1' });
  assert.is(history.findings.length, 1);
});

test('holding more than the event is right; each event is looked at once', () => {
  const history = new History(vector());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(1, [status('order/a', 'valid', 'n1.1', 1)], { 'replica/seen/n0.1': '1' });
  history.commit(0, [status('order/b', 'pending', 'n0.1', 2)]);
  history.commit(1, [status('order/b', 'pending', 'n0.1', 2)], { 'replica/seen/n0.1': '2' });
  assert.equal(history.findings, []);
});

test.run();
