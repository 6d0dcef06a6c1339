import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Record } from '../core/crdt/record.ts';
import { EffectLog } from './effect-log.ts';
import type { Batch, Store } from './store/store.ts';

interface Commit {
  readonly ids: readonly string[];
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

/** A store whose commits end when the test says so, and a log on it. */
function rig(): { log: EffectLog; commits: Commit[]; seen: string[]; failures: unknown[] } {
  const commits: Commit[] = [];
  const failures: unknown[] = [];
  const commit = (batch: Batch): Promise<void> =>
    new Promise((done, fail) => {
      commits.push({ ids: batch.records.map(({ id }) => id), done, fail });
    });
  const log = new EffectLog(
    { commit } as Store,
    () => {},
    (error) => failures.push(error),
  );
  return { log, commits, seen: [], failures };
}

function change(id: string): Parameters<EffectLog['persist']>[0] {
  const record: Record = { kind: 'order', id, fields: {}, dot: { origin: 'n', seq: 1 } };
  return { records: [record], forget: [], facts: new Map() };
}

test('after a failed commit nothing becomes visible any more, and it is told once', async () => {
  const { log, commits, seen, failures } = rig();
  log.persist(change('a'));
  log.visible(() => seen.push('a'));
  await turn();
  log.persist(change('b'));
  log.visible(() => seen.push('b'));
  commits[0]!.fail(new Error('disk full'));
  await turn();
  log.visible(() => seen.push('later'));
  await log.drained();
  await turn();
  assert.equal(seen, []);
  assert.is(commits.length, 1);
  assert.equal(failures, [new Error('disk full')]);
});

test('nothing is visible before the changes ahead of it are durable; the order is kept', async () => {
  const { log, commits, seen } = rig();
  log.visible(() => seen.push('at once'));
  log.persist(change('a'));
  log.visible(() => seen.push('after a'));
  await turn();
  log.visible(() => seen.push('also after a'));
  assert.equal(seen, ['at once']);
  commits[0]!.done();
  await turn();
  assert.equal(seen, ['at once', 'after a', 'also after a']);
});

test('changes of one turn are one commit, and so are those that come while one is under way', async () => {
  const { log, commits, seen } = rig();
  for (const id of ['a', 'b']) log.persist(change(id));
  log.visible(() => seen.push(`a, b: ${commits.length} commits sent`));
  await turn();
  for (const id of ['c', 'd']) {
    log.persist(change(id));
    await turn();
  }
  assert.equal(
    commits.map(({ ids }) => ids),
    [['a', 'b']],
  );
  commits[0]!.done();
  await turn();
  assert.equal(seen, ['a, b: 2 commits sent']);
  assert.equal(
    commits.map(({ ids }) => ids),
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  );
});

test('a read sends the changes before it ahead, and those behind it wait', async () => {
  const { log, commits, seen } = rig();
  log.persist(change('a'));
  log.read(() => seen.push(`read after ${commits.length} commit`));
  log.persist(change('b'));
  assert.equal(seen, ['read after 1 commit']);
  assert.equal(commits[0]!.ids, ['a']);
  log.visible(() => seen.push('b'));
  commits[0]!.done();
  await turn();
  await turn();
  assert.equal(commits[1]!.ids, ['b']);
  assert.equal(seen, ['read after 1 commit']);
});

test('a read of keys that nothing gathered concerns hurries no commit', async () => {
  const { log, commits, seen } = rig();
  log.persist({ ...change('a'), forget: [{ kind: 'order', id: 'gone' }] });
  log.read(() => seen.push(`b after ${commits.length}`), [{ kind: 'order', id: 'b' }]);
  log.read(() => seen.push(`another kind after ${commits.length}`), [{ kind: 'key', id: 'a' }]);
  log.read(() => seen.push(`a after ${commits.length}`), [{ kind: 'order', id: 'a' }]);
  log.persist({ ...change('c'), forget: [{ kind: 'order', id: 'gone' }] });
  log.read(() => seen.push(`gone after ${commits.length}`), [{ kind: 'order', id: 'gone' }]);
  assert.equal(seen, ['b after 0', 'another kind after 0', 'a after 1', 'gone after 2']);
  for (const { done } of commits) done();
  await turn();
});

test('drained waits for what is under way', async () => {
  const { log, commits, seen } = rig();
  log.persist(change('a'));
  const drained = log.drained().then(() => seen.push('drained'));
  await turn();
  assert.equal(seen, []);
  commits[0]!.done();
  await drained;
  assert.equal(seen, ['drained']);
});

test.run();
