import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Input } from '../../core/input.ts';
import { History, response } from '../testing/history.ts';
import { liveness } from './liveness.ts';

const web = { method: 'GET', target: '/acme/directory', contentType: '', body: '' };
const ASKED: Input = { kind: 'request', request: 1, web, entropy: new Uint8Array(32) };

test('a request without an answer keeps the world from settling', () => {
  const history = new History(liveness());
  history.step(0, ASKED);
  assert.match(history.unsettled() ?? '', /n0 has not finished GET \/acme\/directory/);
});

test('a load, a probe or a list that never comes back keeps it from settling', () => {
  const history = new History(liveness());
  const rows = { keys: [], selections: [], ranges: [] };
  history.step(1, { kind: 'tick' }, [{ kind: 'load', load: 1, ...rows }]);
  assert.match(history.unsettled() ?? '', /n1 has not finished load 1/);
  const loaded = { records: [], selections: [], ranges: [] };
  const times = { thisUpdateMs: 0, nextUpdateMs: 1 };
  const list = { kind: 'build-crl', ca: 'c', number: 7, tag: 0, ...times } as const;
  history.step(1, { kind: 'loaded', load: 1, loaded }, [list]);
  assert.match(history.unsettled() ?? '', /list 7/);
});

test('what was answered, abandoned, or went with its process, has ended', () => {
  const history = new History(liveness());
  history.step(0, ASKED, [{ kind: 'respond', request: 1, response: response('directory', 200) }]);
  history.step(0, { ...ASKED, request: 2 });
  history.step(0, { kind: 'abandon', request: 2 });
  history.step(1, ASKED);
  history.start(1);
  assert.is(history.unsettled(), undefined);
});

test.run();
