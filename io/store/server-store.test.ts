// The store above a server database, over connections that a test plays: what runs side by side
// and what must wait, and how it ends when a connection breaks. No server is needed.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { batchOf, rejects, sampleRecord } from './samples.contract.ts';
import { openServerStore } from './server-store.ts';
import { ConnectionLost, type OnLost, type Session } from './session.ts';
import { MOST_WAITING, type Store, StoreError } from './store.ts';

/** What the store asked of a connection, to be answered by the test. */
interface Asked {
  readonly what: string;
  readonly session: number;
  answer(): void;
  fail(error: StoreError): void;
}

class Server {
  readonly asked: Asked[] = [];
  readonly lost: OnLost[] = [];
  readonly destroyed: number[] = [];
  readonly ended: number[] = [];
  refusesReaders = false;

  open(maxConnections: number): Promise<Store> {
    const openWriter = async (onLost: OnLost): Promise<Session> => this.#session(onLost);
    const openReader = async (onLost: OnLost): Promise<Session> => {
      if (this.refusesReaders) throw new StoreError('failed', 'too many connections');
      return this.#session(onLost);
    };
    return openServerStore({ openWriter, openReader }, maxConnections);
  }

  /** What waits for an answer, once everything that can start has started. */
  async waiting(): Promise<string[]> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return this.asked.map(({ what, session }) => `${what}@${session}`);
  }

  async answerAll(): Promise<void> {
    for (const { answer } of this.asked.splice(0)) answer();
    await this.waiting();
  }

  #session(onLost: OnLost): Session {
    const session = this.lost.push(onLost) - 1;
    const ask = <T>(what: string, found: T): Promise<T> =>
      new Promise((resolve, reject) => {
        const answer = (): void => resolve(found);
        this.asked.push({ what, session, answer, fail: reject });
      });
    return {
      commit: ({ rows }) => ask(`commit ${rows.map(([, id]) => id).join()}`, undefined),
      load: ([key]) => ask(`load ${key?.id}`, []),
      select: ({ kind }) => ask(`select ${kind}`, []),
      after: (origin) => ask(`after ${origin}`, []),
      meta: () => ask('meta', []),
      check: () => ask('check', undefined),
      end: async () => void this.ended.push(session),
      destroy: () => void this.destroyed.push(session),
    };
  }
}

const commit = (store: Store, id: string): Promise<void> =>
  store.commit(batchOf([sampleRecord('order', id, 1)]));
const load = (store: Store, id: string): Promise<unknown> => store.load([{ kind: 'order', id }]);

test('after a failed commit nothing that waited is carried out, and every connection is cut', async () => {
  const server = new Server();
  const store = await server.open(2);
  const first = commit(store, 'a');
  const second = commit(store, 'b');
  const read = load(store, 'a');
  const outcomes = [rejects(first, 'failed'), rejects(second, 'stopped'), rejects(read, 'stopped')];
  assert.equal(await server.waiting(), ['commit a@0']);
  server.asked.splice(0)[0]!.fail(new StoreError('failed', 'disk full'));
  await Promise.all(outcomes);
  assert.equal(await server.waiting(), []);
  assert.equal(server.destroyed, [0]);
  await rejects(store.check(), 'stopped');
  await store.close();
  await rejects(store.check(), 'closed');
});

test('when a connection breaks, what is under way, what waits and what comes is refused', async () => {
  for (const broken of [0, 1]) {
    const server = new Server();
    const store = await server.open(2);
    const reads = [load(store, 'a'), load(store, 'b')];
    assert.equal(await server.waiting(), ['load a@0', 'load b@1']);
    const waiting = commit(store, 'c');
    const outcomes = [...reads, waiting].map((promise) => rejects(promise, 'failed'));
    server.lost[broken]!(new ConnectionLost('terminated'));
    await Promise.all(outcomes);
    await rejects(commit(store, 'd'), 'failed');
    assert.equal(await server.waiting(), ['load a@0', 'load b@1']);
    assert.equal(server.destroyed, [0, 1]);
    await store.close();
  }
});

