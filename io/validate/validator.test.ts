// What holds for every kind of validation: it always ends, in order, within bounds.

import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ChallengeWorld, expectFailure, KEY_AUTHORIZATION } from './testing/challenge-world.ts';
import { createValidator } from './validator.ts';

const world = new ChallengeWorld();

test.before(async () => {
  await world.open();
  world.dns.set('good.test', 'A', ['127.0.0.1']);
});
test.after(() => world.close());

test('options that make no sense are refused at the start', () => {
  const dnsServers = (server: string) => () =>
    createValidator({ allowPrivateIps: true, dnsServers: [server] });
  for (const server of [
    'dns.example',
    '192.0.2.1:0',
    '192.0.2.1:99999',
    '192.0.2.1:x',
    '[::1',
    '',
  ]) {
    assert.throws(dnsServers(server), /not an IP address with an optional port/, server);
  }
  const overlong = { attemptMs: 60_000 };
  assert.throws(
    () => createValidator({ allowPrivateIps: true, limits: overlong }),
    /an attempt fits/,
  );
  for (const server of [
    '192.0.2.1',
    '192.0.2.1:5353',
    '[2001:db8::1]:53',
    '2001:db8::1',
    '[::1]',
  ]) {
    dnsServers(server)().close();
  }
});

test('requests that could smuggle anything are refused before the network', async () => {
  const validator = world.validator();
  const good = world.request('http-01', 'good.test');
  const cases = [
    { ...good, token: 'a\r\nX: y' },
    { ...good, token: '' },
    { ...good, token: '../../secret' },
    { ...good, identifier: { type: 'dns' as const, value: 'good.test\r\nX: y' } },
    { ...good, identifier: { type: 'dns' as const, value: '*.good.test' } },
    { ...good, identifier: { type: 'ip' as const, value: '127.0.0.1.nip.test' } },
    { ...good, identifier: { type: 'ip' as const, value: '::0001' } },
    { ...good, type: 'constructor' as 'http-01' },
  ];
  const before = world.dns.asked.length;
  for (const request of cases) {
    expectFailure(await validator.validate(request), 'serverInternal', /token|canonical|unknown/);
  }
  assert.is(world.dns.asked.length, before);
});

test('RFC 8555 §8.3: a wildcard cannot be shown with http-01 or tls-alpn-01', async () => {
  for (const type of ['http-01', 'tls-alpn-01'] as const) {
    const result = await world
      .validator()
      .validate(world.request(type, 'good.test', { wildcard: true }));
    expectFailure(result, 'rejectedIdentifier', /wildcard/);
  }
});

test('a name without addresses, without existence or without an answer is a dns failure', async () => {
  world.dns.set('mailonly.test', 'TXT', ['x']);
  world.dns.misbehave('broken.test', 'SERVFAIL');
  world.dns.misbehave('silent.test', 'silent');
  const ask = (name: string) => world.validator().validate(world.request('http-01', name));
  expectFailure(await ask('mailonly.test'), 'dns', /neither an A nor an AAAA record/);
  expectFailure(await ask('absent.test'), 'dns', /NXDOMAIN/);
  expectFailure(await ask('broken.test'), 'dns', /SERVFAIL/);
  expectFailure(await ask('silent.test'), 'dns', /in time|gave up after .* looking up A and AAAA/);
});

test('one family whose lookup fails does not hide the other', async () => {
  world.handler = (_request, response) => response.end(KEY_AUTHORIZATION);
  world.dns.set('half.test', 'A', ['127.0.0.1']);
  world.dns.misbehave('half.test', 'SERVFAIL', 'AAAA');
  const result = await world.validator().validate(world.request('http-01', 'half.test'));
  assert.equal(result, { ok: true });
});

test('a DNS server that is not there is a dns failure', async () => {
  const server = createServer();
  const port = await world.listen(server);
  await new Promise((resolve) => server.close(resolve));
  const validator = world.validator({ dnsServers: [`127.0.0.1:${port}`] });
  const result = await validator.validate(world.request('http-01', 'good.test'));
  expectFailure(result, 'dns', /could be reached|in time|gave up/);
});

test('the overall time bounds all attempts together', async () => {
  const silent = await world.listen(createServer(() => undefined));
  const limits = { overallMs: 500, attemptMs: 200, retryDelaysMs: new Array(50).fill(10) };
  const started = performance.now();
  const result = await world
    .validator({ httpPort: silent, limits })
    .validate(world.request('http-01', 'good.test'));
  expectFailure(result, 'connection', /gave up after \d+ ms .* \([23] attempts\)/);
  assert.ok(performance.now() - started < 900);
});

test('attempts beyond the bound wait, and those beyond the queue are refused', async () => {
  let inside = 0;
  let most = 0;
  world.handler = (_request, response) => {
    most = Math.max(most, ++inside);
    setTimeout(() => {
      inside--;
      response.end(KEY_AUTHORIZATION);
    }, 15);
  };
  const validator = world.validator({ limits: { concurrent: 3, queued: 6 } });
  const request = world.request('http-01', '127.0.0.1');
  const results = await Promise.all(Array.from({ length: 12 }, () => validator.validate(request)));
  assert.is(most, 3);
  assert.is(results.filter((result) => result.ok).length, 9);
  for (const result of results.slice(9)) {
    expectFailure(result, 'serverInternal', /too many validations/);
  }
});

test('whoever pauses before a retry leaves the place to others', async () => {
  world.handler = (request, response) => {
    const late = request.headers.host?.startsWith('good.test') ?? false;
    response.statusCode = late ? 404 : 200;
    response.end(KEY_AUTHORIZATION);
  };
  const validator = world.validator({ limits: { concurrent: 1, retryDelaysMs: [300] } });
  const late = validator.validate(world.request('http-01', 'good.test'));
  await new Promise((resolve) => setTimeout(resolve, 60));
  const started = performance.now();
  assert.equal(await validator.validate(world.request('http-01', '127.0.0.1')), { ok: true });
  assert.ok(performance.now() - started < 150);
  expectFailure(await late, 'incorrectResponse', /2 attempts/);
});

test('closing ends what is under way, what pauses and what waits, and refuses the rest', async () => {
  const silent = await world.listen(createServer(() => undefined));
  world.handler = (_request, response) => void response.writeHead(404).end();
  const limits = { attemptMs: 2_000, overallMs: 60_000, retryDelaysMs: [30_000], concurrent: 1 };
  const stuck = world.validator({ httpPort: silent, limits });
  const pausing = world.validator({ limits });
  const request = world.request('http-01', '127.0.0.1');
  const all = [stuck.validate(request), stuck.validate(request), pausing.validate(request)];
  await new Promise((resolve) => setTimeout(resolve, 80));
  const started = performance.now();
  stuck.close();
  pausing.close();
  for (const result of await Promise.all(all)) {
    expectFailure(result, 'serverInternal', /shutting down/);
  }
  expectFailure(await stuck.validate(request), 'serverInternal', /shutting down/);
  assert.ok(performance.now() - started < 200);
});

test.run();
