// dns-01 (RFC 8555 §8.4) against the test DNS server.

import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ValidationRequest, ValidationResult } from '../../core/acme/validation.ts';
import { ChallengeWorld, expectFailure, KEY_AUTHORIZATION } from './testing/challenge-world.ts';
import { DnsServer } from './testing/dns-server.ts';

const world = new ChallengeWorld();
const DIGEST = createHash('sha256').update(KEY_AUTHORIZATION).digest('base64url');

test.before(() => world.open());
test.after(() => world.close());

async function run(
  name: string,
  changes: Partial<ValidationRequest> = {},
): Promise<ValidationResult> {
  return await world.validator().validate(world.request('dns-01', name, changes));
}

test('a name without the record fails with NXDOMAIN', async () => {
  expectFailure(
    await run('absent.test'),
    'dns',
    /TXT for _acme-challenge\.absent\.test: .*NXDOMAIN/,
  );
});

test('a name with other records only fails with that', async () => {
  world.dns.set('_acme-challenge.bare.test', 'A', ['192.0.2.1']);
  expectFailure(
    await run('bare.test'),
    'dns',
    /there is no TXT record at _acme-challenge\.bare\.test/,
  );
});

test('a failing, refusing or silent DNS server is told apart', async () => {
  world.dns.misbehave('_acme-challenge.servfail.test', 'SERVFAIL');
  world.dns.misbehave('_acme-challenge.refused.test', 'REFUSED');
  world.dns.misbehave('_acme-challenge.silent.test', 'silent');
  expectFailure(await run('servfail.test'), 'dns', /SERVFAIL/);
  expectFailure(await run('refused.test'), 'dns', /REFUSED/);
  expectFailure(await run('silent.test'), 'dns', /in time|gave up after .* while looking up TXT/);
});

test('wrong values are listed, three of them, without control characters', async () => {
  world.dns.set('_acme-challenge.wrong.test', 'TXT', [
    'one\u001b[31m',
    'two',
    'three',
    'four',
    'five',
  ]);
  const result = await run('wrong.test');
  expectFailure(
    result,
    'incorrectResponse',
    new RegExp(`expected "${DIGEST}", got "one\\?\\[31m"`),
  );
  expectFailure(result, 'incorrectResponse', /"three" and 2 more/);
});

test('a value that differs in case or padding is wrong', async () => {
  world.dns.set('_acme-challenge.near.test', 'TXT', [
    DIGEST.toLowerCase(),
    `${DIGEST}=`,
    ` ${DIGEST}`,
  ]);
  expectFailure(await run('near.test'), 'incorrectResponse', /got/);
});

test('RFC 8738 §7: dns-01 is refused for an IP address', async () => {
  expectFailure(await run('192.0.2.1'), 'rejectedIdentifier', /IP address/);
});

test('RFC 8555 §8.4: the digest at _acme-challenge is found', async () => {
  world.dns.set('_acme-challenge.right.test', 'TXT', [DIGEST]);
  assert.equal(await run('right.test'), { ok: true });
  assert.equal(await run('right.test', { wildcard: true }), { ok: true });
});

test('the digest is found among many values, over TCP when they do not fit', async () => {
  const others = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(40)}`);
  world.dns.set('_acme-challenge.many.test', 'TXT', [...others, DIGEST]);
  assert.equal(await run('many.test'), { ok: true });
});

test('the strings of one record are joined', async () => {
  world.dns.set('_acme-challenge.split.test', 'TXT', [[DIGEST.slice(0, 10), DIGEST.slice(10)]]);
  assert.equal(await run('split.test'), { ok: true });
});

test('RFC 8555 §8.4: a CNAME leads to another zone', async () => {
  world.dns.set('_acme-challenge.alias.test', 'CNAME', ['target.example']);
  world.dns.set('target.example', 'TXT', [DIGEST]);
  assert.equal(await run('alias.test'), { ok: true });
});

test('bare CNAMEs of a server that does not recurse are followed, eight of them', async () => {
  const dns = new DnsServer({ followCnames: false });
  const server = await dns.listen();
  const chain = (name: string, length: number): void => {
    for (let i = 0; i < length; i++) {
      const owner = i === 0 ? `_acme-challenge.${name}` : `${i}.${name}`;
      dns.set(owner, 'CNAME', [`${i + 1}.${name}`]);
    }
    dns.set(`${length}.${name}`, 'TXT', [DIGEST]);
  };
  chain('eight.test', 8);
  chain('nine.test', 9);
  dns.set('_acme-challenge.loop.test', 'CNAME', ['_acme-challenge.loop.test']);
  const validator = world.validator({ dnsServers: [server] });
  const ask = (name: string): Promise<ValidationResult> =>
    validator.validate(world.request('dns-01', name));
  assert.equal(await ask('eight.test'), { ok: true });
  expectFailure(await ask('nine.test'), 'dns', /more than 8 CNAMEs/);
  expectFailure(await ask('loop.test'), 'dns', /more than 8 CNAMEs/);
  await dns.close();
});

test('a record that appears late is found by a retry: nothing is cached', async () => {
  world.dns.set('_acme-challenge.late.test', 'TXT', ['old']);
  const validator = world.validator({ limits: { retryDelaysMs: [60] } });
  const pending = validator.validate(world.request('dns-01', 'late.test'));
  setTimeout(() => world.dns.set('_acme-challenge.late.test', 'TXT', [DIGEST]), 20);
  assert.equal(await pending, { ok: true });
});

test.run();
