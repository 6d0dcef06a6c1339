// Which streams a node takes, keeps and ends.

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NOT_TAKEN } from '../../io/frames.ts';
import { Intake } from './body.ts';
import { answers, ended, MEMBER, say, side, withCalled } from './testing/called-node.ts';
import { until } from './testing/member.ts';
import { StreamPeer } from './testing/stream-peer.ts';

test('whatever else wants another protocol is refused, and its connection closed', async () => {
  await withCalled(async ({ port, streams }) => {
    const wrong = [
      [{ ...MEMBER, path: '/admin/gossip/sync' }, 400],
      [{ ...MEMBER, path: '/metrics', protocol: 'h2c' }, 400],
      [{ ...MEMBER, protocol: 'websocket' }, 400],
      [{ ...MEMBER, method: 'POST', headers: { 'Content-Length': '0' } }, 405],
    ] as const;
    for (const [changes, status] of wrong) {
      const peer = new StreamPeer(port).ask(changes);
      await ended(peer);
      assert.match(peer.head, new RegExp(`^HTTP/1.1 ${status} [A-Z]`));
      assert.match(peer.head, 'Connection: close');
    }
    assert.is(streams.size, 0);
  });
});

test('a node that works alone, or not at all, takes no streams', async () => {
  await withCalled(async (called, open) => {
    for (const [view, status] of [
      ['alone', 404],
      ['stopped', 503],
    ] as const) {
      called.view = view;
      const peer = open();
      await ended(peer);
      assert.match(peer.head, `HTTP/1.1 ${status} `);
    }
  });
});

test('streams are bounded by address and in all', async () => {
  const bounds = { octets: 1e6, octetsOfOne: 1e6, requestsOfOne: 10 };
  for (const more of [
    { streams: 9, streamsOfOne: 2 },
    { streams: 2, streamsOfOne: 9 },
  ]) {
    await withCalled(
      async ({ streams }, open) => {
        const peers = [open(), open()];
        await until(
          () => streams.size === 2,
          () => 'too few',
        );
        const third = open();
        await ended(third);
        assert.match(third.head, 'HTTP/1.1 503 ');
        peers[0]!.socket.destroy();
        await until(
          () => streams.size === 1,
          () => 'a stream that has ended still counts',
        );
        const fourth = open();
        say(fourth, 1, 'a');
        assert.equal(await answers(fourth, 1), [[1, 200, 're: a']]);
      },
      {},
      new Intake({ ...bounds, ...more }),
    );
  }
});

test('a stream that says nothing is ended, one that is used is not', async () => {
  await withCalled(
    async (_, open) => {
      const [silent, lively] = [open(), open()];
      for (let n = 1; n <= 12; n++) {
        say(lively, n, 'a');
        await sleep(20);
      }
      await ended(silent);
      assert.not.ok(lively.isEnded);
      assert.is((await answers(lively, 12)).length, 12);
    },
    { idleMs: 100 },
  );
});

test('a node that has begun anew takes no calls of a stream from before, and ends it', async () => {
  await withCalled(
    async (called, open) => {
      const peer = open();
      say(peer, 1, 'before');
      assert.equal(await answers(peer, 1), [[1, 200, 're: before']]);
      assert.match(peer.head, 'X-Akamu-Node-Id: node\r\nX-Akamu-Boot: first boot\r\n');
      called.view = 'stopped';
      say(peer, 2, 'while');
      assert.is((await answers(peer, 2))[1]![1], 503);
      called.view = side(() => called, 'second boot');
      say(peer, 3, 'after');
      assert.equal((await answers(peer, 3))[2], [3, NOT_TAKEN, '']);
      await ended(peer);
      const anew = open();
      say(anew, 1, 'anew');
      assert.equal(await answers(anew, 1), [[1, 200, 're: anew']]);
      assert.match(anew.head, 'X-Akamu-Boot: second boot');
    },
    { checkMs: 10_000 },
  );
});

test('a silent stream from before a node began anew ends by itself', async () => {
  await withCalled(async (called, open) => {
    const peer = open();
    say(peer, 1, 'before');
    await answers(peer, 1);
    called.view = side(() => called, 'second boot');
    await ended(peer);
  });
});

test('closing lets calls end, takes no new streams, and has a limit', async () => {
  await withCalled(async (called, open) => {
    called.work = (said) => (said === 'never' ? new Promise(() => {}) : sleep(30).then(() => said));
    const [idle, busy, stuck] = [open(), open(), open()];
    say(busy, 1, 'a');
    say(stuck, 1, 'never');
    await until(
      () => called.streams.size === 3,
      () => 'too few',
    );
    await sleep(10);
    called.streams.close(100);
    const late = open();
    await Promise.all([ended(idle), ended(busy), ended(stuck), ended(late)]);
    assert.equal(await answers(busy, 1), [[1, 200, 'a']]);
    assert.match(late.head, 'HTTP/1.1 503 ');
  });
});

test.run();
