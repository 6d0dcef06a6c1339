import { sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toBase64Url, toUtf8 } from '../bytes.ts';
import { Client, type JsonBody, path, type Reply, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, encodeCsr, POLICY, PRIMITIVES, Rig } from '../testing/rig.ts';

const HOUR_MS = 3_600_000;
const INDEX = '<https://ca.test/acme/directory>;rel="index"';

function registered(policy: Partial<typeof POLICY> = {}): Client {
  return Client.registered(new Rig({ policy }));
}

/** A client with an order that is ready. */
function ready(names: readonly string[] = ['a.example.com']): { client: Client; order: JsonBody } {
  const client = registered();
  const order = client.order(names).body;
  client.prove(order);
  return { client, order };
}

const firstChallenge = (client: Client, order: JsonBody): string => {
  const [url] = order['authorizations'] as [string];
  return path(client.post(path(url), undefined).body['challenges'][0].url);
};

// Nonces

test('clients fail without a nonce in refusals: every POST answer carries one that works', () => {
  const client = registered();
  const { kid } = client;
  const replies: Reply[] = [
    client.post(path(kid), undefined),
    client.post(path(kid), undefined, { nonce: 'AAAA' }),
    client.post(path(kid), undefined, { contentType: 'text/plain' }),
    client.post(path(kid), undefined, { body: 'no JSON' }),
    client.post(path(kid), undefined, { signature: 'AAAA' }),
    client.post(path(kid), undefined, { header: { alg: 'none' } }),
    client.post(path(kid), undefined, { header: { kid: 'x' } }),
    client.post(path(kid), undefined, { header: { url: 'x' } }),
    client.post('/acme/nowhere', {}),
    client.post('/acme/directory', {}),
    client.order([]),
    client.order(['a b']),
  ];
  for (const reply of replies) {
    const nonce = reply.header('replay-nonce')!;
    assert.match(nonce, /^[A-Za-z0-9_-]+$/, reply.text);
    accepted(client.post(path(kid), undefined, { nonce }));
  }
});

test('clients look for the nonce by HEAD or by GET: 200 and 204, never from a cache', () => {
  const client = registered();
  for (const [method, status] of [['HEAD', 200] as const, ['GET', 204] as const]) {
    const reply = accepted(client.get('/acme/new-nonce', method), status);
    assert.is(reply.header('cache-control'), 'no-store');
    accepted(client.post(path(client.kid), undefined, { nonce: reply.header('replay-nonce')! }));
  }
});

test('clients give up on badNonce: a pool of two thousand nonces is good in any order', () => {
  const client = registered();
  const pool = Array.from({ length: 2_000 }, () => client.nonce());
  for (let i = 0; i < pool.length; i += 50) {
    const nonce = pool[(i * 7) % pool.length]!;
    accepted(client.post(path(client.kid), undefined, { nonce }));
  }
});

test('clients send pooled nonces much later: one is good for an hour and more', () => {
  const client = registered();
  const nonce = client.nonce();
  client.rig.advance(12 * HOUR_MS);
  accepted(client.post(path(client.kid), undefined, { nonce }));
});

// Orders and certificates

test('clients need Location on accounts, orders, finalization and authorizations', () => {
  const client = registered();
  const location = (reply: Reply): string => path(reply.header('location')!);
  const order = client.order(['a.example.com']);
  accepted(client.post(location(order), undefined));
  const authorization = path(order.body['authorizations'][0]);
  assert.is(location(client.post(authorization, undefined)), authorization);
  client.prove(order.body);
  assert.is(location(client.finalize(order.body)), location(order));
  assert.is(location(client.post(location(order), undefined)), location(order));
  assert.is(location(client.register()), path(client.kid));
  const identifier = { type: 'dns', value: 'b.example.com' };
  const pre = accepted(client.post('/acme/new-authz', { identifier }), 201);
  accepted(client.post(location(pre), undefined));
});

