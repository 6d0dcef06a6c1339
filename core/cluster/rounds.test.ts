import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EMPTY_VECTOR } from '../crdt/version-vector.ts';
import { CALM_MS, DEBOUNCE_MS, Rounds } from './rounds.ts';

const PEERS = ['b', 'c', 'd', 'e'];

function rounds(fanOut = 0, peers: readonly string[] = PEERS): Rounds {
  return new Rounds({ peers, intervalMs: 1000, fanOut }, 7);
}

/** Runs rounds from one due moment to the next; every ask is answered at once. */
function asked(schedule: Rounds, count: number): readonly (readonly string[])[] {
  return Array.from({ length: count }, () => {
    const peers = schedule.due(schedule.nextMonoMs, EMPTY_VECTOR);
    for (const peer of peers) schedule.answered(peer, 0);
    return peers;
  });
}

test('without peers there is never a round', () => {
  assert.is(rounds(0, []).nextMonoMs, Number.POSITIVE_INFINITY);
  assert.equal(rounds(0, []).due(1e9, EMPTY_VECTOR), []);
});

test('fan_out 0 asks every peer in every round', () => {
  for (const peers of asked(rounds(), 5)) assert.equal([...peers].sort(), PEERS);
});

test('rounds come once an interval, a little sooner by chance', () => {
  const schedule = rounds();
  schedule.due(0, EMPTY_VECTOR);
  const moments = Array.from({ length: 50 }, () => {
    const before = schedule.nextMonoMs;
    schedule.due(before, EMPTY_VECTOR);
    return schedule.nextMonoMs - before;
  });
  assert.ok(
    moments.every((ms) => ms > 750 && ms <= 1000),
    moments.join(),
  );
  assert.ok(new Set(moments).size > 10, 'they are not all the same');
});

test('with a fan-out no peer is left out for longer than a rotation', () => {
  for (const fanOut of [1, 2, 3]) {
    const order = asked(rounds(fanOut), 60).flat();
    for (let i = 0; i + 2 * PEERS.length <= order.length; i++) {
      const window = new Set(order.slice(i, i + 2 * PEERS.length));
      assert.is(window.size, PEERS.length, `fan-out ${fanOut} at ${i}`);
    }
  }
});

test('a peer is not asked while an ask is under way, until patience ends', () => {
  const schedule = rounds(0, ['b']);
  assert.equal(schedule.due(0, EMPTY_VECTOR), ['b']);
  assert.is(schedule.ask('b', 500), false);
  assert.is(schedule.ask('b', 3_999), false);
  assert.is(schedule.ask('b', 4_000), true);
});

test('a peer that fails is left alone longer and longer, and at once taken back when it answers', () => {
  const schedule = rounds(0, ['b']);
  const pauses: number[] = [];
  let now = 0;
  for (let i = 0; i < 12; i++) {
    assert.is(schedule.ask('b', now), true);
    schedule.failed('b', now);
    const failedAt = now;
    while (!schedule.ask('b', now)) now += 50;
    schedule.failed('b', now);
    pauses.push(now - failedAt);
    now += 60_000;
  }
  assert.ok(pauses[0]! <= 1_050 && pauses[2]! > 2_000, pauses.join());
  assert.ok(
    pauses.every((ms) => ms <= 20_050),
    pauses.join(),
  );
  assert.is(schedule.ask('b', now), true);
  schedule.answered('b', now);
  assert.is(schedule.ask('b', now), true);
});

test('a peer that was left alone and calls is there again', () => {
  const schedule = rounds(0, ['b']);
  for (let count = 0; count < 5; count++) schedule.failed('b', 0);
  assert.not(schedule.ask('b', 1));
  assert.not(schedule.isReachable('b'));
  schedule.heard('b', 2, undefined);
  assert.ok(schedule.isReachable('b'));
  assert.ok(schedule.ask('b', 3));
});

test('a peer whose answer is refused is left alone although it calls, until its time has come', () => {
  const schedule = rounds(0, ['b']);
  schedule.failed('b', 0, true);
  schedule.heard('b', 2, undefined);
  assert.not(schedule.ask('b', 3));
  assert.not(schedule.isReachable('b'));
  schedule.heard('b', 1_000, undefined);
  assert.ok(schedule.isReachable('b'), 'it is time to see whether it has changed');
  assert.ok(schedule.ask('b', 1_000));
  schedule.answered('b', 1_001);
  schedule.failed('b', 1_002);
  schedule.heard('b', 1_003, undefined);
  assert.ok(schedule.ask('b', 1_004), 'what it answered later was fine');
});

test('a write brings the next round near, once for all writes that come together', () => {
  const schedule = rounds();
  schedule.due(0, EMPTY_VECTOR);
  schedule.hurry(10);
  schedule.hurry(15);
  assert.is(schedule.nextMonoMs, 10 + DEBOUNCE_MS);
});

