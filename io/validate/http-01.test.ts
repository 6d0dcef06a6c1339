// http-01 against servers that are wrong in every way we know of, and then against right ones.

import { createServer } from 'node:http';
import * as net from 'node:net';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ValidationResult } from '../../core/acme/validation.ts';
import {
  CHALLENGE_PATH,
  ChallengeWorld,
  expectFailure,
  type Handler,
  KEY_AUTHORIZATION,
} from './testing/challenge-world.ts';
import type { ValidatorOptions } from './validator.ts';

const world = new ChallengeWorld();
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const right: Handler = (_request, response) => response.end(KEY_AUTHORIZATION);

test.before(async () => {
  await world.open();
  world.dns.set('good.test', 'A', ['127.0.0.1']);
  world.dns.set('other.test', 'A', ['127.0.0.1']);
});
test.after(() => world.close());

async function run(
  handler: Handler,
  options: Partial<ValidatorOptions> = {},
  name = 'good.test',
): Promise<ValidationResult> {
  world.handler = handler;
  return await world.validator(options).validate(world.request('http-01', name));
}

/** Answers every connection with these octets, then leaves it to `after`. */
async function rawServer(octets: string, after: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    socket.once('data', () => socket.write(octets, 'latin1', () => after(socket)));
  });
  return await world.listen(server);
}

async function runRaw(
  octets: string,
  after = (s: net.Socket): unknown => s.end(),
): Promise<ValidationResult> {
  const httpPort = await rawServer(octets, after);
  return await world.validator({ httpPort }).validate(world.request('http-01', 'good.test'));
}

test('a wrong body is told with what was expected and what came', async () => {
  const result = await run((_request, response) => response.end('something else\u0007\n'));
  expectFailure(
    result,
    'incorrectResponse',
    /http:\/\/good\.test:\d+\/\.well-known\/acme-challenge\//,
  );
  expectFailure(
    result,
    'incorrectResponse',
    /\[127\.0\.0\.1:\d+\].*16 octets beginning "something else\?/,
  );
});

test('leading white space, a prefix and a suffix of the key authorization are all wrong', async () => {
  for (const body of [
    ` ${KEY_AUTHORIZATION}`,
    KEY_AUTHORIZATION.slice(0, -1),
    `${KEY_AUTHORIZATION}x`,
    '',
  ]) {
    const result = await run((_request, response) => response.end(body));
    expectFailure(result, 'incorrectResponse', /expected the key authorization/);
  }
});

test('a status other than 200 fails even with the right body', async () => {
  for (const status of [201, 203, 304, 404, 500]) {
    const result = await run((_request, response) => {
      response.writeHead(status);
      response.end(KEY_AUTHORIZATION);
    });
    expectFailure(result, 'incorrectResponse', new RegExp(`status 200, got ${status}`));
  }
});

test('a body beyond the limit is not read to its end', async () => {
  let sent = 0;
  const result = await run((_request, response) => {
    const feed = (): void => {
      while (sent < 50_000_000 && response.write('x'.repeat(1000))) sent += 1000;
    };
    response.on('drain', feed);
    feed();
  });
  expectFailure(result, 'incorrectResponse', /more than 4096 octets/);
  assert.ok(sent < 20_000_000, `${sent} octets were taken`);
});

test('a key authorization followed by more white space than the limit is refused', async () => {
  const result = await run((_request, response) =>
    response.end(KEY_AUTHORIZATION + ' '.repeat(9000)),
  );
  expectFailure(result, 'incorrectResponse', /more than 4096 octets/);
});

test('a server that drips one octet at a time is given up after the attempt time', async () => {
  const drips = new Set<NodeJS.Timeout>();
  const started = performance.now();
  const result = await run((request, response) => {
    const drip = setInterval(() => response.write('x'), 20);
    drips.add(drip);
    request.socket.on('close', () => clearInterval(drip));
  });
  for (const drip of drips) clearInterval(drip);
  expectFailure(result, 'connection', /gave up after 4\d\d ms while waiting for the answer/);
  assert.ok(performance.now() - started < 1500);
});

