// The gate decides when the examination may begin: not while a request is under way.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ended, Gate } from './gate.ts';

test('who waits at a gate that ends gets told so, and so does who comes later', async () => {
  const gate = new Gate();
  await gate.close();
  const waiting = gate.enter().catch((error: unknown) => error);
  gate.end();
  assert.instance(await waiting, Ended);
  assert.instance(await gate.enter().catch((error: unknown) => error), Ended);
});

test('closing waits for the last request, and nobody enters before it is opened', async () => {
  const gate = new Gate();
  const seen: string[] = [];
  await gate.enter();
  await gate.enter();
  const closed = gate.close().then(() => seen.push('closed'));
  const entered = gate.enter().then(() => seen.push('entered'));
  gate.leave();
  await new Promise(setImmediate);
  assert.equal(seen, []);
  gate.leave();
  await closed;
  assert.equal(seen, ['closed']);
  gate.open();
  await entered;
  assert.equal(seen, ['closed', 'entered']);
});

test('it keeps the last accepted requests, and no more than so many', () => {
  const gate = new Gate();
  for (let i = 0; i < 100; i++) gate.accepted({ url: String(i), jws: '' });
  assert.is(gate.lastAccepted.length, 64);
  assert.is(gate.lastAccepted.at(-1)!.url, '99');
});

test.run();
