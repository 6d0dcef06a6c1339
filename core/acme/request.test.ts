import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebRequest } from '../input.ts';
import { Client, path, type Reply, read } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, Rig } from '../testing/rig.ts';

function registered(): Client {
  return Client.registered(new Rig());
}

/** A good look at the account, with something about the HTTP request changed. */
function look(client: Client, change: Partial<WebRequest>): Reply {
  const target = path(client.kid);
  const body = JSON.stringify(client.jws(target, undefined));
  const web = { method: 'POST', target, contentType: 'application/jose+json', body, ...change };
  return read(client.rig.request(web).response!);
}

test('RFC 8555 §6.2: another media type is 415', () => {
  const client = registered();
  for (const contentType of ['', 'application/json', 'text/plain', 'application/jose']) {
    refused(look(client, { contentType }), 'malformed', /application\/jose\+json/, 415);
  }
});

test('a body that is too large is 413, one that is not UTF-8 is 400', () => {
  const client = registered();
  refused(look(client, { body: { fault: 'too large' } }), 'malformed', /too large/, 413);
  refused(look(client, { body: { fault: 'not UTF-8' } }), 'malformed', /not UTF-8/, 400);
});

test('RFC 8555 §6.4: a url that is not the one asked for is unauthorized', () => {
  const client = registered();
  const target = path(client.kid);
  const urls = [
    `${BASE_URL}/acme/new-order`,
    `${client.kid}/`,
    `${client.kid}?x`,
    client.kid.replace('https', 'http'),
    client.kid.replace('ca.test', 'CA.test'),
    client.kid.replace('ca.test', 'ca.test:443'),
    target,
    '',
  ];
  for (const url of urls) {
    refused(client.post(target, undefined, { header: { url } }), 'unauthorized', /"url" is/);
  }
  const withQuery = `${target}?x=1`;
  const reply = client.post(withQuery, undefined, { header: { url: client.kid } });
  refused(reply, 'unauthorized', /went to "https:\/\/ca\.test.*\?x=1"/);
  accepted(client.post(withQuery, undefined));
});

test('RFC 8555 §6.5: a nonce that is missing, not ours, or used is badNonce', () => {
  const client = registered();
  const target = path(client.kid);
  const used = client.nonce();
  accepted(client.post(target, undefined, { nonce: used }));
  for (const nonce of [used, '', 'AAAA', used.slice(1), `${used}AAAA`]) {
    refused(client.post(target, undefined, { nonce }), 'badNonce', /./);
  }
  const none = client.post(target, undefined, { header: { nonce: undefined } });
  refused(none, 'badNonce', /no nonce/);
});

test('RFC 8555 §6.5: a request whose signature fails does not use up its nonce', () => {
  const client = registered();
  const target = path(client.kid);
  const nonce = client.nonce();
  const signature = new Client(client.rig).jws(target, undefined)['signature'];
  refused(client.post(target, undefined, { nonce, signature }), 'malformed', /does not verify/);
  accepted(client.post(target, undefined, { nonce }));
});

test('RFC 8555 §6.5: a request that is refused after its signature held uses up its nonce', () => {
  const client = registered();
  const nonce = client.nonce();
  refused(client.post('/acme/new-order', {}, { nonce }), 'malformed', /identifiers/);
  refused(client.post('/acme/new-order', {}, { nonce }), 'badNonce', /used before/);
});

test('RFC 8555 §6.5: a nonce of before a restart is badNonce, with one that works', () => {
  const client = registered();
  const nonce = client.nonce();
  client.rig = new Rig({ database: client.rig.database });
  const reply = client.post(path(client.kid), undefined, { nonce });
  refused(reply, 'badNonce', /restarted/);
  const fresh = reply.header('replay-nonce')!;
  accepted(client.post(path(client.kid), undefined, { nonce: fresh }));
});

test('RFC 8555 §6.5: a nonce is for any client and any resource', () => {
  const client = registered();
  const other = Client.registered(client.rig);
  const reply = other.post(path(other.kid), undefined);
  const nonce = reply.header('replay-nonce')!;
  accepted(client.post('/acme/new-order', order('a.example.com'), { nonce }), 201);
});

test('RFC 8555 §6.5: a nonce of a day ago is too old, one of 23 hours ago is fine', () => {
  const client = registered();
  const [fresh, old] = [client.nonce(), client.nonce()];
  client.rig.advance(23 * 3_600_000);
  accepted(client.post(path(client.kid), undefined, { nonce: fresh }));
  client.rig.advance(3_600_000 + 1_000);
  refused(client.post(path(client.kid), undefined, { nonce: old }), 'badNonce', /too old/);
});

test('RFC 8555 §6.2: kid where jwk is needed, and the other way round, is malformed', () => {
  const client = registered();
  const header = { jwk: client.jwk };
  const byKid = client.post('/acme/new-account', {});
  refused(byKid, 'malformed', /signed with "jwk", not "kid"/);
  for (const target of [path(client.kid), '/acme/new-order', '/acme/key-change']) {
    refused(client.post(target, {}, { header }), 'malformed', /signed with "kid", not "jwk"/);
  }
});

test('RFC 8555 §6.2: a key that is no key is badPublicKey', () => {
  const client = new Client(new Rig());
  const { x, y, ...rest } = client.jwk;
  const keys = [
    {},
    { kty: 'EC' },
    { ...rest, x },
    { ...client.jwk, y: x },
    { kty: 'oct', k: 'AA' },
  ];
  for (const jwk of keys) {
    refused(client.post('/acme/new-account', {}, { header: { jwk } }), 'badPublicKey', /./);
  }
  assert.is(typeof y, 'string');
});

test('RFC 8555 §6.2: a signature of another key does not verify, by kid and by jwk', () => {
  const client = registered();
  const other = new Client(client.rig);
  const { kid } = client;
  refused(other.post(path(kid), undefined, { header: { kid } }), 'malformed', /not verify/);
  const register = other.post('/acme/new-account', {}, { header: { jwk: client.jwk } });
  refused(register, 'malformed', /not verify/);
});

test('RFC 8555 §6.3: POST-as-GET and a payload are told apart', () => {
  const client = registered();
  const order_ = client.post('/acme/new-order', order('a.example.com'));
  const targets = [path(order_.header('location')!), `${path(client.kid)}/orders`];
  for (const target of targets) {
    refused(client.post(target, {}), 'malformed', /payload must be empty/);
    accepted(client.post(target, undefined));
  }
  const needObject = [
    '/acme/new-order',
    '/acme/new-authz',
    '/acme/revoke-cert',
    '/acme/key-change',
  ];
  for (const target of needObject) {
    refused(client.post(target, undefined), 'malformed', /needs a JSON object/);
  }
  const header = { jwk: client.jwk };
  const empty = client.post('/acme/new-account', undefined, { header });
  refused(empty, 'malformed', /needs a JSON object/);
});

function order(value: string): { readonly identifiers: readonly object[] } {
  return { identifiers: [{ type: 'dns', value }] };
}

test.run();
