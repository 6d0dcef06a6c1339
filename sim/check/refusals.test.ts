import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Effect } from '../../core/effect.ts';
import { noteRequest } from '../exchange-facts.ts';
import { History, refusal, status } from '../testing/history.ts';
import { refusals } from './refusals.ts';

const ASK: Effect = { kind: 'ask', peer: 'n0', url: '', ask: {}, push: null, isBrief: false };

/** Node 0 has an order that node 1 is asked for. */
function wanted(): History {
  const history = new History(refusals());
  history.commit(0, [status('order/o', 'pending')]);
  history.commit(1, [status('node/n0', 'member')]);
  return history;
}

/** Node 1 is asked, does this, and says that there is no such order. */
function refuse(history: History, meanwhile: readonly Effect[] = []): readonly string[] {
  const web = { method: 'POST', target: '/acme/order/o', contentType: '', body: '' };
  const facts = { route: 'order', ids: ['o'], isGenuine: true, nonce: 'n', account: 'a' };
  noteRequest(web, { ...facts, thumbprint: undefined, payload: undefined, bend: undefined });
  history.step(1, { kind: 'request', request: 7, web, entropy: new Uint8Array(32) }, meanwhile);
  const response = refusal('order', 404, 'malformed');
  history.step(1, { kind: 'tick' }, [{ kind: 'respond', request: 7, response }]);
  return history.promises;
}

test('a refusal without asking the node that has it is found', () => {
  const promise = 'nobody is refused for want of what a peer would have told';
  assert.equal(refuse(wanted()), [promise]);
});

test('a refusal after asking is right', () => {
  assert.equal(refuse(wanted(), [ASK]), []);
});

test('a peer that did not answer last time need not be asked', () => {
  const history = wanted();
  history.step(1, { kind: 'unreachable', peer: 'n0', reason: 'no answer' });
  assert.equal(refuse(history), []);
});

test.run();
