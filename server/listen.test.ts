// The contract of listening and draining, on real sockets in a temporary directory. Never here:
// what requests mean.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drain, listen } from './listen.ts';

const GRACE_MS = 5_000;

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-listen-'));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function refusal(server: Server, text: string): Promise<string> {
  try {
    await listen(server, text, 'listen_addr');
  } catch (error) {
    return (error as Error).message;
  }
  await drain(server, GRACE_MS);
  return '';
}

test('a file that is no socket is neither replaced nor removed', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'akamu.db');
    writeFileSync(path, 'precious');
    assert.match(await refusal(createServer(), `unix:${path}`), /no socket/);
    assert.is(readFileSync(path, 'utf8'), 'precious');
  });
});

test('a socket on which somebody answers is not taken', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'akamu.sock');
    const first = createServer();
    await listen(first, `unix:${path}`, 'listen_addr');
    assert.match(await refusal(createServer(), `unix:${path}`), /another process listens there/);
    assert.ok(existsSync(path));
    await drain(first, GRACE_MS);
  });
});

test('a Unix socket is for its owner and group alone', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'akamu.sock');
    const server = createServer();
    await listen(server, `unix:${path}`, 'listen_addr');
    assert.is(statSync(path).mode & 0o777, 0o660);
    await drain(server, GRACE_MS);
  });
});

test('draining answers what is under way and then closes the connection at once', async () => {
  const server = createServer((_, reply) => {
    setTimeout(() => reply.end('done'), 100);
  });
  const address = await listen(server, '127.0.0.1:0', 'listen_addr');
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  let answers = '';
  socket.on('data', (chunk: Buffer) => {
    answers += chunk.toString();
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => {
    server.once('request', resolve);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  });
  const startedMs = performance.now();
  await drain(server, GRACE_MS);
  await closed;
  assert.match(answers, /done/);
  assert.ok(performance.now() - startedMs < GRACE_MS / 2, 'it did not wait for the grace to end');
});

test('a client that goes on asking while the server drains is told to close', async () => {
  const server = createServer((_, reply) => {
    setTimeout(() => reply.end('done'), 50);
  });
  const address = await listen(server, '127.0.0.1:0', 'listen_addr');
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  let answers = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    answers += chunk.toString();
    if (/done$/.test(answers)) socket.write(request);
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const first = new Promise((resolve) => server.once('request', resolve));
  socket.write(request);
  await first;
  const startedMs = performance.now();
  await drain(server, GRACE_MS);
  await closed;
  assert.match(answers, /Connection: close/);
  assert.ok(performance.now() - startedMs < GRACE_MS / 2, 'it did not wait for the grace to end');
});

test.run();