test('clients find the directory by rel index, and authorization and issuer by rel up', () => {
  const { client, order } = ready();
  const challenge = client.post(firstChallenge(client, order), undefined);
  assert.ok(challenge.links.includes(`<${order['authorizations'][0]}>;rel="up"`));
  const { url } = client.certificate(['b.example.com']);
  const certificate = client.post(path(url), undefined);
  assert.ok(certificate.links.includes('<https://ca.test/ca/chain>;rel="up"'));
  for (const reply of [challenge, certificate, client.get('/acme/new-nonce')]) {
    assert.ok(reply.links.includes(INDEX));
  }
});

test('clients choke on processing: finalize answers valid, with the certificate', () => {
  const { client, order } = ready();
  const { body } = accepted(client.finalize(order));
  assert.is(body['status'], 'valid');
  accepted(client.post(path(body['certificate']), undefined));
});

test('clients that must wait get Retry-After in whole seconds', () => {
  const { client, order } = ready();
  client.rig.issuer = () => undefined;
  const csr = encodeCsr({ names: order['identifiers'], spkiHash: 'k' });
  const { id } = client.begin(path(order['finalize']), { csr });
  client.rig.advance(60_000);
  assert.match(read(client.rig.response(id)!).header('retry-after')!, /^[1-9]\d*$/);
});

test('clients poll an order that is ready late: its status is that of its authorizations', () => {
  const { client, order } = ready();
  const target = path(order['finalize']).replace('/finalize', '');
  assert.is(client.post(target, undefined).body['status'], 'ready');
});

test('clients tell orderNotReady by status 403, and need expires and error', () => {
  const client = registered();
  client.rig.validator = () => ({ ok: false, problem: 'dns', detail: 'no such name' });
  const order = client.order(['a.example.com']).body;
  assert.match(order['expires'], /Z$/);
  refused(client.finalize(order), 'orderNotReady', /pending/, 403);
  client.prove(order);
  const target = path(order['finalize']).replace('/finalize', '');
  const { status, expires, error } = client.post(target, undefined).body;
  assert.equal([status, expires], ['invalid', order['expires']]);
  assert.match(error.detail, /./);
  const challenge = client.post(firstChallenge(client, order), undefined).body;
  assert.match(challenge['error'].detail, /no such name/);
});

test('clients look at a challenge before they are set up: POST-as-GET starts nothing', () => {
  const client = registered();
  client.rig.validator = () => assert.unreachable() as never;
  const order = client.order(['a.example.com']).body;
  accepted(client.post(firstChallenge(client, order), undefined));
});

test('old clients GET what has to be POSTed: 405, but not for directory and new-nonce', () => {
  const { client, order } = ready();
  const { url } = client.certificate(['b.example.com']);
  const challenge = firstChallenge(client, order);
  const targets = [order['finalize'], order['authorizations'][0], client.kid, url].map(path);
  for (const target of [...targets, challenge, '/acme/new-account']) {
    refused(client.get(target), 'malformed', /GET is not allowed/, 405);
  }
  accepted(client.get('/acme/directory'));
  accepted(client.get('/acme/new-nonce'), 204);
});

test('CSRs name things in any order: names are compared as sets, addresses as addresses', () => {
  const client = registered();
  const identifiers = [
    { type: 'dns', value: 'B.example.com' },
    { type: 'ip', value: '2001:DB8::0:1' },
    { type: 'dns', value: 'a.example.com' },
  ];
  const order = client.post('/acme/new-order', { identifiers }).body;
  client.prove(order);
  const names = [...(order['identifiers'] as [])].reverse();
  const csr = encodeCsr({ names, spkiHash: 'k' });
  assert.is(accepted(client.post(path(order['finalize']), { csr })).body['status'], 'valid');
});

