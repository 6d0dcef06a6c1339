import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Effect } from '../../core/effect.ts';
import type { Input } from '../../core/input.ts';
import { History, status } from '../testing/history.ts';
import { members } from './members.ts';

const NONE: ReadonlyMap<string, string | null> = new Map();
const TELL: Effect = { kind: 'tell', exchange: 1, page: {} };

function asked(from: string): Input {
  return { kind: 'asked', exchange: 1, from, ask: {}, push: null };
}

test('a call of a stranger is found', () => {
  const history = new History(members());
  history.step(0, asked('n7'));
  assert.equal(history.promises, ['nobody listens to a node that is not a member']);
});

test('an answer to a removed node is found', () => {
  const history = new History(members());
  history.commit(0, [status('node/n1', 'removed')]);
  history.step(0, asked('n1'), [TELL]);
  history.step(0, { kind: 'told', from: 'n1', page: {} }, [
    { kind: 'persist', records: [status('order/o', 'valid', 'n1.1', 1)], forget: [], facts: NONE },
  ]);
  assert.is(history.promises.length, 2);
});

test('a member is answered, and what a removed node says is thrown away', () => {
  const history = new History(members());
  history.commit(0, [status('node/n1', 'member')]);
  history.step(0, asked('n1'), [TELL]);
  history.commit(0, [status('node/n1', 'removed', 'n0.1', 2)]);
  history.step(0, { kind: 'told', from: 'n1', page: {} });
  assert.equal(history.promises, []);
});

test('requests that have waited for a removed node go on with its last answer', () => {
  const history = new History(members());
  history.commit(0, [status('node/n1', 'removed')]);
  history.step(0, { kind: 'told', from: 'n1', page: {} }, [
    {
      kind: 'persist',
      records: [status('account/x', 'valid', 'n0.1', 3)],
      forget: [],
      facts: NONE,
    },
  ]);
  assert.equal(history.promises, []);
});

test.run();
