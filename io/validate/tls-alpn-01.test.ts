// tls-alpn-01 (RFC 8737, RFC 8738 §6) against TLS servers with wrong and right certificates.

import * as net from 'node:net';
import * as tls from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identifier } from '../../core/acme/identifier.ts';
import type { ValidationResult } from '../../core/acme/validation.ts';
import {
  type ChallengeCertificateOptions,
  makeChallengeCertificate,
} from './testing/certificate.ts';
import { ChallengeWorld, expectFailure, KEY_AUTHORIZATION } from './testing/challenge-world.ts';
import { serverNameOf } from './tls-alpn-01.ts';

const world = new ChallengeWorld();
const GOOD: Identifier = { type: 'dns', value: 'good.test' };
const OTHER: Identifier = { type: 'dns', value: 'other.test' };

test.before(async () => {
  await world.open();
  world.dns.set('good.test', 'A', ['127.0.0.1']);
});
test.after(() => world.close());

interface Seen {
  serverName?: string | false | undefined;
}

async function run(
  certificate: Partial<ChallengeCertificateOptions>,
  { protocols = ['acme-tls/1'], name = 'good.test', address = '127.0.0.1', seen = {} as Seen } = {},
): Promise<ValidationResult> {
  const whole = { names: [GOOD], keyAuthorization: KEY_AUTHORIZATION, ...certificate };
  const { cert, key } = makeChallengeCertificate(whole);
  const server = tls.createServer({
    cert,
    key,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
    SNICallback: (serverName, done) => {
      seen.serverName = serverName;
      done(null);
    },
  });
  server.on('tlsClientError', () => undefined);
  const tlsAlpnPort = await world.listen(server, address);
  return await world.validator({ tlsAlpnPort }).validate(world.request('tls-alpn-01', name));
}

test('RFC 8737 §3: a server without ALPN fails', async () => {
  expectFailure(
    await run({}, { protocols: [] }),
    'tls',
    /did not negotiate ALPN protocol "acme-tls\/1"/,
  );
});

test('RFC 8737 §3: a server that knows other protocols only fails in the handshake', async () => {
  expectFailure(await run({}, { protocols: ['h2', 'http/1.1'] }), 'tls', /no application protocol/);
});

test('a server that does not speak TLS, or closes, or is silent, is a tls failure', async () => {
  const answers: readonly (readonly [(socket: net.Socket) => unknown, RegExp])[] = [
    [
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /TLS handshake with 127\.0\.0\.1:\d+: "/,
    ],
    [(socket) => socket.end(), /TLS handshake/],
    [() => undefined, /gave up after 4\d\d ms while waiting for the TLS handshake/],
  ];
  for (const [answer, detail] of answers) {
    const server = net.createServer((socket) => void socket.once('data', () => answer(socket)));
    const tlsAlpnPort = await world.listen(server);
    const validator = world.validator({ tlsAlpnPort });
    expectFailure(
      await validator.validate(world.request('tls-alpn-01', 'good.test')),
      'tls',
      detail,
    );
  }
});

test('a closed port is a connection failure', async () => {
  const server = net.createServer();
  const tlsAlpnPort = await world.listen(server);
  await new Promise((resolve) => server.close(resolve));
  const validator = world.validator({ tlsAlpnPort });
  const result = await validator.validate(world.request('tls-alpn-01', 'good.test'));
  expectFailure(result, 'connection', /connection refused/);
});

test('RFC 8737 §3: a certificate with another name fails', async () => {
  expectFailure(
    await run({ names: [OTHER] }),
    'incorrectResponse',
    /"good\.test" only; .*"other\.test"/,
  );
});

test('RFC 8737 §3: the name must be the only one', async () => {
  expectFailure(await run({ names: [GOOD, OTHER] }), 'incorrectResponse', /it has 2 names/);
  expectFailure(await run({ names: [GOOD, GOOD] }), 'incorrectResponse', /it has 2 names/);
});

test('RFC 8737 §3: a certificate without names fails', async () => {
  expectFailure(await run({ names: [] }), 'incorrectResponse', /no subject alternative name/);
});

test('RFC 8737 §3: the acmeIdentifier extension must be there, once, and critical', async () => {
  expectFailure(await run({ critical: false }), 'incorrectResponse', /not critical/);
  expectFailure(await run({ copies: 0 }), 'incorrectResponse', /no acmeIdentifier/);
  expectFailure(await run({ copies: 2 }), 'incorrectResponse', /appears twice|cannot be read/);
});

test('RFC 8737 §3: the acmeIdentifier of another key authorization fails', async () => {
  const result = await run({ keyAuthorization: 'another' });
  expectFailure(
    result,
    'incorrectResponse',
    /acmeIdentifier [0-9a-f]{64} where [0-9a-f]{64} is expected/,
  );
});

test('RFC 8737 §3: a certificate that is not self-signed fails', async () => {
  expectFailure(await run({ issuer: 'Somebody else' }), 'incorrectResponse', /not self-signed/);
  expectFailure(await run({ signedByOther: true }), 'incorrectResponse', /not self-signed/);
});

test('RFC 8738 §6: a dNSName with the text of an address is not the address', async () => {
  const result = await run({ names: [{ type: 'dns', value: '127.0.0.1' }] }, { name: '127.0.0.1' });
  expectFailure(result, 'incorrectResponse', /must name "127\.0\.0\.1" only/);
});

test('RFC 8737 §3: the right certificate succeeds, and the name is indicated', async () => {
  const seen: Seen = {};
  assert.equal(await run({}, { seen }), { ok: true });
  assert.is(seen.serverName, 'good.test');
});

test('RFC 8737 §3: names are compared without regard to case', async () => {
  assert.equal(await run({ names: [{ type: 'dns', value: 'GOOD.Test' }] }), { ok: true });
});

test('RFC 8738 §6: an IPv4 address is indicated by its in-addr.arpa name', async () => {
  const seen: Seen = {};
  const names: readonly Identifier[] = [{ type: 'ip', value: '127.0.0.1' }];
  assert.equal(await run({ names }, { name: '127.0.0.1', seen }), { ok: true });
  assert.is(seen.serverName, '1.0.0.127.in-addr.arpa');
});

test('RFC 8738 §6: an IPv6 address is indicated by its ip6.arpa name', async () => {
  const seen: Seen = {};
  const names: readonly Identifier[] = [{ type: 'ip', value: '::1' }];
  assert.equal(await run({ names }, { name: '::1', address: '::1', seen }), { ok: true });
  assert.is(seen.serverName, `1.${'0.'.repeat(31)}ip6.arpa`);
  const example = serverNameOf({ type: 'ip', value: '2001:db8::1' });
  assert.is(example, '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
});

test.run();
