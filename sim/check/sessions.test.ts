import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../../core/crdt/record.ts';
import { LIMITS } from '../../core/limits.ts';
import { noteRequest } from '../exchange-facts.ts';
import { History, response, status } from '../testing/history.ts';
import { sessions } from './sessions.ts';

const ORDER = status('order/o', 'processing', 'n0.1', 1);

/** Node 0 writes an order and answers with a nonce; node 1 takes the nonce and has `held`. */
function carried(held: readonly Record[], startMonoMs = 1): History {
  const history = new History(sessions());
  const answer = response('finalize', 200, {}, [['Replay-Nonce', 'n']]);
  history.step(0, { kind: 'tick' }, [
    { kind: 'persist', records: [ORDER], forget: [], facts: new Map() },
    { kind: 'respond', request: 1, response: answer },
  ]);
  const web = { method: 'POST', target: '/acme/order/o', contentType: '', body: '' };
  const facts = { route: 'order', ids: ['o'], isGenuine: true, nonce: 'n', account: 'a' };
  noteRequest(web, { ...facts, thumbprint: undefined, payload: undefined, bend: undefined });
  const entropy = new Uint8Array(32);
  history.step(1, { kind: 'request', request: 7, web, entropy }, [], startMonoMs);
  history.commit(1, held);
  history.visible(1, { kind: 'respond', request: 7, response: response('order', 200) });
  return history;
}

test('a node that takes a nonce without what came with it is found', () => {
  assert.equal(carried([]).promises, ['whoever takes a nonce knows what came with it']);
  assert.is(carried([status('order/o', 'pending', 'n1.1', 1)]).promises.length, 1);
});

test('a node that knows as much or more is right', () => {
  assert.equal(carried([ORDER]).promises, []);
  assert.equal(carried([status('order/o', 'valid', 'n1.1', 1)]).promises, []);
});

test('a node that has waited for as long as it may is right', () => {
  assert.equal(carried([], 1 - LIMITS.coverageMs).promises, []);
});

test.run();