test('clients reuse the account key for the certificate: badCSR', () => {
  const { client, order } = ready();
  const reading = PRIMITIVES.readKey(client.jwk);
  const spkiHash = reading.ok ? reading.value.spkiHash : '';
  const csr = encodeCsr({ names: order['identifiers'], spkiHash });
  refused(client.post(path(order['finalize']), { csr }), 'badCSR', /account key/);
});

test('clients split the chain at PEM boundaries: two certificates and a last newline', () => {
  const client = registered();
  const reply = client.post(path(client.certificate(['a.example.com']).url), undefined);
  assert.is(reply.header('content-type'), 'application/pem-certificate-chain');
  assert.ok(reply.text.match(/-----BEGIN CERTIFICATE-----\n/g)!.length >= 2);
  assert.ok(reply.text.endsWith('-----END CERTIFICATE-----\n'));
  assert.not(reply.text.includes(POLICY.cas[0].rootPem));
});

// Accounts and JWS

test('clients register again at every start: 200 and Location', () => {
  const client = registered();
  const before = client.kid;
  assert.is(accepted(client.register({ termsOfServiceAgreed: true })).header('location'), before);
  const stranger = new Client(client.rig);
  const reply = stranger.register({ onlyReturnExisting: true });
  refused(reply, 'accountDoesNotExist', /./, 400);
});

test('clients read the orders URL of every account, and follow next', () => {
  const client = registered();
  const { orders } = client.post(path(client.kid), undefined).body;
  for (let i = 0; i < 101; i++) client.order([`n${i}.example.com`]);
  const page = accepted(client.post(path(orders), undefined));
  const next = /<([^>]+)>;rel="next"/.exec(page.links.join())![1]!;
  assert.is(client.post(path(next), undefined).body['orders'].length, 1);
});

test('contacts of private networks are good, and none at all', () => {
  for (const contact of [undefined, [], ['mailto:root@example.com'], ['mailto:me@localhost']]) {
    accepted(new Client(new Rig()).register(contact && { contact }), 201);
  }
});

test('thumbprints are over the required members only', () => {
  const client = registered();
  const { kid } = client;
  Object.assign(client.jwk, { alg: 'ES256', kid: 'mine', use: 'sig', ext: true });
  assert.is(client.register().header('location'), kid);
});

test('DER signatures, padding, other text and repeated members are refused', () => {
  const client = registered();
  const target = path(client.kid);
  const jws = client.jws(target, {});
  const input = Buffer.from(`${jws['protected']}.${jws['payload']}`);
  const der = toBase64Url(sign('sha256', input, client.privateKey));
  const text = JSON.stringify(jws);
  const bodies: [body: string, detail: RegExp][] = [
    [JSON.stringify({ ...jws, signature: der }), /not verify/],
    [JSON.stringify({ ...jws, payload: `${jws['payload']}=` }), /unpadded base64url/],
    [JSON.stringify({ ...jws, signature: `${jws['signature']}==` }), /unpadded base64url/],
    [text.replace('{', '{"payload":"",'), /repeats a member/],
    [`${text}${text}`, /not valid JSON/],
  ];
  for (const [body, detail] of bodies)
    refused(client.post(target, {}, { body }), 'malformed', detail);
});

test('crit, none, MACs and unknown algorithms are refused, the latter with a list', () => {
  const client = registered();
  const target = path(client.kid);
  refused(client.post(target, {}, { header: { crit: ['exp'] } }), 'malformed', /"crit"/);
  for (const alg of ['none', 'HS256', 'HS512', 'RS512', 'ES256K', '']) {
    const reply = client.post(target, {}, { header: { alg } });
    refused(reply, 'badSignatureAlgorithm', /ES256/);
    assert.ok(reply.body['algorithms'].includes('ES256'));
    assert.not(reply.body['algorithms'].includes('HS256'));
  }
});

