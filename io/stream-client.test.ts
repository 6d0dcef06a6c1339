import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answerFrame, type Frame, FrameReader, NOT_TAKEN, STREAM_PROTOCOL } from './frames.ts';
import type { PeerRequest, PeerResponse } from './peer-client.ts';
import { StreamClient, type StreamClientOptions } from './stream-client.ts';

/** A peer that takes streams as far as a test lets it. */
class Peer {
  readonly upgrades: IncomingMessage[] = [];
  readonly posts: string[] = [];
  readonly sockets: Socket[] = [];
  readonly frames: Frame[] = [];
  readonly server: Server;
  /** What it does with a call on a stream; at first it echoes. */
  onFrame = (frame: Frame, socket: Socket): void => {
    socket.write(answerFrame(frame.number, 200, frame.body));
  };
  onUpgrade = (socket: Socket): void => this.consent(socket);
  onPost: RequestListener = (_, reply) => reply.end('posted');

  constructor() {
    this.server = createServer((message, reply) => {
      this.posts.push(message.method ?? '');
      message.resume().on('end', () => this.onPost(message, reply));
    });
    this.server.on('upgrade', (message: IncomingMessage, socket: Socket) => {
      this.upgrades.push(message);
      this.sockets.push(socket);
      socket.on('error', () => {});
      this.onUpgrade(socket);
    });
  }

  consent(socket: Socket, protocol = STREAM_PROTOCOL, head: Uint8Array = new Uint8Array()): void {
    const lines = `Upgrade: ${protocol}\r\nConnection: Upgrade\r\nX-Name: peer\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 101 OK\r\n${lines}`), head]));
    const reader = new FrameReader('calls', 1000);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        if (frame === 'too large') throw new Error(frame);
        this.frames.push(frame);
        this.onFrame(frame, socket);
      }
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

type Call = (body: string, changes?: Partial<PeerRequest>) => Promise<PeerResponse>;

async function withPeer(
  run: (call: Call, peer: Peer, client: StreamClient) => Promise<void>,
  options: Partial<StreamClientOptions> = {},
  peer = new Peer(),
): Promise<void> {
  await new Promise<void>((resolve) => peer.server.listen(0, '127.0.0.1', resolve));
  const client = new StreamClient(options);
  const url = `http://127.0.0.1:${peer.port}`;
  const call: Call = (body, changes = {}) =>
    client.post({
      ...{ url, path: '/x', headers: { 'X-Caller': 'us' }, timeoutMs: 2_000, maxOctets: 100 },
      body: Buffer.from(body),
      ...changes,
    });
  try {
    await run(call, peer, client);
  } finally {
    client.close();
    for (const socket of peer.sockets) socket.destroy();
    peer.server.closeAllConnections();
    peer.server.close();
  }
}

/** Calls until a call goes over a stream. */
async function opened(call: Call, peer: Peer): Promise<void> {
  const before = peer.frames.length;
  for (let n = 0; peer.frames.length === before; n++) {
    assert.ok(n < 200, 'no stream was opened');
    await call('open');
    await sleep(5);
  }
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  );
}

const text = ({ body }: PeerResponse): string => body.toString();

test('a peer that refuses is called by POST, and asked again only after a while', async () => {
  await withPeer(
    async (call, peer) => {
      peer.onUpgrade = (socket) =>
        socket.end('HTTP/1.1 405 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      for (let n = 0; n < 10; n++) {
        assert.is(text(await call('a')), 'posted');
        await sleep(5);
      }
      assert.is(peer.upgrades.length, 1);
      await sleep(200);
      await call('a');
      peer.onUpgrade = (socket) => peer.consent(socket);
      await sleep(220);
      await opened(call, peer);
      assert.is(peer.upgrades.length, 3);
    },
    { refusedMs: 200 },
  );
});

test('a peer that knows nothing of streams is called by POST', async () => {
  const peer = new Peer();
  peer.server.removeAllListeners('upgrade');
  await withPeer(
    async (call) => {
      for (let n = 0; n < 3; n++) assert.is(text(await call('a')), 'posted');
      await sleep(50);
      assert.is(text(await call('a')), 'posted');
      assert.equal(peer.posts.toSorted(), ['GET', 'POST', 'POST', 'POST', 'POST']);
    },
    {},
    peer,
  );
});

