// What comes on a stream, and what goes back.

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExchangeFault } from '../../io/exchanges.ts';
import { callFrame } from '../../io/frames.ts';
import { Intake } from './body.ts';
import { GOSSIP_PATHS } from './paths.ts';
import { answers, ended, say, withCalled } from './testing/called-node.ts';
import { until } from './testing/member.ts';

test('a call beyond its bound is refused as a body is, and ends the stream', async () => {
  await withCalled(async ({ metrics, lines }, open) => {
    const peer = open();
    const head = Buffer.alloc(8);
    head.writeUInt32BE(GOSSIP_PATHS.fast.maxOctets + 1, 0);
    head.writeUInt32BE(5, 4);
    peer.socket.write(head);
    assert.equal(await answers(peer, 1), [[5, 413, 'gossip: message is too large\n']]);
    await ended(peer);
    assert.match(metrics(), 'akamu_gossip_refusals_total{reason="size"} 1');
    assert.match(lines.join(''), 'gossip: message is too large from="127.0.0.1" node="member"');
  });
});

test('garbage ends the stream', async () => {
  await withCalled(async (_, open) => {
    const peer = open();
    peer.socket.write('POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc');
    await ended(peer);
    assert.equal(
      peer.frames.map(({ status }) => status),
      [413],
    );
  });
});

test('half a call, or a trickle of one, ends the stream in time', async () => {
  await withCalled(
    async ({ streams }, open) => {
      const [half, slow] = [open(), open()];
      half.socket.write(callFrame(1, Buffer.alloc(50)).subarray(0, 30));
      slow.socket.write(callFrame(1, Buffer.alloc(500)).subarray(0, 30));
      const drip = setInterval(() => slow.socket.write('x'), 10);
      await Promise.all([ended(half), ended(slow)]);
      clearInterval(drip);
      assert.is(streams.size, 0);
    },
    { frameMs: 60 },
  );
});

test('a peer that ends in the middle of a call is forgotten, and its call is none', async () => {
  await withCalled(async (called, open) => {
    const said: string[] = [];
    called.work = async (text) => {
      said.push(text);
      return text;
    };
    const peer = open();
    say(peer, 1, 'whole');
    peer.socket.end(callFrame(2, Buffer.from('cut')).subarray(0, 10));
    await ended(peer);
    assert.equal(said, ['whole']);
    assert.is(called.streams.size, 0);
  });
});

test('a peer that ends after its calls still gets the answers', async () => {
  await withCalled(async (called, open) => {
    called.work = async (said) => {
      await sleep(30);
      return said;
    };
    const peer = open();
    peer.socket.end(Buffer.concat([1, 2].map((n) => callFrame(n, Buffer.from(`call ${n}`)))));
    await ended(peer);
    assert.is((await answers(peer, 2)).length, 2);
  });
});

test('a peer that does not read is not read from, and its stream ends', async () => {
  await withCalled(
    async (called, open) => {
      let calls = 0;
      called.work = async () => {
        calls++;
        return 'x'.repeat(1_000_000);
      };
      const peer = open();
      await until(
        () => peer.head !== '',
        () => 'no stream',
      );
      peer.socket.pause();
      for (let n = 1; n <= 300; n++) say(peer, n, 'a');
      await until(
        () => called.streams.size === 0,
        () => 'it stays',
      );
      assert.ok(calls < 100, `${calls} calls were taken`);
    },
    { unreadMs: 100 },
  );
});

test('no more calls of a stream are at work than may be, and the others follow', async () => {
  await withCalled(
    async (called, open) => {
      let [atWork, most] = [0, 0];
      called.work = async (said) => {
        most = Math.max(most, ++atWork);
        await sleep(5);
        atWork--;
        return said;
      };
      const peer = open();
      const frames = Array.from({ length: 50 }, (_, n) => callFrame(n, Buffer.from(`${n}`)));
      peer.socket.write(Buffer.concat(frames));
      await answers(peer, 50);
      assert.is(most, 4);
    },
    { calls: 4 },
  );
});

test('what is too much for one address is said to be', async () => {
  const bounds = { octets: 1e6, octetsOfOne: 100, requestsOfOne: 2, streams: 9, streamsOfOne: 9 };
  await withCalled(
    async (called, open) => {
      called.work = async (said) => {
        await sleep(20);
        return said;
      };
      const peer = open();
      for (const n of [1, 2, 3]) say(peer, n, 'a');
      const busy = [3, 503, 'too much is under way\n'] as const;
      assert.equal((await answers(peer, 3))[0], busy);
      say(peer, 4, 'x'.repeat(101));
      assert.equal((await answers(peer, 4)).at(-1)!.slice(0, 2), [4, 503]);
      const other = open();
      other.socket.write(callFrame(1, Buffer.alloc(500)).subarray(0, 400));
      await ended(other);
      say(peer, 5, 'again');
      assert.equal((await answers(peer, 5)).at(-1), [5, 200, 'again']);
    },
    {},
    new Intake(bounds),
  );
});

test('refusals are those of a POST: status, words, metric and log', async () => {
  await withCalled(async ({ metrics, lines }, open) => {
    const [stranger, removed] = [open('stranger'), open('gone')];
    say(stranger, 1, 'a');
    say(removed, 1, 'a');
    const [, status, words] = (await answers(stranger, 1))[0]!;
    assert.equal([status, words], [403, 'gossip: X-Akamu-Node-Id names no known node\n']);
    assert.is((await answers(removed, 1))[0]![1], 410);
    assert.match(metrics(), 'akamu_gossip_refusals_total{reason="sender"} 1');
    assert.match(lines.join(''), 'names no known node from="127.0.0.1" node="stranger"');
  });
});

test('a core that gives no answer, or fails, is no end of the stream', async () => {
  await withCalled(async (called, open) => {
    called.work = async (said) => {
      if (said === 'fault') throw new ExchangeFault('silent');
      if (said === 'bug') throw new Error('a bug');
      return said;
    };
    const peer = open();
    for (const [at, said] of ['fault', 'bug', 'fine'].entries()) say(peer, at, said);
    assert.equal([...(await answers(peer, 3))].sort(), [
      [0, 503, 'the core gave no answer in time\n'],
      [1, 500, 'failed\n'],
      [2, 200, 'fine'],
    ]);
    assert.match(called.lines.join(''), 'a request could not be answered path="/admin/gossip/fast');
  });
});

test('answers go back as they are ready', async () => {
  await withCalled(async (called, open) => {
    called.work = async (said) => {
      await sleep(Number(said));
      return said;
    };
    const peer = open();
    for (const [at, said] of ['80', '40', '1'].entries()) say(peer, at, said);
    assert.equal(
      (await answers(peer, 3)).map(([number]) => number),
      [2, 1, 0],
    );
  });
});

test.run();
