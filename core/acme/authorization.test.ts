import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, type JsonBody, path, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { Rig } from '../testing/rig.ts';
import { formatTime } from '../time.ts';

const DAY_MS = 86_400_000;
const NAME = { type: 'dns', value: 'a.example.com' };

function registered(): { client: Client; rig: Rig } {
  const rig = new Rig();
  return { client: Client.registered(rig), rig };
}

/** The path of the only authorization of a new order. */
function pendingAuthorization(client: Client, name = 'a.example.com'): string {
  return path(client.order([name]).body['authorizations'][0]);
}

test('RFC 8555 §7.4.1: pre-authorization of what is no identifier is refused', () => {
  const { client } = registered();
  const wrong: [identifier: unknown, type: Parameters<typeof refused>[1]][] = [
    [undefined, 'malformed'],
    [[NAME], 'malformed'],
    ['a.example.com', 'malformed'],
    [{ ...NAME, type: 'email' }, 'unsupportedIdentifier'],
    [{ ...NAME, value: 'a b' }, 'rejectedIdentifier'],
    [{ type: 'ip', value: 'a.example.com' }, 'rejectedIdentifier'],
  ];
  for (const [identifier, type] of wrong) {
    refused(client.post('/acme/new-authz', { identifier }), type, /./);
  }
});

test('RFC 8555 §7.4.1: a wildcard cannot be pre-authorized', () => {
  const { client } = registered();
  const identifier = { type: 'dns', value: '*.example.com' };
  refused(client.post('/acme/new-authz', { identifier }), 'rejectedIdentifier', /wildcards/);
});

test('RFC 8555 §7.4.1: pre-authorization makes an authorization that an order then uses', () => {
  const { client } = registered();
  const reply = accepted(client.post('/acme/new-authz', { identifier: NAME }), 201);
  const url = reply.header('location')!;
  assert.equal(client.post(path(url), undefined).body, reply.body);
  client.prove({ authorizations: [url] });
  const order = client.order([NAME.value]).body;
  assert.equal([order['status'], order['authorizations']], ['ready', [url]]);
});

test('RFC 8555 §7.4.1: pre-authorization of what is valid already gives that, with 200', () => {
  const { client } = registered();
  const order = client.order([NAME.value]).body;
  client.prove(order);
  const reply = accepted(client.post('/acme/new-authz', { identifier: NAME }));
  assert.is(reply.header('location'), order['authorizations'][0]);
  assert.is(reply.body['status'], 'valid');
});

test('RFC 8555 §7.5: an authorization that does not exist is 404, one of another account 403', () => {
  const { client, rig } = registered();
  const target = pendingAuthorization(client);
  refused(client.post('/acme/authz/none', undefined), 'malformed', /no such authorization/, 404);
  const other = Client.registered(rig);
  refused(other.post(target, undefined), 'unauthorized', /another account/);
  refused(other.post(target, { status: 'deactivated' }), 'unauthorized', /another account/);
  assert.is(client.post(target, undefined).body['status'], 'pending');
});

test('RFC 8555 §7.1.4: a pending authorization has identifier, status, expiry and challenges', () => {
  const { client, rig } = registered();
  const { challenges, ...rest } = accepted(
    client.post(pendingAuthorization(client), undefined),
  ).body;
  const expires = formatTime(rig.now.wallMs + DAY_MS);
  assert.equal(rest, { identifier: NAME, status: 'pending', expires });
  assert.equal(
    challenges.map(({ type, status }: JsonBody) => [type, status]),
    [
      ['http-01', 'pending'],
      ['dns-01', 'pending'],
      ['tls-alpn-01', 'pending'],
    ],
  );
});

test('RFC 8555 §8.1: tokens have at least 128 bits in base64url and are one per authorization', () => {
  const { client } = registered();
  const tokens = ['a.example.com', 'b.example.com'].map((name) => {
    const { challenges } = client.post(pendingAuthorization(client, name), undefined).body;
    const [token, ...others] = new Set(challenges.map((entry: JsonBody) => entry['token']));
    assert.equal(others, []);
    return String(token);
  });
  for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{22,}$/);
  assert.is.not(tokens[0], tokens[1]);
});

test('RFC 8555 §7.1.4: a wildcard is shown without its star, as wildcard, with dns-01 only', () => {
  const { client } = registered();
  const { body } = client.post(pendingAuthorization(client, '*.example.com'), undefined);
  assert.equal(body['identifier'], { type: 'dns', value: 'example.com' });
  assert.is(body['wildcard'], true);
  assert.equal(
    body['challenges'].map(({ type }: JsonBody) => type),
    ['dns-01'],
  );
});

