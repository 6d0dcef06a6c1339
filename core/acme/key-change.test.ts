import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, type JsonBody, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, Rig } from '../testing/rig.ts';

interface Pair {
  readonly client: Client;
  readonly next: Client;
}

function pair(): Pair {
  const rig = new Rig();
  return { client: Client.registered(rig), next: new Client(rig) };
}

/** Changes the key of `client`'s account to that of `next`, which then speaks for the account. */
function change(client: Client, next: Client): void {
  accepted(client.post('/acme/key-change', client.keyChange(next)));
  next.kid = client.kid;
}

test('RFC 8555 §7.3.5: an inner JWS of another form is malformed', () => {
  const { client, next } = pair();
  const [other, kid] = [`${BASE_URL}/acme/new-order`, client.kid];
  const good = client.keyChange(next);
  const wrong: [payload: JsonBody, detail: RegExp][] = [
    [{}, /is missing or not a string/],
    [{ ...good, header: {} }, /unprotected/],
    [client.keyChange(next, { url: other }), /"url" differ/],
    [client.keyChange(next, { nonce: 'AAAA' }), /must not carry a "nonce"/],
    [client.keyChange(next, { kid }), /not both/],
    [client.keyChange(next, { jwk: undefined, kid }), /must carry the new key/],
    [client.keyChange(next, { jwk: undefined }), /needs "jwk" or "kid"/],
    [client.keyChange(next, { alg: 'ES384' }), /this key signs with ES256/],
    [client.keyChange(next, { jwk: client.jwk }), /signature does not verify/],
    [{ ...good, signature: client.keyChange(client)['signature'] }, /signature does not verify/],
    [{ ...good, payload: '' }, /signature does not verify/],
  ];
  for (const [payload, detail] of wrong) {
    refused(client.post('/acme/key-change', payload), 'malformed', detail);
  }
});

test('RFC 8555 §7.3.5: an inner payload that names another account or old key is malformed', () => {
  const { client, next } = pair();
  const other = Client.registered(client.rig);
  const wrong: [inner: JsonBody, detail: RegExp][] = [
    [{ account: other.kid }, /"account" of the inner payload/],
    [{ account: undefined }, /"account" of the inner payload/],
    [{ account: [client.kid] }, /"account" of the inner payload/],
    [{ oldKey: other.jwk }, /"oldKey" is not the key/],
    [{ oldKey: next.jwk }, /"oldKey" is not the key/],
    [{ oldKey: undefined }, /"oldKey" is not the key/],
    [{ oldKey: 'key' }, /"oldKey" is not the key/],
  ];
  for (const [inner, detail] of wrong) {
    refused(
      client.post('/acme/key-change', client.keyChange(next, {}, inner)),
      'malformed',
      detail,
    );
  }
});

test('RFC 8555 §7.3.5: an inner key we do not support is badPublicKey', () => {
  const { client, next } = pair();
  const jwk = { ...next.jwk, x: next.jwk['y'] };
  const reply = client.post('/acme/key-change', client.keyChange(next, { jwk }));
  refused(reply, 'badPublicKey', /./);
});

test('RFC 8555 §6.2: an inner MAC is badSignatureAlgorithm', () => {
  const { client, next } = pair();
  for (const alg of ['HS256', 'none']) {
    const reply = client.post('/acme/key-change', client.keyChange(next, { alg }));
    refused(reply, 'badSignatureAlgorithm', /ES256/);
  }
});

test('RFC 8555 §7.3.5: a key change is signed by the account, not by a bare key', () => {
  const { client, next } = pair();
  const bend = { header: { jwk: client.jwk } };
  const reply = client.post('/acme/key-change', client.keyChange(next), bend);
  refused(reply, 'malformed', /"kid", not "jwk"/);
});

test('RFC 8555 §7.3.5: the key the account has already is refused', () => {
  const { client } = pair();
  const reply = client.post('/acme/key-change', client.keyChange(client));
  refused(reply, 'malformed', /has already/);
});