test('after a write only those are asked that seem to lack something', () => {
  const schedule = rounds();
  const vector = new Map([['a.1', 5]]);
  for (const peer of schedule.due(0, vector)) schedule.answered(peer, 0);
  schedule.heard('b', 1, vector);
  schedule.heard('c', 1, new Map([['a.1', 4]]));
  schedule.hurry(10);
  assert.equal([...schedule.due(10 + DEBOUNCE_MS, vector)].sort(), ['c', 'd', 'e']);
});

test('writes in a row are told no more often than the network likes', () => {
  const schedule = rounds();
  schedule.due(0, EMPTY_VECTOR);
  schedule.hurry(10);
  schedule.due(10 + DEBOUNCE_MS, EMPTY_VECTOR);
  schedule.hurry(11 + DEBOUNCE_MS);
  assert.is(schedule.nextMonoMs, 10 + DEBOUNCE_MS + CALM_MS);
});

test('under steady load only those are told that do not keep up by themselves', () => {
  const schedule = rounds(0, ['b', 'c']);
  const [first, second] = [new Map([['a.1', 5]]), new Map([['a.1', 6]])];
  schedule.due(0, EMPTY_VECTOR);
  for (const peer of ['b', 'c']) schedule.answered(peer, 1);
  schedule.hurry(10);
  let atMonoMs = schedule.nextMonoMs;
  assert.equal([...schedule.due(atMonoMs, first)].sort(), ['b', 'c'], 'the first write at once');
  for (const peer of ['b', 'c']) schedule.answered(peer, atMonoMs);
  schedule.heard('b', atMonoMs, first);
  schedule.heard('c', atMonoMs, first);
  schedule.hurry(atMonoMs);
  atMonoMs = schedule.nextMonoMs;
  assert.equal(schedule.due(atMonoMs, second), [], 'they have what was there the last time');
  schedule.heard('b', atMonoMs, second);
  assert.is(schedule.nextMonoMs, atMonoMs + CALM_MS, 'it is looked again without a write');
  atMonoMs = schedule.nextMonoMs;
  assert.equal(schedule.due(atMonoMs, second), ['c']);
  assert.ok(schedule.nextMonoMs > atMonoMs + CALM_MS, 'and not for ever');
});

test('a write that is to be told when a round begins is not forgotten', () => {
  const schedule = rounds(0, ['b']);
  const vector = new Map([['a.1', 5]]);
  assert.equal(schedule.due(0, EMPTY_VECTOR), ['b']);
  const roundMonoMs = schedule.nextMonoMs;
  schedule.hurry(roundMonoMs - DEBOUNCE_MS);
  assert.equal(schedule.due(roundMonoMs, vector), [], 'an ask is under way');
  schedule.answered('b', roundMonoMs + 1);
  assert.is(schedule.nextMonoMs, roundMonoMs + 1 + DEBOUNCE_MS);
});

test('a write during an ask is told when its answer has come', () => {
  const schedule = rounds(0, ['b']);
  const vector = new Map([['a.1', 5]]);
  assert.equal(schedule.due(0, vector), ['b']);
  schedule.hurry(10);
  assert.equal(schedule.due(10 + DEBOUNCE_MS, vector), []);
  schedule.answered('b', 300);
  assert.is(schedule.nextMonoMs, 300 + DEBOUNCE_MS);
  assert.equal(schedule.due(300 + DEBOUNCE_MS, vector), ['b']);
});

test('what arrives of a peer whose answers are refused shortens no pause', () => {
  const schedule = rounds(0, ['b']);
  const asks: number[] = [];
  for (let monoMs = 0; monoMs < 60_000; monoMs += 50) {
    if (schedule.due(monoMs, EMPTY_VECTOR).length === 0) continue;
    asks.push(monoMs);
    schedule.arrived('b', monoMs);
    schedule.failed('b', monoMs, true);
  }
  assert.ok(asks.length < 10, `${asks.length} asks`);
  schedule.answered('b', 60_000);
  schedule.failed('b', 60_000);
  assert.not(schedule.isReachable('b'));
  schedule.arrived('b', 60_001);
  assert.ok(schedule.isReachable('b'), 'one that only did not answer is there again');
});

test('a peer is live while it answers or asks, and for some rounds afterwards', () => {
  const schedule = rounds(1, ['b', 'c']);
  assert.equal(schedule.live(5000), [], 'nobody was heard of');
  schedule.answered('b', 5000);
  schedule.heard('c', 6000, undefined);
  schedule.heard('stranger', 6000, undefined);
  assert.equal(schedule.live(6000), ['b', 'c']);
  schedule.failed('c', 6500);
  assert.equal(schedule.live(13_000), ['b', 'c'], 'two rounds until each has had its turn');
  assert.equal(schedule.live(13_001), ['c']);
  assert.equal(schedule.live(14_001), []);
});

test.run();
