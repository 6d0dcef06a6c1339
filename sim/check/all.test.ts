import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MARK_NAMES } from '../marks.ts';
import { History, response, status } from '../testing/history.ts';
import { CHECKERS } from './all.ts';
import { situations } from './situations.ts';

test('every checker has a name of its own', () => {
  const names = CHECKERS.map((make) => make().name);
  assert.is(new Set(names).size, names.length);
});

test('situations are counted by names that the table of marks has', () => {
  const checker = situations();
  const history = new History(checker);
  history.commit(0, [status('certificate/a', 'revoked'), status('order/o', 'valid', 'n0.1', 2)]);
  history.exchange(0);
  const web = { method: 'GET', target: '/', contentType: '', body: '' };
  history.exchangeOf(0, web, response('new-order', 201, { status: 'ready' }));
  const marks = checker.marks!();
  assert.is(marks.size, 4);
  assert.ok([...marks.keys()].every((name) => MARK_NAMES.includes(name)));
});

test.run();