test('RFC 8555 §7.3.5: a key of another account is 409 with the Location of that account', () => {
  const { client } = pair();
  const other = Client.registered(client.rig);
  const reply = client.post('/acme/key-change', client.keyChange(other));
  refused(reply, 'malformed', /another account has this key/, 409);
  assert.is(reply.header('location'), other.kid);
});

test('RFC 8555 §7.3.5: a key another account changed to is 409 with its Location', () => {
  const { client, next } = pair();
  const other = Client.registered(client.rig);
  change(client, next);
  const reply = other.post('/acme/key-change', other.keyChange(next));
  refused(reply, 'malformed', /another account has this key/, 409);
  assert.is(reply.header('location'), client.kid);
});

test('RFC 8555 §7.3.5: a key of a deactivated account stays taken', () => {
  const { client } = pair();
  const other = Client.registered(client.rig);
  accepted(other.post(path(other.kid), { status: 'deactivated' }));
  const reply = client.post('/acme/key-change', client.keyChange(other));
  refused(reply, 'malformed', /another account has this key/, 409);
});

test('RFC 8555 §7.3.5: a key that another account gave up is refused', () => {
  const { client, next } = pair();
  const other = Client.registered(client.rig);
  change(client, next);
  const reply = other.post('/acme/key-change', other.keyChange(client));
  refused(reply, 'malformed', /replaced before/, 409);
});

test('RFC 8555 §7.3.5: a refused key change changes nothing', () => {
  const { client, next } = pair();
  const before = client.rig.persists;
  client.post('/acme/key-change', client.keyChange(next, {}, { account: 'x' }));
  assert.is(client.rig.persists, before);
  accepted(client.post(path(client.kid), undefined));
});

test('RFC 8555 §7.3.5: after a change the new key has the account and the old one has none', () => {
  const { client, next } = pair();
  const order = client.order(['a.example.com']).header('location')!;
  change(client, next);
  accepted(next.post(path(order), undefined));
  refused(client.post(path(order), undefined), 'malformed', /signature does not verify/);
  assert.is(accepted(next.register()).header('location'), client.kid);
});

test('RFC 8555 §7.3.5: the old key makes no new account and finds none', () => {
  const { client, next } = pair();
  change(client, next);
  refused(client.register(), 'unauthorized', /replaced by a key change/);
  refused(client.register({ onlyReturnExisting: true }), 'accountDoesNotExist', /no account/);
});

test('RFC 8555 §7.3.5: what was proven with the old key stays proven', () => {
  const { client, next } = pair();
  const order = client.order(['a.example.com']).body;
  client.prove(order);
  change(client, next);
  assert.is(next.finalize(order).body['status'], 'valid');
});

test('RFC 8555 §7.3.5: an account can go back to its first key', () => {
  const { client, next } = pair();
  change(client, next);
  change(next, client);
  accepted(client.post(path(client.kid), undefined));
  refused(next.post(path(client.kid), undefined), 'malformed', /does not verify/);
  assert.is(accepted(client.register()).header('location'), client.kid);
  refused(next.register(), 'unauthorized', /replaced by a key change/);
});

test('RFC 8555 §7.3.5: an account can go back to any key it had', () => {
  const { client, next } = pair();
  change(client, next);
  change(next, client);
  change(client, next);
  const third = new Client(client.rig);
  change(next, third);
  change(third, next);
  assert.is(accepted(next.register()).header('location'), client.kid);
  refused(third.register(), 'unauthorized', /replaced by a key change/);
});

test('RFC 8555 §7.3.5: keys survive a restart', () => {
  const { client, next } = pair();
  change(client, next);
  const rig = new Rig({ database: client.rig.database });
  for (const each of [client, next]) each.rig = rig;
  assert.is(accepted(next.register()).header('location'), client.kid);
  refused(client.register(), 'unauthorized', /replaced/);
});

test('RFC 8555 §6.2: a key with members beyond the required ones is the same key', () => {
  const { client } = pair();
  client.jwk['kid'] = 'mine';
  client.jwk['use'] = 'sig';
  assert.is(accepted(client.register()).header('location'), client.kid);
});

test.run();
