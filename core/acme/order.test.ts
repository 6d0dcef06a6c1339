import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIMITS } from '../limits.ts';
import { Client, type JsonBody, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, encodeCsr, type POLICY, Rig } from '../testing/rig.ts';
import { formatTime } from '../time.ts';

const DAY_MS = 86_400_000;

function registered(policy: Partial<typeof POLICY> = {}): { client: Client; rig: Rig } {
  const rig = new Rig({ policy });
  return { client: Client.registered(rig), rig };
}

const look = (client: Client, order: JsonBody): JsonBody => {
  return client.post(path(order['finalize']).replace('/finalize', ''), undefined).body;
};

test('RFC 8555 §7.4: an order without identifiers is malformed', () => {
  const { client } = registered();
  const payloads = [{}, { identifiers: [] }, { identifiers: {} }, { identifiers: null }];
  for (const payload of payloads) {
    refused(client.post('/acme/new-order', payload), 'malformed', /"identifiers" must be an array/);
  }
});

test('RFC 8555 §7.4: an order of too many identifiers is malformed', () => {
  const { client } = registered();
  const names = Array.from({ length: LIMITS.orderIdentifiers + 1 }, (_, i) => `n${i}.example.com`);
  refused(client.order(names), 'malformed', /at most 100/);
  accepted(client.order(names.slice(1)), 201);
});

test('RFC 8555 §6.7.1: one bad identifier gives its problem, with a subproblem that names it', () => {
  const { client, rig } = registered();
  const before = rig.persists;
  const identifiers = [
    { type: 'dns', value: 'a.example.com' },
    { type: 'email', value: 'a@example.com' },
  ];
  const reply = client.post('/acme/new-order', { identifiers });
  refused(reply, 'unsupportedIdentifier', /use dns or ip/);
  const [sub, ...others] = reply.body['subproblems'];
  assert.equal(others, []);
  assert.is(sub.type, 'urn:ietf:params:acme:error:unsupportedIdentifier');
  assert.equal(sub.identifier, identifiers[1]);
  assert.is(rig.persists, before);
});

test('RFC 8555 §6.7.1: several bad identifiers give a subproblem each', () => {
  const { client } = registered();
  const identifiers = [{ type: 'dns', value: '' }, { type: 'x', value: 'y' }, 7, null];
  const reply = client.post('/acme/new-order', { identifiers });
  refused(reply, 'rejectedIdentifier', /4 identifiers were refused/);
  const subproblems = reply.body['subproblems'] as JsonBody[];
  assert.equal(
    subproblems.map(({ type }) => type.split(':').at(-1)),
    ['rejectedIdentifier', 'unsupportedIdentifier', 'malformed', 'malformed'],
  );
  assert.equal(
    subproblems.map(({ identifier }) => identifier),
    [identifiers[0], identifiers[1], undefined, undefined],
  );
});

test('RFC 8555 §7.1.3: an order that does not exist is 404, one of another account 403', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com']).header('location')!;
  refused(client.post('/acme/order/none', undefined), 'malformed', /no such order/, 404);
  refused(Client.registered(rig).post(path(order), undefined), 'unauthorized', /another account/);
});

test('RFC 8555 §7.4: a new order has status, expiry, identifiers, authorizations and Location', () => {
  const { client, rig } = registered();
  const reply = accepted(client.order(['b.example.com', 'A.Example.com']), 201);
  const { authorizations, finalize, ...rest } = reply.body;
  const location = reply.header('location')!;
  assert.match(location, /^https:\/\/ca\.test\/acme\/order\/[A-Za-z0-9_-]{22}$/);
  assert.is(finalize, `${location}/finalize`);
  assert.is(authorizations.length, 2);
  assert.equal(rest, {
    status: 'pending',
    expires: formatTime(rig.now.wallMs + DAY_MS),
    identifiers: [
      { type: 'dns', value: 'a.example.com' },
      { type: 'dns', value: 'b.example.com' },
    ],
  });
  assert.equal(accepted(client.post(path(location), undefined)).body, reply.body);
});

test('RFC 8555 §7.4: a name given twice counts once', () => {
  const { client } = registered();
  const { body } = client.order(['a.example.com', 'A.EXAMPLE.COM', 'a.example.com']);
  assert.is(body['identifiers'].length, 1);
  assert.is(body['authorizations'].length, 1);
});

test('RFC 8555 §7.1.3: a wildcard and its base name in one order have two authorizations', () => {
  const { client } = registered();
  const { body } = client.order(['*.example.com', 'example.com']);
  const authorizations = body['authorizations'].map((url: string) => {
    return client.post(path(url), undefined).body;
  });
  assert.equal(
    authorizations.map(({ identifier, wildcard }: JsonBody) => [identifier.value, wildcard]),
    [
      ['example.com', true],
      ['example.com', undefined],
    ],
  );
  const tokens = authorizations.map(({ challenges }: JsonBody) => challenges[0].token);
  assert.is.not(tokens[0], tokens[1]);
  client.prove(body, 'dns-01');
  assert.is(client.finalize(body).body['status'], 'valid');
});