test('RFC 8738 §7: an address cannot be proven by DNS', () => {
  const { client } = registered();
  const identifiers = [{ type: 'ip', value: '::1' }];
  const order = client.post('/acme/new-order', { identifiers }).body;
  const { body } = client.post(path(order['authorizations'][0]), undefined);
  assert.equal(
    body['challenges'].map(({ type }: JsonBody) => type),
    ['http-01', 'tls-alpn-01'],
  );
  assert.equal(body['identifier'], { type: 'ip', value: '::1' });
});

test('RFC 8555 §7.1.4: once decided, only the challenge that decided it is shown', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com', 'b.example.com']).body;
  rig.validator = ({ identifier }) => {
    if (identifier.value === 'a.example.com') return { ok: true };
    return { ok: false, problem: 'dns', detail: 'no such name' };
  };
  client.prove(order, 'dns-01');
  const [good, bad] = order['authorizations'].map((url: string) => {
    return client.post(path(url), undefined).body;
  });
  assert.equal([good.status, bad.status], ['valid', 'invalid']);
  assert.is(good.challenges.length, 1);
  assert.is(good.challenges[0].validated, formatTime(rig.now.wallMs));
  assert.equal(bad.challenges[0].error, {
    type: 'urn:ietf:params:acme:error:dns',
    detail: 'no such name',
    status: 400,
  });
});

test('RFC 8555 §7.5.2: an authorization can be set to nothing but deactivated', () => {
  const { client } = registered();
  const target = pendingAuthorization(client);
  for (const payload of [{}, { status: 'valid' }, { status: 'revoked' }, { expires: 'never' }]) {
    refused(client.post(target, payload), 'malformed', /only be set to "deactivated"/);
  }
  refused(client.post(target, { status: 7 }), 'malformed', /"status" must be a string/);
});

test('RFC 8555 §7.5.2: an invalid or expired authorization cannot be deactivated', () => {
  const { client, rig } = registered();
  const [failed, old] = [pendingAuthorization(client), pendingAuthorization(client, 'b.example')];
  rig.validator = () => ({ ok: false, problem: 'tls', detail: 'no' });
  client.prove({ authorizations: [`https://ca.test${failed}`] });
  const payload = { status: 'deactivated' };
  refused(client.post(failed, payload), 'malformed', /is invalid cannot be deactivated/);
  rig.advance(DAY_MS);
  refused(client.post(old, payload), 'malformed', /is expired cannot be deactivated/);
});

test('RFC 8555 §7.5.2: a pending or valid authorization is deactivated for good', () => {
  const { client } = registered();
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  const targets = [path(order['authorizations'][0]), pendingAuthorization(client, 'b.example')];
  for (const target of targets) {
    const reply = accepted(client.post(target, { status: 'deactivated' }));
    assert.is(reply.body['status'], 'deactivated');
    accepted(client.post(target, { status: 'deactivated' }));
    const challenge = path(client.post(target, undefined).body['challenges'][0].url);
    client.post(challenge, {});
    assert.is(client.post(target, undefined).body['status'], 'deactivated');
  }
});

test('RFC 8555 §7.5.2: a probe that succeeds after deactivation changes nothing', () => {
  const { client, rig } = registered();
  rig.validator = () => undefined;
  const target = pendingAuthorization(client);
  client.prove({ authorizations: [`https://ca.test${target}`] });
  accepted(client.post(target, { status: 'deactivated' }));
  const { authorization, request } = rig.probes[0]!;
  rig.submit({ kind: 'validated', authorization, type: request.type, result: { ok: true } });
  assert.is(client.post(target, undefined).body['status'], 'deactivated');
});

test('RFC 8555 §7.1.6: an authorization expires, pending or valid', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  const targets = [path(order['authorizations'][0]), pendingAuthorization(client, 'b.example')];
  rig.advance(DAY_MS - 1);
  const statuses = (): string[] => targets.map((t) => client.post(t, undefined).body['status']);
  assert.equal(statuses(), ['valid', 'pending']);
  rig.advance(1);
  assert.equal(statuses(), ['expired', 'expired']);
});

test('RFC 8555 §7.5: an expired authorization is gone after a while', () => {
  const { client, rig } = registered();
  const target = pendingAuthorization(client);
  rig.advance(DAY_MS + LIMITS.expiredRetentionMs + LIMITS.sweepIntervalMs + 1);
  refused(client.post(target, undefined), 'malformed', /no such authorization/, 404);
});

test('RFC 8555 §7.5.1: while a challenge is probed a look waits a moment for the outcome', () => {
  const { client, rig } = registered();
  rig.validator = () => undefined;
  const target = pendingAuthorization(client);
  client.prove({ authorizations: [`https://ca.test${target}`] });
  const waiting = client.begin(target, undefined);
  assert.is(waiting.response, undefined);
  rig.advance(LIMITS.longPollMs);
  const reply = accepted(read(rig.response(waiting.id)!));
  assert.is(reply.body['status'], 'pending');
  assert.is(reply.body['challenges'][0].status, 'processing');
  assert.is(reply.header('retry-after'), '1');
});

test.run();