test('a server that accepts and says nothing is given up', async () => {
  const httpPort = await world.listen(net.createServer(() => undefined));
  const result = await world
    .validator({ httpPort })
    .validate(world.request('http-01', 'good.test'));
  expectFailure(
    result,
    'connection',
    /gave up after .* waiting for the answer of http:\/\/good\.test/,
  );
});

test('a refused connection names the address', async () => {
  const server = net.createServer();
  const httpPort = await world.listen(server);
  await new Promise((resolve) => server.close(resolve));
  const result = await world
    .validator({ httpPort })
    .validate(world.request('http-01', 'good.test'));
  expectFailure(
    result,
    'connection',
    new RegExp(`127\\.0\\.0\\.1:${httpPort}: connection refused`),
  );
});

test('an address that does not answer costs one connection wait, then the next has its turn', async () => {
  // A thread that listens, fills its own backlog and then blocks: further connections hang.
  const blocked = new Worker(
    `const net = require('node:net');
     const { parentPort, workerData } = require('node:worker_threads');
     const server = net.createServer().listen(
       { port: workerData, host: '127.0.0.5', backlog: 1 },
       () => {
         parentPort.postMessage('listening');
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
       });`,
    { eval: true, workerData: world.httpPort },
  );
  await new Promise((resolve) => blocked.once('message', resolve));
  const fill = Array.from({ length: 4 }, () => net.connect(world.httpPort, '127.0.0.5'));
  for (const socket of fill) socket.on('error', () => undefined);
  world.dns.set('hung.test', 'A', ['127.0.0.5']);
  const limits = { connectMs: 60 };
  const hung = await run(right, { limits }, 'hung.test');
  world.dns.set('half.test', 'A', ['127.0.0.5', '127.0.0.1']);
  const half = await run(right, { limits }, 'half.test');
  for (const socket of fill) socket.destroy();
  await blocked.terminate();
  expectFailure(hung, 'connection', /127\.0\.0\.5:\d+: no answer within 60 ms/);
  assert.equal(half, { ok: true });
});

