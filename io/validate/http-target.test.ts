// Redirects of http-01: which are followed, which are refused, and that no redirect reaches inside.

import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ValidationResult } from '../../core/acme/validation.ts';
import { type Refusal, refusalOf } from './address-policy.ts';
import { AttemptSet } from './attempt.ts';
import { probeHttp01 } from './http-01.ts';
import { validationLimits } from './limits.ts';
import { createResolver } from './resolver.ts';
import {
  CHALLENGE_PATH,
  ChallengeWorld,
  expectFailure,
  type Handler,
  KEY_AUTHORIZATION,
  SHORT,
} from './testing/challenge-world.ts';
import type { ValidatorOptions } from './validator.ts';

const world = new ChallengeWorld();
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

function redirectTo(location: (path: string) => string | undefined): Handler {
  return (request, response) => {
    const target = location(request.url!);
    if (target === undefined) return right(request, response);
    response.writeHead(302, { Location: target });
    response.end('moved');
  };
}

test('a redirect without a Location fails', async () => {
  const result = await run((_request, response) => {
    response.writeHead(301);
    response.end();
  });
  expectFailure(result, 'incorrectResponse', /status 301 without a Location/);
});

test('a redirect loop is noticed', async () => {
  const result = await run(redirectTo((path) => (path === '/b' ? CHALLENGE_PATH : '/b')));
  expectFailure(result, 'connection', /redirect loop: http:\/\/good\.test:\d+\/\.well-known/);
});

test('the eleventh redirect is not followed, the tenth is', async () => {
  const hops = (count: number): Handler =>
    redirectTo((path) => {
      const hop = path.startsWith('/hop') ? Number(path.slice(4)) : 0;
      return hop < count ? `/hop${hop + 1}` : undefined;
    });
  assert.equal(await run(hops(10)), { ok: true });
  expectFailure(await run(hops(11)), 'connection', /more than 10 redirects/);
});

test('redirects elsewhere than to http and https on the configured ports are refused', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['http://good.test:1/', /leads to port 1;/],
    [`http://good.test:${world.httpsPort}/`, /leads to port/],
    [`https://good.test:${world.httpPort}/`, /leads to port/],
    ['https://good.test:22/', /leads to port 22;/],
    ['ftp://good.test/', /scheme "ftp"/],
    ['file:///etc/passwd', /scheme "file"/],
    ['gopher://good.test/', /scheme "gopher"/],
    ['http://[::1/', /is not a URL/],
    ['http://127.0.0.1/', /bare IP address 127\.0\.0\.1/],
    ['http://0x7f.1/', /bare IP address 127\.0\.0\.1/],
    ['http://2130706433/', /bare IP address 127\.0\.0\.1/],
    ['http://[::ffff:127.0.0.1]/', /bare IP address ::ffff:7f00:1/],
    ['http://a..b/', /not a DNS name/],
    [`/${'x'.repeat(3000)}`, /longer than 2048/],
  ];
  for (const [location, detail] of cases) {
    const moved = redirectTo((path) => (path === CHALLENGE_PATH ? location : undefined));
    expectFailure(await run(moved), 'connection', detail);
  }
});

/** Runs the probe with a policy for which 127.0.0.1 is the public internet. */
async function runAmongPublic(handler: Handler, allowed = ['127.0.0.1']): Promise<string> {
  world.handler = handler;
  const limits = validationLimits(SHORT);
  const resolver = createResolver({ dnsServers: [world.dnsAddress], limits });
  const policy = (address: string): Refusal | undefined =>
    allowed.includes(address) ? undefined : refusalOf(address, false);
  const ports = { http: world.httpPort, https: world.httpsPort };
  const tools = { resolver, limits, ports, refusalOf: policy };
  const request = world.request('http-01', 'good.test');
  return await new AttemptSet()
    .run(limits.attemptMs, (attempt) => probeHttp01(tools, attempt, request))
    .then(
      () => 'proved',
      (error: unknown) => String(error),
    );
}

