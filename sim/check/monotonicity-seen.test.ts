import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebRequest } from '../../core/input.ts';
import { History, response, status } from '../testing/history.ts';
import { monotonicitySeen } from './monotonicity-seen.ts';

const WEB: WebRequest = { method: 'POST', target: '/acme/order/o', contentType: '', body: '{}' };
const order = (rung: string) => {
  return response('order', 200, { finalize: 'https://ca.sim/acme/order/o/finalize', status: rung });
};

test('an order that was valid and is shown as processing is seen', () => {
  const history = new History(monotonicitySeen());
  history.exchangeOf(0, WEB, order('valid'));
  history.exchangeOf(0, WEB, order('processing'));
  assert.equal(history.promises, ['nothing goes back']);
});

test('an answer that is behind the disk is seen', () => {
  const history = new History(monotonicitySeen());
  history.commit(1, [status('order/o', 'valid')]);
  history.exchangeOf(1, WEB, order('pending'));
  assert.match(history.findings[0]!.story.at(-1) ?? '', /more on disk/);
});

/** An operator wants an account deactivated, and is told. */
function tell(history: History, node: number, request: number, changed: boolean): void {
  const command = { kind: 'deactivate', account: 'a' } as const;
  const body = { account: 'a', status: 'deactivated', changed };
  history.step(node, { kind: 'administer', request, command });
  const effect = { kind: 'respond', request, response: response('admin', 200, body) } as const;
  history.visible(node, effect);
}

test('what was done for an operator and is done once more went back meanwhile: that is seen', () => {
  const history = new History(monotonicitySeen());
  tell(history, 0, 1, true);
  tell(history, 0, 2, false);
  tell(history, 1, 1, true);
  assert.equal(history.findings, []);
  tell(history, 0, 3, true);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /n0 has done deactivate a once more/);
});

test('what was done on a disk that somebody exchanged may have to be done again', () => {
  const history = new History(monotonicitySeen());
  tell(history, 0, 1, true);
  history.exchange(0);
  tell(history, 0, 2, true);
  assert.equal(history.findings, []);
});

test('another node, an older call, a clock and another disk may show less', () => {
  const history = new History(monotonicitySeen());
  const early = history.call(0, WEB);
  history.exchangeOf(0, WEB, order('valid'));
  history.reply(0, early, order('processing'));
  history.exchangeOf(1, WEB, order('ready'));
  history.exchangeOf(1, WEB, order('invalid'));
  history.exchangeOf(1, WEB, order('pending'));
  history.exchange(0);
  history.exchangeOf(0, WEB, order('pending'));
  assert.equal(history.findings, []);
});

test.run();