test('RFC 8738 §3: an order can have addresses, in canonical text', () => {
  const { client } = registered();
  const identifiers = [
    { type: 'ip', value: '2001:DB8:0:0:0:0:0:1' },
    { type: 'ip', value: '192.0.2.1' },
  ];
  const { body } = accepted(client.post('/acme/new-order', { identifiers }), 201);
  assert.equal(
    body['identifiers'].map(({ value }: JsonBody) => value),
    ['192.0.2.1', '2001:db8::1'],
  );
  client.prove(body);
  assert.is(client.finalize(body).body['status'], 'valid');
});

test('RFC 8555 §7.1.6: pending, ready and valid follow from what was proven and issued', () => {
  const { client } = registered();
  const order = client.order(['a.example.com', 'b.example.com']).body;
  const [one, two] = order['authorizations'] as [string, string];
  client.prove({ authorizations: [one] });
  assert.is(look(client, order)['status'], 'pending');
  client.prove({ authorizations: [two] });
  assert.is(look(client, order)['status'], 'ready');
  const { body } = client.finalize(order);
  assert.is(body['status'], 'valid');
  assert.match(body['certificate'], /^https:\/\/ca\.test\/acme\/cert\/[0-9a-f]+$/);
  assert.equal(look(client, order), body);
});

test('RFC 8555 §7.1.6: processing while the certificate is being made, with Retry-After', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com']);
  client.prove(order.body);
  rig.issuer = () => undefined;
  const csr = encodeCsr({ names: order.body['identifiers'], spkiHash: 'leaf' });
  client.begin(path(order.body['finalize']), { csr });
  const waiting = client.begin(path(order.header('location')!), undefined);
  assert.is(waiting.response, undefined);
  rig.advance(LIMITS.longPollMs);
  const response = rig.response(waiting.id)!;
  assert.is(JSON.parse(String(response.body)).status, 'processing');
  assert.ok(response.headers.some(([name, value]) => name === 'Retry-After' && value === '1'));
});

test('RFC 8555 §7.1.6: an order is invalid once an authorization failed, and says which way', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com', 'b.example.com']).body;
  rig.validator = ({ identifier }) => {
    if (identifier.value === 'b.example.com') return { ok: true };
    return { ok: false, problem: 'connection', detail: 'refused' };
  };
  client.prove(order);
  const { status, error } = look(client, order);
  assert.is(status, 'invalid');
  assert.is(error.type, 'urn:ietf:params:acme:error:unauthorized');
  assert.match(error.detail, /authorization of this order is invalid/);
});

test('RFC 8555 §7.1.6: an order is invalid once an authorization was deactivated', () => {
  const { client } = registered();
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  client.post(path(order['authorizations'][0]), { status: 'deactivated' });
  assert.match(look(client, order)['error'].detail, /is deactivated/);
});

test('RFC 8555 §7.1.6: an expired order is invalid and says so, even where all was proven', () => {
  const { client, rig } = registered({ orderExpiryMs: 3_600_000 });
  const [pending, ready] = [client.order(['a.example.com']).body, client.order(['b.example.com'])];
  client.prove(ready.body);
  rig.advance(3_599_999);
  assert.equal(
    [look(client, pending)['status'], look(client, ready.body)['status']],
    ['pending', 'ready'],
  );
  rig.advance(1);
  for (const order of [pending, ready.body]) {
    const { status, error } = look(client, order);
    assert.is(status, 'invalid');
    assert.match(error.detail, /order has expired/);
  }
});

test('RFC 8555 §7.1.6: an expired authorization makes its order invalid', () => {
  const { client, rig } = registered({ authorizationExpiryMs: 3_600_000 });
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  rig.advance(3_600_000);
  assert.match(look(client, order)['error'].detail, /is expired/);
});

test('RFC 8555 §7.1.6: an order outlives its removed authorization only as invalid', () => {
  const { client, rig } = registered({ authorizationExpiryMs: 3_600_000 });
  const order = client.order(['a.example.com']).body;
  rig.advance(LIMITS.expiredRetentionMs + 3_600_001 + LIMITS.sweepIntervalMs);
  const { status, error } = look(client, order);
  assert.is(status, 'invalid');
  assert.match(error.detail, /expired|gone/);
});

test('RFC 8555 §7.1.6: a valid order stays valid when everything around it has expired', () => {
  const { client, rig } = registered();
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  client.finalize(order);
  rig.advance(DAY_MS + 1);
  assert.is(look(client, order)['status'], 'valid');
});

test('RFC 8555 §7.4: ids of orders and authorizations are not to be guessed', () => {
  const { client } = registered();
  const ids = Array.from({ length: 20 }, (_, i) => client.order([`n${i}.example.com`]).body)
    .flatMap(({ authorizations, finalize }) => [...authorizations, finalize])
    .map((url: string) => url.slice(BASE_URL.length).split('/')[3]!);
  assert.is(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22}$/);
});

test.run();
