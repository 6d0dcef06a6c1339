// The bounds of the HTTP edge, on real sockets. Never here: what any path means.

import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebRequest } from '../core/input.ts';
import { createServer, edge, HTTP_LIMITS } from './http.ts';
import { drain, listen } from './listen.ts';

const MAX_BODY_BYTES = 100;

/** Everything a server answers to `text` until it closes, and the bodies its core was given. */
async function exchange(text: string): Promise<{ answer: string; bodies: WebRequest['body'][] }> {
  const bodies: WebRequest['body'][] = [];
  const listener = edge(
    { maxBodyBytes: MAX_BODY_BYTES },
    ({ body }, answered) => {
      bodies.push(body);
      answered({ status: 200, headers: [], body: 'fine', route: 'none' });
      return () => {};
    },
    () => {},
  );
  const server = createServer(listener);
  const address = await listen(server, '127.0.0.1:0', 'listen_addr');
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  await drain(server, 1_000);
  return { answer, bodies };
}

const chunk = 'a'.repeat(MAX_BODY_BYTES);
const head = 'POST / HTTP/1.1\r\nHost: x\r\n';

test('a chunked body beyond the cap is refused once, and its connection closed', async () => {
  const body = `64\r\n${chunk}\r\n`.repeat(3);
  const { bodies, answer } = await exchange(
    `${head}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`,
  );
  assert.equal(bodies, [{ fault: 'too large' }]);
  assert.match(answer, /Connection: close/);
});

test('a body that says it is beyond the cap is refused before it arrives', async () => {
  const { bodies } = await exchange(`${head}Content-Length: 1000000\r\n\r\n`);
  assert.equal(bodies, [{ fault: 'too large' }]);
});

test('two ways to tell the length of one body are refused (RFC 9112 §6.1)', async () => {
  const lengths = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n';
  const { answer, bodies } = await exchange(`${head}${lengths}\r\n0\r\n\r\n${head}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(bodies, []);
});

test('a connection on which nothing is ever said is closed some time', () => {
  const server = createServer(() => {});
  assert.is(server.timeout, HTTP_LIMITS.silenceMs);
  assert.ok(HTTP_LIMITS.silenceMs > 0);
});

test.run();
