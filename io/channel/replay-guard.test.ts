import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BOOTS, ReplayGuard, WINDOW } from './replay-guard.ts';

test('numbers that are none are refused', () => {
  const guard = new ReplayGuard();
  for (const number of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.not(guard.accept('a', 'x', number, 0), String(number));
  }
});

test('a number that has left the window is refused, the last one in it is not', () => {
  const guard = new ReplayGuard();
  assert.ok(guard.accept('a', 'x', WINDOW + 1, 0));
  assert.not(guard.accept('a', 'x', 1, 0));
  assert.ok(guard.accept('a', 'x', 2, 0));
  assert.not(guard.accept('a', 'x', 2, 0));
});

test('no order of messages, boots and clocks has one accepted twice', () => {
  const message = fc.record({
    boot: fc.nat(BOOTS * 3),
    number: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 * WINDOW })),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 400 }), fc.nat(), (messages, salt) => {
      const guard = new ReplayGuard();
      const accepted = new Set<string>();
      for (const { boot, number } of messages) {
        // A message has one issue time, however often it comes; times of boots overlap at will.
        const issueMs = (boot * 7919 + number * 104_729 + salt) % 1000;
        if (!guard.accept('a', `boot ${boot}`, number, issueMs)) continue;
        assert.not(accepted.has(`${boot} ${number}`));
        accepted.add(`${boot} ${number}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('in order, and a little out of order, everything is accepted', () => {
  const guard = new ReplayGuard();
  for (let number = 1; number < 5 * WINDOW; number += 2) {
    assert.ok(guard.accept('a', 'x', number + 1, number));
    assert.ok(guard.accept('a', 'x', number, number));
  }
});

test('a node that starts again and again is listened to', () => {
  const guard = new ReplayGuard();
  for (let boot = 0; boot < 10 * BOOTS; boot++) assert.ok(guard.accept('a', `${boot}`, 1, boot));
});

test('senders do not disturb each other', () => {
  const guard = new ReplayGuard();
  assert.ok(guard.accept('a', 'x', 1, 0));
  assert.ok(guard.accept('b', 'x', 1, 0));
  guard.forget(['a']);
  assert.not(guard.accept('b', 'x', 1, 0));
});

test.run();
