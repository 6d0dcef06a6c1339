import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { recordToJson } from '../../core/crdt/page.ts';
import type { Effect } from '../../core/effect.ts';
import { History, response, status } from '../testing/history.ts';
import { durableBeforeVisible } from './durable-before-visible.ts';

const ORDER = status('order/o', 'pending');
const BODY = { finalize: 'https://ca.sim/acme/order/o/finalize', status: 'pending' };
const PERSIST: Effect = { kind: 'persist', records: [ORDER], forget: [], facts: new Map() };
const RESPOND: Effect = {
  kind: 'respond',
  request: 1,
  response: response('new-order', 201, BODY),
};
const tell = (records: readonly (typeof ORDER)[], seq: number): Effect => {
  const vector = seq === 0 ? [] : [['n0.1', seq]];
  const page = { records: records.map(recordToJson), complete: { vector } };
  return { kind: 'tell', exchange: 1, page };
};

test('an answer that overtakes the commit before it is seen', () => {
  const history = new History(durableBeforeVisible());
  history.step(0, { kind: 'tick' }, [PERSIST, RESPOND]);
  history.visible(0, RESPOND);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /before 1 changes are durable/);
});

test('an answer that the core gave before its persist is seen by its content', () => {
  const history = new History(durableBeforeVisible());
  history.step(0, { kind: 'tick' }, [RESPOND, PERSIST]);
  history.visible(0, RESPOND);
  assert.match(history.findings[0]!.story.at(-1) ?? '', /order o, which its disk/);
});

test('a page with a record or a vector that is not on disk is seen', () => {
  const history = new History(durableBeforeVisible());
  for (const early of [tell([ORDER], 0), tell([], 1)]) {
    history.step(0, { kind: 'tick' }, [early]);
    history.visible(0, early);
  }
  assert.is(history.findings.length, 2);
});

test('an order whose certificate is on no disk is seen, one whose certificate is on its way is right', () => {
  const valid = status('order/o', 'valid');
  const certificate = status('certificate/c', 'valid');
  const body = { ...BODY, status: 'valid', certificate: 'https://ca.sim/acme/cert/c' };
  const respond: Effect = { ...RESPOND, response: response('order', 200, body) };
  const history = new History(durableBeforeVisible());
  const show = (): number => {
    history.step(0, { kind: 'tick' }, [respond]);
    history.visible(0, respond);
    return history.findings.length;
  };
  history.commit(0, [valid]);
  assert.is(show(), 1);
  history.commit(1, [certificate]);
  assert.is(show(), 1);
});

test('what waits for its commit is right', () => {
  const history = new History(durableBeforeVisible());
  const page = tell([ORDER], 1);
  history.step(0, { kind: 'tick' }, [PERSIST, RESPOND, page]);
  history.commit(0, [ORDER]);
  history.visible(0, RESPOND);
  history.visible(0, page);
  assert.equal(history.findings, []);
});

test.run();
