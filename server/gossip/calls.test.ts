// How asks and redemptions leave a node, against a peer of which only the channel is real: by which
// way they go, and what comes of them when that fails.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json } from '../../core/crdt/record.ts';
import {
  BOOT_HEADER,
  type Channel,
  FAST_OCTETS,
  NODE_ID_HEADER,
} from '../../io/channel/channel.ts';
import { makeNodeKeys } from '../../io/channel/node-keys.ts';
import { openChannel } from '../../io/channel/open-channel.ts';
import { ChannelRefusal, REFUSALS } from '../../io/channel/refusal.ts';
import { answerFrame, type Frame, FrameReader, STREAM_PROTOCOL } from '../../io/frames.ts';
import { createLog } from '../../io/log.ts';
import { createMetrics } from '../../io/metrics.ts';
import { Calls } from './calls.ts';
import { Notices } from './notices.ts';
import { GOSSIP_PATHS } from './paths.ts';
import { until } from './testing/member.ts';

type OnFrame = (frame: Frame, from: string, socket: Socket) => void;

/** A peer that answers every exchange with the way it came. */
class Peer {
  readonly channel: Channel;
  /** Paths that were posted to, oldest first. */
  readonly posts: string[] = [];
  frames = 0;
  onFrame: OnFrame;

  constructor(channel: Channel) {
    this.channel = channel;
    this.onFrame = (frame, from, socket) => this.answer(frame, from, socket);
  }

  answer({ number, body }: Frame, from: string, socket: Socket, said: Json = 'by stream'): void {
    this.#fast(from, body, said).then(
      (told) => socket.write(answerFrame(number, 200, told)),
      (error: ChannelRefusal) => {
        socket.write(answerFrame(number, error.status, Buffer.from(error.message)));
      },
    );
  }

  async post(path: string, from: string, body: Buffer): Promise<Uint8Array> {
    this.posts.push(path);
    if (path === GOSSIP_PATHS.fast.path) return await this.#fast(from, body, 'by POST');
    return await this.channel.sealAnswer(await this.channel.openAsk(from, body), 'sealed');
  }

  async #fast(from: string, body: Uint8Array, said: Json): Promise<Uint8Array> {
    return await this.channel.sealFastAnswer(await this.channel.openFast(from, body), said);
  }
}

interface Caller {
  readonly peer: Peer;
  /** What an ask between two rounds is told. */
  readonly brief: () => Promise<Json>;
  readonly redeem: () => Promise<Json>;
  readonly insteadOf: () => string | undefined;
}

