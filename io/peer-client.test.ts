import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerClient, type PeerRequest } from './peer-client.ts';

function ask(port: number, changes: Partial<PeerRequest> = {}): PeerRequest {
  const body = new Uint8Array([1, 2, 3]);
  const url = `http://127.0.0.1:${port}`;
  return { url, path: '/x', headers: {}, body, timeoutMs: 2_000, maxOctets: 100, ...changes };
}

/** The message of the error a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  );
}

async function withServer(
  listener: RequestListener,
  run: (port: number, client: PeerClient, server: Server) => Promise<void>,
): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new PeerClient();
  try {
    await run((server.address() as AddressInfo).port, client, server);
  } finally {
    client.close();
    server.closeAllConnections();
    server.close();
  }
}

test('a peer that is not there is named as such', async () => {
  const client = new PeerClient();
  assert.is(await failure(client.post(ask(1))), 'nobody listens there');
  client.close();
});

test('a peer that never answers costs its time and no more', async () => {
  await withServer(
    () => {},
    async (port, client) => {
      const startMs = performance.now();
      assert.is(await failure(client.post(ask(port, { timeoutMs: 60 }))), 'no answer within 1 s');
      assert.ok(performance.now() - startMs < 1_500);
    },
  );
});

test('an answer that trickles for ever ends in time too', async () => {
  await withServer(
    (_, reply) => {
      const timer = setInterval(() => reply.write('x'), 5);
      reply.on('close', () => clearInterval(timer));
    },
    async (port, client) => {
      const endless = ask(port, { timeoutMs: 80, maxOctets: 1e9 });
      assert.is(await failure(client.post(endless)), 'no answer within 1 s');
    },
  );
});

test('an answer beyond its bound is cut off', async () => {
  await withServer(
    (_, reply) => reply.end('x'.repeat(101)),
    async (port, client) => {
      assert.is(await failure(client.post(ask(port))), 'the answer is larger than 100 octets');
    },
  );
});

test('an answer that is cut short is a failure', async () => {
  await withServer(
    (_, reply) => {
      reply.writeHead(200, { 'Content-Length': '50' });
      reply.write('x');
      setTimeout(() => reply.destroy(), 20);
    },
    async (port, client) => {
      assert.match(await failure(client.post(ask(port))), /reset|aborted/);
    },
  );
});

test('something that is no HTTP server is a failure', async () => {
  const server = createSocketServer((socket) => socket.end('SSH-2.0-x\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new PeerClient();
  const reason = await failure(client.post(ask((server.address() as AddressInfo).port)));
  assert.match(reason, /Parse Error|reset/);
  client.close();
  server.close();
});

test('the path of a base URL stands before that of the request', async () => {
  const paths: (string | undefined)[] = [];
  await withServer(
    (message, reply) => {
      paths.push(message.url);
      reply.end();
    },
    async (port, client) => {
      await client.post(ask(port, { url: `http://127.0.0.1:${port}/node2` }));
      assert.equal(paths, ['/node2/x']);
    },
  );
});

test('a redirection is an answer like any other and is not followed', async () => {
  let calls = 0;
  await withServer(
    (_, reply) => {
      calls++;
      reply.writeHead(307, { Location: '/elsewhere' }).end();
    },
    async (port, client) => {
      assert.is((await client.post(ask(port))).status, 307);
      assert.is(calls, 1);
    },
  );
});

test('connections are kept, and one that was closed meanwhile is no failure', async () => {
  const sockets = new Set<unknown>();
  await withServer(
    (message, reply) => {
      sockets.add(message.socket);
      message.resume().on('end', () => reply.end('ok'));
    },
    async (port, client, server) => {
      for (let n = 0; n < 5; n++) assert.is((await client.post(ask(port))).body.toString(), 'ok');
      assert.is(sockets.size, 1);
      server.closeAllConnections();
      assert.is((await client.post(ask(port))).body.toString(), 'ok');
      assert.is(sockets.size, 2);
    },
  );
});

test.run();