test('a peer that is not ready is soon asked again', async () => {
  await withPeer(
    async (call, peer) => {
      peer.onUpgrade = (socket) => socket.end('HTTP/1.1 503 no\r\nConnection: close\r\n\r\n');
      await call('a');
      await sleep(60);
      peer.onUpgrade = (socket) => peer.consent(socket);
      await opened(call, peer);
    },
    { failedMs: 20 },
  );
});

test('nobody waits for a peer that is silent about its stream', async () => {
  await withPeer(async (call, peer) => {
    peer.onUpgrade = () => {};
    for (let n = 0; n < 5; n++) assert.is(text(await call('a', { timeoutMs: 500 })), 'posted');
    assert.is(peer.upgrades.length, 1);
  });
});

test('a protocol that nobody asked for is not spoken', async () => {
  await withPeer(async (call, peer) => {
    peer.onUpgrade = (socket) => peer.consent(socket, 'websocket');
    await call('a');
    await sleep(30);
    assert.is(text(await call('a')), 'posted');
    assert.is(peer.frames.length, 0);
    assert.ok(peer.sockets[0]!.readableEnded || peer.sockets[0]!.destroyed);
  });
});

test('an answer that comes before any call ends the stream', async () => {
  await withPeer(async (call, peer) => {
    peer.onUpgrade = (socket) => {
      peer.consent(socket, STREAM_PROTOCOL, answerFrame(1, 200, Buffer.from('early')));
    };
    await call('a');
    await sleep(30);
    assert.is(text(await call('a')), 'posted');
    assert.is(peer.frames.length, 0);
  });
});

test('an answer to what was not asked fails the calls under way, which are not posted', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    const posts = peer.posts.length;
    peer.onFrame = ({ number }, socket) =>
      socket.write(answerFrame(number + 99, 200, new Uint8Array()));
    const reason = await failure(call('a'));
    assert.is(reason, 'the peer has answered what it was not asked');
    assert.is(peer.posts.length, posts);
  });
});

test('an answer beyond its bound is not taken', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    peer.onFrame = ({ number }, socket) => {
      socket.write(answerFrame(number, 200, new Uint8Array(101)));
    };
    assert.is(await failure(call('a')), 'the answer is larger than 100 octets');
  });
});

test('garbage in place of an answer fails the calls under way', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    peer.onFrame = (_, socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n');
    assert.is(await failure(call('a')), 'the answer is larger than 100 octets');
  });
});

test('a connection that is cut fails what is under way at once, and is replaced', async () => {
  await withPeer(
    async (call, peer) => {
      await opened(call, peer);
      const posts = peer.posts.length;
      const echo = peer.onFrame;
      peer.onFrame = ({ number }, socket) => {
        if (number % 2 === 1) return;
        socket.write(answerFrame(number, 200, new Uint8Array(50)).subarray(0, 20));
        setTimeout(() => socket.resetAndDestroy(), 20);
      };
      const reasons = await Promise.all([failure(call('a')), failure(call('b'))]);
      for (const reason of reasons) assert.match(reason, /the connection was (reset|closed)/);
      assert.is(peer.posts.length, posts);
      peer.onFrame = echo;
      assert.is(text(await call('c')), 'posted');
      await opened(call, peer);
    },
    { failedMs: 10 },
  );
});

test('a peer that ends its stream is called by POST', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    peer.sockets[0]!.end();
    await sleep(30);
    assert.is(text(await call('a')), 'posted');
  });
});

test('a call that is not answered costs its time, and the others have theirs', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    peer.onFrame = (frame, socket) => {
      if (frame.body.toString() !== 'slow') return;
      setTimeout(() => socket.write(answerFrame(frame.number, 200, frame.body)), 150);
    };
    const lost = failure(call('lost', { timeoutMs: 80 }));
    const slow = call('slow');
    const startMs = performance.now();
    assert.is(await lost, 'no answer within 1 s');
    assert.ok(performance.now() - startMs < 1_000);
    assert.is(text(await call('next')), 'posted');
    assert.is(text(await slow), 'slow');
    await sleep(30);
    assert.ok(peer.sockets[0]!.readableEnded, 'the old stream has ended');
  });
});

