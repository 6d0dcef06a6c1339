import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeNodeKeys } from './node-keys.ts';
import { MOST_WAITING, SealingThread } from './sealing-thread.ts';

const LIMITS = { skewToleranceMs: 1, maxAgeMs: 1, sealedOctets: 9_999, inflatedOctets: 9_999 };
const KEYS = makeNodeKeys('http://node.test', Date.UTC(2026, 0, 1));

test('when the thread dies, whoever waits and whoever comes is told', async () => {
  const keys = { ...KEYS, signing: new Uint8Array(3) };
  const deaths: Error[] = [];
  const thread = new SealingThread({ keys, boot: 'A'.repeat(22), limits: LIMITS }, (error) => {
    deaths.push(error);
  });
  const outcomes = await Promise.all([outcomeOf(thread.run(['pack', '1'])), dying(thread)]);
  for (const outcome of outcomes) assert.match(outcome, /cannot be used: its thread died/);
  await thread.close();
  assert.is(deaths.length, 1, 'and so is its owner, once');
});

test('a thread that is closed has not died', async () => {
  const deaths: Error[] = [];
  const parts = { keys: KEYS, boot: 'A'.repeat(22), limits: LIMITS };
  const thread = new SealingThread(parts, (error) => deaths.push(error));
  await thread.close();
  assert.equal(deaths, []);
});

test('a thread that is closed in the middle of its work ends without harm, and soon', async () => {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => `${at} of many`));
  for (let i = 0; i < 10; i++) {
    const thread = new SealingThread({ keys: KEYS, boot: 'A'.repeat(22), limits: LIMITS });
    assert.is(await outcomeOf(thread.run(['pack', '1'])), 'done');
    const outcomes = Array.from({ length: 50 }, () => outcomeOf(thread.run(['pack', text])));
    await sleep(3);
    const startMs = performance.now();
    await thread.close();
    assert.ok(performance.now() - startMs < 1_000, 'what has not begun is left');
    assert.match((await Promise.all(outcomes)).at(-1)!, /it was closed/);
  }
});

test('no more than so many wait for the thread; the rest is refused', async () => {
  const thread = new SealingThread({ keys: KEYS, boot: 'A'.repeat(22), limits: LIMITS });
  const tasks = Array.from({ length: MOST_WAITING + 5 }, () =>
    outcomeOf(thread.run(['pack', '1'])),
  );
  const outcomes = await Promise.all(tasks);
  assert.is(outcomes.filter((outcome) => outcome === 'done').length, MOST_WAITING);
  assert.match(outcomes.at(-1)!, /too many messages at once/);
  assert.is(await outcomeOf(thread.run(['pack', '1'])), 'done', 'and then there is room again');
  await thread.close();
});

test('a task that fails is told to whoever asked, and the next is done', async () => {
  const thread = new SealingThread({ keys: KEYS, boot: 'A'.repeat(22), limits: LIMITS });
  const [first, second] = [thread.run(['pack', undefined as never]), thread.run(['pack', '1'])].map(
    outcomeOf,
  );
  assert.match(await first!, /the gossip channel failed: TypeError/);
  assert.is(await second, 'done');
  await thread.close();
});

async function dying(thread: SealingThread): Promise<string> {
  await outcomeOf(thread.run(['pack', '1']));
  return outcomeOf(thread.run(['pack', '1']));
}

function outcomeOf(task: Promise<unknown>): Promise<string> {
  return task.then(
    () => 'done',
    (error: Error) => error.message,
  );
}

test.run();