test('answers that are not well-formed HTTP fail with the reason', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['SSH-2.0-OpenSSH_9.2\r\n', /not HTTP\/1\.1: "SSH-2\.0/],
    ['HTTP/2 200 OK\r\n\r\n', /not HTTP\/1\.1/],
    ['HTTP/1.1 20x OK\r\n\r\n', /not HTTP\/1\.1/],
    ['', /ended without an answer/],
    ['HTTP/1.1 200 OK\r\nContent-Le', /ended inside the headers/],
    [`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, /headers exceed 16384/],
    ['HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000), /headers exceed 16384/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc', /96 octets before the end/],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', /malformed length/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', /malformed length/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab', /unknown transfer coding/],
    [`${CHUNKED}zz\r\n`, /chunk size .* malformed/],
    [`${CHUNKED}2\r\nabc\r\n`, /wrong length/],
    [`${CHUNKED}1${';x'.repeat(300)}\r\n`, /chunk line .* too long/],
    [`${CHUNKED}0\r\n${'X: y\r\n'.repeat(2000)}`, /trailer .* too long/],
    [`${CHUNKED}5\r\nab`, /inside a chunked body/],
  ];
  for (const [octets, detail] of cases) expectFailure(await runRaw(octets), 'connection', detail);
});

test('a reset connection is a connection failure', async () => {
  const result = await runRaw('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', (s) =>
    s.resetAndDestroy(),
  );
  expectFailure(result, 'connection', /connection reset|9 octets before the end/);
});

test('a name with a private address, and a private address, are refused unless allowed', async () => {
  const named = await run(right, { allowPrivateIps: false });
  expectFailure(
    named,
    'connection',
    /good\.test has no address that is probed: 127\.0\.0\.1 \(loop/,
  );
  const bare = await run(right, { allowPrivateIps: false }, '127.0.0.1');
  expectFailure(bare, 'rejectedIdentifier', /loopback address; http_validation_allow_private_ips/);
});

test('RFC 8555 §8.3: the request has the well-known path, the Host and our user agent', async () => {
  const seen: (string | undefined)[] = [];
  const result = await run((request, response) => {
    seen.push(request.method, request.url, request.headers.host, request.headers['user-agent']);
    response.end(KEY_AUTHORIZATION);
  });
  assert.equal(result, { ok: true });
  assert.equal(seen, ['GET', CHALLENGE_PATH, `good.test:${world.httpPort}`, 'akamu']);
});

test('RFC 8555 §8.3: white space after the key authorization is ignored', async () => {
  for (const tail of ['\n', '\r\n', ' \t\n\n', ' '.repeat(3000)]) {
    const result = await run((_request, response) => response.end(KEY_AUTHORIZATION + tail));
    assert.equal(result, { ok: true });
  }
});

test('RFC 9112 §6.3: chunked, counted and close-delimited bodies are all read', async () => {
  const half = KEY_AUTHORIZATION.length >> 1;
  const parts = [KEY_AUTHORIZATION.slice(0, half), KEY_AUTHORIZATION.slice(half)];
  const chunks = parts.map((part) => `${part.length.toString(16)};x=y\r\n${part}\r\n`).join('');
  const cases = [
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunks}0\r\nTrailer: t\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nContent-Length: 87, 87\r\n\r\n${KEY_AUTHORIZATION}`,
    `HTTP/1.0 200 OK\r\n\r\n${KEY_AUTHORIZATION}\n`,
    `HTTP/1.0 200\n\n${KEY_AUTHORIZATION}`,
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 87\r\n\r\n${KEY_AUTHORIZATION}`,
  ];
  for (const octets of cases) {
    assert.equal(await runRaw(octets), { ok: true });
    assert.equal(await runDripped(octets), { ok: true });
  }
});

async function runDripped(octets: string): Promise<ValidationResult> {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const send = async (): Promise<void> => {
      for (let i = 0; i < octets.length; i += 7) {
        socket.write(octets.slice(i, i + 7));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
    };
    socket.once('data', () => void send());
  });
  const httpPort = await world.listen(server);
  return await world.validator({ httpPort }).validate(world.request('http-01', 'good.test'));
}

test('a complete answer is enough: the connection need not end', async () => {
  const octets = `HTTP/1.1 200 OK\r\nContent-Length: 87\r\n\r\n${KEY_AUTHORIZATION}`;
  assert.equal(await runRaw(octets, () => undefined), { ok: true });
});

test('IPv6 is tried first, and IPv4 when it does not connect', async () => {
  world.dns.set('both.test', 'AAAA', ['::1']);
  world.dns.set('both.test', 'A', ['127.0.0.1']);
  assert.equal(await run(right, {}, 'both.test'), { ok: true });
  world.dns.set('both.test', 'A', ['127.0.0.2']);
  const server = net.createServer();
  const httpPort = await world.listen(server);
  await new Promise((resolve) => server.close(resolve));
  const failing = await world
    .validator({ httpPort })
    .validate(world.request('http-01', 'both.test'));
  expectFailure(failing, 'connection', /\[::1\]:\d+: .*; 127\.0\.0\.2:\d+: /);
});

test('RFC 8738 §4: an IP address is asked directly, with the literal as Host', async () => {
  let host: string | undefined;
  const note: Handler = (request, response) => {
    host = request.headers.host;
    response.end(KEY_AUTHORIZATION);
  };
  assert.equal(await run(note, {}, '127.0.0.1'), { ok: true });
  assert.is(host, `127.0.0.1:${world.httpPort}`);
});

test('RFC 8738 §4: an IPv6 literal is in brackets in Host', async () => {
  let host: string | undefined;
  const server = createServer((request, response) => {
    host = request.headers.host;
    response.end(KEY_AUTHORIZATION);
  });
  const httpPort = await world.listen(server, '::1');
  const result = await world.validator({ httpPort }).validate(world.request('http-01', '::1'));
  assert.equal(result, { ok: true });
  assert.is(host, `[::1]:${httpPort}`);
});

test('a client that is a moment late succeeds on a retry', async () => {
  let asked = 0;
  const late: Handler = (_request, response) => {
    asked++;
    response.statusCode = asked < 3 ? 404 : 200;
    response.end(KEY_AUTHORIZATION);
  };
  assert.equal(await run(late, { limits: { retryDelaysMs: [10, 20] } }), { ok: true });
  assert.is(asked, 3);
  asked = -10;
  const result = await run(late, { limits: { retryDelaysMs: [10, 20] } });
  expectFailure(result, 'incorrectResponse', /got 404 \(3 attempts\)/);
});

test.run();
