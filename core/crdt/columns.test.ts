import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { columnsOf, meets, type Selection } from './columns.ts';
import { first, last } from './lattice.ts';
import type { Json, Record } from './record.ts';

const AT = '000000000001-0000-a';

function record(kind: string, made: Json, fields: Record['fields'] = {}): Record {
  const dot = { origin: 'a.1', seq: 1 };
  return { kind, id: 'id', fields: { made: first(AT, made), ...fields }, dot };
}

const ORDER = record(
  'order',
  {
    account: 'me',
    identifiers: [
      { type: 'dns', value: 'a.example' },
      { type: 'ip', value: '::1' },
    ],
    expiresMs: 100,
  },
  { status: 'pending' },
);

test('a record of an unknown kind or of odd content has no columns, and is no error', () => {
  const dot = { origin: 'a.1', seq: 1 };
  assert.equal(columnsOf({ kind: 'future', id: 'x', fields: {}, dot }), {});
  for (const made of [null, 1, 'text', [], { value: null }]) {
    assert.equal(columnsOf({ kind: 'order', id: 'x', fields: { made }, dot }), {});
  }
  const odd = { account: 1, identifiers: 'none', expiresMs: '5' };
  assert.equal(columnsOf(record('order', odd, { status: 7 })), {});
  assert.equal(columnsOf(record('order', { identifiers: [null, 1, { value: 2 }] })), {
    name: ',,',
  });
});

test('an order has its account, names, status and expiry', () => {
  const expected = { owner: 'me', name: 'a.example,::1', state: 'pending', expiresMs: 100 };
  assert.equal(columnsOf(ORDER), expected);
});

test('an authorization has its one name, with the star of a wildcard', () => {
  const identifier = { type: 'dns', value: 'a.example' };
  const plain = record('authorization', { account: 'me', identifier, wildcard: false });
  assert.is(columnsOf(plain).name, 'a.example');
  const wildcard = record('authorization', { account: 'me', identifier, wildcard: true });
  assert.is(columnsOf(wildcard).name, '*.a.example');
});

test('an authorization with a challenge under way counts as processing, until it is decided', () => {
  const busy = { status: 'pending', 'http-01': 'processing' };
  assert.is(columnsOf(record('authorization', {}, busy)).state, 'processing');
  const decided = { status: 'valid', 'http-01': 'valid', 'dns-01': 'processing' };
  assert.is(columnsOf(record('authorization', {}, decided)).state, 'valid');
  const deactivated = { status: 'deactivated', 'http-01': 'processing' };
  assert.is(columnsOf(record('authorization', {}, deactivated)).state, 'deactivated');
});

test('an account is found by the thumbprint of its key', () => {
  const key = last(undefined, AT, { thumbprint: 'abc' });
  const account = record('account', { createdMs: 1 }, { status: 'valid', key });
  assert.equal(columnsOf(account), { name: 'abc', state: 'valid' });
});

test('a certificate expires when it ends', () => {
  const made = { account: 'me', identifiers: [{ type: 'dns', value: 'a' }], notAfterMs: 9 };
  const columns = columnsOf(record('certificate', made, { status: 'revoked' }));
  assert.equal(columns, { owner: 'me', name: 'a', state: 'revoked', expiresMs: 9 });
});

test('every given condition of a selection must hold', () => {
  const cases: [boolean, Omit<Selection, 'limit'>][] = [
    [false, { kind: 'authorization' }],
    [false, { kind: 'order', owner: 'you' }],
    [false, { kind: 'order', name: 'a.example' }],
    [false, { kind: 'order', state: 'valid' }],
    [false, { kind: 'order', expiresBeforeMs: 100 }],
    [false, { kind: 'order', expiresAfterMs: 100 }],
    [false, { kind: 'order', owner: 'me', state: 'valid' }],
    [true, { kind: 'order' }],
    [true, { kind: 'order', owner: 'me', name: 'a.example,::1', state: 'pending' }],
    [true, { kind: 'order', expiresBeforeMs: 101 }],
    [true, { kind: 'order', expiresAfterMs: 99 }],
  ];
  for (const [expected, selection] of cases) {
    assert.is(meets(ORDER, { ...selection, limit: 1 }), expected, JSON.stringify(selection));
  }
});

test('what has no expiry is never before nor after a moment', () => {
  const forever = record('account', {});
  assert.not(meets(forever, { kind: 'account', expiresBeforeMs: 1e15, limit: 1 }));
  assert.not(meets(forever, { kind: 'account', expiresAfterMs: -1e15, limit: 1 }));
});

test.run();
