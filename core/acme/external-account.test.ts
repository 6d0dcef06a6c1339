import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Client, path } from '../testing/client.ts';
import { accepted, refused } from '../testing/expect.ts';
import { BASE_URL, Rig } from '../testing/rig.ts';

const SECRET = new Uint8Array(32).fill(5);
const KEYS = new Map([
  ['key-1', SECRET],
  ['key-2', new Uint8Array(64).fill(6)],
]);

function rigWithKeys(isRequired = true): Rig {
  return new Rig({ policy: { externalAccountRequired: isRequired, eabKeys: KEYS } });
}

test('RFC 8555 §7.3.4: without a binding where one is required there is no account', () => {
  const rig = rigWithKeys();
  refused(new Client(rig).register(), 'externalAccountRequired', /externalAccountBinding/);
  assert.is(rig.persists, 0);
  assert.is(new Client(rig).get('/acme/directory').body['meta'].externalAccountRequired, true);
});

test('RFC 8555 §7.3.4: a binding with an unknown key or a wrong MAC is unauthorized', () => {
  const client = new Client(rigWithKeys());
  const wrong: [binding: object, detail: RegExp][] = [
    [client.binding('key-9', SECRET), /key is unknown/],
    [client.binding('toString', SECRET), /key is unknown/],
    [client.binding('', SECRET), /key is unknown/],
    [client.binding('key-1', new Uint8Array(32)), /does not verify/],
    [client.binding('key-2', SECRET), /does not verify/],
    [{ ...client.binding('key-1', SECRET), signature: 'AA' }, /does not verify/],
  ];
  for (const [externalAccountBinding, detail] of wrong) {
    refused(client.register({ externalAccountBinding }), 'unauthorized', detail);
  }
});

test('RFC 8555 §7.3.4: a binding of another form is malformed', () => {
  const client = new Client(rigWithKeys());
  const [one, url] = ['key-1', `${BASE_URL}/acme/new-order`];
  const { kid: _, ...noKid } = { kid: undefined };
  const wrong: [binding: unknown, detail: RegExp][] = [
    ['text', /not a JWS object/],
    [null, /not a JWS object/],
    [[], /not a JWS object/],
    [{}, /is missing or not a string/],
    [client.binding(one, SECRET, { url }), /"url" differ/],
    [client.binding(one, SECRET, { nonce: 'AAAA' }), /must not carry a "nonce"/],
    [client.binding(one, SECRET, { jwk: client.jwk }), /not both/],
    [client.binding(one, SECRET, { crit: ['b64'] }), /"crit"/],
    [client.binding(one, SECRET, { ...noKid, kid: 7 }), /"kid"/],
    [new Client(client.rig).binding(one, SECRET), /another account key/],
    [{ ...client.binding(one, SECRET), header: {} }, /unprotected/],
  ];
  for (const [externalAccountBinding, detail] of wrong) {
    refused(client.register({ externalAccountBinding }), 'malformed', detail);
  }
});

test('RFC 8555 §7.3.4: a binding signed as if it were a request is badSignatureAlgorithm', () => {
  const client = new Client(rigWithKeys());
  for (const alg of ['ES256', 'none', 'HS1', 'hs256']) {
    const externalAccountBinding = client.binding('key-1', SECRET, { alg });
    const reply = client.register({ externalAccountBinding });
    refused(reply, 'badSignatureAlgorithm', /HS256/);
    assert.equal(reply.body['algorithms'], ['HS256', 'HS384', 'HS512']);
  }
});

test('RFC 8555 §7.3.4: HS256, HS384 and HS512 bind, and the account shows the binding', () => {
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const client = new Client(rigWithKeys());
    const externalAccountBinding = client.binding('key-1', SECRET, { alg });
    const reply = accepted(client.register({ externalAccountBinding }), 201);
    assert.equal(reply.body['externalAccountBinding'], externalAccountBinding, alg);
    const shown = client.post(path(client.kid), undefined).body;
    assert.equal(shown['externalAccountBinding'], externalAccountBinding);
  }
});

test('RFC 8555 §7.3.4: a key binds one account, and a refused request does not use it up', () => {
  const rig = rigWithKeys();
  const [client, other] = [new Client(rig), new Client(rig)];
  const contact = ['tel:1'];
  const externalAccountBinding = client.binding('key-1', SECRET);
  refused(client.register({ externalAccountBinding, contact }), 'unsupportedContact', /mailto/);
  accepted(client.register({ externalAccountBinding }), 201);
  const again = other.register({ externalAccountBinding: other.binding('key-1', SECRET) });
  refused(again, 'unauthorized', /used before/);
  const second = other.binding('key-2', KEYS.get('key-2')!);
  accepted(other.register({ externalAccountBinding: second }), 201);
});

test('RFC 8555 §7.3.4: a key stays used after a restart', () => {
  const rig = rigWithKeys();
  const client = new Client(rig);
  client.register({ externalAccountBinding: client.binding('key-1', SECRET) });
  const { policy, database } = rig;
  const other = new Client(new Rig({ policy, database }));
  const reply = other.register({ externalAccountBinding: other.binding('key-1', SECRET) });
  refused(reply, 'unauthorized', /used before/);
});

test('RFC 8555 §7.3.4: a known key needs no binding', () => {
  const client = new Client(rigWithKeys());
  client.register({ externalAccountBinding: client.binding('key-1', SECRET) });
  accepted(client.register());
});

test('RFC 8555 §7.3.4: a binding that is not required is checked all the same', () => {
  const client = new Client(rigWithKeys(false));
  const externalAccountBinding = client.binding('key-1', new Uint8Array(32));
  refused(client.register({ externalAccountBinding }), 'unauthorized', /does not verify/);
  accepted(client.register(), 201);
});

test.run();
