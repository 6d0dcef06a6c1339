// The gate: order, bounds, patience. And the attempt: nothing it owns outlives it. And the texts.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AttemptSet } from './attempt.ts';
import { cleaned, failed, quoted } from './failure.ts';
import { ProbeGate } from './probe-gate.ts';

test('who does not want to wait longer goes away and holds nothing', async () => {
  const gate = new ProbeGate(1, 10);
  assert.is(await gate.enter(1000), 'entered');
  assert.is(await gate.enter(10), 'late');
  const patient = gate.enter(1000);
  gate.leave();
  assert.is(await patient, 'entered');
  gate.leave();
  assert.is(await gate.enter(1000), 'entered');
});

test('a full queue refuses at once, a closed gate everybody', async () => {
  const gate = new ProbeGate(1, 1);
  await gate.enter(1000);
  const waiting = gate.enter(1000);
  assert.is(await gate.enter(1000), 'full');
  gate.close();
  assert.is(await waiting, 'closed');
  assert.is(await gate.enter(1000), 'closed');
});

test('places are given in the order of arrival', async () => {
  const gate = new ProbeGate(2, 10);
  await gate.enter(1000);
  await gate.enter(1000);
  const order: number[] = [];
  const all = [1, 2, 3].map((number) => gate.enter(1000).then(() => order.push(number)));
  for (let i = 0; i < 3; i++) gate.leave();
  await Promise.all(all);
  assert.equal(order, [1, 2, 3]);
});

test('an attempt out of time destroys what it owns, and what it opens afterwards', async () => {
  const destroyed: string[] = [];
  let openLate: () => void = () => undefined;
  const attempts = new AttemptSet();
  const outcome = await attempts
    .run(20, (attempt) => {
      attempt.begin('tls', 'thinking');
      attempt.own({ destroy: () => destroyed.push('early') });
      openLate = () => attempt.own({ destroy: () => destroyed.push('late') });
      return new Promise<void>(() => undefined);
    })
    .catch((error: unknown) => String(error));
  assert.match(String(outcome), /gave up after 20 ms while thinking/);
  openLate();
  assert.equal(destroyed, ['early', 'late']);
});

test('an attempt that ends by itself destroys what it owns as well', async () => {
  let destroyed = 0;
  const attempts = new AttemptSet();
  const own = { destroy: () => destroyed++ };
  await attempts.run(1000, async (attempt) => attempt.own(own));
  const failing = attempts.run(1000, async (attempt) => {
    attempt.own(own);
    throw failed('dns', 'no');
  });
  assert.is(await failing.catch((error: unknown) => String(error)), 'ProbeFailure: no');
  assert.is(destroyed, 2);
});

test('foreign text becomes one bounded line without control characters', () => {
  assert.is(cleaned('a\r\nb\u001b[0m\u202e\u2028c\u0000', 100), 'a??b?[0m??c?');
  assert.is(cleaned('x'.repeat(50), 10), `${'x'.repeat(9)}…`);
  assert.is(quoted(Uint8Array.of(0x68, 0xff, 0x69)), '"h\ufffdi"');
  assert.is(quoted(new Uint8Array(1_000_000).fill(0x78)).length, 102);
});

test.run();
