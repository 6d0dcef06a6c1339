import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ClockVotes } from './clock-votes.ts';

const HOUR_MS = 3_600_000;

test('a peer that was not heard yet, or cannot tell, is waited for', () => {
  const votes = new ClockVotes(168 * HOUR_MS);
  votes.hear('b', 900, HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 2 * HOUR_MS), undefined);
  votes.hear('c', 0, 2 * HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 2 * HOUR_MS), undefined);
  votes.hear('c', 800, 3 * HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 3 * HOUR_MS), 800);
});

test('one clock that is right keeps all others from going ahead of it', () => {
  const votes = new ClockVotes(168 * HOUR_MS);
  votes.hear('b', 9_000_000, 0);
  votes.hear('c', 1_000, 0);
  assert.is(votes.agreedMs(9_000_000, ['b', 'c'], HOUR_MS), 1_000);
});

test('a peer that is silent for too long, or no peer any more, is waited for no longer', () => {
  const votes = new ClockVotes(168 * HOUR_MS);
  votes.hear('b', 900, HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 168 * HOUR_MS), undefined);
  votes.hear('b', 900, 169 * HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 169 * HOUR_MS), 900);
  assert.is(votes.agreedMs(1_000, ['b', 'c'], 337 * HOUR_MS), 1_000);
  votes.hear('b', 900, 170 * HOUR_MS);
  assert.is(votes.agreedMs(1_000, ['c'], 170 * HOUR_MS), 1_000);
});

test.run();
