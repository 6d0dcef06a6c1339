import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { first } from '../crdt/lattice.ts';
import { Client, path } from '../testing/client.ts';
import { accepted } from '../testing/expect.ts';
import { Rig } from '../testing/rig.ts';
import type { Draft } from '../transaction.ts';
import { ReusableAuthorizations } from './reuse.ts';

const HOUR_MS = 3_600_000;

function indexOf(limit: number): ReusableAuthorizations {
  return new ReusableAuthorizations(limit, 65_536);
}

function authorization(id: string, value: string, status = 'valid', expiresMs = 100): Draft {
  const made = { account: 'me', identifier: { type: 'dns', value }, wildcard: false, expiresMs };
  return { kind: 'authorization', id, fields: { made: first('1-0-a', made), status } };
}

test('before everything was shown to it there may be more than it finds', () => {
  const index = indexOf(4);
  assert.ok(index.mayHaveMore('me', 'dns:a', Number.MAX_SAFE_INTEGER));
  index.markLoaded();
  assert.not(index.mayHaveMore('me', 'dns:a', 0));
});

test('what is pending, invalid or expired is not found', () => {
  const index = indexOf(4);
  index.write(authorization('1', 'a', 'pending'), 0);
  index.write(authorization('2', 'b', 'invalid'), 0);
  index.write(authorization('3', 'c', 'valid', 50), 50);
  for (const name of ['a', 'b', 'c']) assert.is(index.find('me', `dns:${name}`), undefined);
});

test('what is found belongs to the account and the name', () => {
  const index = indexOf(4);
  index.write(authorization('1', 'a'), 0);
  assert.is(index.find('me', 'dns:a'), '1');
  assert.is(index.find('you', 'dns:a'), undefined);
  assert.is(index.find('me', 'ip:a'), undefined);
  assert.is(index.find('me', 'dns:*.a'), undefined);
});

test('what is no longer valid is no longer found', () => {
  const index = indexOf(4);
  index.write(authorization('1', 'a'), 0);
  index.write(authorization('1', 'a', 'deactivated'), 0);
  assert.is(index.find('me', 'dns:a'), undefined);
});

test('when one of two valid ones goes, the other is still found', () => {
  const index = indexOf(4);
  index.write(authorization('1', 'a', 'valid', 200), 0);
  index.write(authorization('2', 'a', 'valid', 100), 0);
  assert.is(index.find('me', 'dns:a'), '1', 'the one that lasts longer');
  index.write(authorization('1', 'a', 'deactivated', 200), 0);
  assert.is(index.find('me', 'dns:a'), '2');
  index.write(authorization('2', 'a', 'deactivated', 100), 0);
  assert.is(index.find('me', 'dns:a'), undefined);
});

test('beyond the bound the oldest goes, and is asked for until it would expire', () => {
  const index = indexOf(2);
  index.markLoaded();
  index.write(authorization('1', 'a', 'valid', 70), 0);
  index.write(authorization('2', 'b', 'valid', 90), 0);
  index.write(authorization('3', 'c', 'valid', 90), 0);
  assert.is(index.find('me', 'dns:a'), undefined);
  assert.is(index.find('me', 'dns:c'), '3');
  assert.ok(index.mayHaveMore('me', 'dns:a', 69));
  assert.not(index.mayHaveMore('me', 'dns:a', 70));
  for (const name of ['dns:b', 'dns:c', 'dns:d']) assert.not(index.mayHaveMore('me', name, 69));
  assert.not(index.mayHaveMore('you', 'dns:a', 69));
});

test('what is dropped while the index is being filled is asked for', () => {
  const index = indexOf(1);
  index.write(authorization('1', 'a', 'valid', 70), 0);
  index.write(authorization('2', 'b', 'valid', 70), 0);
  index.markLoaded();
  assert.ok(index.mayHaveMore('me', 'dns:a', 69), 'it was dropped and is still valid');
  assert.not(index.mayHaveMore('me', 'dns:b', 69));
});

