import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { History } from '../testing/history.ts';
import { firstContact } from './first-contact.ts';

/** Node 0 has ten events when node 1 starts on an empty disk and comes to have seen so many. */
function joined(seen: number): History {
  const history = new History(firstContact());
  history.facts(0, { 'replica/seq': '10', 'replica/established': '1' });
  history.start(1);
  history.commit(1, [], { 'replica/seen/n0.1': String(seen) });
  return history;
}

test('a new node that serves before it knows what others knew is found', () => {
  const history = joined(9);
  history.commit(1, [], { 'replica/established': '1' });
  assert.equal(history.promises, ['a new node serves when it knows what others knew']);
});

test('a new node that knows what another one knew may serve', () => {
  const history = joined(10);
  history.commit(1, [], { 'replica/established': '1' });
  assert.equal(history.promises, []);
});

test('what another node had on a disk that was exchanged is not waited for', () => {
  const history = joined(9);
  history.exchange(0);
  history.commit(1, [], { 'replica/established': '1' });
  assert.equal(history.promises, []);
});

test.run();