test('kid and jwk exclude each other, and a taken key is 409 with its account', () => {
  const client = registered();
  const { kid, jwk } = client;
  refused(client.post(path(kid), {}, { header: { kid, jwk } }), 'malformed', /not both/);
  refused(
    client.post(path(kid), {}, { header: { kid: undefined } }),
    'malformed',
    /"jwk" or "kid"/,
  );
  const other = Client.registered(client.rig);
  const reply = client.post('/acme/key-change', client.keyChange(other));
  refused(reply, 'malformed', /another account/, 409);
  assert.is(reply.header('location'), other.kid);
});

test('behind a proxy url is what the client saw: the configured base URL, with port and path', () => {
  const baseUrl = 'https://proxy.test:8443/pki';
  const rig = new Rig({ policy: { baseUrl } });
  const client = new Client(rig);
  const header = { jwk: client.jwk, url: `${baseUrl}/acme/new-account` };
  const reply = accepted(client.post('/acme/new-account', {}, { header }), 201);
  assert.ok(reply.header('location')!.startsWith(`${baseUrl}/acme/account/`));
  const inside = { jwk: client.jwk, url: `${BASE_URL}/acme/new-account` };
  refused(client.post('/acme/new-account', {}, { header: inside }), 'unauthorized', /proxy\.test/);
});

// Identifiers

test('a wildcard with its base name needs two TXT values at one name', () => {
  const client = registered();
  const seen: string[] = [];
  client.rig.validator = ({ identifier, keyAuthorization, type, wildcard }) => {
    assert.equal([type, identifier.value], ['dns-01', 'example.com']);
    seen.push(`${wildcard} ${keyAuthorization}`);
    return { ok: true };
  };
  client.prove(client.order(['*.example.com', 'example.com']).body, 'dns-01');
  assert.is(new Set(seen.map((entry) => entry.split(' ')[1])).size, 2);
  assert.equal(seen.map((entry) => entry.split(' ')[0]).sort(), ['false', 'true']);
});

// Problems

test('problems have their media type, full URN, detail and status, and never null members', () => {
  const client = registered();
  const replies = [
    refused(client.order(['a b']), 'rejectedIdentifier', /a b/),
    refused(client.order([]), 'malformed', /identifiers/),
    refused(client.get('/acme/nowhere'), 'malformed', /nothing/, 404),
  ];
  for (const { body } of replies) {
    for (const value of Object.values(body)) assert.ok(value !== null && value !== undefined);
    if ('subproblems' in body) assert.ok(body['subproblems'].length > 0);
  }
  const wrongType = client.post('/acme/new-order', {}, { contentType: 'application/json' });
  refused(wrongType, 'malformed', /Content-Type/, 415);
});

test('clients in browsers read Link, Location and Replay-Nonce from any origin', () => {
  const client = registered();
  const replies = [
    client.get('/acme/directory'),
    client.order(['a.example.com']),
    client.order([]),
  ];
  for (const reply of replies) {
    assert.is(reply.header('access-control-allow-origin'), '*');
    const exposed = reply.header('access-control-expose-headers')!.split(', ');
    for (const name of ['Link', 'Location', 'Replay-Nonce']) assert.ok(exposed.includes(name));
  }
});

test('revocation reasons 7 and above 10 are badRevocationReason, and twice is alreadyRevoked', () => {
  const client = registered();
  const { pem } = client.certificate(['a.example.com']);
  for (const reason of [7, 11, 255]) {
    refused(client.revoke(pem, { reason }), 'badRevocationReason', /reason/);
  }
  accepted(client.revoke(pem, { reason: 1 }));
  refused(client.revoke(pem, { reason: 1 }), 'alreadyRevoked', /before/);
});

test('a certificate of another CA is refused before it is looked for', () => {
  const client = registered();
  const certificate = toBase64Url(toUtf8('{"issuer":"elsewhere"}'));
  refused(client.post('/acme/revoke-cert', { certificate }), 'malformed', /no certificate/);
});

test.run();