test('many valid ones of one name count towards the bound', () => {
  const index = indexOf(8);
  index.markLoaded();
  for (let i = 0; i < 9; i++) index.write(authorization(`${i}`, 'a'), 0);
  assert.is(index.find('me', 'dns:a'), undefined);
  assert.ok(index.mayHaveMore('me', 'dns:a', 0));
});

test('a drop after everything dropped has expired begins a new filter', () => {
  const index = indexOf(1);
  index.markLoaded();
  index.write(authorization('1', 'a', 'valid', 70), 0);
  index.write(authorization('2', 'b', 'valid', 170), 0);
  index.write(authorization('3', 'c', 'valid', 190), 100);
  assert.ok(index.mayHaveMore('me', 'dns:b', 169));
  assert.not(index.mayHaveMore('me', 'dns:a', 169), 'it had expired before');
});

test('what passes in bulk is asked for, and changes what is known', () => {
  const index = indexOf(2);
  index.markLoaded();
  index.write(authorization('1', 'a', 'valid', 70), 0);
  index.pass(authorization('1', 'a', 'revoked', 70), 0);
  assert.is(index.find('me', 'dns:a'), undefined);
  assert.not(index.mayHaveMore('me', 'dns:a', 69));
  index.pass(authorization('2', 'b', 'valid', 70), 0);
  index.pass(authorization('3', 'c', 'pending', 70), 0);
  assert.is(index.find('me', 'dns:b'), undefined);
  assert.ok(index.mayHaveMore('me', 'dns:b', 69));
  assert.not(index.mayHaveMore('me', 'dns:c', 69));
});

test('RFC 8555 §7.1.4: a valid authorization is reused for a new order of its account', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const before = client.order(['a.example.com']).body;
  client.prove(before);
  const { body } = client.order(['a.example.com', 'b.example.com']);
  assert.is(body['authorizations'][0], before['authorizations'][0]);
  assert.is(body['status'], 'pending');
  assert.is(client.order(['a.example.com']).body['status'], 'ready');
});

test('RFC 8555 §7.1.4: authorizations are not shared between accounts, nor by wildcards', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  client.certificate(['a.example.com']);
  assert.is(Client.registered(rig).order(['a.example.com']).body['status'], 'pending');
  assert.is(client.order(['*.a.example.com']).body['status'], 'pending');
  const wildcard = client.order(['*.b.example.com']).body;
  client.prove(wildcard, 'dns-01');
  assert.is(client.order(['b.example.com']).body['status'], 'pending');
  assert.is(client.order(['*.b.example.com']).body['status'], 'ready');
});

test('RFC 8555 §7.5.2: what was deactivated or has expired is not reused', () => {
  const rig = new Rig();
  const client = Client.registered(rig);
  const order = client.order(['a.example.com', 'b.example.com']).body;
  client.prove(order);
  client.post(path(order['authorizations'][0]), { status: 'deactivated' });
  assert.is(client.order(['a.example.com']).body['status'], 'pending');
  assert.is(client.order(['b.example.com']).body['status'], 'ready');
  rig.advance(25 * HOUR_MS);
  assert.is(client.order(['b.example.com']).body['status'], 'pending');
});

test('a pending authorization is not shared between orders', () => {
  const client = Client.registered(new Rig());
  const [one, two] = [client.order(['a.example.com']).body, client.order(['a.example.com']).body];
  assert.is.not(one['authorizations'][0], two['authorizations'][0]);
});

test('when the validation used last is deactivated, the one before it is reused', () => {
  const client = Client.registered(new Rig());
  const [one, two] = [client.order(['a.example.com']).body, client.order(['a.example.com']).body];
  client.prove(one);
  client.prove(two);
  accepted(client.post(path(two['authorizations'][0]), { status: 'deactivated' }));
  assert.is(client.order(['a.example.com']).body['status'], 'ready');
});

test.run();