test('an answer that comes after its time is for nobody', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    peer.onFrame = (frame, socket) => {
      const delayMs = frame.body.toString() === 'late' ? 100 : 200;
      setTimeout(() => socket.write(answerFrame(frame.number, 200, frame.body)), delayMs);
    };
    const other = call('other');
    assert.is(await failure(call('late', { timeoutMs: 50 })), 'no answer within 1 s');
    assert.is(text(await other), 'other');
  });
});

test('a stream that leads nowhere is not opened again for a while', async () => {
  await withPeer(async (call, peer) => {
    peer.onFrame = () => {};
    await call('a');
    await sleep(50);
    assert.is(await failure(call('lost', { timeoutMs: 50 })), 'no answer within 1 s');
    for (let n = 0; n < 5; n++) {
      assert.is(text(await call('a')), 'posted');
      await sleep(5);
    }
    assert.is(peer.upgrades.length, 1);
  });
});

test('a call that the peer has not taken is posted, once', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    const posts = peer.posts.length;
    peer.onFrame = ({ number }, socket) => {
      socket.write(answerFrame(number, NOT_TAKEN, new Uint8Array()));
    };
    assert.is(text(await call('a')), 'posted');
    assert.is(peer.posts.length, posts + 1);
  });
});

test('answers in any order reach who waits for them, with what the peer said of itself', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    const waiting: Frame[] = [];
    peer.onFrame = (frame, socket) => {
      waiting.push(frame);
      if (waiting.length < 20) return;
      const answers = waiting.reverse().map(({ number, body }, i) => {
        return answerFrame(number, i % 2 === 0 ? 200 : 410, body);
      });
      socket.write(Buffer.concat(answers));
    };
    const bodies = Array.from({ length: 20 }, (_, n) => `call ${n}`);
    const answers = await Promise.all(bodies.map((body) => call(body)));
    assert.equal(answers.map(text), bodies);
    assert.is(answers.filter(({ status }) => status === 410).length, 10);
    assert.ok(answers.every(({ headers }) => headers['x-name'] === 'peer'));
    assert.is(peer.upgrades[0]!.headers['x-caller'], 'us');
    assert.is(peer.upgrades[0]!.url, '/x');
    assert.is(peer.upgrades.length, 1);
  });
});

test('what is too much for a stream is posted', async () => {
  await withPeer(async (call, peer) => {
    await opened(call, peer);
    const posts = peer.posts.length;
    peer.onFrame = () => {};
    const calls = Array.from({ length: 260 }, () => call('a').catch(() => undefined));
    await sleep(200);
    assert.is(peer.posts.length, posts + 4);
    peer.sockets[0]!.destroy();
    await Promise.all(calls);
  });
});

test('a stream without calls ends, and the next call is posted', async () => {
  await withPeer(
    async (call, peer) => {
      await opened(call, peer);
      await sleep(40);
      await call('kept');
      assert.not.ok(peer.sockets[0]!.readableEnded);
      await sleep(180);
      assert.ok(peer.sockets[0]!.readableEnded);
      assert.is(text(await call('a')), 'posted');
      await opened(call, peer);
    },
    { idleMs: 80 },
  );
});

test('closing fails what is under way and ends the connection', async () => {
  await withPeer(async (call, peer, client) => {
    await opened(call, peer);
    peer.onFrame = () => {};
    const reason = failure(call('a'));
    await sleep(10);
    client.close();
    assert.is(await reason, 'the connection was closed');
    await sleep(30);
    assert.ok(peer.sockets[0]!.readableEnded || peer.sockets[0]!.destroyed);
  });
});

test('a stream that opens after closing is not kept', async () => {
  await withPeer(async (call, peer, client) => {
    peer.onUpgrade = () => {};
    await call('a');
    await sleep(20);
    client.close();
    peer.consent(peer.sockets[0]!);
    await sleep(30);
    assert.ok(peer.sockets[0]!.readableEnded || peer.sockets[0]!.destroyed);
  });
});

test.run();
