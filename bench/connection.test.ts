// Tests of the keep-alive connection against servers that misbehave.

import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Connection, originOf } from './connection.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('an answer nobody asked for breaks the connection', async () => {
  await withServer(
    (socket) => socket.write(OK + OK),
    async (connection) => {
      assert.match(await messageOf(connection.get('/')), 'nobody asked for');
    },
  );
});

test('a server that hangs up in the middle of an answer is reported', async () => {
  await withServer(
    (socket) => socket.end(OK.slice(0, -1)),
    async (connection) => {
      assert.match(await messageOf(connection.get('/')), 'closed the connection');
    },
  );
});

test('closing rejects the request in flight', async () => {
  await withServer(
    () => undefined,
    async (connection) => {
      const request = messageOf(connection.get('/'));
      connection.close();
      assert.match(await request, 'closed by the load client');
    },
  );
});

test('one connection serves many requests, and a new one follows "Connection: close"', async () => {
  let answers = 0;
  const last = OK.replace('\r\n', '\r\nConnection: close\r\n');
  const connections = await withServer(
    (socket) => socket.write(++answers === 3 ? last : OK),
    async (connection) => {
      for (let i = 0; i < 5; i++) assert.is((await connection.post('/', '{}')).body, 'ok');
    },
  );
  assert.is(connections, 2);
});

test('an origin is read out of any URL below it', () => {
  const origin = originOf('https://127.0.0.1:14000/acme/directory');
  assert.equal(origin, {
    text: 'https://127.0.0.1:14000',
    isTls: true,
    hostname: '127.0.0.1',
    port: 14000,
  });
});

async function messageOf(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => 'answered',
    (error: Error) => error.message,
  );
}

/** Runs `use` against a server that calls `onRequest` for what arrives; counts connections. */
async function withServer(
  onRequest: (socket: Socket) => void,
  use: (connection: Connection) => Promise<void>,
): Promise<number> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    socket.on('error', () => socket.destroy());
    socket.on('data', () => onRequest(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const connection = new Connection(originOf(`http://127.0.0.1:${port}/`));
  try {
    await use(connection);
  } finally {
    connection.close();
    server.close();
  }
  return connections;
}

test.run();