/** Runs when they have met and a stream is open. */
async function withPeer(run: (caller: Caller) => Promise<void>): Promise<void> {
  const clusterSecret = new Uint8Array(randomBytes(32));
  const tolerance = { skewToleranceMs: 30_000, maxAgeMs: 30_000 };
  const limits = { ...tolerance, sealedOctets: 16_000_000, inflatedOctets: 64_000_000 };
  const keys = ['a', 'b'].map((name) => makeNodeKeys(`http://${name}.test`, Date.now()));
  const [own, theirs] = keys.map((each) => {
    return openChannel({ keys: each, clusterSecret, nowMs: Date.now, limits });
  }) as [Channel, Channel];
  theirs.members([own.descriptor], []);
  const peer = new Peer(theirs);
  const server = serverOf(peer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = createLog({
    level: 'error',
    format: 'text',
    timestamps: false,
    now: Date.now,
    write() {},
  });
  const metrics = createMetrics();
  const calls = new Calls(own, new Notices(log), metrics);
  calls.members({ kind: 'members', members: [theirs.descriptor], removed: [], farewells: [] });
  const to = { peer: theirs.node, url, ask: 1 } as const;
  const ask = (isBrief: boolean): Promise<Json> => {
    return calls.ask({ kind: 'ask', ...to, push: null, isBrief });
  };
  const redeem = (): Promise<Json> => {
    return calls.redeem({ kind: 'redeem', redemption: 1, ...to, nonces: ['n'], reads: [null] });
  };
  const insteadOf = (): string | undefined => {
    return /akamu_gossip_sealed_instead_total\{.*\} (\d+)/.exec(metrics.render())?.[1];
  };
  try {
    assert.is(await ask(true), 'sealed', 'nobody was met yet');
    await until(
      async () => (await ask(true)) === 'by stream',
      () => peer.posts.join(),
    );
    assert.is(await ask(false), 'sealed', 'its turn');
    peer.posts.length = 0;
    await run({ peer, brief: () => ask(true), redeem, insteadOf });
  } finally {
    calls.close();
    server.closeAllConnections();
    server.close();
    await Promise.all([own.close(), theirs.close()]);
  }
}

function serverOf(peer: Peer): ReturnType<typeof createServer> {
  const { node, boot } = peer.channel;
  const who = { [NODE_ID_HEADER]: node, [BOOT_HEADER]: boot };
  const senderOf = ({ headers }: IncomingMessage): string => {
    return String(headers[NODE_ID_HEADER.toLowerCase()]);
  };
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    try {
      const told = await peer.post(incoming.url!, senderOf(incoming), Buffer.concat(chunks));
      outgoing.writeHead(200, who).end(told);
    } catch (error) {
      const { status, message } = error as ChannelRefusal;
      outgoing.writeHead(status, who).end(message);
    }
  });
  server.on('upgrade', (incoming, socket: Socket) => {
    socket.on('error', () => {});
    const lines = Object.entries(who).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: ${STREAM_PROTOCOL}\r\n${lines.join('')}\r\n`,
    );
    const reader = new FrameReader('calls', GOSSIP_PATHS.fast.maxOctets);
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      for (let frame = reader.next(); typeof frame === 'object'; frame = reader.next()) {
        peer.frames++;
        peer.onFrame(frame, senderOf(incoming), socket);
      }
    });
  });
  return server;
}

test('an ask whose stream is cut is sealed, and counted', async () => {
  await withPeer(async ({ peer, brief, insteadOf }) => {
    const before = Number(insteadOf() ?? 0);
    peer.onFrame = (_, __, socket) => socket.destroy();
    assert.is(await brief(), 'sealed');
    assert.equal(peer.posts, [GOSSIP_PATHS.sync.path]);
    assert.is(Number(insteadOf()), before + 1);
  });
});

test('an ask that a stream leaves unanswered is sealed in time', async () => {
  await withPeer(async ({ peer, brief }) => {
    peer.onFrame = () => {};
    const startMs = performance.now();
    assert.is(await brief(), 'sealed');
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < GOSSIP_PATHS.sync.timeoutMs / 2, `${tookMs} ms`);
  });
});

test('an ask for which the peer has no key is sealed once', async () => {
  await withPeer(async ({ peer, brief }) => {
    const { status, line } = REFUSALS['no-fast-key'];
    const frames = peer.frames;
    peer.onFrame = ({ number }, _, socket) => {
      socket.write(answerFrame(number, status, Buffer.from(line)));
    };
    assert.is(await brief(), 'sealed');
    assert.equal([peer.frames - frames, peer.posts], [1, [GOSSIP_PATHS.sync.path]]);
  });
});

test('an ask whose answer is too large for the fast channel is sealed, and redemptions go on', async () => {
  await withPeer(async ({ peer, brief, redeem }) => {
    const redemptions: (() => void)[] = [];
    peer.onFrame = (frame, from, socket) => {
      const isFirst = redemptions.length === 0;
      if (isFirst) redemptions.push(() => peer.answer(frame, from, socket));
      else peer.answer(frame, from, socket, randomBytes(FAST_OCTETS).toString('hex'));
    };
    const redeemed = redeem();
    await until(
      () => redemptions.length === 1,
      () => 'it did not come',
    );
    assert.is(await brief(), 'sealed');
    for (const answer of redemptions) answer();
    assert.is(await redeemed, 'by stream');
  });
});

test('an ask that the peer has refused is not made again', async () => {
  await withPeer(async ({ peer, brief }) => {
    for (const status of [503, REFUSALS.freshness.status, REFUSALS.sender.status]) {
      peer.onFrame = ({ number }, _, socket) => {
        socket.write(answerFrame(number, status, Buffer.from('no')));
      };
      const outcome = await brief().catch((error: Error) => error.message);
      assert.is(outcome, `the peer answered ${status}: no`);
    }
    peer.onFrame = ({ number }, _, socket) => {
      socket.write(answerFrame(number, 200, Buffer.from('a lie')));
    };
    assert.instance(await brief().catch((error: unknown) => error), ChannelRefusal);
    assert.equal(peer.posts, []);
  });
});

test('a redemption that a stream may have brought is not made again', async () => {
  await withPeer(async ({ peer, redeem }) => {
    peer.onFrame = (_, __, socket) => socket.destroy();
    assert.match(String(await redeem().catch((error: Error) => error.message)), /closed/);
    assert.equal(peer.posts, []);
  });
});

test.run();