test('a commit whose connection breaks is refused as failed, whoever notices first', async () => {
  const server = new Server();
  const store = await server.open(1);
  const outcome = rejects(commit(store, 'a'), 'failed');
  await server.waiting();
  server.asked.splice(0)[0]!.fail(new ConnectionLost('terminated'));
  await outcome;
  await rejects(load(store, 'a'), 'failed');
  await store.close();
});

test('a read that fails stops nobody else', async () => {
  const server = new Server();
  const store = await server.open(1);
  const outcome = rejects(load(store, 'a'), 'failed');
  await server.waiting();
  server.asked.splice(0)[0]!.fail(new StoreError('failed', 'too slow'));
  await outcome;
  const second = commit(store, 'b');
  await server.waiting();
  await server.answerAll();
  await second;
  await store.close();
});

test('a connection that breaks before the store has it makes no store', async () => {
  const openWriter = async (onLost: OnLost): Promise<Session> => {
    const session = { destroy: () => {} } as Session;
    onLost(new ConnectionLost('terminated'));
    return session;
  };
  const connector = { openWriter, openReader: openWriter };
  await rejects(openServerStore(connector, 1), 'failed');
});

test('reads between two commits run side by side; commits run alone, in order', async () => {
  const server = new Server();
  const store = await server.open(3);
  const asked = [
    commit(store, 'a'),
    load(store, 'a'),
    store.meta(),
    commit(store, 'b'),
    commit(store, 'c'),
    load(store, 'c'),
  ];
  assert.equal(await server.waiting(), ['commit a@0']);
  await server.answerAll();
  assert.equal(await server.waiting(), ['load a@0', 'meta@1']);
  server.asked.splice(0, 1)[0]!.answer();
  assert.equal(await server.waiting(), ['meta@1'], 'a commit waits for every read before it');
  await server.answerAll();
  assert.equal(await server.waiting(), ['commit b@0']);
  await server.answerAll();
  assert.equal(await server.waiting(), ['commit c@0']);
  await server.answerAll();
  assert.equal(await server.waiting(), ['load c@0']);
  await server.answerAll();
  await Promise.all(asked);
  await store.close();
});

test('no more connections are opened than allowed, nor asked for when the server has none', async () => {
  const server = new Server();
  const store = await server.open(2);
  const reads = ['a', 'b', 'c'].map((id) => load(store, id));
  assert.equal(await server.waiting(), ['load a@0', 'load b@1']);
  await server.answerAll();
  await server.answerAll();
  await Promise.all(reads);
  await store.close();
  assert.equal(server.ended.sort(), [0, 1]);

  const full = new Server();
  full.refusesReaders = true;
  const other = await full.open(9);
  const both = ['a', 'b'].map((id) => load(other, id));
  assert.equal(await full.waiting(), ['load a@0']);
  await full.answerAll();
  assert.equal(await full.waiting(), ['load b@0']);
  await full.answerAll();
  await Promise.all(both);
  await other.close();
});

test('closing finishes what was asked before it', async () => {
  const server = new Server();
  const store = await server.open(1);
  const asked = [commit(store, 'a'), load(store, 'a')];
  let isClosed = false;
  const closing = store.close().then(() => {
    isClosed = true;
  });
  await server.waiting();
  await server.answerAll();
  assert.not(isClosed);
  assert.equal(server.ended, []);
  await server.answerAll();
  await Promise.all([...asked, closing]);
  assert.equal(server.ended, [0]);
});

test('more waiting requests than the bound are refused, the others answered', async () => {
  const server = new Server();
  const store = await server.open(1);
  const asked = Array.from({ length: MOST_WAITING + 104 }, () =>
    store.check().catch((e: StoreError) => e),
  );
  let answered = 0;
  while (answered < MOST_WAITING) {
    await new Promise((resolve) => setImmediate(resolve));
    answered += server.asked.length;
    for (const { answer } of server.asked.splice(0)) answer();
  }
  const refused = (await Promise.all(asked)).filter((answer) => answer !== undefined);
  assert.is(refused.length, 104);
  assert.ok(refused.every((answer) => answer?.fault === 'overloaded'));
  await store.close();
});

test.run();