test('a redirect to a name with private addresses is refused before anything is sent', async () => {
  world.dns.set('inside.test', 'A', ['127.0.0.9', '10.0.0.1', '169.254.169.254']);
  world.dns.set('inside.test', 'AAAA', ['::1', 'fd00::1', '::ffff:7f00:1']);
  let asked = 0;
  const detail = await runAmongPublic((_request, response) => {
    asked++;
    response.writeHead(302, { Location: 'http://inside.test/secret' });
    response.end();
  });
  assert.match(detail, /inside\.test has no address that is probed: .*fd00::1 \(unique local/);
  assert.match(detail, /169\.254\.169\.254 \(link-local address/);
  assert.is(asked, 1);
});

test('a name that moves to a private address between two requests is refused at the second', async () => {
  world.dns.set('good.test', 'A', ['127.0.0.1']);
  const detail = await runAmongPublic((request, response) => {
    if (request.url !== CHALLENGE_PATH) return void response.end(KEY_AUTHORIZATION);
    world.dns.set('good.test', 'A', ['127.0.0.2']);
    response.writeHead(302, { Location: '/again' });
    response.end();
  });
  world.dns.set('good.test', 'A', ['127.0.0.1']);
  assert.match(detail, /good\.test has no address that is probed: 127\.0\.0\.2 \(loopback/);
});

test('of several addresses the private ones are left out', async () => {
  world.dns.set('good.test', 'A', ['10.9.9.9', '127.0.0.1']);
  assert.is(await runAmongPublic(right), 'proved');
  world.dns.set('good.test', 'A', ['127.0.0.1']);
});

test('what a redirect led to is not quoted', async () => {
  const result = await run((request, response) => {
    if (request.url === '/secret') return void response.end('password=hunter2');
    response.writeHead(302, { Location: 'http://other.test/secret' });
    response.end();
  });
  expectFailure(result, 'incorrectResponse', /other\.test:\d+\/secret .*got 16 octets/);
  assert.not.match(JSON.stringify(result), /hunter2/);
});

test('an https redirect to a server without TLS is a tls failure', async () => {
  world.handler = redirectTo((path) =>
    path === CHALLENGE_PATH ? 'https://good.test/x' : undefined,
  );
  const plain = createServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  const httpsPort = await world.listen(plain);
  const result = await world
    .validator({ httpsPort })
    .validate(world.request('http-01', 'good.test'));
  expectFailure(result, 'tls', /https:\/\/good\.test.*TLS handshake with 127\.0\.0\.1/);
});

test('every redirect status is followed, relative and absolute, to another name', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of ['/elsewhere?a=b', 'http://other.test/elsewhere?a=b#fragment']) {
      let host = '';
      const result = await run((request, response) => {
        if (request.url === '/elsewhere?a=b') {
          host = request.headers.host ?? '';
          return void response.end(KEY_AUTHORIZATION);
        }
        response.writeHead(status, { Location: location });
        response.end();
      });
      assert.equal(result, { ok: true });
      const name = location.startsWith('/') ? 'good.test' : 'other.test';
      assert.is(host, `${name}:${world.httpPort}`);
    }
  }
});

test('RFC 8555 §8.3: a redirect to https is followed whatever the certificate says', async () => {
  const result = await run((request, response) => {
    if ('encrypted' in request.socket) return void response.end(KEY_AUTHORIZATION);
    response.writeHead(301, { Location: `https://good.test${CHALLENGE_PATH}` });
    response.end();
  });
  assert.equal(result, { ok: true });
});

test('an IP identifier may be redirected to its own https address', async () => {
  const moved = redirectTo((path) =>
    path === CHALLENGE_PATH ? 'https://127.0.0.1/after' : undefined,
  );
  assert.equal(await run(moved, {}, '127.0.0.1'), { ok: true });
});

test.run();
