import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Disk } from '../disk.ts';
import { History, status } from '../testing/history.ts';
import { durability } from './durability.ts';

test('a record that was durable and is gone after a start is a loss', () => {
  const history = new History(durability());
  history.commit(0, [status('order/a', 'valid')]);
  history.disks[0] = new Disk();
  history.start(0);
  assert.equal(history.promises, ['nothing acknowledged is lost']);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /it is gone/);
});

test('a record that is lower after a start is a loss', () => {
  const history = new History(durability());
  history.commit(0, [status('order/a', 'valid')]);
  history.disks[0]!.apply({
    records: [status('order/a', 'pending')],
    forget: [],
    facts: new Map(),
  });
  history.start(0);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /status is lower/);
});

test('at the end every node has to hold what any disk holds', () => {
  const history = new History(durability());
  history.commit(0, [status('certificate/a', 'revoked')]);
  history.commit(1, [status('certificate/a', 'valid')]);
  const [finding, ...others] = history.end();
  assert.equal(finding?.nodes, [1]);
  assert.is(others.length, 0);
});

test('what is there or higher, and what went with an exchanged disk, is no loss', () => {
  const history = new History(durability());
  history.commit(0, [status('order/a', 'pending')]);
  history.commit(0, [status('order/a', 'valid', 'n0.1', 2)]);
  history.commit(1, [status('order/a', 'valid', 'n0.1', 2)]);
  history.start(0);
  history.commit(0, [status('order/b', 'pending', 'n0.1', 3)]);
  history.exchange(0);
  history.start(0);
  history.commit(0, [status('order/a', 'valid', 'n0.1', 2)]);
  assert.equal(history.findings, []);
  assert.equal(history.end(), []);
});

test('a record that is removed before its time is found', () => {
  const history = new History(durability());
  history.commit(0, [status('order/o', 'valid')]);
  history.commit(0, [], {}, [{ kind: 'order', id: 'o' }]);
  assert.equal(history.promises, ['nothing acknowledged is lost']);
});

test.run();
